"""How long tests wait, and how they judge a promised time while others keep the machine busy.

What must come is waited for with patience: that it comes is the assertion, not how soon. Where a
time is the promise, :class:`Stopwatch` leaves out what the scheduler took from this process: that
is nobody's fault but the machine's.
"""

import asyncio
import inspect
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE = 60.0
"""Seconds to wait for what must come; never how soon it must."""


async def eventually(look: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Return what ``look``, which may be asynchronous, gives, as soon as that is true of it."""
    async with asyncio.timeout(seconds):
        while True:
            found = look()
            if inspect.isawaitable(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.01)


def share() -> float:
    """Return what part of a processor each who wants one gets, by the load of the last minute."""
    return min(1.0, (os.cpu_count() or 1) / max(os.getloadavg()[0], 0.01))


class Stopwatch:
    """Measure the time that this process had, and that of other processes by their ids."""

    def __init__(self, *pids: int) -> None:
        self._stats = [Path(f"/proc/{pid}/schedstat") for pid in ("self", *pids)]
        self._lost = self._kept_waiting()
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start, without those lost."""
        return time.monotonic() - self._started - self.lost

    @property
    def lost(self) -> float:
        """Seconds in which it was ready to run, and the processor was with others."""
        return self._kept_waiting() - self._lost

    def _kept_waiting(self) -> float:
        """Return what Linux counts (Documentation/scheduler/sched-stats.rst); elsewhere nothing."""
        return sum(int(each.read_text().split()[1]) for each in self._stats if each.exists()) / 1e9
