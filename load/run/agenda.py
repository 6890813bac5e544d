"""An open loop: what is due is done when it is due, however slow the answers are.

Whatever is done is told when it was *due*, and all times count from then: a server that makes the
generator wait cannot hide the wait, and neither can a generator that is late, because its lateness
is recorded.
"""

import asyncio
import heapq
import itertools
import random
import time
from collections.abc import Callable

from load.report import Report

_AT_ONCE = 64
_LONGEST_SLEEP_SECONDS = 0.05
_SECOND = 1_000_000_000


class Agenda:
    """What is to be done when, on the monotonic clock of this machine, in nanoseconds."""

    def __init__(self, report: Report, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._report = report
        self._now_ns = now_ns
        self._due: list[tuple[int, int, Callable[[int], None]]] = []
        self._numbers = itertools.count()

    def at(self, due_ns: int, act: Callable[[int], None]) -> None:
        """Call ``act`` with ``due_ns`` once it is due."""
        heapq.heappush(self._due, (due_ns, next(self._numbers), act))

    def again_and_again(
        self, per_second: float, start_ns: int, rng: random.Random, act: Callable[[int], None]
    ) -> None:
        """Call ``act`` at random moments, on average so often (a Poisson process)."""
        if per_second <= 0:
            return

        def once(due_ns: int) -> None:
            self.at(due_ns + round(rng.expovariate(per_second) * _SECOND), once)
            act(due_ns)

        self.at(start_ns + round(rng.expovariate(per_second) * _SECOND), once)

    def do(self) -> bool:
        """Do a few of the things that are due; return whether there may be more."""
        now = self._now_ns()
        for _ in range(_AT_ONCE):
            if not self._due or self._due[0][0] > now:
                return False
            due_ns, _, act = heapq.heappop(self._due)
            self._report.lateness.add_ns(now - due_ns)
            act(due_ns)
        return True

    async def run(self) -> None:
        """Do what is due until cancelled."""
        while True:
            if self.do():
                await asyncio.sleep(0)  # those who are told something have their turn
                continue
            pause = _LONGEST_SLEEP_SECONDS
            if self._due:
                pause = min(pause, (self._due[0][0] - self._now_ns()) / _SECOND)
            await asyncio.sleep(max(0.0, pause))

    def clear(self) -> None:
        """Forget everything that is not done yet."""
        self._due.clear()
