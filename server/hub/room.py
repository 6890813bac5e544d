"""One live session on one node: it owns the session, or follows the node that does.

Who owns takes asks in order, stores what they lead to, tells everybody:

1. Only the room's own task changes its state. A socket that goes away tears nothing.
2. One batch is in flight at a time; the next is decided only after its outcome.
3. Nothing is told, and no ask answered, before what it rests on is committed.
4. When the outcome is not known, the log is: the room takes the session again under a new epoch,
   so that whatever may still be under way is fenced, and reads what it has missed.
5. What it remembers is saved now and then, behind its back; it is opened from there and the log.

Who follows passes asks on and tells what it hears. Nothing that is told may be lost on the way:
a batch that does not continue what is known sends the room to the log. When the owner is gone
each room that followed takes the session, and one of them gets it; its people notice nothing.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cache
from typing import Protocol

import structlog

from server.classroom.state import Classroom
from server.clock import Clock
from server.errors import UnavailableError
from server.hub.asks import Ask
from server.hub.draft import Draft, Head, Recorded
from server.hub.followers import Follower, Say
from server.hub.following import Following
from server.hub.inbox import Inbox
from server.hub.lease import Elsewhere, Held, Lease
from server.hub.link_messages import (
    Batch,
    Done,
    Felt,
    Followed,
    Reactions,
    Refused,
    Roster,
    ToFollower,
)
from server.hub.reach import Reach
from server.hub.replica import Replica
from server.hub.seating import Place, Seating
from server.hub.snapshots import Snapshots
from server.hub.turn import Turn
from server.ops import metrics
from server.store.log import LogReader, LogWriter
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# A look-up of labels costs more than the count itself.
_counted = cache(metrics.events.labels)

PAUSES = (0.0, 0.0, 0.5, 1.0, 2.0, 4.0)
"""Seconds before a class is opened again whose log has taken nothing for so often."""


class Listener(Protocol):
    """Whoever outside the room follows it; hears without waiting, and only where it is owned."""

    def opened(self, room: "Room") -> None:
        """Hear that this node owns the session now, perhaps again."""

    def committed(self, room: "Room", before: Classroom, recorded: Sequence[Recorded]) -> None:
        """Hear that ``recorded`` has changed the room's state, which was ``before``."""

    def closed(self, room: "Room") -> None:
        """Hear that this node does not own the session any more."""


Follow = Callable[[str, Place, bool], AbstractAsyncContextManager[Following]]
"""Follow what the node owns whose links are taken there; True: what it is to own from now on."""

RELINK_SECONDS = 1.0
RELINK_MOST_SECONDS = 8.0
"""How often an owner that is alive, but is not reached, is tried again."""


