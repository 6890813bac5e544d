"""Who may join now: joining costs a hundred times what a second of watching costs."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from server.media import sdp
from server.media.fabric import Answer

VIEWERS = 60
"""Of one worker: beyond, its loop would have no room for bursts."""
AT_ONCE = 2
WAITING = 40
JOIN_SECONDS = 0.05
"""CPU time that one viewer takes to join, about."""
FULL_RETRY_SECONDS = 5


class NotAdmittedError(Exception):
    """Nobody can join here now."""

    def __init__(self, detail: str, retry_seconds: int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_seconds = retry_seconds

    def answer(self) -> Answer:
        """Return the problem document, with the time to come again."""
        after = {"Retry-After": str(self.retry_seconds)}
        return sdp.problem(503, "overloaded", self.detail, after)


class Admission:
    """The door of one worker: two at a time, a bounded queue before it, and a limit inside.

    ``watching`` says how many are inside.
    """

    def __init__(self, watching: Callable[[], int]) -> None:
        self._watching = watching
        self._door = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """How many stand before the door."""
        return self._waiting

    @asynccontextmanager
    async def join(self) -> AsyncIterator[None]:
        """Let somebody join within the block, when it is their turn.

        Raises:
            NotAdmittedError: If there is no room, or the queue is too long.

        """
        if self._watching() + self._waiting >= VIEWERS:
            raise NotAdmittedError("There are too many viewers here.", FULL_RETRY_SECONDS)
        if self._waiting >= WAITING:
            seconds = math.ceil(self._waiting * JOIN_SECONDS / AT_ONCE)
            raise NotAdmittedError("Too many are joining at once.", max(1, seconds))
        self._waiting += 1
        try:
            await self._door.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._door.release()
