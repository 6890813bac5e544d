"""Who sits in a class, and what each of them is told.

It follows the room: everything here is a function of what the room has committed, and nothing here
ever changes that.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from protocol import codec
from protocol.errors import CloseCode
from protocol.events import ParticipantRemoved, SessionEnded
from protocol.frames import ResumePosition
from protocol.limits import END_GRACE_SECONDS
from protocol.snapshot import State
from server.classroom import people
from server.classroom.state import Classroom
from server.classroom.view import mine, touches
from server.clock import Clock
from server.hub.asks import Arrive, Ask, Depart, Who
from server.hub.draft import Recorded
from server.hub.ephemeral import Ephemeral
from server.hub.fanout import Feed, Frame, Peer, websocket_frame
from server.hub.history import PAGE, REPLAY_MOST, catch_up_frame
from server.hub.roster import Roster
from server.hub.views import AUDIENCES, Audience, View
from server.store.log import LogReader
from server.tasks import Supervisor


class Place(NamedTuple):
    """Which session a room is of."""

    session: str
    tenant: str
    log_id: str


class Seat(NamedTuple):
    """One connection of one person in the room."""

    peer: Peer
    who: Who
    audience: Audience


class RejectedError(Exception):
    """This person may not enter; ``code`` says why."""

    def __init__(self, code: CloseCode) -> None:
        super().__init__(code.reason)
        self.code = code


class Seating:
    """The connections of one session, their views, and the ephemeral lane.

    ``committed`` gives the room's state and its sequence; ``submit`` puts into its line that
    somebody has come or gone.
    """

    def __init__(
        self,
        place: Place,
        *,
        committed: Callable[[], tuple[Classroom, int]],
        submit: Callable[[Ask], None],
        reader: LogReader,
        clock: Clock,
        tasks: Supervisor,
    ) -> None:
        self.roster = Roster()
        self.views = {
            audience: View(audience, Feed(head=0, read=self._reader_of(audience), tasks=tasks))
            for audience in AUDIENCES
        }
        self.ephemeral = Ephemeral(
            {audience: view.feed for audience, view in self.views.items()}, self.roster, committed
        )
        self._place = place
        self._committed = committed
        self._submit = submit
        self._log = reader
        self._clock = clock
        self._seats: dict[str, set[Seat]] = {}

    @property
    def all(self) -> list[Seat]:
        """Every connection in the room."""
        return [seat for seats in self._seats.values() for seat in seats]

    @property
    def is_empty(self) -> bool:
        """Whether nobody is here, and nobody awaited back."""
        return not self._seats and not len(self.roster)

    @property
    def behind(self) -> int:
        """How many peers lag."""
        return sum(view.feed.behind for view in self.views.values())

    # ------------------------------------------------------------ coming and going

    def role_of(self, who: Who) -> Who:
        """Return ``who`` with the role that holds here: the log's wins over the token's."""
        return who._replace(role=people.actor(self._committed()[0], *who).role)

    def check_entry(self, who: Who) -> None:
        """Do nothing if ``who`` may come in.

        Raises:
            RejectedError: If they were removed.

        """
        member = self._committed()[0].people.get(who.user)
        if member is not None and member.is_out:
            raise RejectedError(CloseCode.REMOVED)

    def recovery(self, audience: Audience, resume: ResumePosition | None) -> int | None:
        """Return the position to go on from, or None if only a snapshot will do."""
        if resume is None or resume.log != self._place.log_id or resume.view != audience:
            return None
        missed = self._committed()[1] - resume.sequence
        return resume.sequence if 0 <= missed <= REPLAY_MOST else None

    def join(self, seat: Seat, position: int | None) -> None:
        """Give ``seat`` what it missed after ``position`` (None: a snapshot), then what comes."""
        seat.peer.on_current = lambda: self._greet(seat)
        self._seats.setdefault(seat.who.user, set()).add(seat)
        self.roster.connect(seat.who)
        self.ephemeral.presence_changed()
        self._submit(Arrive(seat.who))
        self._follow(seat, position)
        if self._committed()[0].status in ("ended", "archived"):
            self._leave_after_end(seat)

    def resync(self, seat: Seat, sequence: int) -> None:
        """Send again what follows ``sequence``, to a client that found a gap."""
        resume = ResumePosition(self._place.log_id, sequence, seat.audience)
        self._follow(seat, self.recovery(seat.audience, resume))

    def leave(self, seat: Seat) -> None:
        """Forget a connection. Idempotent."""
        seats = self._seats.get(seat.who.user)
        if seats is None or seat not in seats:
            return
        seats.discard(seat)
        if not seats:
            del self._seats[seat.who.user]
        self.views[seat.audience].feed.detach(seat.peer)
        self.roster.disconnect(seat.who.user, self._clock.monotonic())
        self.ephemeral.presence_changed()

    def tick(self) -> None:
        """Notice who has been away for too long. Called once a second."""
        for user in self.roster.expire(self._clock.monotonic()):
            self._submit(Depart(user))
            self.ephemeral.presence_changed()

    def reconcile(self) -> None:
        """Make attendance true again: who is here has joined, who is not gets the grace."""
        now = self._clock.monotonic()
        for seat in self.all:
            self._submit(Arrive(seat.who))
        for user, member in self._committed()[0].people.items():
            if member.present:
                self.roster.expect(Who(user, member.name, member.role), now)
        self.ephemeral.presence_changed()

    # ------------------------------------------------------------ telling

    def tell(self, recorded: list[Recorded], before: Classroom) -> None:
        """Tell everybody what has just been committed; ``before`` is the state it changed.

        Who is removed by it hears nothing of it.
        """
        state, head = self._committed()
        touched: set[str] = set()
        for each in recorded:
            touched |= touches(before, each.event, each.by)
            if isinstance(each.event, ParticipantRemoved):
                self._expel(each.event.user, CloseCode.REMOVED)
            elif isinstance(each.event, SessionEnded):
                for seat in self.all:
                    self._leave_after_end(seat)
        encoded: dict[int, bytes] = {}
        for view in self.views.values():
            view.commit(recorded, head, encoded)
        for user in touched & self._seats.keys():
            for seat in self._seats[user]:
                if not seat.peer.is_behind:  # or it is greeted when it has caught up
                    seat.peer.send(self._mine(seat))
        if touched or before.hands != state.hands or before.polls is not state.polls:
            self.ephemeral.counters_changed()

    def restart(self, states: Mapping[Audience, State], head: int) -> None:
        """Begin at ``head`` with these states of the views; whoever is here gets a snapshot."""
        for view in self.views.values():
            view.restart(states[view.audience], head)
        for seat in self.all:
            self._follow(seat, None)

    def _follow(self, seat: Seat, position: int | None) -> None:
        view = self.views[seat.audience]
        if position is None:
            seat.peer.send(view.snapshot)
            position = view.sequence
        view.feed.attach(seat.peer, position)

    def _greet(self, seat: Seat) -> None:
        """Give a peer that has caught up what is not in the log."""
        seat.peer.send(self._mine(seat))
        seat.peer.send(codec.encode(self.roster.full(for_staff=seat.audience == "staff")))
        seat.peer.send(codec.encode(self.ephemeral.counters(seat.audience)))

    def _mine(self, seat: Seat) -> bytes:
        state, head = self._committed()
        return codec.encode(mine(state, seat.who.user, seat.who.role, head))

    def _expel(self, user: str, code: CloseCode) -> None:
        """Close every connection of a person, before anything more is told."""
        for seat in [*self._seats.get(user, ())]:
            self.leave(seat)
            seat.peer.close(code)
        self.roster.remove(user)
        self.ephemeral.presence_changed()

    def _leave_after_end(self, seat: Seat) -> None:
        if seat.audience == "student":
            loop = asyncio.get_running_loop()
            loop.call_later(END_GRACE_SECONDS, self._say_it_is_over, seat)

    def _say_it_is_over(self, seat: Seat) -> None:
        if seat.peer.is_behind and seat in self._seats.get(seat.who.user, ()):
            self._leave_after_end(seat)  # it has not heard of the end yet
        else:
            seat.peer.close(CloseCode.SESSION_OVER)

    def _reader_of(self, audience: Audience) -> Callable[[int, int], Awaitable[Frame]]:
        async def read(after: int, head: int) -> Frame:
            if head - after > REPLAY_MOST:
                view = self.views[audience]
                return Frame(0, view.sequence, websocket_frame(view.snapshot))
            stored = await self._log.read(self._place.session, after, min(PAGE, head - after))
            return catch_up_frame(stored, audience, self._committed()[0].blanked)

        return read
