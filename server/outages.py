"""What the server rests on and does not reach: told when it begins and when it is over.

However many ask a database that is away, and however often, that is two lines in the log.
"""

import time

import structlog

from server.ops import metrics

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

QUIET_SECONDS = 30.0
"""One that comes and goes is told of no more often than this."""


class Outage:
    """Whether one part, named as in health, is away for this process."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._since: float | None = None
        self._failures = 0
        self._told_at: float | None = None
        self._is_told = False

    def failed(self, reason: object) -> None:
        """Take note that the part did not do what it was asked for, because of ``reason``."""
        now = time.monotonic()
        if self._since is None:
            self._since, self._failures = now, 0
            metrics.outages.labels(self._part).inc()
            self._is_told = self._told_at is None or now - self._told_at >= QUIET_SECONDS
            if self._is_told:
                self._told_at = now
                log.warning("part_away", part=self._part, reason=repr(reason))
        self._failures += 1

    def worked(self) -> None:
        """Take note that the part did what it was asked for."""
        if self._since is None:
            return
        if self._is_told:
            seconds = round(time.monotonic() - self._since, 1)
            log.warning("part_back", part=self._part, seconds=seconds, failures=self._failures)
        self._since = None
