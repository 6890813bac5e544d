"""Encoded units in, segments in fragments out. Pure: time is what the units say.

::

    units ──▶ in order of time ──▶ segment ┬ Opened      parameters, start
              (each waits a moment         ├ Fragment …  ≤ 500 ms each: moof and mdat
               for the other kind)         └ Closed      end

A segment begins with a keyframe. It ends at the first keyframe after two seconds, at the first one
with other parameters, and where nothing came for three seconds. Within a *stretch*, segments that
follow on, neither picture nor sound has a hole, so that players, which keep them apart, never wait
for one of them: a picture stays until the next one, and sound is counted in samples, with silence
where there is none.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from server.media import aac
from server.media.h264 import VideoParameters
from server.media.hls import fmp4
from server.media.unit import EncodedUnit, Kind

SEGMENT_MS = 2_000
"""A segment ends at the first keyframe after this."""
FRAGMENT_MS = 400
"""A fragment ends with the first picture after this, …"""
FRAGMENT_MOST_MS = 500
"""… or, if pictures are rare, with the first sound after this."""
GAP_MS = 3_000
"""Where nothing comes for longer, time is cut out: a discontinuity."""
WAIT_MS = 250
"""How long a picture waits for the sound of its time, and sound for its picture."""
LAST_PICTURE_MS = 33
"""How long a picture stays that no other follows."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A segment begins."""

    parameters: VideoParameters
    start_ms: int
    """On the session's time line, as everywhere here."""
    discontinuity: bool
    """Whether time or parameters jump here. The first segment follows none: it does not."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """The next piece of the open segment."""

    data: bytes
    end_ms: int
    """Where the next fragment begins."""
    independent: bool
    """Whether it holds the keyframe that its segment begins with."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The open segment is complete."""

    end_ms: int


Output = Opened | Fragment | Closed


@dataclass(slots=True)
class _Segment:
    parameters: VideoParameters
    start_ms: int
    newest_ms: int
    """Of any unit."""
    written_ms: int
    """Where the next fragment begins."""
    pictures: list[EncodedUnit] = field(default_factory=list)
    sound: list[bytes] = field(default_factory=list)


