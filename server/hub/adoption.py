"""Classes on air that no living node owns are opened: by whoever notices first.

Their destinations and recordings go on without waiting for somebody to come back.
"""

from contextlib import suppress

import structlog

from server.errors import UnavailableError
from server.hub.hub import Hub
from server.hub.seating import Place
from server.rounds import Rounds
from server.store import sessions
from server.store.pool import Pools

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PERIOD_SECONDS = 2.0


class Adoption:
    """Looks for such classes, for as long as :meth:`run` runs; on every node."""

    def __init__(self, hub: Hub, pools: Pools, node: str, log_id: str) -> None:
        self._hub = hub
        self._pools = pools
        self._node = node
        self._log_id = log_id
        self._rounds = Rounds("adoption", self.look, PERIOD_SECONDS)

    async def begin(self) -> None:
        """Look for the first time; what the database does not tell now is left to :meth:`run`."""
        with suppress(UnavailableError):
            await self.look()

    async def run(self) -> None:
        """Look now and again, until cancelled."""
        await self._rounds.run()

    async def look(self) -> None:
        """Open every class on air whose owner is gone, or was this node before it restarted.

        Raises:
            UnavailableError: If the database is away.

        """
        for session, tenant in await sessions.list_orphans(self._pools, self._node):
            if self._hub.is_draining:
                return
            if self._hub.find(session) is None:
                try:
                    await self._hub.room(Place(session, tenant, self._log_id))
                except UnavailableError:
                    log.info("live_session_is_elsewhere", session=session)
