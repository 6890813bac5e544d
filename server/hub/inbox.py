"""The line of asks before a room: bounded for people, closed while the log cannot be reached."""

import asyncio
from collections import deque

from protocol.errors import Refusal
from server.hub.asks import Ask, Perform, Report, unavailable

INBOX = 1024
BATCH = 256


class Inbox:
    """Asks in order: those that wait, and those in hand. ``is_open`` says whether to take any."""

    def __init__(self, is_open: asyncio.Event) -> None:
        self.in_hand: list[Ask] = []
        """What the room decides just now."""
        self._is_open = is_open
        self._waiting: deque[Ask] = deque()
        self._called = asyncio.Event()

    def __len__(self) -> int:
        return len(self.in_hand) + len(self._waiting)

    def put(self, ask: Ask) -> None:
        """Put an ask in line; it is answered exactly once, perhaps at once.

        While the line is closed the answer is ``unavailable``, and ``overloaded`` when too many
        wait. What the room asks itself is never turned away.
        """
        if isinstance(ask, Perform | Report):
            if not self._is_open.is_set():
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

    def refuse_all(self) -> None:
        """Close, and give everything in hand and in line back to who asked, in order."""
        self._is_open.clear()
        asks = [*self.in_hand, *self._waiting]
        self.in_hand.clear()
        self._waiting.clear()
        for ask in asks:
            if isinstance(ask, Perform | Report):
                ask.answer(unavailable())
