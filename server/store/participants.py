"""Who came to a session, and who may come."""

from typing import Literal, NamedTuple

from protocol.ids import Role
from protocol.rest import Page, SessionParticipant

from .paging import optional_timestamp, page
from .pool import AcquiredConnection

Status = Literal["admitted", "waiting", "removed", "banned"]


class Standing(NamedTuple):
    """What the tables say of a person and a session; the rule is ``server.auth.policy``."""

    tenant: str | None
    """Of the session; None if there is none that this connection may see."""
    roles: tuple[Role, ...]
    """Given in the tenant, the course or the session."""
    role: Role | None
    """In the session's log, if they came."""
    status: Status | None


async def standing(connection: AcquiredConnection, session: str, user: str) -> Standing:
    """Look up what decides whether ``user`` may enter ``session``, in one round trip."""
    row = await connection.fetchrow(
        """
        SELECT s.tenant_id,
               ARRAY(
                   SELECT r.name
                   FROM user_roles g
                   JOIN roles r ON r.id = g.role_id
                   JOIN users u ON u.id = g.user_id AND u.status = 'active'
                   WHERE g.user_id = $2 AND g.tenant_id = s.tenant_id
                     AND (g.scope = 'tenant'
                          OR g.scope = 'course' AND g.scope_id = l.course_id
                          OR g.scope = 'session' AND g.scope_id = s.id)
               ) AS roles,
               p.role, p.status
        FROM sessions s
        JOIN tenants t ON t.id = s.tenant_id AND t.status = 'active'
        LEFT JOIN lessons l ON l.id = s.lesson_id
        LEFT JOIN session_participants p ON p.session_id = s.id AND p.user_id = $2
        WHERE s.id = $1
        """,
        session,
        user,
    )
    if row is None:
        return Standing(None, (), None, None)
    return Standing(row["tenant_id"], tuple(row["roles"]), row["role"], row["status"])


async def participants(
    connection: AcquiredConnection, session: str, *, after: str | None, limit: int
) -> Page[SessionParticipant]:
    """Return who came to ``session``, in the order of their ids."""
    rows = await connection.fetch(
        """
        SELECT p.user_id, u.display_name, p.role, p.status, p.join_time, p.leave_time
        FROM session_participants p JOIN users u ON u.id = p.user_id
        WHERE p.session_id = $1 AND ($2::uuid IS NULL OR p.user_id > $2)
        ORDER BY p.user_id LIMIT $3
        """,
        session,
        after,
        limit + 1,
    )
    return page(
        rows,
        limit,
        lambda row: SessionParticipant(
            user=row["user_id"],
            name=row["display_name"],
            role=row["role"],
            status=row["status"],
            join_time=optional_timestamp(row["join_time"]),
            leave_time=optional_timestamp(row["leave_time"]),
        ),
        key="user_id",
    )
