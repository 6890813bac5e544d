"""Attendance: who was in a class, from when to when, as its log says.

:func:`fold` is pure. A stay begins with ``participant.joined`` and ends with the person's leaving,
their removal or ban, or the end of the class. What counts as present is the part of it in which
the class was live: who comes early has not attended anything yet.
"""

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import NamedTuple

import msgspec

from protocol.ids import Role

from .pool import AcquiredConnection

KINDS = (
    "session.started",
    "session.ended",
    "participant.joined",
    "participant.left",
    "participant.removed",
    "participant.banned",
    "participant.role_changed",
)
"""The event types that attendance is made of."""
_ENDS_STAY = frozenset(("participant.left", "participant.removed", "participant.banned"))


class Fact(NamedTuple):
    """An event that attendance is made of; the person is None where it is of the whole class."""

    kind: str
    at_ms: int
    user: str | None = None
    role: Role | None = None


class Stay(NamedTuple):
    """A time in the class; without an end the person is still there."""

    joined_at: int
    left_at: int | None
    live_ms: int


class Attendance(NamedTuple):
    """One person in one class. ``stays`` is never empty."""

    user: str
    role: Role
    stays: tuple[Stay, ...]

    @property
    def present_ms(self) -> int:
        """How long they were there while the class was live."""
        return sum(stay.live_ms for stay in self.stays)


class Attended(NamedTuple):
    """One person in a course: of how many sessions, and for how long in all."""

    user: str
    display_name: str
    sessions: int
    present_ms: int


class Attendee(NamedTuple):
    """One person in one class, with their name of today."""

    attendance: Attendance
    display_name: str


class _Presence:
    """One person's stays so far."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self.stays: list[Stay] = []
        self.since: int | None = None
        self._live_before = 0

    def join(self, at_ms: int, live_ms: int) -> None:
        # A second join without a leaving between (the server was killed) goes on with the stay.
        if self.since is None:
            self.since, self._live_before = at_ms, live_ms

    def leave(self, at_ms: int | None, live_ms: int) -> None:
        if self.since is not None:
            self.stays.append(Stay(self.since, at_ms, live_ms - self._live_before))
            self.since = None


def fold(facts: Iterable[Fact], now_ms: int) -> tuple[Attendance, ...]:
    """Return who was in the class that ``facts`` tell of in order, by the id of the person.

    In a class that is still live those who are there are counted until ``now_ms``.
    """
    people: dict[str, _Presence] = {}
    live_since: int | None = None
    live_ms = 0  # how long the class has been live before ``live_since``
    for kind, at_ms, user, role in facts:
        live = live_ms + (0 if live_since is None else at_ms - live_since)
        if kind == "session.started":
            live_since = at_ms if live_since is None else live_since
        elif kind == "session.ended":
            live_ms, live_since = live, None
            for presence in people.values():
                presence.leave(at_ms, live)
        elif user is None:
            continue
        elif kind == "participant.joined" and role is not None:
            presence = people.setdefault(user, _Presence(role))
            presence.role = role
            presence.join(at_ms, live)
        elif user in people and kind in _ENDS_STAY:
            people[user].leave(at_ms, live)
        elif user in people and role is not None:
            people[user].role = role
    live_ms += 0 if live_since is None else max(0, now_ms - live_since)
    for presence in people.values():
        presence.leave(None, live_ms)
    return tuple(
        Attendance(user, presence.role, tuple(presence.stays))
        for user, presence in sorted(people.items())
    )


class _Payload(msgspec.Struct):
    """What of an event's payload counts here."""

    user: str | None = None
    role: Role | None = None


_DECODER = msgspec.json.Decoder(_Payload)
_FACTS = """
SELECT e.session_id, e.event_type, e.created_at, e.event_payload FROM session_state_events e
WHERE e.session_id = ANY ($1::uuid[]) AND e.event_type = ANY ($2::text[])
ORDER BY e.session_id, e.sequence"""


async def of_session(connection: AcquiredConnection, session: str, now_ms: int) -> list[Attendee]:
    """Return who was in a session, by id."""
    found = await _fold(connection, [session], now_ms)
    attendances = found.get(session, ())
    names = await _names(connection, [each.user for each in attendances])
    return [Attendee(each, names.get(each.user, "")) for each in attendances]


async def of_course(connection: AcquiredConnection, course: str, now_ms: int) -> list[Attended]:
    """Return who was in the sessions of a course, by id."""
    rows = await connection.fetch(
        "SELECT s.id FROM sessions s JOIN lessons l ON l.id = s.lesson_id WHERE l.course_id = $1",
        course,
    )
    found = await _fold(connection, [row[0] for row in rows], now_ms)
    whole = sorted((each for part in found.values() for each in part), key=attrgetter("user"))
    names = await _names(connection, list({each.user for each in whole}))
    attended = []
    for user, group in groupby(whole, key=attrgetter("user")):
        present = [each.present_ms for each in group]
        times = [ms for ms in present if ms > 0]
        attended.append(Attended(user, names.get(user, ""), len(times), sum(times)))
    return attended


async def _fold(
    connection: AcquiredConnection, sessions: list[str], now_ms: int
) -> dict[str, tuple[Attendance, ...]]:
    rows = await connection.fetch(_FACTS, sessions, list(KINDS))
    return {
        session: fold((_fact(*row) for row in group), now_ms)
        for session, group in groupby(rows, key=itemgetter(0))
    }


def _fact(_: str, kind: str, at_ms: int, payload: bytes) -> Fact:
    of = _DECODER.decode(payload)
    return Fact(kind, at_ms, of.user, of.role)


async def _names(connection: AcquiredConnection, users: list[str]) -> dict[str, str]:
    rows = await connection.fetch(
        "SELECT id, display_name FROM users WHERE id = ANY ($1::uuid[])", users
    )
    return {row[0]: row[1] for row in rows}
