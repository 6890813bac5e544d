"""Spools that nobody asks for any more are removed, a day after the worker that could was started.

A recording that the class still waits for is asked for within a minute of that. What is left then
was ended elsewhere, while this machine was away: its last seconds came too late, and whoever may
not have the recording any more must not find them here.
"""

import asyncio
import shutil
from pathlib import Path

import structlog

from server.clock import Clock
from server.media.recording.spool import Spool, SpoolError

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

KEPT_SECONDS = 86_400.0
PERIOD_SECONDS = 600.0


class Leftovers:
    """Looks through the spools below ``root``, for as long as :meth:`run` runs."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self._root = root
        self._clock = clock
        self._seen: dict[Path, float] = {}
        """When each was first seen that nobody has had since."""

    async def run(self) -> None:
        """Look every ten minutes, until cancelled."""
        while True:
            await asyncio.to_thread(self.sweep)
            await asyncio.sleep(PERIOD_SECONDS)

    def sweep(self) -> None:
        """Remove what has been nobody's for a day. Blocks; what cannot be removed is left."""
        now = self._clock.monotonic()
        unclaimed = {each for each in self._root.glob("*/*") if _is_nobodys(each)}
        self._seen = {each: self._seen.get(each, now) for each in unclaimed}
        for directory, since in self._seen.items():
            if now - since >= KEPT_SECONDS:
                log.error("spool_left_behind", recording=directory.name)
                shutil.rmtree(directory, ignore_errors=True)


def _is_nobodys(directory: Path) -> bool:
    spool = Spool(directory)
    try:
        if not spool.claim():
            return False
    except SpoolError:
        return False
    spool.release()
    # What was empty is gone now.
    return directory.exists()
