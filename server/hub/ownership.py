"""What it is to own a session: asks are decided in order, stored, and then told to everybody.

1. One batch is in flight at a time; the next is decided only after its outcome.
2. Nothing is told, and no ask answered, before what it rests on is committed.
3. When the outcome is not known, the log is: the session is taken again under a new epoch, so that
   whatever may still be under way is fenced, and what was missed is read.
4. What is remembered is saved now and then, behind the room's back.
"""

import asyncio
from collections.abc import Sequence
from functools import cache
from typing import Protocol

import structlog

from server.classroom.state import Classroom
from server.hub.draft import Draft, Recorded
from server.hub.followers import Follower, Say
from server.hub.inbox import Inbox
from server.hub.link_messages import Followed
from server.hub.reach import Reach
from server.hub.replica import Replica
from server.hub.snapshots import Snapshots
from server.hub.turn import Turn
from server.ops import metrics

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# A look-up of labels costs more than the count itself.
_counted = cache(metrics.events.labels)

PAUSES = (0.0, 0.0, 0.5, 1.0, 2.0, 4.0)
"""Seconds before a class is opened again whose log has taken nothing for so often."""


class Listener(Protocol):
    """Whoever outside the room follows a session that is owned here; hears without waiting."""

    def opened(self, owned: "Ownership") -> None:
        """Hear that this node owns the session now, perhaps again."""

    def committed(
        self, owned: "Ownership", before: Classroom, recorded: Sequence[Recorded]
    ) -> None:
        """Hear that ``recorded`` has changed the session's state, which was ``before``."""

    def closed(self, owned: "Ownership") -> None:
        """Hear that this node does not own the session any more."""


class Ownership:
    """One room's, whether it has it or not: from when it takes the session until it is gone."""

    def __init__(
        self,
        replica: Replica,
        inbox: Inbox,
        reach: Reach,
        turn: Turn,
        snapshots: Snapshots,
        listener: Listener,
    ) -> None:
        self.is_held = False
        """Whether this node is the session's owner, also while the log is away."""
        self.is_doubted = False
        """Whether others may have taken this node for dead: then the session is taken again."""
        self.is_leaving = False
        """Whether another node is to own the session."""
        self.place = replica.place
        self._replica = replica
        self._inbox = inbox
        self._reach = reach
        self._turn = turn
        self._snapshots = snapshots
        self._listener = listener
        self._fruitless = 0
        """How often in a row the log has not taken what was decided."""

    @property
    def epoch(self) -> int:
        """Under which it is owned."""
        return self._replica.epoch

    @property
    def state(self) -> Classroom:
        """The class as its log has it."""
        return self._replica.state

    async def hold(self, epoch: int) -> None:
        """Be the owner under ``epoch``, until it is to be acquired again.

        Raises:
            UnavailableError: If the log cannot be read now.

        """
        await self._take(epoch)
        try:
            while await self._turn.take(self._inbox.in_hand, epoch, self._commit):
                await self._inbox.wait()
                if self._must_acquire:
                    break
                self._inbox.take()
            else:
                self._fruitless += 1
        finally:
            if self.is_leaving:
                self._inbox.hold()
            else:
                self._inbox.refuse_all()
        await asyncio.sleep(PAUSES[min(self._fruitless, len(PAUSES) - 1)])

    def let_follow(self, say: Say, node: str) -> Follower | None:
        """Let another node follow, if this one owns the session and takes asks."""
        if not self.is_held or not self._inbox.is_open.is_set():
            return None
        seating = self._replica.seating
        return seating.followers.add(say, node, self._followed(), seating.ephemeral.reactions)

    def lose(self) -> None:
        """Find that another node has taken the session, if this one owned it."""
        if self.is_held:
            metrics.lease_lost.inc()
            log.warning("room_lost", session=self.place.session)
            self.end()

    def end(self) -> None:
        """Be the owner no longer. Idempotent."""
        if self.is_held:
            self.is_held = False
            self._replica.seating.followers.end()
            self._listener.closed(self)

    async def _take(self, epoch: int) -> None:
        """Know the log to its end, and have everybody begin from there."""
        replica = self._replica
        # Whoever else has raised it may have changed the log: that is how an erasure is told.
        if replica.is_loaded and epoch != replica.epoch + 1:
            replica.must_reload = True
        replica.epoch = epoch
        self.is_held = True
        self.is_doubted = False
        if replica.must_reload:
            # Under the new epoch: what was saved under the old one does not come back.
            await self._snapshots.forget(self.place.session)
        if replica.must_reload or not replica.is_loaded:
            await replica.load(epoch)
            replica.save()
        else:
            await replica.read_on(self._committed)
        replica.seating.followers.restart(self._followed())
        replica.seating.own()
        self._inbox.open()
        self._reach.caught_up()
        self._listener.opened(self)
        log.info("room_opened", session=self.place.session, head=replica.head.sequence)

    @property
    def _must_acquire(self) -> bool:
        is_unsure = self._replica.must_reload or self._reach.is_behind or self.is_doubted
        return is_unsure or self.is_leaving

    def _commit(self, draft: Draft) -> None:
        self._fruitless = 0
        replica = self._replica
        before = replica.state
        replica.take(draft)
        if draft.recorded:
            replica.seating.followers.commit(replica.epoch, draft)
            self._committed(before, draft.recorded)
        for ask, outcome in draft.outcomes:
            ask.answer(outcome)
        self._reach.moved()
        replica.save()

    def _committed(self, before: Classroom, recorded: Sequence[Recorded]) -> None:
        for each in recorded:
            _counted(each.event.type).inc()
        self._listener.committed(self, before, recorded)

    def _followed(self) -> Followed:
        return Followed(self.place.session, self.epoch, self._replica.whole_since)
