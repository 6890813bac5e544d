"""A token bucket: so much per second, with a burst."""


class Bucket:
    """Allow ``rate`` per second on average, ``burst`` at once. Time is passed in."""

    __slots__ = ("_burst", "_level", "_rate", "_seen")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._seen = now

    def take(self, now: float) -> bool:
        """Take one, if there is one."""
        self._level = min(self._burst, self._level + (now - self._seen) * self._rate)
        self._seen = now
        if self._level < 1:
            return False
        self._level -= 1
        return True

    @property
    def wait_ms(self) -> int:
        """How long until there is one again."""
        return max(1, round((1 - self._level) / self._rate * 1000))
