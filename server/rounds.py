"""Work that looks for what is due by itself: at once, whenever told, and every so often."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from server.errors import UnavailableError

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Rounds:
    """Rounds of ``work``; what one cannot do while the database is away is left for the next.

    Work that returns True has done one thing of perhaps several: it is called again at once.
    """

    def __init__(
        self, name: str, work: Callable[[], Awaitable[bool | None]], seconds: float
    ) -> None:
        self._name = name
        self._work = work
        self._seconds = seconds
        self._told = asyncio.Event()

    def notify(self) -> None:
        """Say that there is something to do: a round begins as soon as the last one is over."""
        self._told.set()

    async def run(self) -> None:
        """Work now, whenever told, and ``seconds`` after each round, until cancelled."""
        while True:
            self._told.clear()
            try:
                while await self._work():
                    pass
            except UnavailableError:
                log.debug("round_left_for_later", work=self._name)
            try:
                async with asyncio.timeout(self._seconds):
                    await self._told.wait()
            except TimeoutError:
                pass  # time to look
