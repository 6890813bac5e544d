"""When what a class gathers is told: after a pause, and to very many all of it at once.

A write to thousands costs tens of milliseconds, however little is in it. So the pauses of a large
class end together, on a grid that is coarser the more people there are: all that was gathered
until then leaves in one write. Without it, counters, presence and positions, each in its own time,
took half of a processor while 5,000 came in.
"""

import asyncio
import math
from collections.abc import Callable

FEW = 200
"""So many are told as soon as each pause is over."""
STEP_SECONDS = 0.25
STEP_LISTENERS = 2_500
"""For each so many the grid is a step coarser."""


def end_of_pause(now: float, seconds: float, listeners: int) -> float:
    """Return when a pause of ``seconds`` ends that begins ``now``: at the earliest after them."""
    end = now + seconds
    if listeners <= FEW:
        return end
    grid = STEP_SECONDS * math.ceil(listeners / STEP_LISTENERS)
    return math.ceil(end / grid) * grid


class Pauses:
    """The pauses of one class; ``listeners`` says how many there are to tell."""

    def __init__(self, listeners: Callable[[], int]) -> None:
        self._listeners = listeners
        self._ends: dict[float, tuple[asyncio.TimerHandle, list[Callable[[], None]]]] = {}

    def after(self, milliseconds: int, tell: Callable[[], None]) -> None:
        """Have ``tell`` called when a pause that begins now is over."""
        loop = asyncio.get_running_loop()
        end = end_of_pause(loop.time(), milliseconds / 1000, self._listeners())
        if end not in self._ends:
            self._ends[end] = loop.call_at(end, self._over, loop, end), []
        self._ends[end][1].append(tell)

    def close(self) -> None:
        """End all pauses without a word."""
        for timer, _ in self._ends.values():
            timer.cancel()
        self._ends.clear()

    def _over(self, loop: asyncio.AbstractEventLoop, end: float) -> None:
        _, gathered = self._ends.pop(end)
        for tell in gathered:
            # One after the other in this tick, before anything is written; each for itself.
            loop.call_soon(tell)
