"""Sessions: one class, at one time. What happens in it is in the log."""

from typing import Literal

from msgspec import UNSET, UnsetType

from server.errors import ConflictError, NotFoundError
from server.ids import new_id

from .courses import get_lesson
from .errors import refused_while_used
from .pool import AcquiredConnection, Pools
from .rows import Row, columns
from .standings import Reach


class Session(Row, frozen=True):
    """A session; status and times are what the log says."""

    id: str
    tenant_id: str
    lesson_id: str | None
    title: str
    language: str
    status: Literal["scheduled", "live", "ended", "archived"]
    scheduled_at: int | None
    started_at: int | None
    ended_at: int | None
    created_at: int


_SELECT = f"SELECT {columns(Session)} FROM sessions"  # noqa: S608
_COURSE = "(SELECT course_id FROM lessons WHERE lessons.id = sessions.lesson_id)"


async def create(
    connection: AcquiredConnection,
    tenant: str,
    *,
    title: str,
    lesson: str | None = None,
    scheduled_at: int | None = None,
    language: str = "en",
) -> Session:
    """Schedule a session, of a lesson or of none.

    Raises:
        NotFoundError: If there is no such lesson.

    """
    if lesson is not None:
        await get_lesson(connection, lesson)
    session = new_id()
    await connection.execute(
        "INSERT INTO sessions (id, tenant_id, lesson_id, title, scheduled_at, language) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        session, tenant, lesson, title, scheduled_at, language,
    )  # fmt: skip
    return await get(connection, session)


async def get(connection: AcquiredConnection, session: str) -> Session:
    """Return a session.

    Raises:
        NotFoundError: If it is not there, or not the connection's tenant's.

    """
    row = await connection.fetchrow(_SELECT + " WHERE id = $1", session)
    if row is None:
        raise NotFoundError
    return Session(*row)


async def find(pools: Pools, session: str) -> Session | None:
    """Return a session of whichever tenant, or None."""
    async with pools.hub() as connection:
        row = await connection.fetchrow(_SELECT + " WHERE id = $1", session)
    return None if row is None else Session(*row)


async def list_all(
    connection: AcquiredConnection,
    *,
    course: str | None = None,
    lesson: str | None = None,
    status: str | None = None,
    scheduled_from: int | None = None,
    scheduled_to: int | None = None,
    reach: Reach | None = None,
    newest_first: bool = False,
    after: str | None = None,
    limit: int = 50,
) -> list[Session]:
    """Return sessions in the order of their creation, from the one that follows ``after``.

    ``scheduled_from`` is the first moment that counts, ``scheduled_to`` the first that does not.
    ``reach`` leaves those that it opens.
    """
    shown, parameters = (
        ("true", []) if reach is None else reach.shows_session("sessions.id", _COURSE, first=8)
    )
    follows, order = ("<", "DESC") if newest_first else (">", "ASC")
    rows = await connection.fetch(
        _SELECT
        + f""" WHERE ($1::uuid IS NULL OR id {follows} $1) AND ($2::uuid IS NULL OR lesson_id = $2)
                AND ($3::text IS NULL OR status = $3) AND ($5::uuid IS NULL OR {_COURSE} = $5)
                AND ($6::timestamptz IS NULL OR scheduled_at >= $6)
                AND ($7::timestamptz IS NULL OR scheduled_at < $7) AND {shown}
              ORDER BY id {order} LIMIT $4""",
        after, lesson, status, limit, course, scheduled_from, scheduled_to, *parameters,
    )  # fmt: skip
    return [Session(*row) for row in rows]


async def update(
    connection: AcquiredConnection,
    session: str,
    *,
    title: str | None = None,
    scheduled_at: int | UnsetType | None = UNSET,
    language: str | None = None,
) -> Session:
    """Change what is given, and return the session.

    Raises:
        NotFoundError: If it is not there.
        ConflictError: If it has begun, for another time.

    """
    keeps_time = scheduled_at is UNSET
    if not keeps_time and await _has_begun(connection, session):
        raise ConflictError("The class has begun: it cannot be put off any more.")
    await connection.execute(
        "UPDATE sessions SET title = coalesce($2, title), language = coalesce($3, language), "
        "scheduled_at = CASE WHEN $4 THEN scheduled_at ELSE $5 END WHERE id = $1",
        session, title, language, keeps_time, None if keeps_time else scheduled_at,
    )  # fmt: skip
    return await get(connection, session)


async def _has_begun(connection: AcquiredConnection, session: str) -> bool:
    # The log itself: the table may be a moment behind.
    has_begun: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM session_state_events "
        "WHERE session_id = $1 AND event_type = 'session.started')",
        session,
    )
    return has_begun


async def delete(connection: AcquiredConnection, session: str) -> None:
    """Remove a session in which nothing ever happened.

    Raises:
        NotFoundError: If it is not there.
        ConflictError: If it has a log: that stays.

    """
    await get(connection, session)
    await connection.execute(
        "DELETE FROM user_roles WHERE scope = 'session' AND scope_id = $1", session
    )
    with refused_while_used("Something has happened in this session: it stays on record."):
        await connection.execute("DELETE FROM sessions WHERE id = $1", session)


async def list_orphans(pools: Pools, node: str) -> list[tuple[str, str]]:
    """Return session and tenant of all classes on air that ``node`` or no living node owns."""
    async with pools.hub() as connection:
        rows = await connection.fetch(
            """
            SELECT s.id, s.tenant_id FROM sessions s
            LEFT JOIN session_hubs h ON h.session_id = s.id
            LEFT JOIN nodes n ON n.node = h.node AND n.expires_at > now()
            WHERE s.status = 'live' AND (n.node IS NULL OR n.node = $1) ORDER BY s.id
            """,
            node,
        )
    return [(row[0], row[1]) for row in rows]
