"""Who sits in a class, and what each of them is told.

It follows the room: everything here is a function of what the room has committed, and nothing here
ever changes that.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Set
from typing import NamedTuple

from msgspec.structs import replace

from protocol import codec
from protocol.errors import CloseCode
from protocol.frames import Person, ResumePosition, SignalSent
from protocol.limits import END_GRACE_SECONDS
from protocol.snapshot import State
from server.classroom.state import Classroom
from server.classroom.view import mine, touches
from server.clock import Clock
from server.hub.asks import Ask, Who
from server.hub.attendance import Attendance, Register, Reporting
from server.hub.draft import Recorded
from server.hub.ephemeral import Ephemeral
from server.hub.fanout import Feed
from server.hub.followers import Followers
from server.hub.history import PAGE, REPLAY_MOST, catch_up_frame
from server.hub.link_messages import Listed
from server.hub.lobby import Lobby
from server.hub.pauses import Pauses
from server.hub.roster import Roster
from server.hub.seat import RejectedError, Seat
from server.hub.standing import Standing, decided, doubtful, is_over, standing_of
from server.hub.upstream import Upstream
from server.hub.views import AUDIENCES, Audience, View
from server.hub.welcome import recovery_from
from server.hub.wire import Frame, websocket_frame
from server.store.log import LogReader
from server.tasks import Supervisor


class Place(NamedTuple):
    """Which session a room is of."""

    session: str
    tenant: str
    log_id: str


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
        self._pauses = Pauses(lambda: sum(len(view.feed) for view in self.views.values()))
        self.views = {
            audience: View(
                audience,
                Feed(head=0, read=self._reader_of(audience), tasks=tasks),
                self._pauses,
            )
            for audience in AUDIENCES
        }
        self.lobby = Lobby(committed=committed, tasks=tasks)
        self.roster = Roster()
        """Who is in the class, here and on every other node."""
        self.followers = Followers(place.session, self.roster)
        self.attendance: Register = Reporting(lambda _: None)
        self.ephemeral = Ephemeral(
            {audience: view.feed for audience, view in self.views.items()},
            self.roster,
            committed,
            self.followers,
            self._pauses,
        )
        self._place = place
        self._committed = committed
        self._submit = submit
        self._log = reader
        self._clock = clock
        self._seats: dict[str, set[Seat]] = {}

    @property
    def all(self) -> list[Seat]:
        """Every connection in the room, and in its lobby."""
        return [seat for seats in self._seats.values() for seat in seats]

    @property
    def is_empty(self) -> bool:
        """Whether nobody is here or on another node, and nobody awaited back."""
        return not self._seats and self.attendance.is_empty and not self.followers

    @property
    def behind(self) -> int:
        """How many peers lag."""
        return self.lobby.feed.behind + sum(view.feed.behind for view in self.views.values())

    # ------------------------------------------------------------ coming and going

    def join(self, seat: Seat, resume: ResumePosition | None) -> None:
        """Welcome ``seat``, give it what it missed after ``resume``, and then what comes.

        Raises:
            RejectedError: If they were removed, banned or denied, or too many wait already.

        """
        standing = standing_of(self._committed()[0], seat.who)
        if isinstance(standing, CloseCode):
            raise RejectedError(standing)
        if standing.view == "lobby" and self.lobby.is_full:
            raise RejectedError(CloseCode.OVERLOADED)
        seat.peer.on_current = lambda: self._greet(seat)
        self._seats.setdefault(seat.who.user, set()).add(seat)
        self._sit(seat, standing, resume)

    def resync(self, seat: Seat, sequence: int) -> None:
        """Send again what follows ``sequence``, to a client that found a gap."""
        if self._is_here(seat):
            resume = ResumePosition(self._place.log_id, sequence, seat.view)
            self._follow(seat, self._position(seat, resume))

    def leave(self, seat: Seat) -> None:
        """Forget a connection. Idempotent."""
        if not self._is_here(seat):
            return
        self._stand_up(seat)
        self.attendance.went(seat.who.user, seat.view)

    def close(self) -> None:
        """Tell nothing more of what was gathered."""
        self._pauses.close()

    def tick(self) -> None:
        """Notice who has been away for too long. Called once a second."""
        self.attendance.tick()
        self.lobby.catch_up()

    # ------------------------------------------------------------ the other nodes

    def own(self) -> None:
        """Count everybody: who is here has joined, who is not gets the grace."""
        if not isinstance(self.attendance, Attendance):
            self.roster.clear()
            self.ephemeral.forward = None
            self.attendance = Attendance(
                self.roster,
                submit=self._submit,
                changed=self.ephemeral.presence_changed,
                clock=self._clock,
            )
            for seat in self.all:
                self.attendance.count(seat.who, seat.view)
        here = (seat.who for seat in self.all)
        self.attendance.reconcile(here, self._committed()[0].people)

    def report(self, upstream: Upstream) -> None:
        """Report who is here to the node that owns the class, from the beginning."""
        self.ephemeral.forward = upstream.signal
        self.attendance = Reporting(upstream.seat)
        for seat in self.all:
            self.attendance.came(seat.who, seat.view)

    def list_people(self, people: Iterable[Listed], *, is_full: bool) -> None:
        """Take the owner's word for who is in the class."""
        people = list(people)
        if is_full:
            here = {each.user for each in people}
            for user in [user for user in self.roster if user not in here]:
                self.roster.remove(user)
        for each in people:
            if each.connections is None:
                self.roster.remove(each.user)
            else:
                self.roster.show(Who(each.user, each.name, each.role), each.connections)
        self.ephemeral.presence_changed()

    # ------------------------------------------------------------ being here

    def head(self, seat: Seat) -> int:
        """Return the end of the log as far as the seat's view knows of it."""
        return self._source(seat).sequence

    def page(self, seat: Seat, after: str | None) -> tuple[tuple[Person, ...], str | None]:
        """Return a page of who is here as the seat may see it, and where the next one begins."""
        if seat.view == "lobby":
            return (), None
        return self.roster.page(after, for_staff=seat.view == "staff")

    def signal(self, seat: Seat, signal: SignalSent) -> None:
        """Pass a signal on, unless it comes from the lobby, or from somebody who is out.

        Raises:
            Refusal: If it is malformed.

        """
        if seat.view != "lobby" and self._is_here(seat):
            self.ephemeral.signal(seat.who.user, signal)

    # ------------------------------------------------------------ telling

    def tell(self, recorded: list[Recorded], before: Classroom) -> None:
        """Tell everybody what has just been committed; ``before`` is the state it changed.

        Whose standing it decides hears nothing of it: they are welcomed anew where they belong
        now, or leave.
        """
        state, head = self._committed()
        anew = decided(recorded)
        moving = self._move(anew | doubtful(recorded, self._seats.keys()), anew=anew)
        encoded: dict[int, bytes] = {}
        for view in self.views.values():
            view.commit(recorded, head, encoded)
        self.lobby.commit(before)
        for seat, standing in moving.items():
            self._sit(seat, standing, None)
        touched: set[str] = set()
        for each in recorded:
            touched |= touches(before, each.event, each.by)
        for user in touched & self._seats.keys():
            for seat in self._seats[user] - moving.keys():
                if not seat.peer.is_behind:  # or it is greeted when it has caught up
                    seat.peer.send(self._mine(seat))
        if touched or before.hands != state.hands or before.polls is not state.polls:
            self.ephemeral.counters_changed()
        if before.status != state.status:
            for seat in self.all:
                self._leave_after_end(seat)

    def restart(self, states: Mapping[Audience, State], head: int) -> None:
        """Begin at ``head`` with these states of the views; whoever is here gets a snapshot."""
        moving = self._move(self._seats.keys(), anew=frozenset())
        for view in self.views.values():
            view.restart(states[view.audience], head)
        self.lobby.restart()
        for seat in self.all:
            if seat in moving:
                self._sit(seat, moving[seat], None)
            else:
                self._follow(seat, None)

    def _move(self, users: Iterable[str], *, anew: Set[str]) -> dict[Seat, Standing]:
        """Take those of ``users`` out of their view who do not belong there, or are in ``anew``.

        Return who stays, and what they are now: they are told nothing before they are seated.
        """
        state, _ = self._committed()
        moving: dict[Seat, Standing] = {}
        for user in [*users]:
            is_moved = user in anew
            for seat in [*self._seats.get(user, ())]:
                standing = standing_of(state, seat.who)
                is_moved = is_moved or standing != (seat.who.role, seat.view)
                if isinstance(standing, CloseCode):
                    self._stand_up(seat)
                    seat.peer.close(standing)
                elif is_moved:
                    self._source(seat).feed.detach(seat.peer)
                    moving[seat] = standing
            if is_moved:
                member = state.people.get(user)
                is_connected = user in self._seats
                self.attendance.begin_anew(user, member, is_connected=is_connected)
                self.followers.begin_anew(user)
        return moving

    def _sit(self, seat: Seat, standing: Standing, resume: ResumePosition | None) -> None:
        """Let everything that a connection hears from now on begin with this welcome."""
        seat.who = seat.who._replace(role=standing.role)
        seat.view = standing.view
        position = self._position(seat, resume)
        seat.peer.send(seat.welcome(recovery_from(position, self.head(seat))))
        self.attendance.came(seat.who, seat.view)
        self._follow(seat, position)
        self._leave_after_end(seat)

    def _stand_up(self, seat: Seat) -> None:
        seats = self._seats[seat.who.user]
        seats.discard(seat)
        if not seats:
            del self._seats[seat.who.user]
        self._source(seat).feed.detach(seat.peer)

    def _position(self, seat: Seat, resume: ResumePosition | None) -> int | None:
        """Return the position to go on from, or None if only a snapshot will do."""
        if resume is None or resume.log != self._place.log_id or resume.view != seat.view:
            return None
        missed = self._committed()[1] - resume.sequence
        # What the lobby sees of the log is in no event.
        is_replayed = seat.view != "lobby" and 0 <= missed <= REPLAY_MOST
        return resume.sequence if is_replayed else None

    def _follow(self, seat: Seat, position: int | None) -> None:
        source = self._source(seat)
        if position is None:
            seat.peer.send(source.snapshot)
            position = source.sequence
        source.feed.attach(seat.peer, position)

    def _greet(self, seat: Seat) -> None:
        """Give a peer that has caught up what is not in the log."""
        seat.peer.send(self._mine(seat))
        if seat.view == "lobby":
            felt = self.lobby.presence(), self.lobby.counters()
        else:
            is_staff = seat.view == "staff"
            felt = self.roster.full(for_staff=is_staff), self.ephemeral.counters(seat.view)
        for frame in felt:
            seat.peer.send(codec.encode(frame))

    def _mine(self, seat: Seat) -> bytes:
        state, head = self._committed()
        own = mine(state, seat.who.user, seat.who.role, head)
        if seat.view == "lobby":  # also before the log has it that they wait
            own = replace(own, lobby=True, grants=())
        return codec.encode(own)

    def _is_here(self, seat: Seat) -> bool:
        return seat in self._seats.get(seat.who.user, ())

    def _source(self, seat: Seat) -> View | Lobby:
        return self.lobby if seat.view == "lobby" else self.views[seat.view]

    def _leave_after_end(self, seat: Seat) -> None:
        if is_over(self._committed()[0], seat.view):
            loop = asyncio.get_running_loop()
            loop.call_later(END_GRACE_SECONDS, self._say_it_is_over, seat)

    def _say_it_is_over(self, seat: Seat) -> None:
        if not self._is_here(seat) or not is_over(self._committed()[0], seat.view):
            return
        if seat.peer.is_behind:
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
