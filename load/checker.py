"""The rules that a server owes each client, checked on every message as it comes in.

For one person, on whatever connections they have:

1. Ranges join without a gap or a step back; events inside a range rise and stay inside it. What is
   missing is asked for again. If it comes once then, it was *lost* on its way; if it comes twice,
   once by itself and once as the answer, it was only overtaken (*reordered*).
2. Everybody of one view sees the same event at the same sequence, whenever and however it came, and
   nothing that their view must not show (:mod:`load.ledger`).
3. What a snapshot says is never older than what the person has already seen.
4. An ack names events that come, or came; the same key always has the same ones, and no two keys
   share any. Every event of the person is explained by exactly one ack: nothing happens twice.
   Answers come in the order of the commands.
5. The folded state is what the server tells a newcomer at the same position.

Pure: bytes in, violations into the report. The simulated class, ``liveclass load run`` and the
tests of crashes all hold a server to these.
"""

from collections.abc import Callable

from load.ledger import EVENTS, Kind, Ledger, Range, leaks, state_bytes
from load.report import Report
from protocol import codec
from protocol.commands import ChatPost, HandRaise, QuestionAsk
from protocol.errors import MalformedFrameError
from protocol.events import ChatPosted, HandRaised, QuestionAsked
from protocol.frames import Ack, EventsFrame, SnapshotFrame, Welcome
from protocol.snapshot import State

_OF_THEIR_OWN = {
    ChatPosted.type: ChatPost.op,
    HandRaised.type: HandRaise.op,
    QuestionAsked.type: QuestionAsk.op,
}
"""Events that only their author's own command makes, and that every author sees."""