class Segmenter:
    """Cut one stream into segments. Every unit of the bus goes through :meth:`push`, in order."""

    def __init__(self) -> None:
        # Units that those of the other kind may still come before, and how far each kind is.
        self._waiting: deque[EncodedUnit] = deque()
        self._picture_ms = self._heard_ms = self._newest_ms = -1
        self._segment: _Segment | None = None
        self._fragments = 0
        # Of the segment before: what decodes it, and where it ended if the next may follow on.
        self._parameters: VideoParameters | None = None
        self._follows = False
        self._sample: int | None = None
        """Where the next frame of sound begins; None at the beginning of a stretch."""

    @property
    def needs_keyframe(self) -> bool:
        """Whether nothing can be kept before the next keyframe."""
        return self._segment is None

    def push(self, unit: EncodedUnit) -> Iterator[Output]:
        """Take a picture or a frame of sound and yield what it completes."""
        if unit.kind is Kind.VIDEO:
            self._picture_ms = unit.dts_ms
        else:
            self._heard_ms = unit.dts_ms
        self._newest_ms = max(self._newest_ms, unit.dts_ms)
        at = len(self._waiting)
        while at and self._waiting[at - 1].dts_ms > unit.dts_ms:
            at -= 1
        self._waiting.insert(at, unit)
        both_ms = max(min(self._picture_ms, self._heard_ms), self._newest_ms - WAIT_MS)
        while self._waiting and self._waiting[0].dts_ms <= both_ms:
            yield from self._take(self._waiting.popleft())

    def close(self) -> Iterator[Output]:
        """Yield what is left: nothing follows."""
        while self._waiting:
            yield from self._take(self._waiting.popleft())
        yield from self._end(None)

    def _take(self, unit: EncodedUnit) -> Iterator[Output]:
        """Take the unit that is next in time."""
        segment = self._segment
        is_key = unit.kind is Kind.VIDEO and unit.key
        if segment is not None:
            if unit.dts_ms - segment.newest_ms > GAP_MS:
                yield from self._end(None)
            elif is_key and (
                unit.dts_ms - segment.start_ms >= SEGMENT_MS
                or unit.parameters != segment.parameters
            ):
                yield from self._end(unit.dts_ms)
        if self._segment is None:
            if not is_key:
                return
            yield self._open(unit)
        assert self._segment is not None
        yield from self._add(self._segment, unit)

    def _open(self, key: EncodedUnit) -> Opened:
        assert key.parameters is not None, "a keyframe comes with its parameters"
        before, self._parameters = self._parameters, key.parameters
        follows = self._follows and before == key.parameters
        if not self._follows:
            self._sample = None
        self._segment = _Segment(key.parameters, key.dts_ms, key.dts_ms, key.dts_ms)
        return Opened(key.parameters, key.dts_ms, before is not None and not follows)

    def _add(self, segment: _Segment, unit: EncodedUnit) -> Iterator[Output]:
        is_picture = unit.kind is Kind.VIDEO
        most_ms = FRAGMENT_MS if is_picture else FRAGMENT_MOST_MS
        if unit.dts_ms - segment.written_ms >= most_ms:
            yield self._fragment(segment, unit.dts_ms, complete=is_picture)
        segment.newest_ms = max(segment.newest_ms, unit.dts_ms)
        if is_picture:
            segment.pictures.append(unit)
        else:
            self._hear(segment, unit)

    def _hear(self, segment: _Segment, unit: EncodedUnit) -> None:
        """Count a frame of sound to its place: milliseconds are only good to find holes."""
        at = unit.dts_ms * aac.PER_MS
        if self._sample is None:
            lead = (at - segment.start_ms * aac.PER_MS) // aac.FRAME
            self._sample = at - lead * aac.FRAME
        ahead = at - self._sample
        if ahead >= aac.FRAME:
            self._be_silent(segment, round(ahead / aac.FRAME))
        if ahead > -aac.FRAME:
            segment.sound.append(unit.data)
            self._sample += aac.FRAME

    def _be_silent(self, segment: _Segment, frames: int) -> None:
        assert self._sample is not None
        segment.sound += [aac.SILENCE] * frames
        self._sample += frames * aac.FRAME

    def _fragment(self, segment: _Segment, end_ms: int, *, complete: bool) -> Fragment:
        """Write what is there; a last picture that is not ``complete`` stays until the next."""
        if self._sample is None:
            self._sample = segment.start_ms * aac.PER_MS
        missing = (end_ms * aac.PER_MS - self._sample) // aac.FRAME
        if missing > 0:
            self._be_silent(segment, missing)
        pictures = segment.pictures
        kept = [] if complete else pictures[-1:]
        ends = [unit.dts_ms for unit in pictures[1:]] + ([end_ms] if complete else [])
        video = fmp4.Run(
            pictures[0].dts_ms * fmp4.PER_MS if pictures else 0,
            [
                fmp4.Sample(unit.data, max(1, end - unit.dts_ms) * fmp4.PER_MS, unit.key)
                for unit, end in zip(pictures, ends, strict=False)
            ],
        )
        audio = fmp4.Run(
            self._sample - len(segment.sound) * aac.FRAME,
            [fmp4.Sample(data, aac.FRAME, True) for data in segment.sound],
        )
        self._fragments += 1
        independent = bool(video.samples) and pictures[0].dts_ms == segment.start_ms
        segment.pictures, segment.sound, segment.written_ms = kept, [], end_ms
        return Fragment(fmp4.fragment(self._fragments, video, audio), end_ms, independent)

    def _end(self, end_ms: int | None) -> Iterator[Output]:
        """Close the open segment, if any; the next one follows on at ``end_ms``, or not at all."""
        segment, self._segment = self._segment, None
        self._follows = end_ms is not None
        if segment is None:
            return
        if end_ms is None:
            end_ms = segment.newest_ms + LAST_PICTURE_MS
        yield self._fragment(segment, end_ms, complete=True)
        yield Closed(end_ms)
