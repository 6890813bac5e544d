"""What trying a part shows."""

from collections.abc import Awaitable, Callable
from statistics import median
from time import perf_counter
from typing import Literal, NamedTuple

from server.errors import LiveClassError

TIMES = 5


class Result(NamedTuple):
    """What trying one part showed."""

    part: str
    state: Literal["ok", "warning", "FAILED"]
    says: str


class FailedError(LiveClassError):
    """The part does not do what it must."""


class WarningError(LiveClassError):
    """The part works, and will make trouble one day."""


async def milliseconds(call: Callable[[], Awaitable[object]]) -> float:
    """Return how long ``call`` takes, as a rule."""
    took = []
    for _ in range(TIMES):
        began = perf_counter()
        await call()
        took.append(perf_counter() - began)
    return median(took) * 1000
