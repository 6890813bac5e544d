"""Sessions, as they are scheduled; what happens in them is the log's."""

from typing import Any

from msgspec import UNSET, UnsetType

from protocol.codec import timestamp
from protocol.rest import Page, Session, SessionRecording
from server.errors import NotFoundError
from server.ids import new_id

from .paging import optional_timestamp, page
from .pool import AcquiredConnection


async def create(
    connection: AcquiredConnection,
    tenant: str,
    lesson: str,
    *,
    title: str,
    language: str,
    scheduled_at_ms: int | None,
) -> Session:
    """Schedule a session of a lesson.

    Raises:
        NotFoundError: If there is no such lesson.

    """
    row = await connection.fetchrow(
        """
        INSERT INTO sessions (id, tenant_id, lesson_id, title, language, scheduled_at)
        SELECT $1, $2, id, $4, $5, $6 FROM lessons WHERE id = $3
        RETURNING *
        """,
        new_id(),
        tenant,
        lesson,
        title,
        language,
        scheduled_at_ms,
    )
    return _session(row)


async def get(connection: AcquiredConnection, session: str) -> Session:
    """Return a session.

    Raises:
        NotFoundError: If there is none.

    """
    return _session(await connection.fetchrow("SELECT * FROM sessions WHERE id = $1", session))


async def of_tenant(
    connection: AcquiredConnection, *, after: str | None, limit: int
) -> Page[Session]:
    """Return the tenant's sessions, in the order of their making."""
    rows = await connection.fetch(
        "SELECT * FROM sessions WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2",
        after,
        limit + 1,
    )
    return page(rows, limit, _session)


async def of_lesson(
    connection: AcquiredConnection, lesson: str, *, after: str | None, limit: int
) -> Page[Session]:
    """Return the sessions of a lesson, in the order of their making.

    Raises:
        NotFoundError: If there is no such lesson.

    """
    if await connection.fetchval("SELECT true FROM lessons WHERE id = $1", lesson) is None:
        raise NotFoundError
    rows = await connection.fetch(
        "SELECT * FROM sessions WHERE lesson_id = $1 AND ($2::uuid IS NULL OR id > $2) "
        "ORDER BY id LIMIT $3",
        lesson,
        after,
        limit + 1,
    )
    return page(rows, limit, _session)


async def change(
    connection: AcquiredConnection,
    session: str,
    *,
    title: str | UnsetType = UNSET,
    scheduled_at_ms: int | UnsetType | None = UNSET,
) -> Session:
    """Change what is given, and return the session.

    Raises:
        NotFoundError: If there is none.

    """
    row = await connection.fetchrow(
        """
        UPDATE sessions
        SET title = coalesce($2, title), scheduled_at = CASE WHEN $3 THEN $4 ELSE scheduled_at END
        WHERE id = $1 RETURNING *
        """,
        session,
        None if title is UNSET else title,
        scheduled_at_ms is not UNSET,
        None if scheduled_at_ms is UNSET else scheduled_at_ms,
    )
    return _session(row)


async def recordings(connection: AcquiredConnection, session: str) -> tuple[SessionRecording, ...]:
    """Return the recordings of a session, oldest first, without where to play them."""
    rows = await connection.fetch(
        """
        SELECT id, status, started_at, finalized_at, duration_ms, bytes
        FROM recordings WHERE session_id = $1 ORDER BY created_at, id
        """,
        session,
    )
    return tuple(
        SessionRecording(
            id=row["id"],
            status=row["status"],
            started_at=optional_timestamp(row["started_at"]),
            finalized_at=optional_timestamp(row["finalized_at"]),
            duration_ms=row["duration_ms"],
            bytes=row["bytes"],
            url=None,
        )
        for row in rows
    )


def _session(row: Any) -> Session:
    if row is None:
        raise NotFoundError
    return Session(
        id=row["id"],
        lesson=row["lesson_id"],
        title=row["title"],
        language=row["language"],
        status=row["status"],
        scheduled_at=optional_timestamp(row["scheduled_at"]),
        started_at=optional_timestamp(row["started_at"]),
        ended_at=optional_timestamp(row["ended_at"]),
        created_at=timestamp(row["created_at"]),
    )
