"""Which packets to ask a publisher for again, and when (RFC 4585 §6.2.1, generic NACK).

Pure: time comes in with each call. A packet is missing when a later one has come. It is asked
for after what reordering usually takes (nothing, on most networks), and again, ever less often,
as long as an answer can be in time: a question or its answer may be lost as the packet was.
"""

import math
from collections import deque

MAX_MISSING = 512
"""Packets: no sender keeps more of a hole than this, and a keyframe is cheaper."""
MAX_TRIES = 6
MAX_PER_MESSAGE = 200
"""Numbers in one message; apart from each other they take four bytes each."""
BACKOFF = 1.25
# Until an answer was seen; libwebrtc begins with the same.
ROUND_TRIP_SECONDS = 0.1
MAX_REORDER_SECONDS = 0.03
MIN_PATIENCE_SECONDS = 0.25
MAX_PATIENCE_SECONDS = 1.0
# More than this behind the highest number is not a late packet but a sender that began anew.
BEHIND = 8192


class _Missing:
    __slots__ = ("asked_at", "due_at", "noticed_at", "tries")

    def __init__(self, now: float, due_at: float) -> None:
        self.noticed_at = now
        self.due_at = due_at
        self.asked_at = 0.0
        """When it was asked for first."""
        self.tries = 0


class Nacks:
    """The missing packets of one stream, and the round trip that asking for them takes."""

    def __init__(self) -> None:
        self.round_trip: float
        """Seconds from a question to its answer: what a third of the last answers beat."""
        self.timeout: float
        """Seconds after which a question or its answer counts as lost."""
        self.patience: float
        """Seconds that a hole is worth waiting for: four questions and the last answer."""
        self._learn(ROUND_TRIP_SECONDS)
        self.next_due = math.inf
        """When :meth:`due` has something to say, if nothing comes until then."""
        self.asked = 0
        """How many packets were asked for, each time counted."""
        self.repaired = 0
        """How many came because they were asked for."""
        self.missed = 0
        """How many the network lost, whether they were repaired or not."""
        self._highest: int | None = None
        self._missing: dict[int, _Missing] = {}
        self._answers: deque[float] = deque(maxlen=15)
        self._reorder = 0.0
        """How long reordered packets took lately."""
        self._marked = False
        """Whether the sender marks retransmissions as such (RTX, RFC 4588)."""

    def heard(self, sequence: int, again: bool, now: float) -> None:
        """Take the number of a packet that came; ``again`` if it is marked as retransmitted."""
        if self._highest is None:
            self._highest = sequence
            return
        ahead = (sequence - self._highest) & 0xFFFF
        if ahead == 1:
            self._highest += 1
        elif ahead >= 0x10000 - BEHIND:
            if self._missing:
                self._came(self._highest + ahead - 0x10000, again, now)
        elif ahead:
            self._notice(self._highest + 1, self._highest + ahead, now)
            self._highest += ahead

    def due(self, now: float) -> list[int]:
        """Return the sequence numbers to ask for now, and count them as asked for.

        What is asked for in vain for as long as a hole is worth waiting for is given up.
        """
        if now < self.next_due:
            return []
        patience, timeout = self.patience, self.timeout
        numbers: list[int] = []
        next_due = math.inf
        for number, missing in list(self._missing.items()):
            if now - missing.noticed_at > patience:
                del self._missing[number]
                if not self._answers:
                    # Whoever answers nothing is not waited for.
                    self.patience = MIN_PATIENCE_SECONDS
                continue
            if missing.due_at <= now and len(numbers) < MAX_PER_MESSAGE:
                numbers.append(number & 0xFFFF)
                missing.asked_at = missing.asked_at or now
                missing.due_at = now + timeout * BACKOFF**missing.tries
                missing.tries += 1
                if missing.tries == MAX_TRIES:
                    missing.due_at = math.inf
            next_due = min(next_due, missing.due_at)
        self.next_due = next_due
        self.asked += len(numbers)
        return numbers

    def forget(self, before: int) -> None:
        """Give up what is missing before sequence number ``before``: a hole is not waited for."""
        if self._highest is None:
            return
        behind = (self._highest - before) & 0xFFFF
        end = self._highest - behind
        for number in [number for number in self._missing if number < end]:
            del self._missing[number]
        if not self._missing:
            self.next_due = math.inf

    def _notice(self, first: int, end: int, now: float) -> None:
        self.missed += end - first
        if end - first > MAX_MISSING:
            self._missing.clear()
            self.next_due = math.inf
            return
        due_at = now + self._reorder
        for number in range(first, end):
            self._missing[number] = _Missing(now, due_at)
        while len(self._missing) > MAX_MISSING:
            del self._missing[next(iter(self._missing))]
        self.next_due = min(self.next_due, due_at)

    def _came(self, number: int, again: bool, now: float) -> None:
        missing = self._missing.pop(number, None)
        if missing is None:
            return
        if not self._missing:
            self.next_due = math.inf
        self._marked = self._marked or again
        waited = now - missing.asked_at
        if again or (not self._marked and missing.tries and waited > self.round_trip / 2):
            # Counted from the first question: too long where that one was lost, which
            # looking at the faster ones forgives; from the last one it would be too short.
            if missing.tries:
                self._answers.append(waited)
                self._learn(sorted(self._answers)[len(self._answers) // 3])
                self.repaired += 1
            self._reorder *= 0.9
        else:
            # It was on its way.
            self.missed -= 1
            late = 1.25 * (now - missing.noticed_at)
            self._reorder = min(MAX_REORDER_SECONDS, max(self._reorder, late))

    def _learn(self, round_trip: float) -> None:
        self.round_trip = round_trip
        self.timeout = 1.5 * round_trip + 0.01
        self.patience = min(MAX_PATIENCE_SECONDS, max(MIN_PATIENCE_SECONDS, 4.5 * self.timeout))