class Room:
    """One session on this node. ``state``, ``head`` and ``seating`` are those of its replica."""

    def __init__(
        self,
        place: Place,
        *,
        lease: Lease,
        follow: Follow,
        writer: LogWriter,
        reader: LogReader,
        snapshots: Snapshots,
        clock: Clock,
        tasks: Supervisor,
        listener: Listener,
    ) -> None:
        self.place = place
        self.epoch = 0
        self.owns = False
        """Whether this node is the session's owner, also while the log is away."""
        self.owner: str | None = None
        """Where the links of the node are taken that owns it, while this one follows …"""
        self.owner_node: str | None = None
        """… and which node that is."""
        self.is_loaded = False
        """Whether the log has been read; it stays so while the log is away."""
        self.is_open = asyncio.Event()
        """Set while asks are taken."""
        self._inbox = Inbox(self.is_open, clock)
        self._following: Following | None = None
        self._replica = Replica(
            place,
            submit=self.submit,
            reader=reader,
            snapshots=snapshots,
            clock=clock,
            tasks=tasks,
        )
        self.reach = Reach(
            place.session,
            reader,
            head=lambda: self.head.sequence,
            is_open=self.is_open,
            call=self._call,
        )
        self._lease = lease
        self._follow = follow
        self._turn = Turn(self._replica, writer, clock)
        self._snapshots = snapshots
        self._listener = listener
        self._settled = asyncio.Event()
        self._is_doubted = False
        self._is_leaving = False
        self._fruitless = 0
        """How often in a row the log has not taken what was decided."""
        self._relink_seconds = RELINK_SECONDS

    @property
    def state(self) -> Classroom:
        """The class as its log has it."""
        return self._replica.state

    @property
    def head(self) -> Head:
        """The end of the log as far as this room knows it."""
        return self._replica.head

    @property
    def seating(self) -> Seating:
        """Who is here."""
        return self._replica.seating

    # ------------------------------------------------------------ from outside

    async def loaded(self) -> None:
        """Wait until the room knows its log; it may not reach it later, and knows it still.

        Raises:
            UnavailableError: If it has ended instead.

        """
        await self._settled.wait()
        if not self.is_loaded:
            raise UnavailableError("The class cannot be opened here right now.")

    def reload(self) -> None:
        """Forget everything and read the log anew, as soon as what is in hand is done.

        For when the log has changed, which only the erasure of a person does. Sockets stay; each
        gets a snapshot.
        """
        self._replica.must_reload = True
        self._call()

    def doubt(self) -> None:
        """Take the session again, if this node owns it, as soon as what is in hand is done.

        For when others may have taken this node for dead.
        """
        self._is_doubted = True
        self._call()

    def hand_over(self) -> None:
        """Have another node own the session as soon as what is in hand is done, and follow it."""
        self._is_leaving = True
        self._call()

    def take(self) -> None:
        """Own the session, which its owner gives up."""
        if self._following is not None:
            self.is_open.clear()
            self._following.lost()

    def submit(self, ask: Ask) -> None:
        """Put an ask in line; it is answered exactly once, perhaps at once."""
        self._line.put(ask)

    def tick(self) -> None:
        """Notice what time has changed. Called once a second."""
        self.seating.tick()
        self._inbox.tick()
        if self._following is not None:
            self._following.tick()

    def let_follow(self, say: Say, node: str) -> Follower | None:
        """Let another node follow, if this one owns the session."""
        if not self.owns or not self.is_open.is_set():
            return None
        reactions = self.seating.ephemeral.reactions
        return self.seating.followers.add(say, node, self._followed(), reactions)

    @property
    def waiting(self) -> int:
        """How many asks wait for their outcome."""
        return len(self._line)

    @property
    def is_busy(self) -> bool:
        """Whether anything that was asked waits for its outcome."""
        return self.waiting > 0

    @property
    def is_idle(self) -> bool:
        """Whether nobody is here or awaited, and nothing goes on that needs an owner."""
        is_needed = self.is_busy or not self.seating.is_empty
        goes_on = self.owns and (self.state.status == "live" or bool(self.state.recordings))
        return not is_needed and not goes_on

    @property
    def _line(self) -> Inbox | Following:
        """Where asks go."""
        return self._inbox if self._following is None else self._following

    def _call(self) -> None:
        self._inbox.call()
        if self._following is not None:
            self._following.call()

    # ------------------------------------------------------------ the room's own task

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            NotFoundError: If there is no such session.

        """
        try:
            while True:
                try:
                    followers = self.seating.followers.nodes
                    claim = await self._lease.acquire(self.place.session, followers)
                    if isinstance(claim, Held):
                        await self._own(claim.epoch)
                        await asyncio.sleep(PAUSES[min(self._fruitless, len(PAUSES) - 1)])
                    else:
                        await self._follow_owner(claim)
                except UnavailableError as error:
                    log.debug("room_waits", session=self.place.session, reason=str(error))
                    await asyncio.sleep(error.retry_seconds)
        finally:
            if self.owns:
                self._replica.save(self.epoch, is_last=True)
            self._inbox.refuse_all()
            self._disown()
            self._settled.set()
            self.seating.ephemeral.close()

    def _settle(self) -> None:
        """Let in whoever waits for the room to know its log."""
        self.is_loaded = True
        self._settled.set()

    def _disown(self) -> None:
        """Be the owner no longer, if this room was."""
        if self.owns:
            self.owns = False
            self.seating.followers.end()
            self._listener.closed(self)

    # ------------------------------------------------------------ owning

    async def _own(self, epoch: int) -> None:
        """Be the owner under ``epoch``, until it is to be acquired again.

        Raises:
            UnavailableError: If the log cannot be read now.

        """
        # Whoever else has raised it may have changed the log: that is how an erasure is told.
        if self._replica.whole_since and epoch != self.epoch + 1:
            self._replica.must_reload = True
        self.epoch = epoch
        self.owns = True
        self._is_doubted = False
        if self._replica.must_reload:
            # Under the new epoch: what was saved under the old one does not come back.
            await self._snapshots.forget(self.place.session)
        if self._replica.must_reload or not self._replica.whole_since:
            await self._replica.load(epoch)
            self._replica.save(epoch)
        else:
            await self._replica.read_on(self._committed)
        self.seating.followers.restart(self._followed())
        self.seating.own()
        self._settle()
        self._inbox.open()
        self.reach.caught_up()
        self._listener.opened(self)
        log.info("room_opened", session=self.place.session, head=self.head.sequence)
        try:
            while await self._turn.take(self._inbox.in_hand, epoch, self._commit):
                await self._inbox.wait()
                if self._must_acquire:
                    break
                self._inbox.take()
            else:
                self._fruitless += 1
        finally:
            if self._is_leaving:
                self._inbox.hold()
            else:
                self._inbox.refuse_all()

    @property
    def _must_acquire(self) -> bool:
        is_unsure = self._replica.must_reload or self.reach.is_behind or self._is_doubted
        return is_unsure or self._is_leaving

    def _commit(self, draft: Draft) -> None:
        self._fruitless = 0
        before = self.state
        self._replica.take(draft)
        if draft.recorded:
            self.seating.followers.commit(self.epoch, draft)
            self._committed(before, draft.recorded)
        for ask, outcome in draft.outcomes:
            ask.answer(outcome)
        self.reach.moved()
        self._replica.save(self.epoch)

    def _committed(self, before: Classroom, recorded: Sequence[Recorded]) -> None:
        for each in recorded:
            _counted(each.event.type).inc()
        self._listener.committed(self, before, recorded)

    def _followed(self) -> Followed:
        return Followed(self.place.session, self.epoch, self._replica.whole_since)

    # ------------------------------------------------------------ following

    async def _follow_owner(self, owner: Elsewhere) -> None:
        """Follow the owner until it is lost. While it is not reached the log is told.

        Raises:
            UnavailableError: If the log cannot be read now.

        """
        is_handed_over = self.owns and self._is_leaving
        if self.owns and not self._is_leaving:
            metrics.lease_lost.inc()
            log.warning("room_lost", session=self.place.session)
        if not is_handed_over:  # or only when the other one has it
            self._disown()
        async with self._follow(owner.link, self.place, is_handed_over) as following:
            try:
                followed = await following.begin()
            except UnavailableError:
                self._disown()
                await self._miss(owner)
                return
            self._disown()
            self._relink_seconds = RELINK_SECONDS
            is_unbroken = followed.epoch == self.epoch + 1
            self.epoch = followed.epoch
            await self._replica.catch_up(followed.whole_since, is_unbroken=is_unbroken)
            self._following, self.owner, self.owner_node = following, owner.link, owner.node
            try:
                self.seating.report(following)
                self._settle()
                for ask in self._inbox.give():
                    following.put(ask)
                self.is_open.set()
                self.reach.caught_up()
                log.info("room_follows", session=self.place.session, head=self.head.sequence)
                async for message in following.messages():
                    await self._hear(following, message)
            finally:
                self._following = self.owner = self.owner_node = None
                self._inbox.hold(following.give_back())

    async def _miss(self, owner: Elsewhere) -> None:
        """Tell what the log holds until ``owner`` is gone or another one, or may be tried again."""
        # Not all classes of one owner at once. It keeps no secret.
        seconds = self._relink_seconds * random.uniform(0.5, 1.0)  # noqa: S311
        self._relink_seconds = min(RELINK_MOST_SECONDS, 2 * self._relink_seconds)
        loop = asyncio.get_running_loop()
        until, has_grown = loop.time() + seconds, True
        while has_grown:
            await self._replica.catch_up()
            self._settle()
            head, left = self.head.sequence, until - loop.time()
            has_grown = await self._lease.news.grown(self.place.session, owner.link, head, left)

    async def _hear(self, following: Following, message: ToFollower | None) -> None:
        match message:
            case Batch(epoch=epoch, events=events) if epoch >= self.epoch:
                self.epoch = epoch
                await self._replica.take_batch(events)
                self.reach.moved()
            case Done() | Refused():
                following.answer(message)
            case Roster(people=people, is_full=is_full):
                self.seating.list_people(people, is_full=is_full)
            case Reactions(counts=counts):
                self.seating.ephemeral.show_reactions(counts)
            case Felt(view=view, frame=frame):
                self.seating.ephemeral.feel(view, frame)
            case Followed(epoch=epoch, whole_since=whole_since):
                self.epoch = epoch
                await self._replica.catch_up(whole_since)
            case None:
                await self._replica.catch_up()
                self.reach.caught_up()
            case _:
                pass  # of an owner that has been fenced
