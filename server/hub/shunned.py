"""Whom this node does not let in for a while: they were ended for abuse, and do not reconnect.

To come back at once and go on would cost everybody else what ending them has saved.
"""

from server.clock import Clock

SHUNNED_SECONDS = 30.0
MOST_SHUNNED = 10_000


class Shunned:
    """People by their ids; the last ones, each for :data:`SHUNNED_SECONDS`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def add(self, user: str) -> None:
        """Keep ``user`` out from now on."""
        self._until.pop(user, None)
        self._until[user] = self._clock.monotonic() + SHUNNED_SECONDS
        if len(self._until) > MOST_SHUNNED:
            del self._until[next(iter(self._until))]

    def __contains__(self, user: str) -> bool:
        return self._until.get(user, 0.0) > self._clock.monotonic()
