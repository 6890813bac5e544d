"""What a class was like at any of its moments, for each view: folds of the beginnings of its log.

A fold goes on from the last of the *checkpoints* before the moment: states that earlier folds
left behind, one every :data:`EVERY` events. So a moment of a long class costs what its last
hundred events cost, except for who asks first.

Nothing here outlives its reason. A message that was removed since is blank from the beginning on,
as everywhere; and an erasure raises the epoch of the session (``server.store.erasure``), which
drops whatever was made of its log before.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from protocol.snapshot import State
from server.classroom.view import blank
from server.hub.history import recall, shown
from server.hub.views import Audience, fold_shown
from server.store import replays
from server.store.log import LogReader, StoredEvent
from server.store.pool import Pools

EVERY = 100
"""Events between two checkpoints."""
BYTES_MOST = 64 * 2**20
"""What all checkpoints together may hold."""
_SLICE = 10
"""Events folded before the event loop turns."""

FindBlanked = Callable[[str], Awaitable[frozenset[int]]]
"""Session → the sequences of the events whose text nobody is shown any more, as of now."""


class Moment(NamedTuple):
    """The state of a view after the event ``sequence``, the last one of the moment or before."""

    sequence: int
    state: State


class _Checkpoint(NamedTuple):
    sequence: int
    at_ms: int
    state: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(State).decode
_BEGINNING = _Checkpoint(0, 0, _encode(State()))


class _Course:
    """The checkpoints of one view of one session, in order."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.points = [_BEGINNING]
        self._epoch = 0
        self.blanked: frozenset[int] = frozenset()

    @property
    def size(self) -> int:
        return sum(len(point.state) for point in self.points)

    def agree(self, epoch: int, blanked: frozenset[int]) -> None:
        """Drop what is not so any more."""
        changed = self.blanked ^ blanked
        kept = min(changed) - 1 if changed else self.points[-1].sequence
        if epoch != self._epoch:
            kept = 0
        self.points = [point for point in self.points if point.sequence <= kept] or [_BEGINNING]
        self._epoch, self.blanked = epoch, blanked

    def before(self, wall_ms: int) -> _Checkpoint:
        index = bisect_right(self.points, wall_ms, key=lambda point: point.at_ms)
        return self.points[max(0, index - 1)]


class Moments:
    """The moments of every class, with the checkpoints of those that were asked for last."""

    def __init__(
        self,
        pools: Pools,
        reader: LogReader,
        find_blanked: FindBlanked,
        *,
        every: int = EVERY,
        bytes_most: int = BYTES_MOST,
    ) -> None:
        self._pools = pools
        self._reader = reader
        self._find_blanked = find_blanked
        self._every = every
        self._bytes_most = bytes_most
        self._courses: dict[tuple[str, Audience], _Course] = {}

    async def at(self, session: str, of: Audience, wall_ms: int) -> Moment:
        """Return what the view ``of`` saw once all was said that was said until ``wall_ms``.

        Raises:
            UnavailableError: If the log cannot be read now.

        """
        course = self._courses.pop((session, of), None) or _Course()
        self._courses[session, of] = course
        async with course.lock:
            epoch = await replays.epoch(self._pools, session)
            course.agree(epoch, await self._find_blanked(session))
            moment = await self._fold(session, of, course, wall_ms)
        self._make_room()
        return moment

    async def _fold(self, session: str, of: Audience, course: _Course, wall_ms: int) -> Moment:
        point = course.before(wall_ms)
        state, sequence = _decode(point.state), point.sequence
        while True:
            page = await self._reader.read(session, sequence, self._every)
            within = [stored for stored in page if stored.at_ms <= wall_ms]
            for start in range(0, len(within), _SLICE):
                for stored in within[start : start + _SLICE]:
                    _fold_stored(state, stored, of, course.blanked)
                await asyncio.sleep(0)
            if within:
                sequence = within[-1].sequence
            if len(within) < self._every:
                return Moment(sequence, state)
            course.points.append(_Checkpoint(sequence, within[-1].at_ms, _encode(state)))

    async def events(
        self,
        session: str,
        of: Audience,
        first: int,
        last: int,
        types: frozenset[str] | None = None,
    ) -> list[tuple[int, int, bytes]]:
        """Return sequence, time and bytes of each event of ``first``…``last`` that ``of`` sees.

        With ``types``, only of those. At most :data:`~server.store.log.PAGE` events are looked at.

        Raises:
            UnavailableError: If the log cannot be read now.

        """
        blanked = await self._find_blanked(session)
        stored = await self._reader.find(session, first, last)
        if types is not None:
            stored = [each for each in stored if each.type in types]
        times = {each.sequence: each.at_ms for each in stored}
        seen: list[tuple[int, int, bytes]] = []
        for start in range(0, len(stored), _SLICE):
            part = shown(stored[start : start + _SLICE], of, blanked)
            seen += [(sequence, times[sequence], data) for sequence, data in part]
            await asyncio.sleep(0)
        return seen

    def _make_room(self) -> None:
        """Forget the classes that nobody has asked for the longest; the last one stays."""
        total = sum(course.size for course in self._courses.values())
        for key in list(self._courses)[:-1]:
            if total <= self._bytes_most:
                return
            total -= self._courses.pop(key).size


def _fold_stored(state: State, stored: StoredEvent, of: Audience, blanked: frozenset[int]) -> None:
    recorded = recall(stored)
    if recorded is None:
        return
    if stored.sequence in blanked:
        recorded = recorded._replace(event=blank(recorded.event))
    fold_shown(state, recorded, of)
