"""Tenants: schools that share an installation and see nothing of one another."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

from msgspec import UNSET, UnsetType

from protocol.ids import Role
from server.errors import ConflictError, NotFoundError
from server.ids import new_id

from . import users
from .pool import AcquiredConnection, Pools
from .rows import Row, columns

MOST_DOMAINS = 100


class Tenant(Row, frozen=True):
    """A school; for how many days after a class it keeps what, None: for ever."""

    id: str
    name: str
    status: Literal["active", "suspended"]
    recordings_days: int | None
    chat_days: int | None
    sessions_days: int | None
    embed_origins: Sequence[str]
    created_at: int
    updated_at: int


class Domain(Row, frozen=True):
    """A host name whose pages are a tenant's."""

    id: str
    domain: str
    created_at: int


class Founded(NamedTuple):
    """A new tenant, and its first person."""

    tenant: Tenant
    admin: str


_SELECT = f"SELECT {columns(Tenant)} FROM tenants"  # noqa: S608
_DOMAINS = f"SELECT {columns(Domain)} FROM tenant_domains"  # noqa: S608


async def create(pools: Pools, name: str, *, id: str | None = None) -> Tenant:
    """Add a tenant.

    Raises:
        ConflictError: If ``id`` is taken.

    """
    tenant = id or new_id()
    # As that tenant: a request sees and makes nothing of any other.
    async with pools.tenant(tenant) as connection:
        return await _create(connection, tenant, name)


async def found(
    pools: Pools,
    name: str,
    *,
    admin: str,
    email: str | None = None,
    domains: Sequence[str] = (),
    id: str | None = None,
) -> Founded:
    """Add a tenant with its domains and its first admin, all or nothing.

    Raises:
        ConflictError: If ``id`` or a domain is taken.

    """
    tenant, person = id or new_id(), new_id()
    async with pools.tenant(tenant) as connection:
        row = await _create(connection, tenant, name)
        for domain in domains:
            await add_domain(connection, tenant, domain)
        await users.ensure(connection, tenant, person, admin, email=email)
        await users.give_role(connection, tenant, person, "admin")
    return Founded(row, person)


async def _create(connection: AcquiredConnection, tenant: str, name: str) -> Tenant:
    await connection.execute("INSERT INTO tenants (id, name) VALUES ($1, $2)", tenant, name)
    await connection.executemany(
        "INSERT INTO roles (id, tenant_id, name) VALUES ($1, $2, $3)",
        [(new_id(), tenant, role) for role in get_args(Role)],
    )
    return await get(connection, tenant)


async def get(connection: AcquiredConnection, tenant: str) -> Tenant:
    """Return a tenant.

    Raises:
        NotFoundError: If it is not there, or not the connection's.

    """
    row = await connection.fetchrow(_SELECT + " WHERE id = $1", tenant)
    if row is None:
        raise NotFoundError
    return Tenant(*row)


async def list_all(pools: Pools, *, after: str | None = None, limit: int = 50) -> list[Tenant]:
    """Return every tenant of the installation, from the one that follows ``after``."""
    async with pools.hub() as connection:
        rows = await connection.fetch(
            _SELECT + " WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2", after, limit
        )
    return [Tenant(*row) for row in rows]


async def update(
    connection: AcquiredConnection,
    tenant: str,
    *,
    name: str | UnsetType = UNSET,
    status: str | UnsetType = UNSET,
    recordings_days: int | UnsetType | None = UNSET,
    chat_days: int | UnsetType | None = UNSET,
    sessions_days: int | UnsetType | None = UNSET,
    embed_origins: Sequence[str] | UnsetType = UNSET,
) -> Tenant:
    """Change what is given, and return the tenant.

    Raises:
        NotFoundError: If it is not there, or not the connection's.

    """
    given = {
        "name": name,
        "status": status,
        "recordings_days": recordings_days,
        "chat_days": chat_days,
        "sessions_days": sessions_days,
        "embed_origins": embed_origins,
    }
    changes = {column: value for column, value in given.items() if value is not UNSET}
    settings = "".join(f"{column} = ${n}, " for n, column in enumerate(changes, start=2))
    await connection.execute(
        f"UPDATE tenants SET {settings}updated_at = now() WHERE id = $1",  # noqa: S608
        tenant,
        *changes.values(),
    )
    return await get(connection, tenant)


async def add_domain(connection: AcquiredConnection, tenant: str, domain: str) -> Domain:
    """Let pages of ``domain`` be this tenant's.

    Raises:
        ConflictError: If the domain is some tenant's already, or this one has too many.

    """
    number = await connection.fetchval(
        "SELECT count(*) FROM tenant_domains WHERE tenant_id = $1", tenant
    )
    if number >= MOST_DOMAINS:
        raise ConflictError(f"A tenant has at most {MOST_DOMAINS} domains.")
    row = await connection.fetchrow(
        "INSERT INTO tenant_domains (id, tenant_id, domain) VALUES ($1, $2, lower($3)) "
        "RETURNING id, domain, created_at",
        new_id(), tenant, domain,
    )  # fmt: skip
    assert row is not None
    return Domain(*row)


async def get_domain(connection: AcquiredConnection, domain: str) -> Domain:
    """Return a domain by its id.

    Raises:
        NotFoundError: If it is not there, or not the connection's tenant's.

    """
    row = await connection.fetchrow(_DOMAINS + " WHERE id = $1", domain)
    if row is None:
        raise NotFoundError
    return Domain(*row)


async def list_domains(
    connection: AcquiredConnection, *, after: str | None = None, limit: int = 50
) -> list[Domain]:
    """Return the tenant's domains in the order of their creation, from what follows ``after``."""
    rows = await connection.fetch(
        _DOMAINS + " WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2", after, limit
    )
    return [Domain(*row) for row in rows]


async def remove_domain(connection: AcquiredConnection, domain: str) -> None:
    """Give a domain up.

    Raises:
        NotFoundError: If it is not there, or not the connection's tenant's.

    """
    await get_domain(connection, domain)
    await connection.execute("DELETE FROM tenant_domains WHERE id = $1", domain)


async def find_by_domain(pools: Pools, domain: str) -> str | None:
    """Return the id of the tenant that has ``domain``, whichever it is."""
    async with pools.hub() as connection:
        tenant: str | None = await connection.fetchval(
            "SELECT tenant_id FROM tenant_domains WHERE domain = lower($1)", domain
        )
    return tenant


async def find_framers(pools: Pools, session: str) -> Sequence[str]:
    """Return the origins whose pages may frame a session's; none if there is no such session.

    Raises:
        UnavailableError: If the database is away.

    """
    async with pools.hub() as connection:
        origins: Sequence[str] | None = await connection.fetchval(
            "SELECT embed_origins FROM tenants "
            "WHERE id = (SELECT tenant_id FROM sessions WHERE id = $1)",
            session,
        )
    return origins or ()
