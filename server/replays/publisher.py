"""Replays are published when their time comes.

What is planned is in the database, and a publication is reported to the class under a key made
of the plan: so the task may be killed anywhere and run on every node, and each plan is carried
out once. A plan whose class lacks what a replay needs stays: it is carried out once that is there.
"""

from collections.abc import Awaitable, Callable

import structlog

from protocol.events import ReplayPublished
from server.clock import Clock
from server.errors import UnavailableError
from server.ops import metrics
from server.rounds import Rounds
from server.store import replays
from server.store.pool import Pools
from server.store.replays import Plan

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PERIOD_SECONDS = 1.0
PAGE = 100

Report = Callable[[str, str, str, ReplayPublished], Awaitable[bool]]
"""Tenant, session, key and event → whether the class keeps it now, and has not before.

Raises UnavailableError if nobody can tell.
"""


class Publisher:
    """Carries out the plans of every class, for as long as :meth:`run` runs."""

    def __init__(self, pools: Pools, report: Report, clock: Clock) -> None:
        self._pools = pools
        self._report = report
        self._clock = clock
        self._waiting: frozenset[Plan] = frozenset()

    async def run(self) -> None:
        """Look every :data:`PERIOD_SECONDS`, until cancelled."""
        await Rounds("replays", self.publish_due, PERIOD_SECONDS).run()

    async def publish_due(self) -> None:
        """Publish every replay whose time has come and that has what it needs.

        Raises:
            UnavailableError: If the database is away.

        """
        due = await replays.list_due(self._pools, self._clock.now_ms(), limit=PAGE)
        waiting = frozenset(plan for plan in due if plan.lacks is not None)
        for plan in waiting - self._waiting:
            log.warning("replay_waits", session=plan.session, lacks=plan.lacks)
        self._waiting = waiting
        for plan in due:
            if plan.lacks is None:
                await self._publish(plan)

    async def _publish(self, plan: Plan) -> None:
        key = f"replay:{plan.session}:{plan.publish_at}"
        try:
            is_new = await self._report(
                plan.tenant, plan.session, key, ReplayPublished(plan.session)
            )
        except UnavailableError as error:
            # The node that has the class looks, too.
            log.info("replay_not_published_here", session=plan.session, reason=str(error))
            return
        if is_new:
            metrics.replays_published.inc()
            log.info("replay_published", session=plan.session)
