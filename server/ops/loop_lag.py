"""How late an event loop runs: what everything in its process waits for."""

import asyncio

import structlog
from prometheus_client import Histogram

from server.errors import UnavailableError

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

WATCH_SECONDS = 0.25
BUSY_SECONDS = 1.0
"""A loop that is later than this is no place for more people."""


class LoopLag:
    """Watches the loop that it runs on."""

    def __init__(self, seconds: Histogram) -> None:
        self._seconds = seconds
        self.latest = 0.0
        """In seconds."""

    async def run(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + WATCH_SECONDS
            await asyncio.sleep(WATCH_SECONDS)
            self.latest = max(0.0, loop.time() - due)
            self._seconds.observe(self.latest)
            if self.latest > BUSY_SECONDS:
                # No flood: a loop that is late comes here as much less often.
                log.warning("event_loop_stood_still", seconds=round(self.latest, 1))

    async def check(self) -> str:
        """Return how late it is, in words.

        Raises:
            UnavailableError: If that is too late.

        """
        if self.latest > BUSY_SECONDS:
            raise UnavailableError("busy")
        return f"{self.latest * 1000:.0f} ms late"
