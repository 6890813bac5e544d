"""The projector: tables that follow the log (DATA §2).

One task per node. A session that has new events is in line once; it is served a page at a time,
in order, and its cursor moves in the same transaction as its tables. So it may be told twice, or
run on two nodes, or be killed anywhere, and the tables are those of the log.

The class never waits for it, and never reads what it writes.
"""

import asyncio
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from types import TracebackType
from typing import Any, NamedTuple, Self

import asyncpg
import structlog

from protocol import codec
from protocol.errors import MalformedFrameError
from protocol.events import AnyEvent
from server.errors import NotFoundError, UnavailableError
from server.ops import metrics
from server.tasks import Supervisor

from .errors import is_temporary
from .pool import AcquiredConnection, Pools
from .projections import CLEAR, USERS, Occasion, Statement, dictionary, person, project

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PAGE = 1000
"""Events folded in one transaction."""
SWEEP_SECONDS = 15.0
"""How often sessions are looked for that somebody left behind."""
_PAUSE_SECONDS = 0.5


class _Cursor(NamedTuple):
    tenant: str
    language: str
    sequence: int
    error: str | None


class _PoisonError(Exception):
    """An event cannot be folded; the text names it, and holds nothing that a person said."""


class Projector:
    """Fold new events into tables until the block is left."""

    def __init__(self, pools: Pools) -> None:
        self._pools = pools
        # A dict is a set in order: who was told first is served first.
        self._waiting: dict[str, None] = {}
        self._wake = asyncio.Event()
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
        await self._supervisor.close()

    def notify(self, session: str) -> None:
        """Say that ``session`` has new events. Cheap; call it after each commit."""
        self._waiting[session] = None
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
            if await _lock(connection, session) is None:
                raise NotFoundError
            for statement in CLEAR:
                await connection.execute(statement, session)
        self._resume(session)
        self.notify(session)

    async def _run(self) -> None:
        while True:
            while not self._waiting:
                self._wake.clear()
                await self._wake.wait()
            session = next(iter(self._waiting))
            del self._waiting[session]
            try:
                if await self._serve(session):
                    # More is there: after the others.
                    self.notify(session)
            except UnavailableError:
                self.notify(session)
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _sweep(self) -> None:
        """Take up what is behind: after a start, a crash of another node, a lost word."""
        while True:
            try:
                await self._look_for_left_behind()
            except UnavailableError as error:
                log.warning("projector_sweep_failed", error=repr(error))
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

    async def _serve(self, session: str) -> bool:
        """Fold one page; say whether there may be more."""
        try:
            return await self._fold(session, PAGE)
        except _PoisonError:
            pass
        # Somewhere in this page. One by one up to it, so that what is before it is shown.
        try:
            while await self._fold(session, 1):
                pass
        except _PoisonError as poison:
            await self._give_up(session, str(poison))
        return False

    async def _fold(self, session: str, limit: int) -> bool:
        async with self._pools.projector() as connection, connection.transaction():
            cursor = await _lock(connection, session)
            if cursor is None:
                return False
            if cursor.error is not None:
                self._stop(session)
                return False
            folded, last = await _fold_page(connection, session, cursor, limit)
            if not folded:
                return False
        for sequence, done in self._readers.get(session, ()):
            if sequence <= last and not done.done():
                done.set_result(None)
        return folded == limit

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


async def refold(connection: AcquiredConnection, session: str) -> None:
    """Write the session's tables anew from its log, all in the caller's transaction.

    Where an event cannot be folded they stay empty, and the projector says so.

    Raises:
        NotFoundError: If there is no such session.

    """
    cursor = await _lock(connection, session)
    if cursor is None:
        raise NotFoundError
    for statement in CLEAR:
        await connection.execute(statement, session)
    cursor = cursor._replace(sequence=0, error=None)
    try:
        async with connection.transaction():
            folded = PAGE
            while folded == PAGE:
                folded, last = await _fold_page(connection, session, cursor, PAGE)
                cursor = cursor._replace(sequence=last)
    except _PoisonError as poison:
        log.warning("refold_left_to_projector", session=session, reason=str(poison))


async def _fold_page(
    connection: AcquiredConnection, session: str, cursor: _Cursor, limit: int
) -> tuple[int, int]:
    """Fold what follows ``cursor`` and move it; return how many events, and its new sequence."""
    rows = await connection.fetch(
        "SELECT sequence, event_type, event_version, event_payload, actor_id, created_at "
        "FROM session_state_events WHERE session_id = $1 AND sequence > $2 "
        "ORDER BY sequence LIMIT $3",
        session, cursor.sequence, limit,
    )  # fmt: skip
    if not rows:
        return 0, cursor.sequence
    await _write(connection, session, cursor, rows)
    last: int = rows[-1]["sequence"]
    await connection.execute(
        "UPDATE projections SET sequence = $2 WHERE session_id = $1", session, last
    )
    return len(rows), last


async def _lock(connection: AcquiredConnection, session: str) -> _Cursor | None:
    """Take the session's cursor for this transaction, or return None if there is no session."""
    await connection.execute(
        "INSERT INTO projections (session_id, tenant_id) "
        "SELECT id, tenant_id FROM sessions WHERE id = $1 ON CONFLICT DO NOTHING",
        session,
    )
    row = await connection.fetchrow(
        "SELECT p.tenant_id, s.language, p.sequence, p.error "
        "FROM projections p JOIN sessions s ON s.id = p.session_id "
        "WHERE p.session_id = $1 FOR UPDATE OF p",
        session,
    )
    return None if row is None else _Cursor(*row)


async def _write(
    connection: AcquiredConnection,
    session: str,
    cursor: _Cursor,
    rows: Sequence[asyncpg.Record],
) -> None:
    """Write what ``rows`` of the log say.

    Raises:
        _PoisonError: If one of them cannot be; it names the first, so it is true of a single row.

    """
    words = dictionary(cursor.language)
    people: dict[str, str] = {}
    statements: list[Statement] = []
    for sequence, kind, version, payload, by, at_ms in rows:
        event = _decode(sequence, kind, version, payload)
        if event is None:
            continue
        if (known := person(event, by)) is not None:
            people[known[0]] = known[1] or people.get(known[0], "")
        on = Occasion(cursor.tenant, session, sequence, words, at_ms, by)
        if (statement := project(event, on)) is not None:
            statements.append(statement)
    try:
        if people:
            await connection.execute(
                USERS, cursor.tenant, *zip(*sorted(people.items()), strict=True)
            )
        # Runs of the same statement in one round trip; order is kept.
        for sql, run in groupby(statements, key=itemgetter(0)):
            await connection.executemany(sql, [parameters for _, parameters in run])
    except asyncpg.PostgresError as error:
        if is_temporary(error):
            raise
        raise _PoisonError(_describe(rows[0], error)) from error


def _decode(sequence: int, kind: str, version: int, payload: bytes) -> AnyEvent | None:
    try:
        return codec.decode_event(kind, payload, version)
    except MalformedFrameError as error:
        raise _PoisonError(f"event {sequence} ({kind}) is not of its type") from error


def _describe(row: Any, error: asyncpg.PostgresError) -> str:
    # Neither the error's text nor its detail: they may quote a person.
    what = getattr(error, "constraint_name", None) or type(error).__name__
    return f"event {row['sequence']} ({row['event_type']}): {error.sqlstate} {what}"
