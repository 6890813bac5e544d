"""Who is here: kept per connection, shown per person. Pure; time is passed in."""

from collections.abc import Iterable
from dataclasses import dataclass

from protocol.frames import Person, Presence
from protocol.ids import STAFF, Role
from protocol.limits import DROPPED_SECONDS, ROSTER_FULL_PEOPLE, ROSTER_PAGE
from server.hub.asks import Who


@dataclass(slots=True)
class _Entry:
    name: str
    role: Role
    connections: int = 0
    leaves_at: float = 0.0


class Roster:
    """The people of one session, and what has changed since the last revision told."""

    def __init__(self) -> None:
        self.revision = 0
        self._people: dict[str, _Entry] = {}
        self._known: dict[str, Role] = {}  # who the last revision listed
        self._touched: set[str] = set()
        self._was_large = False

    def __len__(self) -> int:
        """How many people are here, those within the grace included."""
        return len(self._people)

    def __contains__(self, user: str) -> bool:
        return user in self._people

    @property
    def is_dirty(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self._touched)

    def connect(self, who: Who) -> None:
        """Count one more connection of a person."""
        entry = self._people.setdefault(who.user, _Entry(who.name, who.role))
        entry.name, entry.role = who.name, who.role
        entry.connections += 1
        self._touched.add(who.user)

    def expect(self, who: Who, now: float) -> None:
        """Hold a place for somebody who was here before the server restarted."""
        if who.user not in self._people:
            self._people[who.user] = _Entry(who.name, who.role, 0, now + DROPPED_SECONDS)
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

    def remove(self, user: str) -> None:
        """Forget a person at once."""
        if self._people.pop(user, None) is not None:
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
        """Return everybody this view may see, as of the last revision told."""
        return Presence(
            revision=self.revision,
            count=len(self._people),
            full=self._shown(self._people, for_staff=for_staff),
        )

    def changes(self) -> tuple[Presence, Presence] | None:
        """Return what to tell (staff, students) since the last call; None if nothing changed."""
        if not self._touched:
            return None
        self.revision += 1
        here = self._touched & self._people.keys()
        joined, changed = here - self._known.keys(), here & self._known.keys()
        left = {user: self._known[user] for user in self._touched & self._known.keys() - here}
        is_large = len(self._people) > ROSTER_FULL_PEOPLE
        turned, self._was_large = is_large != self._was_large, is_large
        # Only what was touched differs: a large class is not copied for one newcomer.
        self._known |= {user: self._people[user].role for user in here}
        for user in left:
            del self._known[user]
        self._touched = set()
        staff = self._difference(joined, changed, left, for_staff=True)
        if turned:
            return staff, self.full(for_staff=False)
        return staff, self._difference(joined, changed, left, for_staff=False)

    def page(self, after: str | None, *, for_staff: bool) -> tuple[tuple[Person, ...], str | None]:
        """Return the people after ``after`` in the order of their ids, and where to go on."""
        users = sorted(user for user in self._people if after is None or user > after)
        page = users[:ROSTER_PAGE]
        following = page[-1] if len(users) > len(page) else None
        return self._shown(page, for_staff=for_staff), following

    def _difference(
        self, joined: set[str], changed: set[str], left: dict[str, Role], *, for_staff: bool
    ) -> Presence:
        is_listed = for_staff or len(self._people) <= ROSTER_FULL_PEOPLE
        gone = sorted(user for user, role in left.items() if is_listed or role in STAFF)
        return Presence(
            revision=self.revision,
            count=len(self._people),
            joined=self._shown(sorted(joined), for_staff=for_staff) or None,
            left=tuple(gone) or None,
            changed=self._shown(sorted(changed), for_staff=for_staff) or None,
        )

    def _shown(self, users: Iterable[str], *, for_staff: bool) -> tuple[Person, ...]:
        if not for_staff and len(self._people) > ROSTER_FULL_PEOPLE:
            users = [user for user in users if self._people[user].role in STAFF]
        return self._persons(users)

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
