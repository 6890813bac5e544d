"""Media time ↔ the wall clock: which moment of the class a moment of its recordings is. Pure.

The media of a replay are the recordings of its class one after the other; media time counts
through all of them. What was not recorded takes no media time: whatever happened in a gap happens
where the gap was cut out, just before what was recorded next; whatever happened after the last
recording happens at its end.

::

    wall    ──├─ first ──┤··· gap ···├─ second ──┤──
    media     0          a           a           b
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple


class Stretch(NamedTuple):
    """Media that ran as the wall clock did, from ``wall_ms`` on; of no recording: events alone."""

    recording: str | None
    wall_ms: int
    duration_ms: int


def stretches(recording: str, clock: Sequence[tuple[int, int]], duration_ms: int) -> list[Stretch]:
    """Return the stretches of a recording whose ``clock`` has pairs of wall and media time.

    Each pair says when what begins there in the recording was; the first begins at 0.
    """
    ends = [media for _, media in clock[1:]] + [duration_ms]
    return [
        Stretch(recording, wall, max(0, end - media))
        for (wall, media), end in zip(clock, ends, strict=True)
    ]


class Timeline:
    """The media time of one replay; its class was over at ``ended_at``."""

    def __init__(self, parts: Iterable[Stretch], ended_at: int) -> None:
        self._ended_at = ended_at
        self._parts = sorted(parts, key=lambda part: part.wall_ms)
        self._walls = [part.wall_ms for part in self._parts]
        self._starts = [0, *accumulate(part.duration_ms for part in self._parts)]

    @property
    def duration_ms(self) -> int:
        """How long the media are."""
        return self._starts[-1]

    @property
    def gaps(self) -> list[tuple[int, int]]:
        """Where in media time something was cut out, and how long that was on the wall clock."""
        return [
            (start, after.wall_ms - before.wall_ms - before.duration_ms)
            for start, (before, after) in zip(self._starts[1:], pairwise(self._parts), strict=False)
            if after.wall_ms > before.wall_ms + before.duration_ms
        ]

    def start_of(self, recording: str) -> int:
        """Return where in media time ``recording`` begins.

        Raises:
            KeyError: If it is not one of the replay's.

        """
        for start, part in zip(self._starts, self._parts, strict=False):
            if part.recording == recording:
                return start
        raise KeyError(recording)

    def wall_of(self, media_ms: int) -> int:
        """Return when the moment ``media_ms`` was; before the media, their beginning.

        Where something was cut out it is the moment after that, and at the end of the media that
        of the class.
        """
        if media_ms >= self.duration_ms:
            return self._ended_at
        index = max(0, bisect_right(self._starts, media_ms) - 1)
        return self._parts[index].wall_ms + max(0, media_ms - self._starts[index])

    def media_of(self, wall_ms: int) -> int:
        """Return where in media time the moment ``wall_ms`` is; in a gap, where that was cut."""
        index = bisect_right(self._walls, wall_ms) - 1
        if index < 0:
            return 0
        part = self._parts[index]
        return self._starts[index] + min(wall_ms - part.wall_ms, part.duration_ms)
