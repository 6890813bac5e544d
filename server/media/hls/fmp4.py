"""Fragmented MP4 for one H.264 and one AAC track (ISO/IEC 14496-12, -14, -15; CMAF).

Encoded units go in as they are; nothing is re-stamped, so that segments made one by one play as
one stream. What was written can be read again, as far as it is whole.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from server.media.aac import BIT_RATE, FRAME, RATE, SPECIFIC_CONFIG
from server.media.h264 import VideoParameters

VIDEO_TIMESCALE = 90_000
PER_MS = VIDEO_TIMESCALE // 1_000
_VIDEO, _AUDIO = 1, 2
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_SYNC_SAMPLE = 0x02000000
_OTHER_SAMPLE = 0x01010000


@dataclass(frozen=True, slots=True)
class Sample:
    """One encoded unit with its duration in the ticks of its track."""

    data: bytes
    duration: int
    key: bool


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive samples of one track, and the tick at which the first is decoded."""

    start: int
    samples: Sequence[Sample]


@dataclass(frozen=True, slots=True)
class Table:
    """What a fragment says of the samples of one track, without their bytes."""

    start: int
    """The tick at which the first is decoded."""
    offset: int
    """Where the first begins; they follow one another."""
    durations: tuple[int, ...]
    sizes: tuple[int, ...]
    keys: tuple[bool, ...]

    @property
    def end(self) -> int:
        """The tick at which the last ends."""
        return self.start + sum(self.durations)


@dataclass(frozen=True, slots=True)
class Fragment:
    """One ``moof`` and ``mdat`` that is whole; offsets count from where the data begins."""

    end: int
    video: Table | None
    audio: Table | None


def init_segment(parameters: VideoParameters) -> bytes:
    """Return what a player needs before any fragment."""
    return _box(b"ftyp", b"iso6", bytes(4), b"iso6cmfcmp41") + _box(
        b"moov",
        _full(b"mvhd", 0, 0, struct.pack(">4I", 0, 0, 1000, 0), _movie_defaults()),
        _video_track(parameters),
        _audio_track(),
        _box(b"mvex", *(_trex(track) for track in (_VIDEO, _AUDIO))),
    )


def fragment(number: int, video: Run, audio: Run) -> bytes:
    """Return one ``moof`` and ``mdat``; a run without samples is left out."""
    runs = [(t, run) for t, run in ((_VIDEO, video), (_AUDIO, audio)) if run.samples]
    size = len(_moof(number, runs, 0))
    payload = b"".join(sample.data for _, run in runs for sample in run.samples)
    return _moof(number, runs, size + 8) + _box(b"mdat", payload)


def read(data: bytes) -> Iterator[Fragment]:
    """Yield the fragments that :func:`fragment` made; what is torn ends it."""
    at = 0
    while True:
        moof = _size(data, at, b"moof")
        mdat = _size(data, at + moof, b"mdat")
        if not moof or not mdat or at + moof + mdat > len(data):
            return
        tables: dict[int, Table] = {}
        # Behind the header of the moof stands the mfhd of 16 bytes.
        traf = at + 8 + 16
        while traf < at + moof:
            track, table = _read_traf(data, traf, at)
            tables[track] = table
            traf += _size(data, traf, b"traf")
        at += moof + mdat
        yield Fragment(at, tables.get(_VIDEO), tables.get(_AUDIO))


def _size(data: bytes, at: int, kind: bytes) -> int:
    """Return the size of the box at ``at``, 0 if it is not of ``kind``."""
    return int.from_bytes(data[at : at + 4], "big") if data[at + 4 : at + 8] == kind else 0


def _read_traf(data: bytes, at: int, moof: int) -> tuple[int, Table]:
    """Read what :func:`_traf` wrote: each box has one form."""
    (track,) = struct.unpack_from(">I", data, at + 8 + 12)
    (start,) = struct.unpack_from(">Q", data, at + 8 + 16 + 12)
    count, offset = struct.unpack_from(">Ii", data, at + 8 + 16 + 20 + 12)
    entries = struct.unpack_from(f">{3 * count}I", data, at + 8 + 16 + 20 + 20)
    keys = tuple(flags == _SYNC_SAMPLE for flags in entries[2::3])
    return track, Table(start, moof + offset, entries[0::3], entries[1::3], keys)


