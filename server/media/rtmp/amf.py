"""AMF0, the encoding of RTMP commands (Adobe AMF 0, 2007), as far as RTMP uses it."""

import struct
from collections.abc import Mapping
from typing import TypeAlias

Value: TypeAlias = "bool | int | float | str | Mapping[str, Value] | list[Value] | None"

_NUMBER, _BOOLEAN, _STRING, _OBJECT, _NULL = 0, 1, 2, 3, 5
_ECMA_ARRAY, _END, _STRICT_ARRAY, _LONG_STRING = 8, 9, 10, 12
_MAX_DEPTH = 16


class MalformedAmfError(ValueError):
    """The bytes are not AMF0."""


def encode(*values: Value) -> bytes:
    """Return ``values`` one after another."""
    return b"".join(map(_encode, values))


def encode_ecma_array(values: Mapping[str, Value]) -> bytes:
    """Return ``values`` as an ECMA array, the form in which onMetaData travels."""
    return bytes((_ECMA_ARRAY,)) + struct.pack(">I", len(values)) + _members(values)


def decode(data: bytes) -> list[Value]:
    """Return the values in ``data``.

    Raises:
        MalformedAmfError: If the bytes end early, nest too deeply or hold an unknown type.

    """
    values = []
    at = 0
    try:
        while at < len(data):
            value, at = _decode(data, at, 0)
            values.append(value)
    except (struct.error, IndexError) as error:
        raise MalformedAmfError("the values end early") from error
    return values


def _encode(value: Value) -> bytes:
    match value:
        case None:
            return bytes((_NULL,))
        case bool():
            return bytes((_BOOLEAN, value))
        case int() | float():
            return struct.pack(">Bd", _NUMBER, value)
        case str():
            # As it was, if the environment held bytes that are no UTF-8 (PEP 383).
            text = value.encode(errors="surrogateescape")
            if len(text) > 0xFFFF:
                return struct.pack(">BI", _LONG_STRING, len(text)) + text
            return struct.pack(">BH", _STRING, len(text)) + text
        case list():
            return struct.pack(">BI", _STRICT_ARRAY, len(value)) + encode(*value)
        case _:
            return bytes((_OBJECT,)) + _members(value)


def _members(values: Mapping[str, Value]) -> bytes:
    parts = []
    for name, value in values.items():
        text = name.encode()
        parts += [struct.pack(">H", len(text)), text, _encode(value)]
    return b"".join(parts) + bytes((0, 0, _END))


def _decode(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    if depth > _MAX_DEPTH:
        raise MalformedAmfError("the values nest too deeply")
    marker = data[at]
    at += 1
    match marker:
        case 0:
            return struct.unpack_from(">d", data, at)[0], at + 8
        case 1:
            return bool(data[at]), at + 1
        case 2:
            return _text(data, at, 2)
        case 12:
            return _text(data, at, 4)
        case 3:
            return _decode_members(data, at, depth)
        case 8:
            return _decode_members(data, at + 4, depth)
        case 5 | 6 | 13:
            # Null, undefined, unsupported.
            return None, at
        case 10:
            (count,) = struct.unpack_from(">I", data, at)
            at += 4
            items: list[Value] = []
            for _ in range(count):
                item, at = _decode(data, at, depth + 1)
                items.append(item)
            return items, at
        case 11:
            return struct.unpack_from(">d", data, at)[0], at + 10
        case 16:
            # An object of a class, whose name says nothing to us.
            _, at = _text(data, at, 2)
            return _decode_members(data, at, depth)
        case _:
            raise MalformedAmfError(f"unknown type {marker}")


def _text(data: bytes, at: int, width: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">H" if width == 2 else ">I", data, at)
    at += width
    end = at + length
    if end > len(data):
        raise MalformedAmfError("a string ends early")
    return data[at:end].decode("utf-8", "replace"), end


def _decode_members(data: bytes, at: int, depth: int) -> tuple[dict[str, Value], int]:
    members: dict[str, Value] = {}
    while True:
        name, at = _text(data, at, 2)
        if not name and data[at] == _END:
            return members, at + 1
        members[name], at = _decode(data, at, depth + 1)
