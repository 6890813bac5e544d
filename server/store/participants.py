"""Who has to do with a session: those who came, and those who were put down for it."""

from typing import Literal, NamedTuple

from protocol.ids import Role

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


class Standing(NamedTuple):
    """What decides whether a person may enter a session.

    ``tenant`` is the session's, None if there is no such session (or not the connection's
    tenant's); ``roles`` those that were given to the person and cover it; ``role`` and
    ``status`` what the session's own list says, None for somebody who is not on it;
    ``is_revoked`` whether the person is inactive or the connection's tenant suspended.
    """

    tenant: str | None
    roles: tuple[Role, ...]
    role: ParticipantRole | None
    status: Status | None
    is_revoked: bool = False


async def standing(connection: AcquiredConnection, session: str, user: str) -> Standing:
    """Return what is known of ``user`` with regard to ``session``, in one round trip."""
    row = await connection.fetchrow(
        """
        SELECT s.tenant_id, p.role, p.status,
            -- Row level security leaves one tenant to look at: the connection's.
            EXISTS (SELECT FROM tenants WHERE status = 'suspended')
            OR EXISTS (SELECT FROM users WHERE id = $2 AND status = 'inactive'),
            ARRAY(
            SELECT r.name FROM user_roles u JOIN roles r ON r.id = u.role_id
            WHERE u.user_id = $2 AND (
                u.scope = 'tenant'
                OR (u.scope = 'session' AND u.scope_id = s.id)
                OR (u.scope = 'course' AND u.scope_id = l.course_id))
        )
        FROM (VALUES ($1::uuid)) AS asked (id)
        LEFT JOIN sessions s ON s.id = asked.id
        LEFT JOIN lessons l ON l.id = s.lesson_id
        LEFT JOIN session_participants p ON p.session_id = s.id AND p.user_id = $2
        """,
        session,
        user,
    )
    assert row is not None  # a row of nulls for a session that is not there
    tenant, role, status, is_revoked, roles = row
    return Standing(tenant, tuple(roles) if tenant is not None else (), role, status, is_revoked)


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
