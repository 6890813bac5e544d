"""Tenants: founded and suspended by the operator, managed by their admins."""

from operator import attrgetter

from msgspec.structs import asdict

from protocol.rest import (
    Domain,
    FoundedTenant,
    NewDomain,
    NewTenant,
    Page,
    PageQuery,
    Tenant,
    TenantChange,
    TenantStatus,
)
from server.rest import answers
from server.rest.route import Call
from server.store import tenants as store
from server.store.pool import pools_key


async def found(call: Call[NewTenant, None]) -> FoundedTenant:
    """Found a tenant, with its first admin."""
    body = call.body
    founded = await store.found(
        call.app[pools_key],
        body.name,
        admin=body.admin,
        email=body.email,
        domains=body.domains,
        id=body.id,
    )
    return FoundedTenant(answers.tenant(founded.tenant), founded.admin)


async def index(call: Call[None, PageQuery]) -> Page[Tenant]:
    """List the tenants of the installation."""
    limit = call.query.limit
    rows = await store.list_all(call.app[pools_key], after=call.query.after, limit=limit + 1)
    return answers.page(rows, limit, answers.tenant, attrgetter("id"))


async def show(call: Call[None, None]) -> Tenant:
    """Return a tenant, for the operator."""
    async with call.app[pools_key].tenant(call["tenant"]) as connection:
        return answers.tenant(await store.get(connection, call["tenant"]))


async def set_status(call: Call[TenantStatus, None]) -> Tenant:
    """Suspend a tenant, or take that back."""
    async with call.app[pools_key].tenant(call["tenant"]) as connection:
        row = await store.update(connection, call["tenant"], status=call.body.status)
    return answers.tenant(row)


async def show_own(call: Call[None, None]) -> Tenant:
    """Return one's own tenant."""
    async with call.database() as connection:
        return answers.tenant(await store.get(connection, call.identity.tenant))


async def change_own(call: Call[TenantChange, None]) -> Tenant:
    """Rename one's own tenant, or say how long it keeps what, and who may embed it."""
    async with call.database() as connection:
        row = await store.update(connection, call.identity.tenant, **asdict(call.body))
    return answers.tenant(row)


async def add_domain(call: Call[NewDomain, None]) -> Domain:
    """Add a domain; it may be no other tenant's."""
    async with call.database() as connection:
        row = await store.add_domain(connection, call.identity.tenant, call.body.domain)
    return answers.domain(row)


async def domains(call: Call[None, PageQuery]) -> Page[Domain]:
    """List the tenant's domains."""
    limit = call.query.limit
    async with call.database() as connection:
        rows = await store.list_domains(connection, after=call.query.after, limit=limit + 1)
    return answers.page(rows, limit, answers.domain, attrgetter("id"))


async def show_domain(call: Call[None, None]) -> Domain:
    """Return a domain."""
    async with call.database() as connection:
        return answers.domain(await store.get_domain(connection, call["domain"]))


async def remove_domain(call: Call[None, None]) -> None:
    """Give a domain up."""
    async with call.database() as connection:
        await store.remove_domain(connection, call["domain"])
