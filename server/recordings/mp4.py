"""One MP4 file of a recording, its index in front (*faststart*), nothing encoded again. Pure.

Segments are looked at twice: :meth:`Movie.add` notes where their samples will be, and once all are
known :meth:`Movie.head` is written, then the :func:`payload` of each. So nothing but the index is
in memory: some five bytes for each picture and each frame of sound.

Time in the file is that of the playlist. What was not recorded takes none of it: what comes after
a gap follows at once. Where sound and picture of two stretches do not end together, the last frame
of sound is shown as longer or shorter, so that they begin together. A picture of another size has
a sample description of its own, and its parameter sets in the stream as well, for players that
look only there.
"""

import struct
import sys
from array import array
from collections.abc import Iterator

from server.media import aac
from server.media.hls import fmp4
from server.media.hls.boxes import (
    PER_MS,
    audio_track,
    box,
    descriptions,
    full_box,
    movie_header,
    sound_entry,
    video_track,
)


class _Runs:
    """Values that are mostly the same, as counts of equal ones."""

    def __init__(self) -> None:
        self.counts = array("Q")
        self.values = array("Q")

    def add(self, value: int) -> None:
        if self.values and self.values[-1] == value:
            self.counts[-1] += 1
        else:
            self.counts.append(1)
            self.values.append(value)

    def change_last(self, value: int) -> None:
        self.counts[-1] -= 1
        if not self.counts[-1]:
            del self.counts[-1], self.values[-1]
        self.add(value)


class _Track:
    """The sample tables of one track (ISO/IEC 14496-12 §8.6 and §8.7)."""

    def __init__(self) -> None:
        self.durations = _Runs()
        self.sizes = array("I")
        self.keys = array("I")
        self.chunks = array("Q")
        """Offsets in the data."""
        self._described: list[tuple[int, int, int]] = []
        """First chunk, its samples, its description: one where that changes."""
        self.ticks = 0

    def add(self, table: fmp4.Table, offset: int, description: int, grown: int) -> None:
        """Add a chunk of samples at ``offset``, the first of which is ``grown`` bytes larger."""
        first = len(self.sizes)
        for duration in table.durations:
            self.durations.add(duration)
        self.ticks += sum(table.durations)
        self.sizes.extend(table.sizes)
        self.sizes[first] += grown
        self.keys.extend(first + n for n, is_key in enumerate(table.keys, 1) if is_key)
        self.chunks.append(offset)
        chunk = (len(table.sizes), description)
        if not self._described or self._described[-1][1:] != chunk:
            self._described.append((len(self.chunks), *chunk))

    def end_at(self, ticks: int) -> None:
        """Let the last sample end there, as far as it can."""
        last = self.durations.values[-1]
        changed = max(1, last + ticks - self.ticks)
        if changed != last:
            self.durations.change_last(changed)
            self.ticks += changed - last

    def tables(self, base: int, *, is_video: bool) -> bytes:
        """Return what says where and when samples are, whose data begins at ``base``."""
        times = b"".join(
            struct.pack(">2I", count, value)
            for count, value in zip(self.durations.counts, self.durations.values, strict=True)
        )
        chunks = b"".join(struct.pack(">3I", *each) for each in self._described)
        return b"".join(
            (
                full_box(b"stts", 0, 0, _count(len(self.durations.counts)), times),
                full_box(b"stss", 0, 0, _count(len(self.keys)), _big(self.keys))
                if is_video
                else b"",
                full_box(b"stsc", 0, 0, _count(len(self._described)), chunks),
                full_box(b"stsz", 0, 0, bytes(4), _count(len(self.sizes)), _big(self.sizes)),
                full_box(
                    b"co64",
                    0,
                    0,
                    _count(len(self.chunks)),
                    _big(array("Q", (base + each for each in self.chunks))),
                ),
            )
        )


