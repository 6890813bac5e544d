"""Who is in a class and who in its lobby, by their connections; and that the log knows it."""

from collections.abc import Callable, Iterable, Mapping

from protocol.ids import ViewName
from server.classroom.state import Member
from server.clock import Clock
from server.hub.asks import Arrive, Ask, Depart, Who
from server.hub.roster import Roster


class Attendance:
    """Two rosters, of which only that of the class is shown to anybody.

    ``submit`` puts into the room's line that somebody has come or gone; ``changed`` hears that
    the class's roster may have to be told.
    """

    def __init__(
        self, *, submit: Callable[[Ask], None], changed: Callable[[], None], clock: Clock
    ) -> None:
        self.roster = Roster()
        self.waiting = Roster()
        self._submit = submit
        self._changed = changed
        self._clock = clock

    @property
    def is_empty(self) -> bool:
        """Whether nobody is here, and nobody awaited back."""
        return not len(self.roster) and not len(self.waiting)

    def came(self, who: Who, view: ViewName) -> None:
        """Count one more connection of a person."""
        self._of(view).connect(who)
        self._changed()
        self._submit(Arrive(who))

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
