"""People of a tenant and their roles; a copy of all that is known of one, and their erasure."""

from operator import attrgetter

from aiohttp import web
from msgspec import UNSET

from protocol.codec import timestamp
from protocol.rest import (
    Assignment,
    Erasure,
    KnownRole,
    Me,
    MyRole,
    NewAssignment,
    NewUser,
    Page,
    PageQuery,
    User,
    UserChange,
    UsersQuery,
)
from server.auth.policy import RANK
from server.errors import ForbiddenError
from server.rest import answers
from server.rest.ports import erasures_key
from server.rest.route import Call
from server.rest.streams import stream
from server.store import assignments, erasure, personal, standings, tenants, users
from server.store.pool import pools_key

NDJSON = "application/x-ndjson"


async def create(call: Call[NewUser, None]) -> User:
    """Add a person."""
    body = call.body
    async with call.database() as connection:
        row = await users.create(connection, call.identity.tenant, name=body.name, email=body.email)
    return answers.user(row)


async def index(call: Call[None, UsersQuery]) -> Page[User]:
    """List the tenant's people."""
    query, limit = call.query, call.query.limit
    async with call.database() as connection:
        rows = await users.list_all(
            connection,
            email=query.email,
            status=query.status,
            part=query.q,
            role=query.role,
            after=query.after,
            limit=limit + 1,
        )
    return answers.page(rows, limit, answers.user, attrgetter("id"))


async def show(call: Call[None, None]) -> User:
    """Return a person."""
    async with call.database() as connection:
        return answers.user(await users.get(connection, call["user"]))


async def change(call: Call[UserChange, None]) -> User:
    """Change a person; one who is made inactive is put out of every class.

    The tenant's last admin stays active, and who was erased stays so.
    """
    name, email, status = call.body.name, call.body.email, call.body.status
    async with call.database() as connection:
        if status == "inactive":
            await assignments.require_other_admin(connection, call["user"])
        row = await users.update(
            connection,
            call["user"],
            name=None if name is UNSET else name,
            email=email,
            status=None if status is UNSET else status,
        )
    return answers.user(row)


async def me(call: Call[None, None]) -> Me:
    """Return who one is, and which roles one has where."""
    identity = call.identity
    async with call.database() as connection:
        tenant = await tenants.get(connection, identity.tenant)
        given, _ = await standings.list_granted(connection, identity.tenant, identity.user)
    roles = (
        MyRole(min(each.role, identity.role, key=RANK.__getitem__), each.scope, each.scope_id)
        for each in given
    )
    return Me(
        identity.user,
        identity.name,
        tenant.id,
        tenant.name,
        call.role,
        tuple(roles),
        timestamp(identity.expires_at_ms),
    )


async def roles(call: Call[None, None]) -> Page[KnownRole]:
    """List the roles that can be given."""
    async with call.database() as connection:
        rows = await assignments.list_roles(connection)
    return Page(tuple(map(answers.role, rows)), None)


async def give(call: Call[NewAssignment, None]) -> Assignment:
    """Give a person a role, in the tenant, a course or a session.

    Nobody gives more than they have. To give what a person has already changes nothing.
    """
    body, tenant = call.body, call.identity.tenant
    if RANK[body.role] > RANK[call.role]:
        raise ForbiddenError("You may not give a role above your own.")
    async with call.database() as connection:
        await users.get(connection, call["user"])
        row = await assignments.give(
            connection, tenant, call["user"], body.role, scope=body.scope, scope_id=body.scope_id
        )
    return answers.assignment(row)


async def given(call: Call[None, PageQuery]) -> Page[Assignment]:
    """List the roles that a person was given."""
    limit = call.query.limit
    async with call.database() as connection:
        await users.get(connection, call["user"])
        rows = await assignments.list_of(
            connection, call["user"], after=call.query.after, limit=limit + 1
        )
    return answers.page(rows, limit, answers.assignment, attrgetter("id"))


async def show_given(call: Call[None, None]) -> Assignment:
    """Return a role that a person was given."""
    async with call.database() as connection:
        row = await assignments.get(connection, call["user"], call["assignment"])
    return answers.assignment(row)


async def take(call: Call[None, None]) -> None:
    """Take a role back; it is below one's own, unless one is an admin.

    The tenant's last admin stays one.
    """
    async with call.database() as connection:
        row = await assignments.get(connection, call["user"], call["assignment"])
        if call.role != "admin" and RANK[row.role] >= RANK[call.role]:
            raise ForbiddenError("You may not take back a role of your rank or above.")
        await assignments.take(connection, row)


async def export(call: Call[None, None]) -> web.StreamResponse:
    """Send everything that is kept about a person, as one JSON object per line.

    First who they are and their roles, then class by class what they did: every event of its log
    that is by them or about them, also what they wrote to staff and how they voted.
    """
    user = call["user"]
    return await stream(
        call.request,
        personal.lines(call.app[pools_key], call.identity.tenant, user),
        NDJSON,
        headers={"Content-Disposition": f'attachment; filename="{user}.ndjson"'},
    )


async def erase(call: Call[None, None]) -> Erasure:
    """Erase a person for good: name, address and roles at once, their words in every class soon.

    Their logs go on to verify. Ask for the erasure to know when nothing of theirs is left; the
    tenant's last admin is not erased.
    """
    user = call["user"]
    async with call.database() as connection:
        await users.get(connection, user)
        await assignments.require_other_admin(connection, user)
        await assignments.take_all(connection, user)
        await erasure.begin(call.app[pools_key], call.identity.tenant, user)
        row = await erasure.get_of(connection, user)
    call.app[erasures_key].notify()
    return answers.erasure(row)


async def show_erasure(call: Call[None, None]) -> Erasure:
    """Return how far the erasure of a person is."""
    async with call.database() as connection:
        return answers.erasure(await erasure.get_of(connection, call["user"]))
