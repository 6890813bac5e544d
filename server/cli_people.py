"""Commands about tenants and people's data: found a tenant, see what will be removed."""

import asyncio
from uuid import UUID

import click
import msgspec

from protocol.codec import timestamp
from protocol.rest import NewTenant
from server.clock import SystemClock
from server.retention import due
from server.store import tenants
from server.store.pool import Pools
from server.store.removal import Due

_needed_url = click.option("--database-url", envvar="LIVECLASS_DATABASE_URL", required=True)


@click.group()
def tenant() -> None:
    """Found tenants, and see which there are."""


@tenant.command("create")
@click.argument("name")
@click.option("--admin", required=True, metavar="NAME", help="Its first admin.")
@click.option("--email", help="The admin's address.")
@click.option("--domain", "domains", multiple=True, help="A domain of it; may be repeated.")
@click.option("--id", "id_", type=click.UUID, help="Its id; else one is made.")
@_needed_url
def create(
    name: str,
    admin: str,
    email: str | None,
    domains: tuple[str, ...],
    id_: UUID | None,
    database_url: str,
) -> None:
    """Found a tenant, and print its id and its admin's as JSON."""
    given = {"name": name, "admin": admin, "email": email, "domains": domains}
    try:
        wanted = msgspec.convert(given, NewTenant)
    except msgspec.ValidationError as error:
        raise click.UsageError(str(error)) from None
    founded = asyncio.run(_create(database_url, wanted, None if id_ is None else str(id_)))
    click.echo(msgspec.json.encode({"tenant": founded.tenant.id, "admin": founded.admin}))


async def _create(database_url: str, wanted: NewTenant, id: str | None) -> tenants.Founded:
    async with Pools.open(database_url, size=1) as pools:
        return await tenants.found(
            pools,
            wanted.name,
            admin=wanted.admin,
            email=wanted.email,
            domains=wanted.domains,
            id=id,
        )


@tenant.command("list")
@_needed_url
def list_(database_url: str) -> None:
    """Print id, status and name of every tenant."""
    for each in asyncio.run(_list(database_url)):
        click.echo(f"{each.id}  {each.status:<9}  {each.name}")


async def _list(database_url: str) -> list[tenants.Tenant]:
    found: list[tenants.Tenant] = []
    async with Pools.open(database_url, size=1) as pools:
        while page := await tenants.list_all(pools, after=found[-1].id if found else None):
            found += page
    return found


@click.command()
@click.option("--dry-run", is_flag=True, required=True, expose_value=False,
              help="Only say what is due.")  # fmt: skip
@_needed_url
def retention(database_url: str) -> None:
    """Print what the server is about to remove, because its tenant keeps it no longer.

    The removal itself is the server's work, and needs no command.
    """
    for each in asyncio.run(_due(database_url)):
        since = timestamp(each.since)
        click.echo(f"{each.kind:<10}  tenant {each.tenant}  session {each.session}  due {since}")


async def _due(database_url: str) -> list[Due]:
    async with Pools.open(database_url, size=1) as pools:
        return [each async for each in due(pools, SystemClock().now_ms())]
