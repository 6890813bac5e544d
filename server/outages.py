"""What the server rests on and does not reach: told when it begins and when it is over.

However many ask a database that is away, and however often, that is two lines in the log.
"""

import time

import structlog

from server.ops import metrics

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

QUIET_SECONDS = 30.0
"""One that comes and goes is told of no more often than this."""

TO_DO = {
    "postgresql": "see whether it runs, takes connections, and has room on its disk",
    "log": "see whether PostgreSQL is the primary and has room on its disk",
    "redis": "see whether it runs; classes do without it",
    "objects": "see whether the object store is reached and has room",
    "spool": "make room on the disk of LIVECLASS_SPOOL_DIR; memory holds little of a recording",
    "clock": "run a time service on this machine; times of new events stand still until then",
}
"""The parts, and what an operator does when one is away."""


class Outage:
    """Whether one of the parts is away for this process."""

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
                todo = TO_DO[self._part]
                log.warning("part_away", part=self._part, reason=repr(reason), todo=todo)
        self._failures += 1

    def worked(self) -> None:
        """Take note that the part did what it was asked for."""
        if self._since is None:
            return
        if self._is_told:
            seconds = round(time.monotonic() - self._since, 1)
            log.warning("part_back", part=self._part, seconds=seconds, failures=self._failures)
        self._since = None
