"""The answers of one connection: in the order of its commands, whoever decides them and when."""

from collections import deque
from collections.abc import Callable
from functools import cache

from protocol import codec
from protocol.commands import COMMANDS
from protocol.errors import RETRYABLE, Refusal
from protocol.frames import Ack, CommandFrame, Nack
from server.clock import Clock
from server.hub.asks import Committed, Outcome, Unchanged
from server.ops import metrics, tracing

# A look-up of labels costs more than the count itself.
_counted = cache(metrics.commands.labels)
_timed = cache(metrics.command_seconds.labels)


class Slot:
    """A place in the line of answers."""

    __slots__ = ("answer", "frame", "since")

    def __init__(self, frame: CommandFrame, since: float) -> None:
        self.frame = frame
        self.since = since
        self.answer: bytes | None = None


class Answers:
    """The line of answers; ``send`` takes each when its turn has come."""

    def __init__(
        self, send: Callable[[bytes], None], clock: Clock, origin: tracing.Origin | None = None
    ) -> None:
        self._send = send
        self._clock = clock
        self._origin = origin
        self._slots: deque[Slot] = deque()

    def __len__(self) -> int:
        """How many commands wait for their answers."""
        return len(self._slots)

    def expect(self, frame: CommandFrame) -> Slot:
        """Return the place of a command that has just come: behind those before it."""
        slot = Slot(frame, self._clock.monotonic())
        self._slots.append(slot)
        return slot

    def fill(self, slot: Slot, outcome: Outcome) -> None:
        """Answer a command, and send every answer that is now first in line."""
        slot.answer = codec.encode(_frame(slot.frame, outcome))
        kind = slot.frame.op if slot.frame.op in COMMANDS else "unknown"
        name, took = _name(outcome), self._clock.monotonic() - slot.since
        _counted(kind, name).inc()
        _timed(kind).observe(took)
        if self._origin is not None:
            error = name if isinstance(outcome, Refusal) else None
            tracing.record(f"command {kind}", took, of=self._origin, error=error, outcome=name)
        while self._slots and (answer := self._slots[0].answer) is not None:
            self._slots.popleft()
            self._send(answer)


def _name(outcome: Outcome) -> str:
    match outcome:
        case Committed(is_duplicate=True):
            return "duplicate"
        case Committed():
            return "committed"
        case Unchanged():
            return "unchanged"
        case Refusal():
            return outcome.code


def _frame(frame: CommandFrame, outcome: Outcome) -> Ack | Nack:
    match outcome:
        case Committed(first, last, is_duplicate):
            return Ack(frame.id, frame.key, (first, last), is_duplicate)
        case Unchanged():
            return Ack(frame.id, frame.key, None)
        case Refusal() as refusal:
            return Nack(
                frame.id,
                frame.key,
                refusal.code,
                refusal.message,
                refusal.code in RETRYABLE,
                refusal.retry_ms,
                refusal.field,
                None if refusal.touched is None else {"touched": refusal.touched},
            )
