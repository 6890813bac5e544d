"""People of a tenant, and the roles they have been given in it."""

from collections.abc import Collection
from typing import Literal

from msgspec import UNSET, UnsetType

from protocol.ids import Role
from server.errors import ConflictError, ForbiddenError, NotFoundError
from server.ids import new_id

from .pool import AcquiredConnection, Pools
from .rows import Row, columns

Scope = Literal["tenant", "course", "session"]


class User(Row, frozen=True):
    """A person."""

    id: str
    tenant_id: str
    email: str | None
    display_name: str
    status: Literal["active", "inactive"]
    role: Role | None
    """The highest that they were given, wherever."""
    created_at: int
    updated_at: int


_SELECT = f"""
SELECT {columns(User)} FROM (
    SELECT *, (SELECT r.name FROM user_roles g JOIN roles r ON r.id = g.role_id
               WHERE g.user_id = users.id
               ORDER BY array_position(ARRAY['admin', 'teacher', 'assistant'], r.name)
               LIMIT 1) AS role
    FROM users) AS people"""  # noqa: S608


async def ensure(
    connection: AcquiredConnection,
    tenant: str,
    user: str,
    name: str,
    *,
    email: str | None = None,
) -> None:
    """Make a person known; one who is known already stays as they are.

    Raises:
        ForbiddenError: If another tenant has a person of this id.
        ConflictError: If another person of this tenant has this address.

    """
    # Without a target: with one, two inserts at once may meet in the other unique index and raise.
    await connection.execute(
        "INSERT INTO users (id, tenant_id, display_name, email) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT DO NOTHING",
        user, tenant, name, email,
    )  # fmt: skip
    known = await connection.fetchval(
        "SELECT true FROM users WHERE id = $1 AND tenant_id = $2", user, tenant
    )
    if known:
        return
    if email is not None and await connection.fetchval(
        "SELECT true FROM users WHERE tenant_id = $1 AND email = $2", tenant, email
    ):
        raise ConflictError("This address belongs to somebody else.")
    raise ForbiddenError


async def get(connection: AcquiredConnection, user: str) -> User:
    """Return a person.

    Raises:
        NotFoundError: If they are not there, or not the connection's tenant's.

    """
    row = await connection.fetchrow(_SELECT + " WHERE id = $1", user)
    if row is None:
        raise NotFoundError
    return User(*row)


async def list_all(
    connection: AcquiredConnection,
    *,
    email: str | None = None,
    status: str | None = None,
    part: str | None = None,
    role: Role | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[User]:
    """Return people in the order of their ids, from the one that follows ``after``.

    ``part`` is one of their name or address; ``role`` was given to them somewhere.
    """
    rows = await connection.fetch(
        _SELECT
        + """ WHERE ($1::uuid IS NULL OR id > $1) AND ($3::citext IS NULL OR email = $3)
                AND ($4::text IS NULL OR status = $4)
                AND ($5::text IS NULL OR position(lower($5) in lower(display_name)) > 0
                     OR position(lower($5) in lower(email::text)) > 0)
                AND ($6::text IS NULL OR EXISTS (
                     SELECT FROM user_roles g JOIN roles r ON r.id = g.role_id
                     WHERE g.user_id = people.id AND r.name = $6))
              ORDER BY id LIMIT $2""",
        after, limit, email, status, part, role,
    )  # fmt: skip
    return [User(*row) for row in rows]


async def create(
    connection: AcquiredConnection, tenant: str, *, name: str, email: str | None = None
) -> User:
    """Add a person.

    Raises:
        ConflictError: If the address belongs to somebody else of the tenant.

    """
    user = new_id()
    await ensure(connection, tenant, user, name, email=email)
    return await get(connection, user)


async def update(
    connection: AcquiredConnection,
    user: str,
    *,
    name: str | None = None,
    email: str | UnsetType | None = UNSET,
    status: str | None = None,
) -> User:
    """Change what is given, and return the person.

    Raises:
        NotFoundError: If they are not there, or not the connection's tenant's.
        ConflictError: If the address belongs to somebody else, or the person was erased.

    """
    known = await get(connection, user)
    if await connection.fetchval("SELECT EXISTS (SELECT FROM erasures WHERE user_id = $1)", user):
        raise ConflictError("This person was erased.")
    if isinstance(email, str) and await connection.fetchval(
        "SELECT EXISTS (SELECT FROM users WHERE tenant_id = $1 AND email = $2 AND id <> $3)",
        known.tenant_id, email, user,
    ):  # fmt: skip
        raise ConflictError("This address belongs to somebody else.")
    keeps_email = email is UNSET
    await connection.execute(
        "UPDATE users SET display_name = coalesce($2, display_name), "
        "email = CASE WHEN $3 THEN email ELSE $4 END, status = coalesce($5, status), "
        "updated_at = now() WHERE id = $1",
        user, name, keeps_email, None if keeps_email else email, status,
    )  # fmt: skip
    return await get(connection, user)


async def give_role(
    connection: AcquiredConnection,
    tenant: str,
    user: str,
    role: Role,
    *,
    scope: Scope = "tenant",
    scope_id: str | None = None,
) -> None:
    """Give a person a role in the whole tenant, one course or one session. Idempotent.

    Raises:
        InvalidInputError: If there is no such person, or the scope lacks or has an id it
            should not.

    """
    role_id = await connection.fetchval(
        # Nothing changes, and the row that is there already is returned.
        "INSERT INTO roles (id, tenant_id, name) VALUES ($1, $2, $3) "
        "ON CONFLICT (tenant_id, name) DO UPDATE SET name = excluded.name RETURNING id",
        new_id(), tenant, role,
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO user_roles (id, tenant_id, user_id, role_id, scope, scope_id) "
        "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        new_id(), tenant, user, role_id, scope, scope_id,
    )  # fmt: skip


async def list_revoked(pools: Pools, users: Collection[str]) -> frozenset[str]:
    """Return those of ``users``, of whatever tenant, who are inactive or of a suspended tenant.

    Raises:
        UnavailableError: If the database is away.

    """
    async with pools.hub() as connection:
        rows = await connection.fetch(
            """
            SELECT u.id FROM users u JOIN tenants t ON t.id = u.tenant_id
            WHERE u.id = ANY($1::uuid[]) AND (u.status = 'inactive' OR t.status = 'suspended')
            """,
            list(users),
        )
    return frozenset(row[0] for row in rows)
