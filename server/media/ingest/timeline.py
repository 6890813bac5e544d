"""The session's time line: it goes on whoever publishes, and when nobody does. Pure.

While somebody publishes, that one's clock rules, and the time line follows it; so whoever comes
next, or the slate, continues where it was, however far the two clocks have drifted apart.
"""

FOLLOW = 0.01
"""How much of a deviation is taken over with each unit: two seconds' worth of units level it."""


class Timeline:
    """Milliseconds since the session's zero, over the monotonic clock."""

    def __init__(self, origin: float) -> None:
        self.origin = origin
        """The monotonic clock at zero, as the present rate of things has it."""

    def ms(self, now: float) -> float:
        """Return the time on the line."""
        return (now - self.origin) * 1000

    def follow(self, ms: float, now: float) -> None:
        """Take note that a publisher's clock says ``ms``."""
        self.origin -= (ms - self.ms(now)) / 1000 * FOLLOW
