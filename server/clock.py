"""Time as something that is passed in, so that rules of time can be tested without waiting."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where a component asks what time it is."""

    def now_ms(self) -> int:
        """Return milliseconds since the Unix epoch."""

    def monotonic(self) -> float:
        """Return seconds that only ever grow."""


class SystemClock:
    """The machine's clocks."""

    def now_ms(self) -> int:
        """Return milliseconds since the Unix epoch."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Return seconds that only ever grow."""
        return time.monotonic()


def to_datetime(milliseconds: int) -> datetime:
    """Return the aware UTC time of ``milliseconds`` since the Unix epoch."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
