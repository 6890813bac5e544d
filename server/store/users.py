"""People, and the roles they were given."""

from typing import Literal

from protocol.ids import Role
from server.ids import new_id

from .pool import AcquiredConnection


async def ensure(connection: AcquiredConnection, tenant: str, user: str, name: str) -> None:
    """Make a person known, or do nothing if they are."""
    await connection.execute(
        "INSERT INTO users (id, tenant_id, display_name) VALUES ($1, $2, $3) "
        "ON CONFLICT (id) DO NOTHING",
        user,
        tenant,
        name,
    )


async def give_role(
    connection: AcquiredConnection,
    tenant: str,
    user: str,
    role: Role,
    *,
    scope: Literal["tenant", "course", "session"] = "tenant",
    scope_id: str | None = None,
) -> None:
    """Give a known person a role in the tenant, a course or a session. Idempotent."""
    await connection.execute(
        "INSERT INTO roles (id, tenant_id, name) VALUES ($1, $2, $3) "
        "ON CONFLICT (tenant_id, name) DO NOTHING",
        new_id(),
        tenant,
        role,
    )
    await connection.execute(
        """
        INSERT INTO user_roles (tenant_id, user_id, role_id, scope, scope_id)
        SELECT $1, $2, id, $4, $5 FROM roles WHERE tenant_id = $1 AND name = $3
        ON CONFLICT (user_id, role_id, scope, scope_id) DO NOTHING
        """,
        tenant,
        user,
        role,
        scope,
        scope_id,
    )


async def tenant_roles(connection: AcquiredConnection, tenant: str, user: str) -> tuple[Role, ...]:
    """Return the roles that a person has in a whole tenant; none while either is suspended."""
    rows = await connection.fetch(
        """
        SELECT r.name
        FROM user_roles g
        JOIN roles r ON r.id = g.role_id
        JOIN users u ON u.id = g.user_id AND u.status = 'active'
        JOIN tenants t ON t.id = g.tenant_id AND t.status = 'active'
        WHERE g.tenant_id = $1 AND g.user_id = $2 AND g.scope = 'tenant'
        """,
        tenant,
        user,
    )
    return tuple(row["name"] for row in rows)
