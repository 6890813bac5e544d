"""People's data in time: what a tenant keeps no longer is removed, and erasures are finished.

One task per node. What is to do is in the database, every step may be done twice, and a removal
or an erasure is over only when it is recorded as finished: so it may be killed anywhere, and run
on several nodes.

What the recordings of a class leave is a class that is put away: its replay is taken back first,
and an archived class publishes none again.
"""

from collections.abc import AsyncIterator

import structlog

from protocol.commands import ReplaySchedule, ReplayUnpublish, SessionArchive
from protocol.errors import Refusal
from server.auth.tokens import Identity
from server.classes import Classes
from server.clock import Clock
from server.errors import ConflictError, UnavailableError
from server.ids import new_id
from server.objects.store import LIST_MOST, ObjectStore
from server.ops import metrics
from server.rounds import Rounds
from server.store import erasure, removal
from server.store.pool import Pools
from server.store.removal import Due

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PERIOD_SECONDS = 600.0
PAGE = 100


async def due(pools: Pools, now_ms: int) -> AsyncIterator[Due]:
    """Yield everything whose time is over."""
    after: Due | None = None
    while True:
        page = await removal.list_due(pools, now_ms, after=after, limit=PAGE)
        for each in page:
            yield each
        if len(page) < PAGE:
            return
        after = page[-1]


class Retention:
    """Removes what is due, for as long as :meth:`run` runs."""

    def __init__(
        self,
        pools: Pools,
        objects: ObjectStore,
        commands: Classes,
        clock: Clock,
        *,
        leave_seconds: float = erasure.LEAVE_SECONDS,
    ) -> None:
        self._pools = pools
        self._objects = objects
        self._commands = commands
        self._clock = clock
        self._leave_seconds = leave_seconds
        self._rounds = Rounds("retention", self.sweep, PERIOD_SECONDS)

    def notify(self) -> None:
        """Say that an erasure has begun: it is gone on with at once. Cheap."""
        self._rounds.notify()

    async def run(self) -> None:
        """Look at once, whenever told, and every :data:`PERIOD_SECONDS`, until cancelled."""
        await self._rounds.run()

    async def sweep(self) -> None:
        """Finish every erasure and remove all that is due; what fails is left for the next time.

        Raises:
            UnavailableError: If the database is away.

        """
        for tenant, user in await erasure.list_unfinished(self._pools):
            try:
                await erasure.erase(self._pools, tenant, user, leave_seconds=self._leave_seconds)
            except (ConflictError, UnavailableError) as error:
                log.warning("erasure_waits", user=user, reason=str(error))
        async for each in due(self._pools, self._clock.now_ms()):
            try:
                await self._remove(each)
            except (ConflictError, Refusal, UnavailableError) as error:
                log.warning(
                    "removal_waits", session=each.session, kind=each.kind, reason=str(error)
                )

    async def _remove(self, what: Due) -> None:
        if what.kind != "chat":
            await self._put_away(what)
        row = await removal.begin(self._pools, what)
        objects = 0
        if what.kind != "chat":
            below = "" if what.kind == "session" else "recordings/"
            objects = await self._delete_objects(f"{what.tenant}/{what.session}/{below}")
        await removal.remove_words(self._pools, row, what)
        await removal.finish(self._pools, row, objects=objects)
        metrics.removals.labels(what.kind).inc()
        log.info("removed", session=what.session, kind=what.kind, objects=objects)

    async def _put_away(self, what: Due) -> None:
        """Take the replay back, and archive the class.

        Raises:
            Refusal: If that is refused for another reason than that it is so already.
            UnavailableError: If another node has the class, or nobody can have it now.

        """
        # The tenant itself is who does this: no person of it wished it at this moment.
        tenant = Identity(
            user=what.tenant,
            tenant=what.tenant,
            session=None,
            role="admin",
            name="Retention",
            scope=frozenset(),
            expires_at_ms=self._clock.now_ms(),
        )
        for command in (ReplaySchedule(), ReplayUnpublish(), SessionArchive()):
            try:
                await self._commands.perform(
                    what.session,
                    tenant,
                    "admin",
                    command,
                    # Asked again it changes nothing: the class itself knows what was done.
                    key=new_id(),
                    expect=None,
                )
            except Refusal as refusal:
                if refusal.code != "session_ended":
                    raise

    async def _delete_objects(self, prefix: str) -> int:
        deleted = 0
        last = ""
        while keys := await self._objects.list(prefix, after=last, limit=LIST_MOST):
            for last in keys:
                await self._objects.delete(last)
            deleted += len(keys)
        return deleted
