"""A class as the room runs it, without I/O: decide, store as JSON, fold, show to each view."""

from typing import NamedTuple

import msgspec

from protocol import codec
from protocol.errors import Refusal
from protocol.frames import SnapshotFrame
from protocol.snapshot import State, fold
from server.classroom import people
from server.classroom.decide import decide, observe
from server.classroom.evolve import evolve
from server.classroom.state import Classroom
from server.classroom.view import Rewritten, blank, view
from tests.strategies import identifier

VIEWS = ("staff", "student", "lobby")

TEACHER, ASSISTANT, ADMIN, ANN, BOB, CY = (identifier(number) for number in range(1, 7))
ROLES = {
    TEACHER: "teacher",
    ASSISTANT: "assistant",
    ADMIN: "admin",
    ANN: "student",
    BOB: "student",
    CY: "student",
}


class Logged(NamedTuple):
    """A row of the log: the event as it is stored."""

    sequence: int
    at: str
    by: str | None
    key: str | None
    kind: str
    data: bytes


class Lesson:
    """One class, its log, and what each view has been told."""

    def __init__(self):
        self.state = Classroom()
        self.log: list[Logged] = []
        self.views = {of: State() for of in VIEWS}
        self.told = {of: [] for of in VIEWS}
        self.snapshots = {of: [snapshot(0, State())] for of in VIEWS}
        self._ids = 1_000

    @property
    def head(self):
        return len(self.log)

    @property
    def now(self):
        """The time of the next event: one second after the last."""
        return codec.timestamp(1_795_338_000_123 + 1_000 * self.head)

    def actor(self, user):
        return people.actor(self.state, user, f"Name of {user[-2:]}", ROLES[user])

    def arrives(self, *users):
        for user in users:
            self._record(people.arrive(self.state, self.actor(user)), by=None)

    def departs(self, user):
        self._record(people.depart(self.state, user), by=None)

    def does(self, user, command, *, expect=None):
        """Return the events of the command; a refusal goes to the caller."""
        self._ids += 1
        events = decide(
            self.state,
            self.actor(user),
            command,
            new_id=identifier(self._ids),
            at=self.now,
            expect=expect,
        )
        self._record(events, by=user, key=f"key-of-{user}-{self._ids}")
        return events

    def refusal(self, user, command, *, expect=None):
        """Return why the command is refused."""
        before = self.state, self.head
        try:
            events = self.does(user, command, expect=expect)
        except Refusal as refusal:
            assert (self.state, self.head) == before
            return refusal
        raise AssertionError(f"{command} was accepted: {events}")

    def reports(self, *events):
        """The media worker reports; return what was kept."""
        kept = [each for event in events for each in self._record(observe(self.state, event))]
        return tuple(kept)

    def happens(self, *events, by=None):
        """Put events into the log, as they are."""
        return self._record(events, by=by)

    def _record(self, events, *, by=None, key=None):
        first = self.head + 1
        for event in events:
            data = msgspec.json.encode(event)
            at = self.now
            row = Logged(self.head + 1, at, by, key, event.type, data)
            self.log.append(row)
            self.state = evolve(self.state, event, sequence=row.sequence, at=at, by=by)
            for of in VIEWS:
                fold_shown(self.views[of], row, of)
                self.snapshots[of].append(snapshot(row.sequence, self.views[of]))
        if events:
            for of in VIEWS:
                self.told[of].append(self.frame(of, first, self.head))
        return events

    def frame(self, of, first, last, *, blanked=frozenset()):
        """Return the ``events`` frame of this range as the view gets it."""
        rows = (
            shown(blank_row(row) if row.sequence in blanked else row, of)
            for row in self.log[first - 1 : last]
        )
        return codec.encode_events(first, last, [encoded(row) for row in rows if row is not None])


def snapshot(sequence, state):
    return codec.encode(SnapshotFrame(sequence, state))


def shown(row, of):
    """Return the row as the view sees it, or None."""
    what = view(codec.decode_event(row.kind, row.data), of)
    if what == "hidden":
        return None
    if isinstance(what, Rewritten):
        row = row._replace(data=msgspec.json.encode(what.event))
        return row if what.has_author else row._replace(by=None, key=None)
    return row


def blank_row(row):
    event = blank(codec.decode_event(row.kind, row.data))
    return row._replace(data=msgspec.json.encode(event))


def encoded(row):
    return codec.encode_event(
        sequence=row.sequence,
        kind=row.kind,
        version=1,
        at=row.at,
        by=row.by,
        key=row.key,
        data=row.data,
    )


def fold_shown(state, row, of):
    row = shown(row, of)
    if row is not None:
        event = codec.decode_event(row.kind, row.data)
        fold(state, event, sequence=row.sequence, at=row.at, by=row.by)


def refolded(log):
    """Return the state that a restart would read from the log."""
    state = Classroom()
    for row in log:
        event = codec.decode_event(row.kind, row.data)
        state = evolve(state, event, sequence=row.sequence, at=row.at, by=row.by)
    return state