class Movie:
    """The index of a file that is to be written."""

    def __init__(self) -> None:
        self._video = _Track()
        self._audio = _Track()
        self._entries: list[bytes] = []
        self._sizes: list[tuple[int, int]] = []
        self._init = b""
        self._media_ms = 0
        self._bytes = 0
        self._sound_starts = 0

    @property
    def payload_size(self) -> int:
        """How many bytes come after the head."""
        return self._bytes

    def add(self, init: bytes, segment: bytes, duration_ms: int) -> None:
        """Add the next segment, which ``init`` decodes.

        Raises:
            ValueError: If it is not what a recorder writes.

        """
        parameter_sets = b""
        if init != self._init:
            parameter_sets = _parameter_sets(init) if self._init else b""
            self._describe(init)
        description = self._entries.index(_picture_entry(init)) + 1
        fragments = _whole(segment)
        start = next(each.video.start for each in fragments if each.video is not None)
        begin = 0
        for each in fragments:
            shift = self._bytes - _mdat_start(segment, begin)
            grown = 0
            if each.video is not None:
                grown, parameter_sets = len(parameter_sets), b""
                self._video.add(each.video, shift + each.video.offset, description, grown)
            if each.audio is not None:
                self._place_sound(each.audio.start - start * aac.PER_MS // PER_MS)
                self._audio.add(each.audio, shift + grown + each.audio.offset, 1, 0)
            self._bytes += grown + each.end - _mdat_start(segment, begin)
            begin = each.end
        self._media_ms += duration_ms
        self._video.end_at(self._media_ms * PER_MS)

    def head(self) -> bytes:
        """Return everything that stands before the payload of the first segment."""
        size = len(self._head(0))
        return self._head(size)

    def _head(self, base: int) -> bytes:
        ftyp = box(b"ftyp", b"isom", struct.pack(">I", 0x200), b"isomiso2avc1mp41")
        size = (max(w for w, _ in self._sizes), max(h for _, h in self._sizes))
        video = descriptions(*self._entries) + self._video.tables(base, is_video=True)
        audio = descriptions(sound_entry()) + self._audio.tables(base, is_video=False)
        late_ms = round(self._sound_starts / aac.PER_MS)
        edits = b""
        if late_ms:
            # Nothing first, then the sound from its beginning on (§8.6.6).
            edit = struct.pack(">2IiHhIiHh", 2, late_ms, -1, 1, 0, self._media_ms, 0, 1, 0)
            edits = box(b"edts", full_box(b"elst", 0, 0, edit))
        moov = box(
            b"moov",
            movie_header(self._media_ms),
            video_track(size, video, duration_ms=self._media_ms, ticks=self._video.ticks),
            audio_track(audio, duration_ms=self._media_ms, ticks=self._audio.ticks, edits=edits),
        )
        # A size of 1 says that the real one follows, in 64 bits.
        mdat = struct.pack(">I4sQ", 1, b"mdat", 16 + self._bytes)
        return ftyp + moov + mdat

    def _describe(self, init: bytes) -> None:
        entry = _picture_entry(init)
        if entry not in self._entries:
            self._entries.append(entry)
            self._sizes.append(struct.unpack_from(">2H", entry, 8 + 24))
        self._init = init

    def _place_sound(self, after: int) -> None:
        """Let the next frame of sound begin that many samples after its segment."""
        at = self._media_ms * aac.PER_MS + after
        if not self._audio.sizes:
            self._sound_starts = max(0, at)
        else:
            self._audio.end_at(at - self._sound_starts)


def payload(init: bytes, before: bytes, segment: bytes) -> Iterator[bytes]:
    """Yield what a segment adds to the file; ``before`` is the init of the one before, if any."""
    parameter_sets = _parameter_sets(init) if before and before != init else b""
    begin = 0
    for each in _whole(segment):
        if each.video is not None:
            yield parameter_sets
            parameter_sets = b""
        yield segment[_mdat_start(segment, begin) : each.end]
        begin = each.end


def _whole(segment: bytes) -> list[fmp4.Fragment]:
    fragments = list(fmp4.read(segment))
    if not fragments or fragments[-1].end != len(segment):
        raise ValueError("this segment is not whole")
    if not any(each.video for each in fragments):
        raise ValueError("this segment has no picture")
    return fragments


def _mdat_start(segment: bytes, fragment: int) -> int:
    """Return where the data of the fragment begins that begins at ``fragment``."""
    return fragment + int.from_bytes(segment[fragment : fragment + 4], "big") + 8


def _picture_entry(init: bytes) -> bytes:
    """Return the sample entry of the picture, as an init segment of ours has it.

    Raises:
        ValueError: If it has none.

    """
    at = init.index(b"avc1", init.index(b"stsd")) - 4
    return init[at : at + int.from_bytes(init[at : at + 4], "big")]


def _parameter_sets(init: bytes) -> bytes:
    """Return the SPS and the PPS of an init segment, as they stand in a stream."""
    entry = _picture_entry(init)
    avcc = entry[entry.index(b"avcC") + 4 :]
    sps_end = 8 + int.from_bytes(avcc[6:8], "big")
    pps_end = sps_end + 3 + int.from_bytes(avcc[sps_end + 1 : sps_end + 3], "big")
    sets = (avcc[8:sps_end], avcc[sps_end + 3 : pps_end])
    return b"".join(struct.pack(">I", len(each)) + each for each in sets)


def _count(number: int) -> bytes:
    return struct.pack(">I", number)


def _big(values: "array[int]") -> bytes:
    if sys.byteorder == "little":
        values = array(values.typecode, values)
        values.byteswap()
    return values.tobytes()
