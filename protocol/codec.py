"""Bytes to frames and back: the only parser of client input.

Decoding never raises anything but :class:`MalformedFrameError` (the connection must end) and
:class:`Refusal` (this command is answered with a nack).
"""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from protocol.commands import COMMANDS, AnyCommand
from protocol.errors import MalformedFrameError, Refusal
from protocol.events import EVENTS, AnyEvent
from protocol.frames import ClientFrame, CommandFrame, LogEvent, ServerFrame
from protocol.limits import FRAME_BYTES
from protocol.snapshot import State
from protocol.upcast import NoStepError, upcast

_client: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
_server: msgspec.json.Decoder[ServerFrame] = msgspec.json.Decoder(ServerFrame)
_encoder = msgspec.json.Encoder()
_commands = {op: msgspec.json.Decoder(kind) for op, kind in COMMANDS.items()}
_events = {name: msgspec.json.Decoder(kind) for name, kind in EVENTS.items()}

_EPOCH = datetime.fromtimestamp(0, UTC)
_MISSING = re.compile(r"(?:missing required field|unknown field) `(?P<name>[^`]+)`")


_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises: not JSON or not of the type, not UTF-8, nested too deeply."""


class RefusedFrame(Exception):
    """A command frame that can be answered but not performed."""

    def __init__(self, id_: int, key: str, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.id = id_
        self.key = key
        self.refusal = refusal


def decode_client(data: bytes) -> ClientFrame:
    """Return the frame that a client sent.

    Raises:
        MalformedFrameError: If it is too long, not a JSON object, or of no known type.
        RefusedFrame: If it is a command with an id whose other fields do not hold.

    """
    if len(data) > FRAME_BYTES:
        raise MalformedFrameError(f"a frame holds at most {FRAME_BYTES} bytes")
    try:
        return _client.decode(data)
    except _UNREADABLE as error:
        raise _refused(data, error) from None


def decode_command(frame: CommandFrame) -> AnyCommand:
    """Return the typed command of a frame.

    Raises:
        Refusal: ``unknown_op``, or ``bad_request`` naming the field.

    """
    decoder = _commands.get(frame.op)
    if decoder is None:
        raise Refusal("unknown_op", f"There is no operation “{printable(frame.op)}”.", field="op")
    raw = bytes(frame.data)
    try:
        return decoder.decode(raw)
    except _UNREADABLE as error:
        raise bad_request(error, raw, "data") from None


def decode_event(
    kind: str, data: bytes | msgspec.Raw, version: int | None = None
) -> AnyEvent | None:
    """Return the typed event, or None for a type that this version does not know.

    ``version`` is the one that ``data`` has in the log; None stands for today's.

    Raises:
        MalformedFrameError: If the data is not that of its type and version.

    """
    decoder = _events.get(kind)
    if decoder is None:
        return None
    current = EVENTS[kind].version
    try:
        if version is not None and version < current:
            old = msgspec.json.decode(data, type=dict[str, Any])
            data = _encoder.encode(upcast(kind, version, current, old))
        return decoder.decode(data)
    except (*_UNREADABLE, NoStepError) as error:
        raise MalformedFrameError(f"{kind}: {error}") from None


def decode_server(data: bytes | str) -> ServerFrame:
    """Return the frame that a server sent.

    Raises:
        MalformedFrameError: If it is none of the known ones.

    """
    try:
        return _server.decode(data)
    except _UNREADABLE as error:
        raise MalformedFrameError(str(error)) from None


def encode(frame: ServerFrame | ClientFrame) -> bytes:
    """Return the frame as JSON bytes."""
    return _encoder.encode(frame)


def encode_event(
    *, sequence: int, kind: str, version: int, at: str, by: str | None, key: str | None, data: bytes
) -> bytes:
    """Return one event as JSON, with ``data`` spliced in as it is, unparsed."""
    event = LogEvent(
        sequence, kind, version, at, by, msgspec.Raw(data), msgspec.UNSET if key is None else key
    )
    return _encoder.encode(event)


def encode_events(first: int, last: int, events: Iterable[bytes]) -> bytes:
    """Return the ``events`` frame of the range ``first``…``last`` around encoded events."""
    return b'{"type":"events","from":%d,"to":%d,"events":[%b]}' % (first, last, b",".join(events))


def encode_state(state: State) -> bytes:
    """Return the state of a view as it stands in a ``snapshot`` frame."""
    return _encoder.encode(state)


def encode_snapshot(sequence: int, state: bytes) -> bytes:
    """Return the ``snapshot`` frame at ``sequence`` around an encoded state."""
    return b'{"type":"snapshot","sequence":%d,"state":%b}' % (sequence, state)


def timestamp(milliseconds: int) -> str:
    """Return the time on the wire: RFC 3339, UTC, three decimals.

    Times of one form compare as text in the order of time.
    """
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    # Kept: each batch of each class asks for the same second, and this takes 10 µs.
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def milliseconds(moment: str) -> int:
    """Return the time of :func:`timestamp` as milliseconds since the epoch.

    Raises:
        ValueError: If it is no time, as 30 February.

    """
    since = datetime.fromisoformat(moment) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def printable(text: str) -> str:
    """Return ``text`` short and without anything that could break a log line or a frame."""
    return "".join(c if c.isprintable() else "�" for c in text[:40])


def bad_request(error: Exception, raw: bytes, whole: str = "body") -> Refusal:
    """Return the refusal that names the field at fault and says what was expected there.

    ``raw`` is the JSON it was decoded from, ``whole`` what to call it where no field is at fault.
    """
    if (path := _unstorable(raw)) is not None:
        text = "Text may hold neither U+0000 nor half of a surrogate pair."
        return Refusal("bad_request", text, field=path or whole)
    if isinstance(error, msgspec.ValidationError):
        what, _, path = str(error).partition(" - at `$")
        path = path.rstrip("`").lstrip(".")
        if missing := _MISSING.search(what):
            path = f"{path}.{missing['name']}".lstrip(".")
        if "matching regex" in what:
            what = "Not in the form that is expected here, or empty"
        return Refusal("bad_request", f"{what}.", field=path or whole)
    return Refusal("bad_request", "Not valid JSON.", field=whole)


def _refused(data: bytes, error: Exception) -> MalformedFrameError | RefusedFrame:
    """Decide whether what could not be decoded can still be answered."""
    try:
        # As text: given bytes, it would take UTF-16 and UTF-32, too.
        frame = json.loads(data.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return MalformedFrameError("not valid JSON")
    if not isinstance(frame, dict):
        return MalformedFrameError("a frame is a JSON object")
    number, key = frame.get("id"), frame.get("key")
    if frame.get("type") != "command" or type(number) is not int or not 0 <= number < 2**53:
        return MalformedFrameError(str(error))
    shown = printable(key) if isinstance(key, str) else ""
    refusal = bad_request(error, data, "command")
    refusal.field = (refusal.field or "").removeprefix("data.")  # as when only the data is at fault
    return RefusedFrame(number, shown, refusal)


def _unstorable(raw: bytes) -> str | None:
    """Return the path of the first string that PostgreSQL or UTF-8 cannot hold, or None."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    stack: list[tuple[str, Any]] = [("", value)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict):
            for name, inner in value.items():
                if _is_unstorable(name):
                    return path.lstrip(".")
                stack.append((f"{path}.{name}", inner))
        elif isinstance(value, list):
            stack += [(f"{path}[{index}]", inner) for index, inner in enumerate(value)]
        elif isinstance(value, str) and _is_unstorable(value):
            return path.lstrip(".")
    return None


def _is_unstorable(text: str) -> bool:
    return "\0" in text or any("\ud800" <= char <= "\udfff" for char in text)