class Checker:
    """Holds the server to its rules towards one person.

    With ``alone`` the person has no other client than this one, so that every event of theirs
    must be explained by an ack that came here. With ``once`` an event must come but once on a
    connection: the protocol lets a server repeat itself, ours does not. ``is_prompt`` says whether
    this person reads what comes at once: only then are deliveries timed.
    """

    def __init__(
        self,
        who: str,
        report: Report,
        ledger: Ledger,
        now_ns: Callable[[], int],
        *,
        alone: bool,
        once: bool = False,
        is_prompt: bool = True,
    ) -> None:
        self._who = who
        self._report = report
        self._ledger = ledger
        self._now_ns = now_ns
        self._alone = alone
        self._once = once
        self._is_prompt = is_prompt
        self._log = ""
        self._view = ""
        self._user = ""
        self._position: int | None = None
        self._highest = 0
        self._live_from = 0
        self._snapshot_at = 0
        self._overtaken: int | None = None
        """After a gap, the last sequence before what came too early."""
        self._filled_to: int | None = None
        """The end of what filled a gap: whether it was lost or late, what comes next tells."""
        self._may_repeat = True
        """A batch may be under way while somebody is let in; from then on nothing comes twice."""
        self._by_me: dict[int, str] = {}
        self._acks: dict[str, tuple[int, int]] = {}
        self._owner: dict[int, str] = {}
        self._expected: dict[int, str] = {}
        self.last_acked = 0
        """The highest sequence that this person was promised."""

    def frame(self, data: bytes) -> None:
        """Take one message of the server, before the client does."""
        try:
            if data.startswith(EVENTS):
                self.ranged(self._ledger.read(self._log, self._view, data))
                return
            match codec.decode_server(data):
                case Welcome() as frame:
                    self.welcomed(frame)
                case SnapshotFrame() as frame:
                    self.restarted_at(frame.sequence, frame.state)
                case EventsFrame() as frame:
                    self.ranged(self._ledger.judge(self._log, self._view, frame))
                case _:
                    pass
        except MalformedFrameError as error:
            self._violate("broken", f"a frame that is none: {error}")

    def answered(self, op: str, ack: Ack) -> None:
        """Take the positive answer to a command of this person."""
        self._report.counts["acks"] += 1
        if ack.duplicate:
            self._report.counts["acks of duplicates"] += 1
        if ack.sequence is None:
            return
        first, last = ack.sequence
        if not 0 < first <= last:
            self._violate("broken", f"an ack of {first}…{last}")
            return
        self.last_acked = max(self.last_acked, last)
        if self._acks.setdefault(ack.key, (first, last)) != (first, last):
            text = f"one key was acked as {self._acks[ack.key]} and as {(first, last)}"
            self._violate("duplicated", text)
        for sequence in range(first, last + 1):
            if self._owner.setdefault(sequence, ack.key) != ack.key:
                self._violate("duplicated", f"two keys were acked with {sequence}")
        if op in _OF_THEIR_OWN.values():
            self._expected[first] = op
            self._fulfil()

    def settle(self, position: int, *, unanswered: int) -> None:
        """Say that the class is quiet: all that was acked must be here at ``position``."""
        for key, (_, last) in self._acks.items():
            if last > position:
                self._violate("lost", f"{last} was acked ({key}) and never came, at {position}")
        self._end_of_line(f"what follows {position} never came")
        if self._alone and not unanswered:
            for sequence, kind in self._by_me.items():
                if sequence not in self._owner:
                    text = f"{kind} {sequence} is mine, and no command of mine made it"
                    self._violate("duplicated", text)

    def compare(self, mine: State, theirs: State, position: int) -> None:
        """Demand that the folded state is the one that a newcomer is told."""
        self._report.counts["states compared"] += 1
        if state_bytes(mine) != state_bytes(theirs):
            names = [
                name
                for name in State.__struct_fields__
                if state_bytes(getattr(mine, name)) != state_bytes(getattr(theirs, name))
            ]
            text = f"the folded state at {position} differs in {', '.join(names)}"
            self._violate("mismatch", text)

    # ------------------------------------------------------------ frames that were read already

    def welcomed(self, frame: Welcome) -> None:
        """Take the beginning of a connection, or of being somebody else on it."""
        self._report.counts[f"joined by {frame.recovery}"] += 1
        self._end_of_line(f"what follows {self._position} did not come")
        self._may_repeat = True
        if frame.log != self._log:
            self._highest, self._position = 0, None
        self._log, self._view, self._user = frame.log, frame.view, frame.me.user
        self._live_from = frame.head
        if frame.recovery == "snapshot":
            self._position = None
        elif self._position is None:
            self._violate("broken", f"recovery by {frame.recovery} with nothing to recover from")
        if frame.head < self._highest:
            text = f"the log ends at {frame.head}, but {self._highest} was here already"
            self._violate("lost", text)

    def restarted_at(self, sequence: int, state: State | None = None) -> None:
        """Take a snapshot of ``sequence``, and its ``state`` where somebody has read it."""
        if sequence < self._highest:
            self._violate("reordered", f"a snapshot of {sequence} after {self._highest}")
        self._end_of_line(f"what follows {self._position} came as a snapshot")
        for text in leaks(state) if state is not None and self._view == "student" else ():
            self._violate("leak", f"a snapshot tells students {text}")
        self._position = self._snapshot_at = sequence
        self._highest = max(self._highest, sequence)
        self._fulfil()

    def ranged(self, told: Range) -> None:
        """Take a range of events."""
        for fault in told.faults:
            self._violate(fault.kind, fault.rule)
        position = self._position
        if position is None:
            self._violate("broken", f"events {told.from_}…{told.to} before the snapshot")
            return
        if told.from_ != position + 1 or self._is_unsure:
            if told.from_ > position + 1:
                self._gap(told, position)
                return
            self._out_of_turn(told, position)
        self._report.counts["events applied"] += len(told.events)
        if self._user in told.authors:
            for event in told.events:
                if event.by == self._user and event.type in _OF_THEIR_OWN:
                    self._by_me[event.sequence] = event.type
        if told.from_ > self._live_from and told.from_ > position and self._is_prompt:
            now, deliveries = self._now_ns(), self._report.deliveries
            for since in told.since_ns:
                deliveries.add_ns(now - since)
        if told.to > position:
            self._position = position = told.to
        if position > self._highest:
            self._highest = position
        if self._expected:
            self._fulfil()

    def _gap(self, told: Range, position: int) -> None:
        """Take a range that does not fit; what is between it and us is asked for again."""
        if self._overtaken is None:
            self._violate("gap", f"a gap: {told.from_}…{told.to} came after {position}")
            self._overtaken = told.from_ - 1
        self._may_repeat = True

    def _out_of_turn(self, told: Range, position: int) -> None:
        """Take a range that fits, but holds what is here already, or what was missing."""
        if self._overtaken is not None:
            if (told.from_, told.to) == (position + 1, self._overtaken):
                self._filled_to = told.to
            else:
                text = f"{position + 1}…{self._overtaken} came only when it was asked for again"
                self._violate("lost", text)
            self._overtaken = None
        elif self._filled_to is not None:
            if told.from_ <= self._filled_to:
                text = f"what ends with {self._filled_to} came after what follows it"
                self._violate("reordered", text)
            else:
                text = f"what ends with {self._filled_to} came only when it was asked for again"
                self._violate("lost", text)
            self._filled_to = None
        elif self._once and not self._may_repeat and told.from_ <= position:
            self._violate("duplicated", f"{told.from_}…{told.to} came when {position} was here")
        # What a gap has set going may repeat itself; apart from that, only the first range may.
        self._may_repeat = self._filled_to is not None or (self._may_repeat and told.to <= position)
        if repeated := sum(event.sequence <= position for event in told.events):
            self._report.counts["events repeated"] += repeated
            self._report.counts["events applied"] -= repeated

    @property
    def _is_unsure(self) -> bool:
        return self._may_repeat or self._overtaken is not None or self._filled_to is not None

    def _end_of_line(self, text: str) -> None:
        """Begin anew: what was still missing was lost."""
        if self._overtaken is not None or self._filled_to is not None:
            self._violate("lost", text)
        self._overtaken = self._filled_to = None

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
                self._violate("lost", f"{op} was acked as {sequence}, which came without it")
            elif kind is not None and _OF_THEIR_OWN[kind] != op:
                self._violate("mismatch", f"{op} was acked as {sequence}, which is {kind}")

    def _violate(self, kind: Kind, rule: str) -> None:
        self._report.violate(self._who, rule, kind)
