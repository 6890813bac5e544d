"""Recordings that are over and that nobody ends: their classes are opened, which makes it so.

The class that has a recording without an end says so to the media engine for as long as it is open
(:mod:`server.broadcast`), and stays open until it has heard of the end. A class that was over when
its server died is opened by nobody: that is what this is for. What another node has, that node
does.
"""

from collections.abc import Awaitable, Callable

import structlog

from server.errors import UnavailableError
from server.rounds import Rounds
from server.store import recordings
from server.store.pool import Pools

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PERIOD_SECONDS = 20.0
PAGE = 1000

OpenClass = Callable[[str, str], Awaitable[object]]
"""Tenant and session → the class is open on this node.

Raises UnavailableError if it cannot be, for one because another node has it.
"""


class Unfinished:
    """Looks for recordings without an end, for as long as :meth:`run` runs; on every node."""

    def __init__(
        self, pools: Pools, open_class: OpenClass, *, period_seconds: float = PERIOD_SECONDS
    ) -> None:
        self._pools = pools
        self._open_class = open_class
        self._rounds = Rounds("unfinished_recordings", self.sweep, period_seconds)

    async def run(self) -> None:
        """Look now and again, until cancelled."""
        await self._rounds.run()

    async def sweep(self) -> None:
        """Open every class that is over and has a recording without an end.

        Raises:
            UnavailableError: If the database is away.

        """
        for tenant, session in await recordings.list_unfinished(self._pools, limit=PAGE):
            try:
                await self._open_class(tenant, session)
            except UnavailableError:
                log.info("unfinished_recording_is_elsewhere", session=session)
