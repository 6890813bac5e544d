"""The rules that a server owes each client, checked on every message as it comes in.

For one person, on whatever connections they have:

1. Ranges join without a gap or a step back; events inside a range rise and stay inside it.
2. Everybody of one view sees the same event at the same sequence, whenever and however it came.
3. What a snapshot says is never older than what the person has already seen.
4. An ack names events that come, or came; the same key always has the same ones, and no two keys
   share any. Every event of the person is explained by exactly one ack: nothing happens twice.
5. The folded state is what the server tells a newcomer at the same position.

Pure: bytes in, violations into the report.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from load.report import Report
from protocol import codec
from protocol.commands import ChatPost, HandRaise, QuestionAsk
from protocol.errors import MalformedFrameError
from protocol.events import ChatPosted, HandRaised, QuestionAsked
from protocol.frames import Ack, EventsFrame, LogEvent, SnapshotFrame, Welcome
from protocol.snapshot import State

_LEDGER_EVENTS = 100_000
_OF_THEIR_OWN = {
    ChatPosted.type: ChatPost.op,
    HandRaised.type: HandRaise.op,
    QuestionAsked.type: QuestionAsk.op,
}
"""Events that only their author's own command makes, and that every author sees."""


class Ledger:
    """Which event each view has seen at which sequence: the same for everybody, always."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, int], tuple[str, str, str | None]] = {}

    def agrees(self, log: str, view: str, event: LogEvent) -> bool:
        """Record the event; return False if somebody has seen another in its place.

        The data is left out: the text of a removed message is lawfully blank when it comes again.
        """
        place = (log, view, event.sequence)
        what = (event.type, event.at, event.by)
        known = self._seen.setdefault(place, what)
        if len(self._seen) > _LEDGER_EVENTS:
            del self._seen[next(iter(self._seen))]
        return known == what


class Checker:
    """Holds the server to its rules towards one person.

    With ``alone`` the person has no other client than this one, so that every event of theirs
    must be explained by an ack that came here.
    """

    def __init__(
        self, who: str, report: Report, ledger: Ledger, now_ms: Callable[[], int], *, alone: bool
    ) -> None:
        self._who = who
        self._report = report
        self._ledger = ledger
        self._now_ms = now_ms
        self._alone = alone
        self._log = ""
        self._view = ""
        self._user = ""
        self._position: int | None = None
        self._highest = 0
        self._live_from = 0
        self._snapshot_at = 0
        self._by_me: dict[int, str] = {}
        self._acks: dict[str, tuple[int, int]] = {}
        self._owner: dict[int, str] = {}
        self._expected: dict[int, str] = {}
        self.last_acked = 0
        """The highest sequence that this person was promised."""

    def frame(self, data: bytes) -> None:
        """Take one message of the server, before the client does."""
        try:
            match codec.decode_server(data):
                case Welcome() as frame:
                    self._welcomed(frame)
                case SnapshotFrame() as frame:
                    self._restarted_at(frame.sequence)
                case EventsFrame() as frame:
                    self._ranged(frame)
                case _:
                    pass
        except MalformedFrameError as error:
            self._violate(f"a frame that is none: {error}")

    def answered(self, op: str, ack: Ack) -> None:
        """Take the positive answer to a command of this person."""
        self._report.counts["acks"] += 1
        if ack.duplicate:
            self._report.counts["acks of duplicates"] += 1
        if ack.sequence is None:
            return
        first, last = ack.sequence
        if not 0 < first <= last:
            self._violate(f"an ack of {first}…{last}")
            return
        self.last_acked = max(self.last_acked, last)
        if self._acks.setdefault(ack.key, (first, last)) != (first, last):
            self._violate(f"one key was acked as {self._acks[ack.key]} and as {(first, last)}")
        for sequence in range(first, last + 1):
            if self._owner.setdefault(sequence, ack.key) != ack.key:
                self._violate(f"two keys were acked with {sequence}")
        if op in _OF_THEIR_OWN.values():
            self._expected[first] = op
            self._fulfil()

    def settle(self, position: int, *, unanswered: int) -> None:
        """Say that the class is quiet: all that was acked must be here at ``position``."""
        for key, (_, last) in self._acks.items():
            if last > position:
                self._violate(f"{last} was acked ({key}) and never came, at {position}")
        if self._alone and not unanswered:
            for sequence, kind in self._by_me.items():
                if sequence not in self._owner:
                    self._violate(f"{kind} {sequence} is mine, and no command of mine made it")

    def compare(self, mine: State, theirs: State, position: int) -> None:
        """Demand that the folded state is the one that a newcomer is told."""
        self._report.counts["states compared"] += 1
        if state_bytes(mine) != state_bytes(theirs):
            names = [
                name
                for name in State.__struct_fields__
                if _bytes(getattr(mine, name)) != _bytes(getattr(theirs, name))
            ]
            self._violate(f"the folded state at {position} differs in {', '.join(names)}")

    # ------------------------------------------------------------ the rules

    def _welcomed(self, frame: Welcome) -> None:
        self._report.counts[f"joined by {frame.recovery}"] += 1
        if frame.log != self._log:
            self._highest, self._position = 0, None
        self._log, self._view, self._user = frame.log, frame.view, frame.me.user
        self._live_from = frame.head
        if frame.recovery == "snapshot":
            self._position = None
        elif self._position is None:
            self._violate(f"recovery by {frame.recovery} with nothing to recover from")
        if frame.head < self._highest:
            self._violate(f"the log ends at {frame.head}, but {self._highest} was here already")

    def _restarted_at(self, sequence: int) -> None:
        if sequence < self._highest:
            self._violate(f"a snapshot of {sequence} after {self._highest}")
        self._position = self._snapshot_at = sequence
        self._highest = max(self._highest, sequence)
        self._fulfil()

    def _ranged(self, frame: EventsFrame) -> None:
        if self._position is None:
            self._violate(f"events {frame.from_}…{frame.to} before the snapshot")
            return
        if frame.from_ > self._position + 1:
            self._violate(f"a gap: {frame.from_}…{frame.to} came after {self._position}")
            return
        if frame.from_ > frame.to:
            self._violate(f"a range of {frame.from_}…{frame.to}")
        before = frame.from_ - 1
        for event in frame.events:
            if not before < event.sequence <= frame.to:
                self._violate(f"{event.sequence} out of order in {frame.from_}…{frame.to}")
            before = event.sequence
            if not self._ledger.agrees(self._log, self._view, event):
                self._violate(f"another event at {event.sequence} than others have seen")
            if event.sequence > self._position:
                self._happened(event)
            else:
                self._report.counts["events repeated"] += 1
        self._position = max(self._position, frame.to)
        self._highest = max(self._highest, self._position)
        self._fulfil()

    def _happened(self, event: LogEvent) -> None:
        codec.decode_event(event.type, event.data)
        self._report.counts["events applied"] += 1
        if event.by == self._user and event.type in _OF_THEIR_OWN:
            self._by_me[event.sequence] = event.type
        if event.sequence > self._live_from:
            at = datetime.fromisoformat(event.at).timestamp() * 1000
            self._report.deliveries.add(self._now_ms() - at)

    def _fulfil(self) -> None:
        """Check acked events off; those that the position has passed must have been here."""
        if self._position is None:
            return
        for sequence, op in list(self._expected.items()):
            if sequence > self._position:
                continue
            del self._expected[sequence]
            kind = self._by_me.get(sequence)
            if kind is None and sequence > self._snapshot_at:
                self._violate(f"{op} was acked as {sequence}, which came without it")
            elif kind is not None and _OF_THEIR_OWN[kind] != op:
                self._violate(f"{op} was acked as {sequence}, which is {kind}")

    def _violate(self, rule: str) -> None:
        self._report.violate(self._who, rule)


def state_bytes(state: State) -> bytes:
    """Return the state in a form in which equal states are equal bytes."""
    return _bytes(state)


def _bytes(value: object) -> bytes:
    return msgspec.json.encode(value)
