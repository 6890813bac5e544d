"""Objects that nobody needs any more: of uploads that never came, and of assets taken out.

What the class has seen stays, because its replay shows it; it goes with the class (retention).
What it has never seen goes an hour after it was taken out.
"""

import structlog

from server.assets import keys
from server.assets.kinds import KINDS
from server.clock import Clock
from server.objects.store import ObjectStore
from server.rounds import Rounds
from server.store import assets, uploads
from server.store.pool import Pools

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PERIOD_SECONDS = 600.0
GRACE_MS = 3_600_000
"""After the end of a URL, within which what began in time arrives; and after a removal."""
PAGE = 100


class Sweeping:
    """Deletes what is left over, for as long as :meth:`run` runs; on any number of nodes."""

    def __init__(self, pools: Pools, objects: ObjectStore, clock: Clock) -> None:
        self._pools = pools
        self._objects = objects
        self._clock = clock

    async def run(self) -> None:
        """Look every :data:`PERIOD_SECONDS`, until cancelled."""
        await Rounds("assets", self.sweep, PERIOD_SECONDS).run()

    async def sweep(self) -> None:
        """Delete all that is left over now. Every step may be done twice.

        Raises:
            UnavailableError: If the database or the objects are away.

        """
        before = self._clock.now_ms() - GRACE_MS
        while places := await uploads.list_to_empty(self._pools, before, limit=PAGE):
            for place in places:
                await self._objects.delete(keys.incoming(place.tenant, place.session, place.id))
                await uploads.emptied(self._pools, place)
        while removed := await assets.list_removed(self._pools, before, limit=PAGE):
            for each in removed:
                if not each.was_shown:
                    await self._delete(each)
                await assets.settle(self._pools, each)
        await assets.forget_texts(self._pools)

    async def _delete(self, removed: assets.Removed) -> None:
        tenant, session, upload, *_ = removed.tenant, removed.session, removed.upload
        kind = KINDS[removed.content_type]
        if kind.becomes == "media":
            await self._objects.delete(keys.media(tenant, session, upload, kind.suffix))
            return
        while found := await self._objects.list(f"{keys.slides(tenant, session, upload)}/"):
            for key in found:
                await self._objects.delete(key)
