"""Makes the artifacts of every class that is over.

What was not made yet is in the database, each class is claimed for a while by who makes its
artifacts, and what is made is reported under keys that follow from the log: so the task may be
killed anywhere and run on every node, and nothing is made twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence, Set
from itertools import islice
from typing import NamedTuple

import structlog

from protocol.codec import decode_event
from protocol.errors import MalformedFrameError
from protocol.events import ArtifactCreated, ArtifactRemoved
from protocol.features.artifacts import ArtifactType
from server.artifacts.history import KINDS, Happened
from server.artifacts.making import MADE, Change, changes
from server.clock import Clock
from server.errors import NotFoundError, UnavailableError
from server.ops import metrics
from server.rounds import Rounds
from server.store import artifact_runs, sessions
from server.store.artifact_runs import Run
from server.store.log import PAGE, LogReader
from server.store.pool import Pools

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PERIOD_SECONDS = 30.0
CLAIM_SECONDS = 120
"""How long one node has a class to itself; what fails is tried again after it."""
_AT_ONCE = 16
_PAUSE_SECONDS = 0.5
_TYPES = frozenset(kind.type for kind in KINDS)

Report = Callable[[str, str, str, ArtifactCreated | ArtifactRemoved], Awaitable[object]]
"""Tenant, session, key and event → kept by the class; raises UnavailableError if it is not."""


class Made(NamedTuple):
    """What was reported of a class: ids, and the end of its log afterwards."""

    created: tuple[str, ...]
    edited: tuple[str, ...]
    removed: tuple[str, ...]
    sequence: int


class Maker:
    """Makes artifacts: of what :meth:`notify` is told, of what was left behind, and when asked."""

    def __init__(self, pools: Pools, reader: LogReader, report: Report, clock: Clock) -> None:
        self._pools = pools
        self._reader = reader
        self._report = report
        self._clock = clock
        self._ended: dict[str, None] = {}
        self._rounds = Rounds("artifacts", self.sweep, PERIOD_SECONDS)

    def notify(self, session: str) -> None:
        """Say that a class has ended. Cheap."""
        self._ended[session] = None
        self._rounds.notify()

    async def run(self) -> None:
        """Make what is due whenever told, and every :data:`PERIOD_SECONDS`, until cancelled."""
        await self._rounds.run()

    async def sweep(self) -> None:
        """Make the artifacts of every class that is over; what fails is left for another time.

        Raises:
            UnavailableError: If the database is away.

        """
        while self._ended:
            session = next(iter(self._ended))
            await self._serve(await self._claim(session))
            # Only now: what the database could not say is asked again.
            self._ended.pop(session, None)
        while runs := await self._claim():
            await self._serve(runs)

    async def make(self, tenant: str, session: str, types: Set[ArtifactType] = MADE) -> Made:
        """Make the artifacts of ``types`` as they should be by the log, now; return what changed.

        Raises:
            NotFoundError: If there is no such session.
            UnavailableError: If the class cannot be read, or not be told here.

        """
        row = await sessions.find(self._pools, session)
        if row is None:
            raise NotFoundError
        told = await self._read(session)
        # In a thread: a long class takes longer than others should have to wait.
        found = await asyncio.to_thread(changes, session, row.title, told, types)
        remaining = iter(found)
        while part := tuple(islice(remaining, _AT_ONCE)):
            reports = (self._report(tenant, session, each.key, each.event) for each in part)
            await asyncio.gather(*reports)
        head, _ = await self._reader.head(session)
        metrics.artifacts_made.inc(len(found))
        return Made(*_sorted(found), head)

    async def _claim(self, session: str | None = None) -> list[Run]:
        now = self._clock.now_ms()
        until = now + CLAIM_SECONDS * 1000
        return await artifact_runs.claim(self._pools, now, until_ms=until, session=session)

    async def _serve(self, runs: Iterable[Run]) -> None:
        for run in runs:
            try:
                made = await self._try(run)
            except (NotFoundError, UnavailableError) as error:
                # The node that has the class looks, too.
                log.info("artifacts_not_made_here", session=run.session, reason=str(error))
            else:
                await artifact_runs.finish(self._pools, run, made.sequence)
                log.info("artifacts_made", session=run.session, created=len(made.created))

    async def _try(self, run: Run) -> Made:
        """Make the artifacts of a class; once more where its room had to read its log anew."""
        try:
            return await self.make(run.tenant, run.session)
        except UnavailableError:
            await asyncio.sleep(_PAUSE_SECONDS)
            return await self.make(run.tenant, run.session)

    async def _read(self, session: str) -> list[Happened]:
        head, _ = await self._reader.head(session)
        told: list[Happened] = []
        first = 1
        while True:
            page = await self._reader.find(session, first, head, types=_TYPES)
            for each in page:
                try:
                    event = decode_event(each.type, each.payload, each.version)
                except MalformedFrameError as error:
                    log.warning("event_left_out", session=session, reason=str(error))
                    continue
                if event is not None:
                    told.append(Happened(each.sequence, event, each.at_ms, each.actor))
            if len(page) < PAGE:
                return told
            first = page[-1].sequence + 1


def _sorted(found: Sequence[Change]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the ids of what is new, what is another now, and what is gone."""
    gone = tuple(each.event.artifact for each in found if isinstance(each.event, ArtifactRemoved))
    new = tuple(each.event.artifact for each in found if each.is_new)
    rest = tuple(each.event.artifact for each in found if each.event.artifact not in {*gone, *new})
    return new, rest, gone
