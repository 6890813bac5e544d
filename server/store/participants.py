"""Who has to do with a session: those who came, and those who were put down for it."""

from typing import Literal

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


async def list_all(
    connection: AcquiredConnection, session: str, *, after: str | None = None, limit: int = 50
) -> list[Participant]:
    """Return a session's people in the order of their ids, from the one after ``after``."""
    rows = await connection.fetch(
        """
        SELECT p.user_id, u.display_name, p.role, p.status, p.join_time, p.leave_time
        FROM session_participants p JOIN users u ON u.id = p.user_id
        WHERE p.session_id = $1 AND ($2::uuid IS NULL OR p.user_id > $2)
        ORDER BY p.user_id LIMIT $3
        """,
        session, after, limit,
    )  # fmt: skip
    return [Participant(*row) for row in rows]


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
