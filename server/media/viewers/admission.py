"""Who may join now: joining costs a hundred times what a second of watching costs."""

import asyncio
import math
from collections.abc import Callable

from server.media import sdp
from server.media.fabric import Answer

VIEWERS = 60
"""Of one worker: beyond, its loop would have no room for bursts."""
AT_ONCE = 2
SPACE_SECONDS = 0.06
"""From one who joins to the next: of 25 ms CPU each, so that half the core stays for pictures."""
HOLD_SECONDS = 1.0
"""Who is not connected by then makes room for the next; their connection may still come."""
WAITING = 50
"""Three seconds of waiting: longer is no answer to an HTTP request."""
FULL_RETRY_SECONDS = 5

Leave = Callable[[], None]
"""Make room for the next. Idempotent."""


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
    """The door of one worker: two at a time, spaced, a bounded queue before, a limit inside.

    ``watching`` says how many are inside, those who join included.
    """

    def __init__(self, watching: Callable[[], int]) -> None:
        self._watching = watching
        self._door = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._next_at = 0.0

    @property
    def waiting(self) -> int:
        """How many stand before the door."""
        return self._waiting

    async def enter(self) -> Leave:
        """Return when it is somebody's turn to join; call what is returned when they have.

        Raises:
            NotAdmittedError: If there is no room, or the queue is too long.

        """
        if self._watching() + self._waiting >= VIEWERS:
            raise NotAdmittedError("There are too many viewers here.", FULL_RETRY_SECONDS)
        if self._waiting >= WAITING:
            seconds = math.ceil(self._waiting * SPACE_SECONDS)
            raise NotAdmittedError("Too many are joining at once.", seconds)
        loop = asyncio.get_running_loop()
        self._waiting += 1
        try:
            await self._door.acquire()
            due = max(self._next_at, loop.time())
            self._next_at = due + SPACE_SECONDS
            try:
                await asyncio.sleep(due - loop.time())
            except asyncio.CancelledError:
                self._door.release()
                raise
        finally:
            self._waiting -= 1
        is_inside = True

        def leave() -> None:
            nonlocal is_inside
            if is_inside:
                is_inside = False
                self._door.release()

        loop.call_later(HOLD_SECONDS, leave)
        return leave
