"""Boxes of ISO base media files (ISO/IEC 14496-12), as far as one H.264 and one AAC track go."""

import struct

from server.media.aac import BIT_RATE, FRAME, RATE, SPECIFIC_CONFIG
from server.media.h264 import VideoParameters

VIDEO, AUDIO = 1, 2
"""The tracks of every file that we write."""
VIDEO_TIMESCALE = 90_000
PER_MS = VIDEO_TIMESCALE // 1_000
MOVIE_TIMESCALE = 1_000
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def box(kind: bytes, *parts: bytes) -> bytes:
    """Return a box."""
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """Return a box with a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def movie_header(duration_ms: int) -> bytes:
    """Return the ``mvhd``."""
    return full_box(
        b"mvhd",
        0,
        0,
        struct.pack(">4I", 0, 0, MOVIE_TIMESCALE, duration_ms),
        struct.pack(">IH10x", 0x10000, 0x0100),
        _MATRIX,
        bytes(24),
        struct.pack(">I", 3),
    )


def video_track(
    size: tuple[int, int], tables: bytes, *, duration_ms: int = 0, ticks: int = 0
) -> bytes:
    """Return the ``trak`` of the picture; ``tables`` is what its ``stbl`` holds."""
    header = full_box(b"vmhd", 0, 1, bytes(8))
    return _track(VIDEO, b"vide", header, tables, size, (duration_ms, VIDEO_TIMESCALE, ticks), b"")


def audio_track(
    tables: bytes, *, duration_ms: int = 0, ticks: int = 0, edits: bytes = b""
) -> bytes:
    """Return the ``trak`` of the sound."""
    header = full_box(b"smhd", 0, 0, bytes(4))
    return _track(AUDIO, b"soun", header, tables, (0, 0), (duration_ms, RATE, ticks), edits)


def descriptions(*entries: bytes) -> bytes:
    """Return the ``stsd``."""
    return full_box(b"stsd", 0, 0, struct.pack(">I", len(entries)), *entries)


def picture_entry(parameters: VideoParameters) -> bytes:
    """Return the sample entry of pictures (ISO/IEC 14496-15)."""
    width, height = parameters.geometry
    return box(
        b"avc1",
        bytes(6) + struct.pack(">H16xHH", 1, width, height),
        struct.pack(">3IH", 0x480000, 0x480000, 0, 1),
        bytes(32),
        struct.pack(">Hh", 24, -1),
        box(b"avcC", parameters.avcc),
    )


def sound_entry() -> bytes:
    """Return the sample entry of sound."""
    return box(
        b"mp4a",
        bytes(6) + struct.pack(">H8xHH4xI", 1, 2, 16, RATE << 16),
        full_box(b"esds", 0, 0, _elementary_stream()),
    )


def _track(
    number: int,
    handler: bytes,
    media_header: bytes,
    tables: bytes,
    size: tuple[int, int],
    durations: tuple[int, int, int],
    edits: bytes,
) -> bytes:
    duration_ms, timescale, ticks = durations
    volume = 0x0100 if handler == b"soun" else 0
    tkhd = (
        struct.pack(">5I8xHHHH", 0, 0, number, 0, duration_ms, 0, 0, volume, 0)
        + _MATRIX
        + struct.pack(">2I", size[0] << 16, size[1] << 16)
    )
    return box(
        b"trak",
        full_box(b"tkhd", 0, 3, tkhd),
        edits,
        box(
            b"mdia",
            full_box(b"mdhd", 1, 0, struct.pack(">2QIQHH", 0, 0, timescale, ticks, 0x55C4, 0)),
            full_box(b"hdlr", 0, 0, bytes(4), handler, bytes(12), b"liveclass\x00"),
            box(
                b"minf",
                media_header,
                box(
                    b"dinf",
                    full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1)),
                ),
                box(b"stbl", tables),
            ),
        ),
    )


def _elementary_stream() -> bytes:
    """Return the ES_Descriptor of AAC-LC (ISO/IEC 14496-1 §7.2.6.5)."""
    config = _descriptor(5, SPECIFIC_CONFIG)
    decoder = _descriptor(
        4, b"\x40\x15" + FRAME.to_bytes(3, "big") + struct.pack(">2I", BIT_RATE, BIT_RATE), config
    )
    return _descriptor(3, struct.pack(">HB", AUDIO, 0), decoder, _descriptor(6, b"\x02"))


def _descriptor(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return bytes((tag, len(body))) + body
