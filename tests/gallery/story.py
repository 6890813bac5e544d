"""A class as it stands after some events, and what its server tells one person of it."""

from typing import Any, NamedTuple

import msgspec

from protocol import codec, limits
from protocol.events import AnyEvent
from protocol.frames import (
    Health,
    Heartbeat,
    Limits,
    Me,
    Person,
    Presence,
    ServerFrame,
    SnapshotFrame,
    Welcome,
)
from protocol.ids import Role
from protocol.snapshot import State, fold
from server.classroom.access import grants
from server.classroom.evolve import evolve
from server.classroom.state import Classroom
from server.classroom.view import Rewritten, counters, mine, view

NOW_MS = 1_795_338_000_000
"""2026-11-22T10:20:00Z; the first event came an hour before."""
SECONDS_BETWEEN = 20


class Somebody(NamedTuple):
    """A person and their role."""

    user: str
    name: str
    role: Role


class Told(NamedTuple):
    """An event and whose it is."""

    event: AnyEvent
    by: str | None = None


class Story:
    """One class, from its first event on."""

    def __init__(self) -> None:
        self.events: list[Told] = []

    def then(self, *events: AnyEvent | Told) -> "Story":
        """Return the story with more events at its end."""
        longer = Story()
        told = (each if isinstance(each, Told) else Told(each) for each in events)
        longer.events = [*self.events, *told]
        return longer

    def frames(
        self,
        who: Somebody,
        *,
        session: str,
        here: tuple[Somebody, ...] = (),
        count: int | None = None,
        health: Health | None = None,
    ) -> list[ServerFrame]:
        """Return what the server says to ``who``, who comes in now."""
        classroom, seen, last, _ = self._fold(who)
        of = "staff" if who.role != "student" else "student"
        can = grants(classroom, who.user, who.role)
        people = tuple(
            Person(each.user, each.name, each.role, "online", 1)
            for each in here
            if of == "staff" or count is None or each.role != "student"
        )
        online = len(here) if count is None else count
        frames: list[ServerFrame] = [
            Welcome(
                connection="c1",
                session=session,
                log="gallery",
                epoch=1,
                head=last,
                me=Me(who.user, who.name, who.role, can),
                view=of,
                recovery="snapshot",
                heartbeat=Heartbeat(limits.HEARTBEAT_INTERVAL_MS, limits.HEARTBEAT_TIMEOUT_MS),
                limits=Limits(limits.FRAME_BYTES, 10, 20, 32),
                token_expires_at=codec.timestamp(NOW_MS + 3_600_000),
                now=codec.timestamp(NOW_MS),
            ),
            SnapshotFrame(last, seen),
            mine(classroom, who.user, who.role, last),
            Presence(1, online, full=people),
            counters(classroom, of, sequence=last, online=online, reactions={}),
        ]
        return [*frames, *([health] if health is not None and of == "staff" else [])]

    def seen(self, who: Somebody) -> State:
        """Return what ``who`` sees of the class."""
        return self._fold(who)[1]

    def log(self, who: Somebody) -> list[dict[str, Any]]:
        """Return the events that ``who`` may see, as REST tells them."""
        return self._fold(who)[3]

    def _fold(self, who: Somebody) -> tuple[Classroom, State, int, list[dict[str, Any]]]:
        classroom, seen, log = Classroom(), State(), []
        of = "staff" if who.role != "student" else "student"
        start = NOW_MS - 1000 * SECONDS_BETWEEN * (len(self.events) + 1)
        for sequence, (event, by) in enumerate(self.events, 1):
            at = codec.timestamp(start + 1000 * SECONDS_BETWEEN * sequence)
            classroom = evolve(classroom, event, sequence=sequence, at=at, by=by)
            shown = view(event, of)
            if shown == "hidden":
                continue
            visible, author = event, by
            if isinstance(shown, Rewritten):
                visible, author = shown.event, by if shown.has_author else None
            fold(seen, visible, sequence=sequence, at=at, by=author)
            log.append(
                {
                    "sequence": sequence, "type": visible.type, "version": visible.version,
                    "at": at, "by": author, "data": msgspec.to_builtins(visible),
                }
            )  # fmt: skip
        return classroom, seen, len(self.events), log
