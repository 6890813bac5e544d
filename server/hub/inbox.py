"""The line of asks before a room: bounded for people, closed while the log cannot be reached.

While the session goes from one owner to another it is held: what is asked then is not given back,
but waits for the next owner, here or elsewhere, though not for long.
"""

import asyncio
from collections import deque
from collections.abc import Iterable

from protocol.errors import Refusal
from server.clock import Clock
from server.hub.asks import Ask, Perform, Report, unavailable

INBOX = 1024
BATCH = 256
HOLD_SECONDS = 2.0


class Inbox:
    """Asks in order: those that wait, and those in hand."""

    def __init__(self, clock: Clock) -> None:
        self.is_open = asyncio.Event()
        """Set while asks are taken."""
        self.in_hand: list[Ask] = []
        """What the room decides just now."""
        self._waiting: deque[Ask] = deque()
        self._called = asyncio.Event()
        self._clock = clock
        self._held_since: float | None = None

    def __len__(self) -> int:
        return len(self.in_hand) + len(self._waiting)

    def put(self, ask: Ask) -> None:
        """Put an ask in line; it is answered exactly once, perhaps at once.

        While the line is closed the answer is ``unavailable``, and ``overloaded`` when too many
        wait. What the room asks itself is never turned away.
        """
        if isinstance(ask, Perform | Report):
            if not self.is_open.is_set() and self._held_since is None:
                ask.answer(unavailable())
                return
            if len(self._waiting) >= INBOX:
                busy = Refusal("overloaded", "The class is very busy.", retry_ms=500)
                ask.answer(busy)
                return
        self._waiting.append(ask)
        self.call()

    def call(self) -> None:
        """Have the room look up, whether anything waits or not."""
        self._called.set()

    async def wait(self) -> None:
        """Return when there is an ask, or the room was called."""
        if not self._waiting:
            await self._called.wait()
        self._called.clear()

    def take(self) -> None:
        """Take the next asks in hand: all, if they are not too many."""
        self.in_hand = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH))]

    def open(self) -> None:
        """Take asks, after those that were held."""
        self._held_since = None
        self.is_open.set()

    def hold(self, asks: Iterable[Ask] = ()) -> None:
        """Close, and keep everything in hand and in line, and ``asks`` before it."""
        self.is_open.clear()
        self._held_since = self._clock.monotonic()
        self._waiting.extendleft(reversed([*self.in_hand, *asks]))
        self.in_hand.clear()

    def give(self) -> list[Ask]:
        """Return what was held, in order: somebody else decides it."""
        asks = [*self._waiting]
        self._waiting.clear()
        self._held_since = None
        return asks

    def tick(self) -> None:
        """Give back what is held for too long. Called once a second."""
        since = self._held_since
        if since is not None and self._clock.monotonic() - since > HOLD_SECONDS:
            self.refuse_all()

    def refuse_all(self) -> None:
        """Close, and give everything in hand and in line back to who asked, in order."""
        self.is_open.clear()
        self._held_since = None
        asks = [*self.in_hand, *self._waiting]
        self.in_hand.clear()
        self._waiting.clear()
        for ask in asks:
            if isinstance(ask, Perform | Report):
                ask.answer(unavailable())
