"""What may come of a frame, read from the protocol alone.

It shares no code with the server's decoder: where both are wrong in the same way, nobody notices.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from protocol.errors import CloseCode
from protocol.frames import ClientFrame
from protocol.limits import FRAME_BYTES

PROTOCOL_ERROR: Final = frozenset((int(CloseCode.PROTOCOL_ERROR),))
_IDS = range(2**53)
_DEEP = 200
_ID = re.compile(rb'"id"\s*:\s*(\d+)')
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(ClientFrame)


@dataclass(frozen=True, slots=True)
class Due:
    """The lawful consequences of a frame; at least one of them must come."""

    ids: frozenset[int] = frozenset()
    """An answer with one of these ids."""
    codes: frozenset[int] = frozenset()
    """The end, with one of these close codes."""
    silence: bool = False
    """Nothing at all."""
    is_cut: bool = False
    """The connection may be lost before its close frame is read."""
    claims: int | None = None
    """A position that the frame says to be at."""
    pongs: int = 0
    """So many answers to pings."""
    spare_pongs: int = 0
    """So many that may come or not."""
    is_hello: bool = False
    """A welcome."""


NOTHING: Final = Due(silence=True)
ENDS: Final = Due(codes=PROTOCOL_ERROR)


def due(payload: bytes) -> Due:
    """Return what may come of a text frame after the hello."""
    if len(payload) > FRAME_BYTES:
        return ENDS
    try:
        frame = json.loads(payload.decode(), object_pairs_hook=_object, parse_constant=_no_constant)
    except (_Grey, UnicodeDecodeError, RecursionError):
        return _grey(payload)
    except ValueError:
        return ENDS
    if not isinstance(frame, _Object):
        return ENDS
    if frame.depth > _DEEP or frame.repeated & {"type", "id"}:
        return _grey(payload)
    kind = frame.get("type")
    if kind == "command":
        return _command(frame)
    if kind == "hello" or not isinstance(kind, str):
        return ENDS
    try:
        _decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ENDS
    match kind:
        case "ping":
            return Due(silence=True, pongs=1)
        case "resync":
            return Due(silence=True, claims=frame["sequence"])
        case "token":
            return Due(codes=frozenset((int(CloseCode.TOKEN_INVALID),)), silence=True)
        case "signal":
            return Due(codes=PROTOCOL_ERROR, silence=True)
        case _:
            return NOTHING


def _command(frame: dict[str, Any]) -> Due:
    number = frame.get("id")
    if type(number) is int and number in _IDS:
        return Due(ids=frozenset((number,)))
    if isinstance(number, float) and number.is_integer():  # JSON knows one kind of number
        return Due(ids=frozenset((int(number),)), codes=PROTOCOL_ERROR)
    return ENDS


def _grey(payload: bytes) -> Due:
    """Return what may come where parsers of JSON lawfully differ: RFC 8259 §4, §9."""
    ids = frozenset(int(found) for found in _ID.findall(payload[:FRAME_BYTES]) if len(found) < 17)
    pings = int(b"ping" in payload)
    return Due(ids=ids, codes=PROTOCOL_ERROR, silence=True, spare_pongs=pings)


class _Grey(Exception):
    pass


class _Object(dict[str, Any]):
    """A JSON object that knows which names came twice, and how deep it is."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.repeated = {name for name in names if names.count(name) > 1}
        self.depth = 1 + max((_depth(value) for _, value in pairs), default=0)


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    return _Object(pairs)


def _depth(value: Any) -> int:
    depth = 0
    while isinstance(value, list):
        depth, value = depth + 1, max(value, key=_depth_one, default=None)
    return depth + (value.depth if isinstance(value, _Object) else 0)


def _depth_one(value: Any) -> int:
    return value.depth if isinstance(value, _Object) else int(isinstance(value, list))


def _no_constant(_name: str) -> None:
    raise _Grey
