"""The timeline of a class, from what is stored of its recordings."""

from collections.abc import Sequence
from typing import Protocol

from server.errors import NotFoundError
from server.media.hls import playlist
from server.replays.timeline import Stretch, Timeline, stretches
from server.store.replays import Recording

_KEPT = 1024
"""Recordings whose clock is remembered: a finalized one never changes."""


class Objects(Protocol):
    """Where playlists are."""

    async def get(self, key: str) -> bytes:
        """Return an object.

        Raises:
            NotFoundError: If there is none.
            UnavailableError: If the store is away.

        """


class Timelines:
    """Makes timelines: by the clock of each recording, or else by the dates in its playlist."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._clocks: dict[str, tuple[tuple[int, int], ...]] = {}

    async def of(self, recordings: Sequence[Recording], started_at: int, ended_at: int) -> Timeline:
        """Return the timeline of a class; without recordings, media time is the class's time.

        Raises:
            UnavailableError: If a playlist cannot be read now.

        """
        if not recordings:
            return Timeline([Stretch(None, started_at, ended_at - started_at)], ended_at)
        return Timeline(
            [
                part
                for each in recordings
                for part in stretches(each.id, await self._clock(each), each.duration_ms)
            ],
            ended_at,
        )

    async def _clock(self, recording: Recording) -> tuple[tuple[int, int], ...]:
        if recording.clock:
            return recording.clock
        clock = self._clocks.get(recording.id)
        if clock is None:
            try:
                text = await self._objects.get(recording.media_uri)
            except NotFoundError:
                # Media that somebody else keeps: the class began to record then, and no more
                # is known.
                return ((recording.started_at, 0),)
            clock = playlist.parse(text.decode()).clock or ((recording.started_at, 0),)
            if len(self._clocks) >= _KEPT:
                del self._clocks[next(iter(self._clocks))]
            self._clocks[recording.id] = clock
        return clock
