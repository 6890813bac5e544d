"""The projector: tables that follow the log.

One task per node. A session that has new events is in line once; many are served together, a page
of each, in order, and their cursors move in the same transaction as their tables. So it may be
told twice, or run on two nodes, or be killed anywhere, and the tables are those of the log.

The class never waits for it, and never reads what it writes. It shares a processor with the class
and the database with the log, so it rests for as long as it has worked: what comes meanwhile is
served together. Whoever waits for it ends its rest.
"""

import asyncio
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from itertools import islice
from types import TracebackType
from typing import Self

import structlog

from server.errors import UnavailableError
from server.ops import metrics, tracing
from server.tasks import Supervisor

from .folding import Cursor, PoisonError, clear, fold_pages, lock
from .pool import Pools

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

SWEEP_SECONDS = 15.0
"""How often sessions are looked for that somebody left behind."""
FINISH_SECONDS = 1.0
TOGETHER = 64
"""Sessions served in one transaction …"""
TOGETHER_EVENTS = 256
"""… and events of all of them: decoding them keeps the event loop for a few ms."""
REST_SECONDS = 0.02
"""How long it rests at least: tables may be so much behind, and many classes share what it does."""
REST_MOST_SECONDS = 0.2
_PAUSE_SECONDS = 0.5


class Projector:
    """Fold new events into tables until the block is left."""

    def __init__(self, pools: Pools) -> None:
        self._pools = pools
        # Since when, in order: who was told first is served first.
        self._waiting: dict[str, float] = {}
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()
        """Set while nothing waits."""
        self._hurry = asyncio.Event()
        """Set when somebody waits for the tables."""
        self._readers: dict[str, list[tuple[int, asyncio.Future[None]]]] = {}
        self._stopped: set[str] = set()
        self._supervisor = Supervisor("projector")

    async def __aenter__(self) -> Self:
        self._supervisor.keep("fold", self._run)
        self._supervisor.keep("sweep", self._sweep)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Show what is committed, if that takes no longer than a moment."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FINISH_SECONDS):
                await self._settled.wait()
        await self._supervisor.close()

    def notify(self, session: str) -> None:
        """Say that ``session`` has new events. Cheap; call it after each commit."""
        self._waiting.setdefault(session, time.monotonic())
        self._settled.clear()
        self._wake.set()

    async def wait_for(self, session: str, sequence: int, timeout: float = 1.0) -> bool:
        """Wait until the tables show ``session`` up to ``sequence``; False if they do not in time.

        Raises:
            UnavailableError: If the database is away.

        """
        async with self._pools.projector() as connection:
            folded = await connection.fetchval(
                "SELECT sequence FROM projections WHERE session_id = $1", session
            )
        if (folded or 0) >= sequence:
            return True
        entry = sequence, asyncio.get_running_loop().create_future()
        readers = self._readers.setdefault(session, [])
        readers.append(entry)
        # Whichever node wrote them: this one can fold them too.
        self.notify(session)
        self._hurry.set()
        try:
            await asyncio.wait_for(entry[1], timeout)
        except TimeoutError:
            return False
        finally:
            readers.remove(entry)
            if not readers:
                self._readers.pop(session, None)
        return True

    async def rebuild(self, session: str) -> None:
        """Empty the session's tables and begin to fold its log anew; also mends a stopped one.

        Raises:
            NotFoundError: If there is no such session.
            UnavailableError: If the database is away.

        """
        async with self._pools.projector() as connection, connection.transaction():
            await clear(connection, session)
        self._resume(session)
        self.notify(session)

    async def _run(self) -> None:
        while True:
            while not self._waiting:
                self._wake.clear()
                self._settled.set()
                await self._wake.wait()
            started = time.monotonic()
            sessions = list(islice(self._waiting, TOGETHER))
            since = [self._waiting.pop(session) for session in sessions]
            self._hurry.clear()
            try:
                # Where more is there, it comes after the others.
                for session in await self._serve(sessions):
                    self.notify(session)
                ended = time.monotonic()
                tracing.record("project", ended - started, sessions=len(sessions))
                for moment in since:
                    metrics.projector_seconds.observe(ended - moment)
            except UnavailableError:
                for session in sessions:
                    self.notify(session)
                await asyncio.sleep(_PAUSE_SECONDS)
            await self._rest(time.monotonic() - started)

    async def _rest(self, worked_seconds: float) -> None:
        if not self._readers:
            with suppress(TimeoutError):
                async with asyncio.timeout(
                    min(max(worked_seconds, REST_SECONDS), REST_MOST_SECONDS)
                ):
                    await self._hurry.wait()

    async def _sweep(self) -> None:
        """Take up what is behind: after a start, a crash of another node, a lost word."""
        while True:
            try:
                await self._look_for_left_behind()
            except UnavailableError as error:
                log.debug("projector_sweep_failed", error=repr(error))
            await asyncio.sleep(SWEEP_SECONDS)

    async def _look_for_left_behind(self) -> None:
        async with self._pools.projector() as connection:
            rows = await connection.fetch(
                """
                SELECT h.session_id, p.error IS NOT NULL, head.sequence - coalesce(p.sequence, 0)
                FROM session_hubs h
                LEFT JOIN projections p USING (session_id)
                CROSS JOIN LATERAL (
                    SELECT e.sequence FROM session_state_events e
                    WHERE e.session_id = h.session_id ORDER BY e.sequence DESC LIMIT 1) head
                WHERE head.sequence > coalesce(p.sequence, 0)
                """
            )
        metrics.projector_lag_events.set(sum(missing for _, _, missing in rows))
        for session, is_stopped, _ in rows:
            if is_stopped:
                self._stop(session)
            else:
                self.notify(session)

    async def _serve(self, sessions: Sequence[str]) -> Collection[str]:
        """Fold a page of each; return those of which there may be more."""
        try:
            return await self._fold(sessions, TOGETHER_EVENTS)
        except PoisonError:
            if len(sessions) > 1:
                return [more for each in sessions for more in await self._serve([each])]
        # Somewhere in this page. One by one up to it, so that what is before it is shown.
        try:
            while await self._fold(sessions, 1):
                pass
        except PoisonError as poison:
            await self._give_up(sessions[0], str(poison))
        return ()

    async def _fold(self, sessions: Sequence[str], limit: int) -> Collection[str]:
        async with self._pools.projector() as connection, connection.transaction():
            # What a crash of the database takes is folded again: no need to wait for its disk.
            await connection.execute("SET LOCAL synchronous_commit = off")
            # One that somebody else is at does not hold up the others.
            found = await lock(connection, sessions, wait=len(sessions) == 1)
            busy = [session for session, cursor in found.items() if cursor is None]
            cursors: dict[str, Cursor] = {}
            for session, cursor in found.items():
                if cursor is not None and cursor.error is None:
                    cursors[session] = cursor
                elif cursor is not None:
                    self._stop(session)
            most = max(1, limit // len(sessions))
            folded = await fold_pages(connection, cursors, most)
        for session, (_, last) in folded.items():
            for sequence, done in self._readers.get(session, ()):
                if sequence <= last and not done.done():
                    done.set_result(None)
        return busy + [session for session, (count, _) in folded.items() if count == most]

    async def _give_up(self, session: str, reason: str) -> None:
        async with self._pools.projector() as connection:
            await connection.execute(
                "INSERT INTO projections (session_id, tenant_id, error) "
                "SELECT id, tenant_id, $2 FROM sessions WHERE id = $1 "
                "ON CONFLICT (session_id) DO UPDATE SET error = $2",
                session,
                reason,
            )
        log.error("projection_stopped", session=session, reason=reason)
        self._stop(session)

    def _stop(self, session: str) -> None:
        self._stopped.add(session)
        metrics.projector_stopped.set(len(self._stopped))

    def _resume(self, session: str) -> None:
        self._stopped.discard(session)
        metrics.projector_stopped.set(len(self._stopped))
