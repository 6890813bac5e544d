"""An open loop: what is due is due, however slow the answers are."""


class OpenLoop:
    """``count`` requests at ``rate`` per second, evenly spaced. Time is passed in.

    A request is timed from when it was *due*, not from when it was sent: a server that makes the
    generator wait cannot hide the wait.
    """

    def __init__(self, rate: float, count: int) -> None:
        self._interval = 1 / rate
        self._count = count
        self._taken = 0

    @property
    def is_over(self) -> bool:
        """Whether every request has been taken."""
        return self._taken == self._count

    @property
    def next_at(self) -> float:
        """Return when the next request is due, in seconds from the start."""
        return self._taken * self._interval

    def due(self, elapsed: float) -> list[float]:
        """Take and return the times of all requests that are due by ``elapsed`` seconds."""
        times = []
        while not self.is_over and self.next_at <= elapsed:
            times.append(self.next_at)
            self._taken += 1
        return times
