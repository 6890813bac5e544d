"""Sessions that this server's media workers still carry, and another server's node owns by now.

Their picture reaches nobody. They are ended, so that who publishes and who watches connect anew, to
where the class is.
"""

import structlog

from server.hub.lease import Lease
from server.media.pool import WorkerPool
from server.rounds import Rounds
from server.store.pool import Pools
from server.store.succession import glance, neighbours

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PERIOD_SECONDS = 2.0


class Strays:
    """Looks for such sessions, for as long as :meth:`run` runs; on every node."""

    def __init__(self, engine: WorkerPool, pools: Pools, lease: Lease) -> None:
        self._engine = engine
        self._pools = pools
        self._lease = lease
        self._rounds = Rounds("strays", self.look, PERIOD_SECONDS)

    async def run(self) -> None:
        """Look now and again, until cancelled."""
        await self._rounds.run()

    async def look(self) -> None:
        """End what is carried here for a class that lives elsewhere.

        Raises:
            UnavailableError: If the database is away.

        """
        unclaimed = await self._engine.unclaimed()
        if not unclaimed:
            return
        living = {each.node for each in await neighbours(self._pools, self._lease.node)}
        for each in await glance(self._pools, unclaimed):
            # With the owner's own epoch: whoever takes the session after that is not meant.
            if each.node in living and not self._lease.is_near(each.node):
                log.warning("media_session_is_elsewhere", session=each.session, node=each.node)
                await self._engine.end(each.session, each.epoch)
