"""Who has to do with a session: those who came, and those who were put down for it."""

from typing import Literal

from server.errors import ConflictError, NotFoundError

from .pool import AcquiredConnection
from .rows import Row

Status = Literal["admitted", "waiting", "denied", "removed", "banned"]
ParticipantRole = Literal["teacher", "student", "assistant"]


class Participant(Row, frozen=True):
    """A person in a session. Without ``join_time`` they have not come yet."""

    user_id: str
    display_name: str
    role: ParticipantRole
    status: Status
    join_time: int | None
    leave_time: int | None
    muted_until: int | None
    permissions: bytes
    """JSON: what of the table of rights is otherwise for this person."""


_SELECT = """
SELECT p.user_id, u.display_name, p.role, p.status, p.join_time, p.leave_time, p.muted_until,
       p.permissions
FROM session_participants p JOIN users u ON u.id = p.user_id"""


async def list_all(
    connection: AcquiredConnection,
    session: str,
    *,
    role: ParticipantRole | None = None,
    status: Status | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Participant]:
    """Return a session's people in the order of their ids, from the one after ``after``."""
    rows = await connection.fetch(
        _SELECT
        + """ WHERE p.session_id = $1 AND ($2::uuid IS NULL OR p.user_id > $2)
                AND ($4::text IS NULL OR p.role = $4) AND ($5::text IS NULL OR p.status = $5)
              ORDER BY p.user_id LIMIT $3""",
        session, after, limit, role, status,
    )  # fmt: skip
    return [Participant(*row) for row in rows]


async def get(connection: AcquiredConnection, session: str, user: str) -> Participant:
    """Return somebody on a session's list.

    Raises:
        NotFoundError: If they are not on it.

    """
    found = await find(connection, session, user)
    if found is None:
        raise NotFoundError
    return found


async def find(connection: AcquiredConnection, session: str, user: str) -> Participant | None:
    """Return somebody on a session's list, or None."""
    row = await connection.fetchrow(
        _SELECT + " WHERE p.session_id = $1 AND p.user_id = $2", session, user
    )
    return None if row is None else Participant(*row)


async def put_down(
    connection: AcquiredConnection, tenant: str, session: str, user: str, role: ParticipantRole
) -> None:
    """Put a person down for a session before they come; one who is on the list stays as is.

    Raises:
        InvalidInputError: If there is no such session or person in the tenant.

    """
    await connection.execute(
        "INSERT INTO session_participants (tenant_id, session_id, user_id, role) "
        "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        tenant, session, user, role,
    )  # fmt: skip


async def set_role(
    connection: AcquiredConnection, session: str, user: str, role: ParticipantRole
) -> None:
    """Put somebody down in another role before they come.

    Raises:
        ConflictError: If the log knows them: then their role changes by a command.

    """
    await _require_not_come(connection, session, user)
    await connection.execute(
        "UPDATE session_participants SET role = $3 WHERE session_id = $1 AND user_id = $2",
        session, user, role,
    )  # fmt: skip


async def strike(connection: AcquiredConnection, session: str, user: str) -> None:
    """Take somebody from the list who has not come.

    Raises:
        NotFoundError: If they are not on it.
        ConflictError: If the log knows them.

    """
    await get(connection, session, user)
    await _require_not_come(connection, session, user)
    await connection.execute(
        "DELETE FROM session_participants WHERE session_id = $1 AND user_id = $2", session, user
    )


async def _require_not_come(connection: AcquiredConnection, session: str, user: str) -> None:
    # The log itself: the table may be a moment behind.
    is_known = await connection.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM session_state_events WHERE session_id = $1
            AND event_type IN ('participant.joined', 'participant.waiting', 'participant.banned')
            AND event_payload ->> 'user' = $2::uuid::text)
        """,
        session, user,
    )  # fmt: skip
    if is_known:
        raise ConflictError("They have come to this class: it is for commands to change that.")
