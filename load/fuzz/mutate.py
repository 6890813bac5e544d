"""Frames gone wrong: a valid one with one thing changed, in its structure or in its bytes."""

import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any, Final

from protocol.limits import FRAME_BYTES

_DEPTHS: Final = (3, 64, 150, 900, 3000, 30_000)
_STRANGE: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**400,
    0.5, 1.0, -0.0, 1e308, 1e-320, float("nan"), float("inf"), float("-inf"),
    "", " ", "\t\n", "\0", "a\0b", "\ud800", "\udfff", "x\udc00y", "\u202e\u2066", "\ufffe",
    "0", "null", "everyone", "00000000-0000-0000-0000-000000000000",
    "01900000-0000-7000-9000-000000000000\n", "0190000000007000900000000000000", "../../etc/passwd",
    [], {}, [[]], [None], [[[[]]]], {"": {}}, {"\0": 1}, {"\ud800": 1}, {"__proto__": {}},
    ["a"] * 11, list(range(500)), {str(n): n for n in range(200)},
)  # fmt: skip


def mutate(rng: Random, frame: dict[str, Any]) -> bytes:
    """Return the bytes of ``frame`` with something wrong; seldom, with nothing wrong."""
    draw = rng.random()
    if draw < 0.80:
        return _encode(rng, _restructured(rng, copy.deepcopy(frame)))
    if draw < 0.87:
        return _repeated(rng, frame)
    return _broken(rng, _encode(rng, frame))


def _encode(rng: Random, value: Any) -> bytes:
    """Return JSON, at times with raw characters, half surrogate pairs included."""
    text = json.dumps(value, ensure_ascii=rng.random() < 0.6)
    return text.replace('"@deep@"', _deep(rng)).encode("utf-8", "surrogatepass")


def _deep(rng: Random) -> str:
    depth = rng.choice(_DEPTHS)
    if rng.random() < 0.5:
        return "[" * depth + "]" * depth
    depth = min(depth, 10_000)
    return '{"a":' * depth + "0" + "}" * depth


def _restructured(rng: Random, frame: dict[str, Any]) -> dict[str, Any]:
    """Change one place, in the data of a command mostly: there the connection goes on."""
    data = frame.get("data")
    inside = isinstance(data, dict) and data and rng.random() < 0.8
    places = list(_places(data if inside else frame))
    holder, name = rng.choice(places)
    match rng.randrange(8):
        case 0:
            del holder[name]
        case 1 | 2 | 3:
            holder[name] = copy.deepcopy(rng.choice(_STRANGE))
        case 4:
            holder[name] = [holder[name]]
        case 5:
            holder[name] = "@deep@"
        case 6:
            holder[name] = rng.choice(("a", "é", "🙂", "\x07", "\\")) * rng.choice(
                (201, 2001, 5000, FRAME_BYTES)
            )
        case _:
            target = holder if isinstance(holder, dict) else frame
            target[rng.choice(("extra", "", "id", "type", "data", "user", "\0", "a" * 300))] = (
                copy.deepcopy(rng.choice(_STRANGE))
            )
    return frame


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    names = value if isinstance(value, dict) else range(len(value))
    for name in names:
        yield value, name
        if isinstance(value[name], dict | list):
            yield from _places(value[name])


def _repeated(rng: Random, frame: dict[str, Any]) -> bytes:
    """Say one name twice (RFC 8259 §4: what happens then is not said)."""
    name = rng.choice(list(frame))
    value: Any = rng.choice((frame[name], 7, "x", None, {}))
    pairs = [f"{json.dumps(key)}:{json.dumps(each)}" for key, each in frame.items()]
    pairs.insert(rng.randint(0, len(pairs)), f"{json.dumps(name)}:{json.dumps(value)}")
    return ("{" + ",".join(pairs) + "}").encode()


def _broken(rng: Random, data: bytes) -> bytes:
    place = rng.randrange(len(data))
    match rng.randrange(11):
        case 0 | 1:
            return data[:place]
        case 2:
            flipped = bytearray(data)
            for _ in range(rng.randint(1, 6)):
                flipped[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            return bytes(flipped)
        case 3:
            return data[:place] + rng.randbytes(rng.randint(1, 16)) + data[place:]
        case 4:
            return data[:place] + b"\0" + data[place:]
        case 5:
            return data + rng.choice((data, b"}", b",", b" x", b"\0", b"\n\n"))
        case 6:
            return rng.choice((b"\xef\xbb\xbf", b"  \r\n", b"/* */", b"[", b"\x1e")) + data
        case 7:
            return data.replace(b'"', b"'")
        case 8:
            return data.decode("utf-8", "replace").encode(rng.choice(("utf-16", "utf-32")))
        case 9:
            bad = rng.choice(
                (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82")
            )
            return data.replace(b'":"', b'":"' + bad, rng.randint(1, 3))
        case _:
            return rng.choice((
                b"", b"null", b"0", b"[]", b"{}", b'"ping"', b"{" * 3, b" " * 1000, b"NaN",
                b'{"type":"welcome"}', b'{"type":null}', b'{"type":"COMMAND","id":1}',
                b'{"type":["command"]}', b'{"type":"bye","code":4500}',
            ))  # fmt: skip
