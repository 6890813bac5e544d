"""Fragmented MP4 for one H.264 and one AAC track (ISO/IEC 14496-12, -14, -15; CMAF).

Encoded units go in as they are; nothing is re-stamped, so that segments made one by one play as
one stream. What was written can be read again, as far as it is whole.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from server.media.h264 import VideoParameters
from server.media.hls.boxes import (
    AUDIO,
    PER_MS,
    VIDEO,
    audio_track,
    box,
    descriptions,
    full_box,
    movie_header,
    picture_entry,
    sound_entry,
    video_track,
)

__all__ = ["PER_MS", "Fragment", "Run", "Sample", "Table", "fragment", "init_segment", "read"]

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
    empty = b"".join(full_box(kind, 0, 0, bytes(4)) for kind in (b"stts", b"stsc", b"stco"))
    empty += full_box(b"stsz", 0, 0, bytes(8))
    return box(b"ftyp", b"iso6", bytes(4), b"iso6cmfcmp41") + box(
        b"moov",
        movie_header(0),
        video_track(parameters.geometry, descriptions(picture_entry(parameters)) + empty),
        audio_track(descriptions(sound_entry()) + empty),
        box(b"mvex", *(_extends(track) for track in (VIDEO, AUDIO))),
    )


def _extends(track: int) -> bytes:
    return full_box(b"trex", 0, 0, struct.pack(">5I", track, 1, 0, 0, 0))


def fragment(number: int, video: Run, audio: Run) -> bytes:
    """Return one ``moof`` and ``mdat``; a run without samples is left out."""
    runs = [(t, run) for t, run in ((VIDEO, video), (AUDIO, audio)) if run.samples]
    size = len(_moof(number, runs, 0))
    payload = b"".join(sample.data for _, run in runs for sample in run.samples)
    return _moof(number, runs, size + 8) + box(b"mdat", payload)


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
        yield Fragment(at, tables.get(VIDEO), tables.get(AUDIO))


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
    parts = [full_box(b"mfhd", 0, 0, struct.pack(">I", number))]
    for track, run in runs:
        parts.append(_traf(track, run, offset))
        offset += sum(len(sample.data) for sample in run.samples)
    return box(b"moof", *parts)


def _traf(track: int, run: Run, offset: int) -> bytes:
    entries = b"".join(
        struct.pack(
            ">3I",
            sample.duration,
            len(sample.data),
            _SYNC_SAMPLE if sample.key or track == AUDIO else _OTHER_SAMPLE,
        )
        for sample in run.samples
    )
    # Flags: offsets count from the moof; a data offset, then duration, size and flags of each.
    return box(
        b"traf",
        full_box(b"tfhd", 0, 0x020000, struct.pack(">I", track)),
        full_box(b"tfdt", 1, 0, struct.pack(">Q", run.start)),
        full_box(b"trun", 0, 0x000701, struct.pack(">Ii", len(run.samples), offset), entries),
    )