def _moof(number: int, runs: Sequence[tuple[int, Run]], offset: int) -> bytes:
    parts = [_full(b"mfhd", 0, 0, struct.pack(">I", number))]
    for track, run in runs:
        parts.append(_traf(track, run, offset))
        offset += sum(len(sample.data) for sample in run.samples)
    return _box(b"moof", *parts)


def _traf(track: int, run: Run, offset: int) -> bytes:
    entries = b"".join(
        struct.pack(
            ">3I",
            sample.duration,
            len(sample.data),
            _SYNC_SAMPLE if sample.key or track == _AUDIO else _OTHER_SAMPLE,
        )
        for sample in run.samples
    )
    # Flags: offsets count from the moof; a data offset, then duration, size and flags of each.
    return _box(
        b"traf",
        _full(b"tfhd", 0, 0x020000, struct.pack(">I", track)),
        _full(b"tfdt", 1, 0, struct.pack(">Q", run.start)),
        _full(b"trun", 0, 0x000701, struct.pack(">Ii", len(run.samples), offset), entries),
    )


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def _full(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags), *parts)


def _movie_defaults() -> bytes:
    return struct.pack(">IH10x", 0x10000, 0x0100) + _MATRIX + bytes(24) + struct.pack(">I", 3)


def _trex(track: int) -> bytes:
    return _full(b"trex", 0, 0, struct.pack(">5I", track, 1, 0, 0, 0))


def _track(
    track: int, handler: bytes, timescale: int, size: tuple[int, int], *inner: bytes
) -> bytes:
    volume = 0x0100 if handler == b"soun" else 0
    tkhd = (
        struct.pack(">5I8xHHHH", 0, 0, track, 0, 0, 0, 0, volume, 0)
        + _MATRIX
        + struct.pack(">2I", size[0] << 16, size[1] << 16)
    )
    media_header, sample_entry = inner
    empty = (b"stts", b"stsc", b"stco")
    return _box(
        b"trak",
        _full(b"tkhd", 0, 3, tkhd),
        _box(
            b"mdia",
            _full(b"mdhd", 0, 0, struct.pack(">4IHH", 0, 0, timescale, 0, 0x55C4, 0)),
            _full(b"hdlr", 0, 0, bytes(4), handler, bytes(12), b"liveclass\x00"),
            _box(
                b"minf",
                media_header,
                _box(b"dinf", _full(b"dref", 0, 0, struct.pack(">I", 1), _full(b"url ", 0, 1))),
                _box(
                    b"stbl",
                    _full(b"stsd", 0, 0, struct.pack(">I", 1), sample_entry),
                    *(_full(kind, 0, 0, bytes(4)) for kind in empty),
                    _full(b"stsz", 0, 0, bytes(8)),
                ),
            ),
        ),
    )


def _video_track(parameters: VideoParameters) -> bytes:
    width, height = parameters.geometry
    entry = _box(
        b"avc1",
        bytes(6) + struct.pack(">H16xHH", 1, width, height),
        struct.pack(">3IH", 0x480000, 0x480000, 0, 1),
        bytes(32),
        struct.pack(">Hh", 24, -1),
        _box(b"avcC", parameters.avcc),
    )
    header = _full(b"vmhd", 0, 1, bytes(8))
    return _track(_VIDEO, b"vide", VIDEO_TIMESCALE, (width, height), header, entry)


def _audio_track() -> bytes:
    entry = _box(
        b"mp4a",
        bytes(6) + struct.pack(">H8xHH4xI", 1, 2, 16, RATE << 16),
        _full(b"esds", 0, 0, _elementary_stream()),
    )
    return _track(_AUDIO, b"soun", RATE, (0, 0), _full(b"smhd", 0, 0, bytes(4)), entry)


def _elementary_stream() -> bytes:
    """Return the ES_Descriptor of AAC-LC (ISO/IEC 14496-1 §7.2.6.5)."""
    config = _descriptor(5, SPECIFIC_CONFIG)
    decoder = _descriptor(
        4, b"\x40\x15" + FRAME.to_bytes(3, "big") + struct.pack(">2I", BIT_RATE, BIT_RATE), config
    )
    return _descriptor(3, struct.pack(">HB", _AUDIO, 0), decoder, _descriptor(6, b"\x02"))


def _descriptor(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return bytes((tag, len(body))) + body
