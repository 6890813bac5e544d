"""Pages of sessions' logs into their tables, and how far they are, in the caller's transaction."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
"""Events of one session folded at once."""


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


async def lock(
    connection: AcquiredConnection, sessions: Collection[str], *, wait: bool = True
) -> dict[str, Cursor | None]:
    """Take the sessions' cursors for this transaction; those of no session are not among them.

    Without ``wait``, None stands for one that somebody else has taken.
    """
    found: dict[str, Cursor | None] = {}
    found |= await _taken(connection, sessions, wait=wait)
    missing = sorted(set(sessions) - found.keys())
    if missing:
        await connection.execute(
            "INSERT INTO projections (session_id, tenant_id) "
            "SELECT id, tenant_id FROM sessions WHERE id = ANY($1) ON CONFLICT DO NOTHING",
            missing,
        )
        rows = await connection.fetch(
            "SELECT session_id FROM projections WHERE session_id = ANY($1)", missing
        )
        found |= dict.fromkeys(row[0] for row in rows)
        found |= await _taken(connection, missing, wait=wait)
    return found


async def _taken(
    connection: AcquiredConnection, sessions: Collection[str], *, wait: bool
) -> dict[str, Cursor]:
    # In order, so that no two wait for each other.
    rows = await connection.fetch(
        "SELECT p.session_id, p.tenant_id, s.language, p.sequence, p.error "  # noqa: S608
        "FROM projections p JOIN sessions s ON s.id = p.session_id "
        "WHERE p.session_id = ANY($1) ORDER BY p.session_id "
        f"FOR UPDATE OF p {'' if wait else 'SKIP LOCKED'}",
        sessions,
    )
    return {row[0]: Cursor(*row[1:]) for row in rows}


async def clear(connection: AcquiredConnection, session: str) -> Cursor:
    """Empty the session's tables, and return its cursor, which is at the beginning of its log.

    Raises:
        NotFoundError: If there is no such session.

    """
    cursor = (await lock(connection, [session])).get(session)
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
    folded = await fold_pages(connection, {session: cursor}, limit)
    return folded.get(session, (0, cursor.sequence))


async def fold_pages(
    connection: AcquiredConnection, cursors: Mapping[str, Cursor], limit: int
) -> dict[str, tuple[int, int]]:
    """Fold what follows ``cursors``, at most ``limit`` events of each session, and move them.

    Return how many events of which sessions were folded, and where their cursors are now. However
    many sessions there are, it takes the same few round trips: most of a small page's cost.

    Raises:
        PoisonError: If one event cannot be folded; what it names is right for a single one.

    """
    rows = await connection.fetch(
        "SELECT c.session, e.* FROM unnest($1::uuid[], $2::bigint[]) AS c (session, sequence) "
        "CROSS JOIN LATERAL ("
        "SELECT sequence, event_type, event_version, event_payload, actor_id, created_at "
        "FROM session_state_events WHERE session_id = c.session AND sequence > c.sequence "
        "ORDER BY sequence LIMIT $3) e ORDER BY c.session, e.sequence",
        list(cursors), [cursor.sequence for cursor in cursors.values()], limit,
    )  # fmt: skip
    if not rows:
        return {}
    await _write(connection, cursors, rows)
    folded: dict[str, tuple[int, int]] = {}
    for row in rows:
        folded[row[0]] = folded.get(row[0], (0, 0))[0] + 1, row[1]
    await connection.execute(
        "UPDATE projections p SET sequence = c.sequence "
        "FROM unnest($1::uuid[], $2::bigint[]) AS c (session, sequence) "
        "WHERE p.session_id = c.session",
        list(folded), [last for _, last in folded.values()],
    )  # fmt: skip
    return folded


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
    cursors: Mapping[str, Cursor],
    rows: Sequence[asyncpg.Record],
) -> None:
    """Write what ``rows`` of the logs say.

    Raises:
        PoisonError: If one of them cannot be; it names the first, so it is true of a single row.

    """
    people: dict[str, dict[str, str]] = {}
    lines = []
    for session, of_session in groupby(rows, key=itemgetter(0)):
        cursor = cursors[session]
        known = people.setdefault(cursor.tenant, {})
        lines.append(_statements(session, cursor, of_session, known))
    try:
        for tenant, names in sorted(people.items()):
            if names:
                await connection.execute(USERS, tenant, *zip(*sorted(names.items()), strict=True))
        for sql, run in _runs(lines):
            await connection.executemany(sql, run)
    except asyncpg.PostgresError as error:
        if is_temporary(error):
            raise
        raise PoisonError(_describe(rows[0], error)) from error


def _statements(
    session: str, cursor: Cursor, rows: Iterable[asyncpg.Record], people: dict[str, str]
) -> deque[Statement]:
    """Return what a session's events change, in order; put into ``people`` whom they name."""
    words = dictionary(cursor.language)
    statements: deque[Statement] = deque()
    texts: list[Statement] = []
    for _, sequence, kind, version, payload, by, at_ms in rows:
        event = _decode(sequence, kind, version, payload)
        if event is None:
            continue
        if (known := person(event, by)) is not None:
            people[known[0]] = known[1] or people.get(known[0], "")
        on = Occasion(cursor.tenant, session, sequence, words, at_ms, by)
        if (statement := project(event, on)) is not None:
            statements.append(statement)
        texts += find(event, on)
    statements += texts
    return statements


def _runs(lines: Iterable[deque[Statement]]) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    """Yield runs of the same statement, each for one round trip, with all their parameters.

    The order within each of ``lines`` is kept: what is first in one of them is taken from all.
    """
    waiting = [line for line in lines if line]
    while waiting:
        sql, run = waiting[0][0][0], []
        for line in waiting:
            while line and line[0][0] == sql:
                run.append(line.popleft()[1])
        yield sql, run
        waiting = [line for line in waiting if line]


def _decode(sequence: int, kind: str, version: int, payload: bytes) -> AnyEvent | None:
    try:
        return codec.decode_event(kind, payload, version)
    except MalformedFrameError as error:
        raise PoisonError(f"event {sequence} ({kind}) is not of its type") from error


def _describe(row: Any, error: asyncpg.PostgresError) -> str:
    # Neither the error's text nor its detail: they may quote a person.
    what = getattr(error, "constraint_name", None) or type(error).__name__
    return f"event {row['sequence']} ({row['event_type']}): {error.sqlstate} {what}"
