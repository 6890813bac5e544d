"""Who is in a class and who in its lobby, by their connections; and that the log knows it.

The node that owns the class counts everybody's: :class:`Attendance`. Any other node reports those
that it has: :class:`Reporting`, and shows what it is told of the whole class.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from protocol.ids import ViewName
from server.classroom.state import Member
from server.clock import Clock
from server.hub.asks import Arrive, Ask, Depart, Who
from server.hub.link_messages import Seated
from server.hub.roster import Roster

SAY_AGAIN_TICKS = 10


class Register(Protocol):
    """Where a seating notes who comes and goes."""

    @property
    def is_empty(self) -> bool:
        """Whether nobody is here, and nobody awaited back."""

    def came(self, who: Who, view: ViewName) -> None:
        """Count one more connection of a person."""

    def went(self, user: str, view: ViewName) -> None:
        """Count one connection less."""

    def begin_anew(self, user: str, member: Member | None, *, is_connected: bool) -> None:
        """Forget a person whose standing has changed: whoever is connected comes again."""

    def tick(self) -> None:
        """Notice what time has changed. Called once a second."""


class Attendance:
    """Two rosters, of which only that of the class is shown to anybody.

    ``submit`` puts into the room's line that somebody has come or gone; ``changed`` hears that
    the class's roster may have to be told.
    """

    def __init__(
        self,
        roster: Roster,
        *,
        submit: Callable[[Ask], None],
        changed: Callable[[], None],
        clock: Clock,
    ) -> None:
        self.roster = roster
        self.waiting = Roster()
        self._submit = submit
        self._changed = changed
        self._clock = clock

    @property
    def is_empty(self) -> bool:
        """Whether nobody is here, and nobody awaited back."""
        return not len(self.roster) and not len(self.waiting)

    def came(self, who: Who, view: ViewName) -> None:
        """Count one more connection of a person, here or on another node."""
        self.count(who, view)
        self._submit(Arrive(who))

    def count(self, who: Who, view: ViewName) -> None:
        """Count a connection that the log knows of, or will be told of."""
        self._of(view).connect(who)
        self._changed()

    def went(self, user: str, view: ViewName) -> None:
        """Count one connection less; the last one starts the grace."""
        self._of(view).disconnect(user, self._clock.monotonic())
        self._changed()

    def begin_anew(self, user: str, member: Member | None, *, is_connected: bool) -> None:
        """Forget a person whose standing has changed: whoever is connected comes again.

        ``member`` is what the log says of them now; who is awaited back still is.
        """
        was_here = user in self.roster
        self.roster.remove(user)
        self.waiting.remove(user)
        if was_here and not is_connected and member is not None and not member.is_out:
            self.roster.expect(Who(user, member.name, member.role), self._clock.monotonic())
        self._changed()

    def tick(self) -> None:
        """Notice who has been away for too long. Called once a second."""
        now = self._clock.monotonic()
        for user in (*self.roster.expire(now), *self.waiting.expire(now)):
            self._submit(Depart(user))
            self._changed()

    def reconcile(self, here: Iterable[Who], people: Mapping[str, Member]) -> None:
        """Make it true again: who is ``here`` has joined, who is not gets the grace."""
        now = self._clock.monotonic()
        for who in here:
            self._submit(Arrive(who))
        for user, member in people.items():
            if member.present:
                roster = self.waiting if member.status == "waiting" else self.roster
                roster.expect(Who(user, member.name, member.role), now)
        self._changed()

    def _of(self, view: ViewName) -> Roster:
        return self.waiting if view == "lobby" else self.roster


class Reporting:
    """The connections of this node to a class that another one owns.

    ``report`` takes how many connections each person has here whose number has changed; it is
    called once per turn of the event loop, however many come at once.
    """

    def __init__(self, report: Callable[[list[Seated]], None]) -> None:
        self._report = report
        self._seats: dict[tuple[str, ViewName], Seated] = {}
        self._ticks = 0
        self._changed: set[tuple[str, ViewName]] = set()

    @property
    def is_empty(self) -> bool:
        """Whether nobody is here."""
        return not self._seats

    def came(self, who: Who, view: ViewName) -> None:
        """Count one more connection of a person."""
        seated = self._seats.get((who.user, view))
        count = 1 if seated is None else seated.connections + 1
        self._set(Seated(*who, view, count))

    def went(self, user: str, view: ViewName) -> None:
        """Count one connection less."""
        seated = self._seats.get((user, view))
        if seated is not None:
            self._set(seated._replace(connections=seated.connections - 1))

    def begin_anew(self, user: str, member: Member | None, *, is_connected: bool) -> None:  # noqa: ARG002
        """Forget a person whose standing has changed: whoever is connected comes again.

        The owner has forgotten them, too, with the event that said so: it is told the number
        again even if that is what it was.
        """
        for seated in [*self._seats.values()]:
            if seated.user == user:
                self._set(seated._replace(connections=0))

    def tick(self) -> None:
        """Say it all again now and then: what went wrong on the way does not stay so."""
        self._ticks += 1
        if self._ticks % SAY_AGAIN_TICKS == 0 and self._seats:
            self._report([*self._seats.values()])

    def _set(self, seated: Seated) -> None:
        key = seated.user, seated.view
        if seated.connections:
            self._seats[key] = seated
        else:
            self._seats.pop(key, None)
        if not self._changed:
            asyncio.get_running_loop().call_soon(self._tell)
        self._changed.add(key)

    def _tell(self) -> None:
        changed, self._changed = self._changed, set()
        self._report(
            [
                self._seats.get(key) or Seated(key[0], "", "student", key[1], 0)
                for key in sorted(changed)
            ]
        )
