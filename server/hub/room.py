"""One live session on one node: where asks go, and which part the node plays for the session.

::

              ┌─▶ own (``ownership.py``): decide, store, tell ─┐
    acquire ──┼─▶ follow (``following.py``) what the owner tells ├─▶ acquire …
              └─▶ miss an owner that is not reached: read on ──┘

Only the room's own task changes its state. A socket that goes away tears nothing. Whatever the
part, what the node knows of the session is one replica of its log (``replica.py``): when the owner
is gone each room that followed takes the session, and one of them gets it; its people notice
nothing.
"""

import asyncio

import structlog

from server.classroom.state import Classroom
from server.clock import Clock
from server.errors import UnavailableError
from server.hub.asks import Ask
from server.hub.draft import Head
from server.hub.followers import Follower, Say
from server.hub.following import Follow, Following
from server.hub.inbox import Inbox
from server.hub.lease import Elsewhere, Held, Lease
from server.hub.ownership import Listener, Ownership
from server.hub.reach import Reach
from server.hub.replica import Replica
from server.hub.seating import Place, Seating
from server.hub.snapshots import Snapshots
from server.hub.turn import Turn
from server.hub.upstream import Upstream
from server.store.log import LogReader, LogWriter
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


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
        self._lease = lease
        self._follow = follow
        self._inbox = Inbox(clock)
        self.is_open = self._inbox.is_open
        """Set while asks are taken."""
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
        turn = Turn(self._replica, writer, clock)
        self._ownership = Ownership(
            self._replica, self._inbox, self.reach, turn, snapshots, listener
        )
        self._following = Following(self._replica, self._inbox, self.reach, lease.news)

    # ------------------------------------------------------------ what it is

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

    @property
    def epoch(self) -> int:
        """The owner's, as far as it is known here."""
        return self._replica.epoch

    @property
    def is_loaded(self) -> bool:
        """Whether the log has been read; it stays so while the log is away."""
        return self._replica.is_loaded

    @property
    def owns(self) -> bool:
        """Whether this node is the session's owner, also while the log is away."""
        return self._ownership.is_held

    @property
    def owner(self) -> Elsewhere | None:
        """Which node owns it, while this one follows."""
        return self._following.owner

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

    # ------------------------------------------------------------ from outside

    async def loaded(self) -> None:
        """Wait until the room knows its log; it may not reach it later, and knows it still.

        Raises:
            UnavailableError: If it has ended instead.

        """
        await self._replica.is_settled.wait()
        if not self.is_loaded:
            raise UnavailableError("The class cannot be opened here right now.")

    def submit(self, ask: Ask) -> None:
        """Put an ask in line; it is answered exactly once, perhaps at once."""
        self._line.put(ask)

    def let_follow(self, say: Say, node: str) -> Follower | None:
        """Let another node follow, if this one owns the session."""
        return self._ownership.let_follow(say, node)

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
        self._ownership.is_doubted = True
        self._call()

    def hand_over(self) -> None:
        """Have another node own the session as soon as what is in hand is done, and follow it."""
        self._ownership.is_leaving = True
        self._call()

    def take(self) -> None:
        """Own the session, which its owner gives up."""
        self._following.stop()

    def tick(self) -> None:
        """Notice what time has changed. Called once a second."""
        self.seating.tick()
        self._inbox.tick()
        if self._following.upstream is not None:
            self._following.upstream.tick()

    @property
    def _line(self) -> Inbox | Upstream:
        """Where asks go."""
        upstream = self._following.upstream
        return self._inbox if upstream is None else upstream

    def _call(self) -> None:
        self._inbox.call()
        if self._following.upstream is not None:
            self._following.upstream.call()

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
                        await self._ownership.hold(claim.epoch)
                    else:
                        await self._follow_owner(claim)
                except UnavailableError as error:
                    log.debug("room_waits", session=self.place.session, reason=str(error))
                    await asyncio.sleep(error.retry_seconds)
        finally:
            if self.owns:
                self._replica.save(is_last=True)
            self._inbox.refuse_all()
            self._ownership.end()
            self._replica.is_settled.set()
            self.seating.close()

    async def _follow_owner(self, owner: Elsewhere) -> None:
        """Follow ``owner`` until it is lost. While it is not reached the log is told.

        Raises:
            UnavailableError: If the log cannot be read now.

        """
        is_handed_over = self.owns and self._ownership.is_leaving
        if not is_handed_over:  # or only when the other one has it
            self._ownership.lose()
        async with self._follow(owner.link, self.place, is_handed_over) as upstream:
            try:
                followed = await upstream.begin()
            except UnavailableError:
                self._ownership.end()
                await self._following.miss(owner)
            else:
                self._ownership.end()
                await self._following.follow(owner, upstream, followed)
