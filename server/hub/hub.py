"""The rooms of this node: opened when somebody comes, closed when nobody is left."""

import asyncio
from typing import TYPE_CHECKING

import structlog

from protocol.errors import CloseCode
from server.clock import Clock
from server.errors import UnavailableError
from server.hub.following import Follow
from server.hub.lease import Lease
from server.hub.ownership import Listener
from server.hub.peer import Peer
from server.hub.room import Room
from server.hub.seating import Place
from server.hub.snapshots import Snapshots
from server.ops import metrics
from server.store.log import LogReader, LogWriter
from server.tasks import Supervisor

if TYPE_CHECKING:
    from server.hub.connection import Connection

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

OPEN_SECONDS = 5.0
END_TRIES = 3
"""Seconds that rooms are given to end; those that hang in a database end with the process."""
HEIRS_SPREAD_SECONDS = 0.2
"""Goodbyes are spread themselves where others go on with the classes."""
IDLE_TICKS = 60
"""Seconds that an empty room is kept, so that a class that reloads its pages finds it warm."""


class Hub:
    """Every live session on this node.

    ``lease`` makes this node a session's owner, or says where the living node is that owns it;
    ``follow`` follows that one.
    """

    def __init__(
        self,
        *,
        lease: Lease,
        follow: Follow,
        writer: LogWriter,
        reader: LogReader,
        snapshots: Snapshots,
        clock: Clock,
        tasks: Supervisor,
        listener: Listener,
        drain_seconds: float,
    ) -> None:
        self.tasks = tasks
        self.connections: set[Connection] = set()
        self.peers: set[Peer] = set()
        """Every open socket, those without a connection yet included."""
        self.revoked: frozenset[str] = frozenset()
        """Who of those known to the rooms may not come in any more (``server.hub.revocation``)."""
        self.is_draining = False
        """Whether this node takes no more sockets, as it ends soon (``server.hub.departure``)."""
        self.has_heirs = False
        """Whether other nodes take over what it owned; then rooms here follow them."""
        self._lease = lease
        self._follow = follow
        self._writer = writer
        self._reader = reader
        self.snapshots = snapshots
        self._clock = clock
        self._listener = listener
        self._drain_seconds = drain_seconds
        self._rooms: dict[str, Room] = {}
        self._idle: dict[str, int] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    @property
    def rooms(self) -> list[Room]:
        """The rooms that are open or opening."""
        return list(self._rooms.values())

    def present(self) -> dict[str, dict[str, str]]:
        """Return session → connection → user, for whoever is connected to this node."""
        present: dict[str, dict[str, str]] = {}
        for connection in self.connections:
            session = connection.room.place.session
            present.setdefault(session, {})[connection.id] = connection.identity.user
        return present

    def find(self, session: str) -> Room | None:
        """Return the session's room if it is on this node."""
        return self._rooms.get(session)

    async def room(self, place: Place) -> Room:
        """Return the session's room, opening it where necessary.

        Raises:
            UnavailableError: If it cannot be opened now.

        """
        if self.is_draining and not (self.has_heirs or place.session in self._rooms):
            raise UnavailableError("This node is shutting down.")
        room = self._rooms.get(place.session)
        if room is None:
            room = self._rooms[place.session] = Room(
                place,
                lease=self._lease,
                follow=self._follow,
                writer=self._writer,
                reader=self._reader,
                snapshots=self.snapshots,
                clock=self._clock,
                tasks=self.tasks,
                listener=self._listener,
            )
            self._running[place.session] = self.tasks.start("room", self._run(room))
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await room.loaded()
        except TimeoutError:
            raise UnavailableError("The class cannot be opened right now.") from None
        return room

    def doubt(self) -> None:
        """Make sure of every session that this node owns: others may have taken it for dead."""
        for room in self.rooms:
            room.doubt()

    async def keep_time(self) -> None:
        """Let the rooms notice absences, and close those that are idle; until cancelled."""
        while True:
            await asyncio.sleep(1)
            for session, room in list(self._rooms.items()):
                room.tick()
                self._idle[session] = self._idle.get(session, 0) + 1 if room.is_idle else 0
                if self._idle[session] >= IDLE_TICKS:
                    self._running[session].cancel()
            self._count()

    def _count(self) -> None:
        rooms = self.rooms
        owned, followed = (
            sum(room.owns for room in rooms),
            sum(room.owner is not None for room in rooms),
        )
        metrics.sessions_live.set(owned)
        metrics.rooms.labels("owner").set(owned)
        metrics.rooms.labels("follower").set(followed)
        metrics.rooms.labels("waiting").set(len(rooms) - owned - followed)
        metrics.peers_behind.set(sum(room.seating.behind for room in rooms))
        waiting = [room.waiting for room in rooms]
        metrics.inbox_asks.set(sum(waiting))
        metrics.inbox_longest.set(max(waiting, default=0))

    async def drain(self) -> None:
        """Say goodbye to whoever is still here, and finish the rooms. The last thing done."""
        self.is_draining = True
        for peer in list(self.peers):
            peer.close(CloseCode.DRAINING)
        for _ in range(200):  # bounded: 2 s
            if not self.peers and not any(room.is_busy for room in self.rooms):
                break
            await asyncio.sleep(0.01)
        for _ in range(END_TRIES):  # a cancellation is lost where a connection breaks with it
            running = list(self._running.values())
            if not running:
                break
            for task in running:
                task.cancel()
            await asyncio.wait(running, timeout=1.0)
        await self.snapshots.settle()

    def spread_seconds(self, code: CloseCode) -> float:
        """Return over how long those closed with ``code`` should spread their return."""
        if code is not CloseCode.DRAINING:
            return 2.0
        return HEIRS_SPREAD_SECONDS if self.has_heirs else self._drain_seconds

    async def _run(self, room: Room) -> None:
        try:
            await room.run()
        finally:
            del self._rooms[room.place.session], self._running[room.place.session]
            self._idle.pop(room.place.session, None)
            for seat in room.seating.all:
                seat.peer.close(CloseCode.SERVICE_RESTART)
