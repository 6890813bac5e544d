"""What the media worker and its transcoder say to each other: frames behind a header. Pure.

::

    length: u32 │ milliseconds: i64 │ keyframe: u8 │ length bytes

A frame without bytes is a wish: for a keyframe, or, where it is none, for no more kbit/s than stand
in the place of its time.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_HEADER = struct.Struct(">Iq?")


@dataclass(frozen=True, slots=True)
class Frame:
    """One encoded picture and its time."""

    ms: int
    key: bool
    data: bytes


KEYFRAME_WISH = Frame(0, True, b"")


def rate_wish(most_kbps: int) -> Frame:
    """Return the wish for pictures that take no more than ``most_kbps``."""
    return Frame(most_kbps, False, b"")


def pack(frame: Frame) -> bytes:
    """Return ``frame`` as it travels."""
    return _HEADER.pack(len(frame.data), frame.ms, frame.key) + frame.data


class Reader:
    """Frames out of bytes, in whatever pieces these come."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take a piece and yield the frames that it completes."""
        self._bytes += data
        while len(self._bytes) >= _HEADER.size:
            length, ms, key = _HEADER.unpack_from(self._bytes)
            end = _HEADER.size + length
            if len(self._bytes) < end:
                return
            frame = Frame(ms, key, bytes(self._bytes[_HEADER.size : end]))
            del self._bytes[:end]
            yield frame
