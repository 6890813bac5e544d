"""A page of a session's log into its tables, and how far they are, in the caller's transaction."""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import asyncpg
import structlog

from protocol import codec
from protocol.errors import MalformedFrameError
from protocol.events import AnyEvent
from server.errors import NotFoundError

from .errors import is_temporary
from .pool import AcquiredConnection
from .projections import CLEAR, USERS, Occasion, Statement, dictionary, find, person, project

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PAGE = 1000
"""Events folded at once."""


class Cursor(NamedTuple):
    """How far the tables of a session follow its log, and what they are written with.

    With an ``error`` they wait for a person.
    """

    tenant: str
    language: str
    sequence: int
    error: str | None


class PoisonError(Exception):
    """An event cannot be folded; the text names it, and holds nothing that a person said."""


async def lock(connection: AcquiredConnection, session: str) -> Cursor | None:
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
    return None if row is None else Cursor(*row)


async def clear(connection: AcquiredConnection, session: str) -> Cursor:
    """Empty the session's tables, and return its cursor, which is at the beginning of its log.

    Raises:
        NotFoundError: If there is no such session.

    """
    cursor = await lock(connection, session)
    if cursor is None:
        raise NotFoundError
    for statement in CLEAR:
        await connection.execute(statement, session)
    return cursor._replace(sequence=0, error=None)


async def fold_page(
    connection: AcquiredConnection, session: str, cursor: Cursor, limit: int
) -> tuple[int, int]:
    """Fold what follows ``cursor`` and move it; return how many events, and its new sequence.

    Raises:
        PoisonError: If one of them cannot be folded; what it names is right for ``limit`` 1.

    """
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


async def refold(connection: AcquiredConnection, session: str) -> None:
    """Write the session's tables anew from its log, all in the caller's transaction.

    Where an event cannot be folded they stay empty, and the projector says so.

    Raises:
        NotFoundError: If there is no such session.

    """
    cursor = await clear(connection, session)
    try:
        async with connection.transaction():
            folded = PAGE
            while folded == PAGE:
                folded, last = await fold_page(connection, session, cursor, PAGE)
                cursor = cursor._replace(sequence=last)
    except PoisonError as poison:
        log.warning("refold_left_to_projector", session=session, reason=str(poison))


async def _write(
    connection: AcquiredConnection,
    session: str,
    cursor: Cursor,
    rows: Sequence[asyncpg.Record],
) -> None:
    """Write what ``rows`` of the log say.

    Raises:
        PoisonError: If one of them cannot be; it names the first, so it is true of a single row.

    """
    words = dictionary(cursor.language)
    people: dict[str, str] = {}
    statements: list[Statement] = []
    texts: list[Statement] = []
    for sequence, kind, version, payload, by, at_ms in rows:
        event = _decode(sequence, kind, version, payload)
        if event is None:
            continue
        if (known := person(event, by)) is not None:
            people[known[0]] = known[1] or people.get(known[0], "")
        on = Occasion(cursor.tenant, session, sequence, words, at_ms, by)
        if (statement := project(event, on)) is not None:
            statements.append(statement)
        texts += find(event, on)
    try:
        if people:
            await connection.execute(
                USERS, cursor.tenant, *zip(*sorted(people.items()), strict=True)
            )
        # Runs of the same statement in one round trip; order is kept.
        for sql, run in groupby(statements + texts, key=itemgetter(0)):
            await connection.executemany(sql, [parameters for _, parameters in run])
    except asyncpg.PostgresError as error:
        if is_temporary(error):
            raise
        raise PoisonError(_describe(rows[0], error)) from error


def _decode(sequence: int, kind: str, version: int, payload: bytes) -> AnyEvent | None:
    try:
        return codec.decode_event(kind, payload, version)
    except MalformedFrameError as error:
        raise PoisonError(f"event {sequence} ({kind}) is not of its type") from error


def _describe(row: Any, error: asyncpg.PostgresError) -> str:
    # Neither the error's text nor its detail: they may quote a person.
    what = getattr(error, "constraint_name", None) or type(error).__name__
    return f"event {row['sequence']} ({row['event_type']}): {error.sqlstate} {what}"
