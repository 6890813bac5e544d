"""Tenants: schools that share an installation and see nothing of one another."""

from server.errors import NotFoundError
from server.ids import new_id

from .pool import AcquiredConnection, Pools
from .rows import Row, columns


class Tenant(Row, frozen=True):
    """A school."""

    id: str
    name: str
    status: str
    created_at: int
    updated_at: int


_SELECT = f"SELECT {columns(Tenant)} FROM tenants"  # noqa: S608


async def create(pools: Pools, name: str, *, id: str | None = None) -> Tenant:
    """Add a tenant.

    Raises:
        ConflictError: If ``id`` is taken.

    """
    tenant = id or new_id()
    # As that tenant: a request sees and makes nothing of any other.
    async with pools.tenant(tenant) as connection:
        await connection.execute("INSERT INTO tenants (id, name) VALUES ($1, $2)", tenant, name)
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


async def add_domain(connection: AcquiredConnection, tenant: str, domain: str) -> None:
    """Let pages of ``domain`` be this tenant's.

    Raises:
        ConflictError: If the domain is some tenant's already.

    """
    await connection.execute(
        "INSERT INTO tenant_domains (id, tenant_id, domain) VALUES ($1, $2, lower($3))",
        new_id(), tenant, domain,
    )  # fmt: skip


async def find_by_domain(pools: Pools, domain: str) -> str | None:
    """Return the id of the tenant that has ``domain``, whichever it is."""
    async with pools.hub() as connection:
        tenant: str | None = await connection.fetchval(
            "SELECT tenant_id FROM tenant_domains WHERE domain = lower($1)", domain
        )
    return tenant
