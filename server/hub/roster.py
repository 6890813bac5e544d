"""Who is here: kept per connection, shown per person. Pure; time is passed in."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

from protocol.frames import Person, Presence
from protocol.ids import STAFF, Role
from protocol.limits import DROPPED_SECONDS, ROSTER_FULL_PEOPLE, ROSTER_FULL_STAFF, ROSTER_PAGE
from server.hub.asks import Who


@dataclass(slots=True)
class _Entry:
    name: str
    role: Role
    connections: int = 0
    leaves_at: float = 0.0


class Roster:
    """The people of one session, and what has changed since the last revision told.

    A class of thousands is never copied or sorted as a whole for one newcomer or one page.
    """

    def __init__(self) -> None:
        self.revision = 0
        self._people: dict[str, _Entry] = {}
        self._order: list[str] = []  # the same people, sorted
        self._staff: set[str] = set()  # those of them who are staff
        self._known: dict[str, Role] = {}  # who the last revision listed
        self._touched: set[str] = set()
        self._told = 0  # how many the last revision counted
        self._mixed: set[bool] = set()  # views in which some were told by another count since

    def __len__(self) -> int:
        """How many people are here, those within the grace included."""
        return len(self._people)

    def __contains__(self, user: str) -> bool:
        return user in self._people

    def connect(self, who: Who) -> None:
        """Count one more connection of a person."""
        self._place(who).connections += 1
        self._touched.add(who.user)

    def expect(self, who: Who, now: float) -> None:
        """Hold a place for somebody who was here before the server restarted."""
        if who.user not in self._people:
            self._place(who).leaves_at = now + DROPPED_SECONDS
            self._touched.add(who.user)

    def disconnect(self, user: str, now: float) -> None:
        """Count one connection less; the last one starts the grace.

        A late goodbye of an old connection never removes somebody who is back.
        """
        entry = self._people.get(user)
        if entry is None or entry.connections == 0:
            return
        entry.connections -= 1
        if entry.connections == 0:
            entry.leaves_at = now + DROPPED_SECONDS
        self._touched.add(user)

    @property
    def touched(self) -> Set[str]:
        """Who has come, gone or changed since the last call of :meth:`changes`."""
        return self._touched

    def __iter__(self) -> Iterator[str]:
        return iter(self._people)

    def find(self, user: str) -> tuple[Who, int] | None:
        """Return a person who is here, and how many connections they have."""
        entry = self._people.get(user)
        return None if entry is None else (Who(user, entry.name, entry.role), entry.connections)

    def show(self, who: Who, connections: int) -> None:
        """Take the roster's word of another node: this person is here."""
        self._place(who).connections = connections
        self._touched.add(who.user)

    def clear(self) -> None:
        """Forget everybody."""
        for user in [*self._people]:
            self.remove(user)

    def remove(self, user: str) -> None:
        """Forget a person at once."""
        if self._people.pop(user, None) is not None:
            del self._order[bisect_left(self._order, user)]
            self._staff.discard(user)
            self._touched.add(user)

    def expire(self, now: float) -> list[str]:
        """Forget everybody whose grace is over; return who."""
        gone = [
            user
            for user, entry in self._people.items()
            if entry.connections == 0 and entry.leaves_at <= now
        ]
        for user in gone:
            self.remove(user)
        return gone

    def full(self, *, for_staff: bool) -> Presence:
        """Return everybody whom this view lists, for somebody who begins here."""
        is_listed = self._is_listed(len(self._people), for_staff)
        if is_listed != self._is_listed(self._told, for_staff):
            self._mixed.add(for_staff)
        users = self._people if is_listed else self._staff
        return Presence(revision=self.revision, count=len(self._people), full=self._persons(users))

    def changes(self) -> tuple[Presence, Presence] | None:
        """Return what to tell (staff, students) since the last call; None if nothing changed."""
        if not self._touched:
            return None
        self.revision += 1
        touched, self._touched = self._touched, set()
        before, self._told = self._told, len(self._people)
        known = {user: self._known.pop(user) for user in touched & self._known.keys()}
        here = touched & self._people.keys()
        self._known |= {user: self._people[user].role for user in here}
        mixed, self._mixed = self._mixed, set()
        was_staff = {user for user, role in known.items() if role in STAFF}

        def told(for_staff: bool) -> Presence:
            is_listed = self._is_listed(self._told, for_staff)
            if is_listed != self._is_listed(before, for_staff) or for_staff in mixed:
                return self.full(for_staff=for_staff)
            if is_listed:
                return self._difference(known.keys(), here)
            return self._difference(was_staff, here & self._staff)

        return told(True), told(False)

    def page(self, after: str | None, *, for_staff: bool) -> tuple[tuple[Person, ...], str | None]:
        """Return the people after ``after`` in the order of their ids, and where to go on.

        Staff may page through everybody, students through whom they are told of.
        """
        sees_all = for_staff or len(self._people) <= ROSTER_FULL_PEOPLE
        users = self._order if sees_all else sorted(self._staff)
        start = 0 if after is None else bisect_right(users, after)
        page = users[start : start + ROSTER_PAGE]
        following = page[-1] if start + len(page) < len(users) else None
        return self._persons(page), following

    def _place(self, who: Who) -> _Entry:
        """Return the entry of a person, made if need be, under their present name and role."""
        entry = self._people.get(who.user)
        if entry is None:
            entry = self._people[who.user] = _Entry(who.name, who.role)
            insort(self._order, who.user)
        entry.name, entry.role = who.name, who.role
        if who.role in STAFF:
            self._staff.add(who.user)
        else:
            self._staff.discard(who.user)
        return entry

    def _is_listed(self, count: int, for_staff: bool) -> bool:
        """Whether a view lists everybody of a class of ``count`` people, not staff alone."""
        return count <= (ROSTER_FULL_STAFF if for_staff else ROSTER_FULL_PEOPLE)

    def _difference(self, before: Set[str], now: Set[str]) -> Presence:
        return Presence(
            revision=self.revision,
            count=len(self._people),
            joined=self._persons(sorted(now - before)) or None,
            left=tuple(sorted(before - now)) or None,
            changed=self._persons(sorted(now & before)) or None,
        )

    def _persons(self, users: Iterable[str]) -> tuple[Person, ...]:
        people = ((user, self._people[user]) for user in users)
        return tuple(
            Person(
                user,
                entry.name,
                entry.role,
                "online" if entry.connections else "dropped",
                entry.connections,
            )
            for user, entry in people
        )
