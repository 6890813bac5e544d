"""Tenants and their domains."""

from .pool import AcquiredConnection


async def create(connection: AcquiredConnection, tenant: str, name: str) -> None:
    """Create a tenant, or do nothing if it is there; ``connection`` is bound to its id."""
    await connection.execute(
        "INSERT INTO tenants (id, name) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING", tenant, name
    )


async def domains(connection: AcquiredConnection, tenant: str) -> tuple[str, ...]:
    """Return the domains of a tenant."""
    rows = await connection.fetch("SELECT domain FROM tenant_domains WHERE tenant_id = $1", tenant)
    return tuple(row["domain"] for row in rows)
