"""Integrations with platforms, destinations, and their stream keys, which are never read back."""

from contextlib import aclosing
from operator import attrgetter

from aiohttp import web

from protocol.commands import DestinationDisable, DestinationRetry
from protocol.rest import (
    Destination,
    Integration,
    IntegrationChange,
    NewDestination,
    NewIntegration,
    NewStreamKey,
    Page,
    PageQuery,
    Provider,
    SessionDestination,
)
from server.config import settings_key
from server.errors import ConflictError, InvalidInputError
from server.ids import new_id
from server.media.destinations.providers import PROVIDERS, owns, provider
from server.rest import answers
from server.rest.ports import (
    Addresses,
    addresses_key,
    key_vault_key,
    live_sessions_key,
    trials_key,
)
from server.rest.route import Call
from server.rest.streams import stream
from server.secrets.secret import Secret
from server.store import integrations as store
from server.store import users
from server.store.pool import AcquiredConnection

NDJSON = "application/x-ndjson"


async def providers(call: Call[None, None]) -> Page[Provider]:  # noqa: ARG001
    """List the platforms that the server knows, and what they take.

    An integration's ``provider`` may be another name: it is treated like ``custom``.
    """
    return Page(tuple(map(answers.profile, PROVIDERS.values())), None)


async def create_integration(call: Call[NewIntegration, None]) -> Integration:
    """Register an account with a platform."""
    async with call.database() as connection:
        row = await store.create(connection, call.identity.tenant, provider=call.body.provider)
    return answers.integration(row)


async def integrations(call: Call[None, PageQuery]) -> Page[Integration]:
    """List the tenant's integrations."""
    limit = call.query.limit
    async with call.database() as connection:
        rows = await store.list_all(connection, after=call.query.after, limit=limit + 1)
    return answers.page(rows, limit, answers.integration, attrgetter("id"))


async def show_integration(call: Call[None, None]) -> Integration:
    """Return an integration."""
    async with call.database() as connection:
        return answers.integration(await store.get(connection, call["integration"]))


async def change_integration(call: Call[IntegrationChange, None]) -> Integration:
    """Revoke an integration, or take that back.

    What is streamed through it ends, in every class, before this is answered; if a class cannot
    be reached, asking again goes on.
    """
    status, identity = call.body.status, call.identity
    async with call.database() as connection:
        row = await store.set_status(connection, call["integration"], status)
        used = [] if status == "active" else await store.list_enabled(connection, row.id)
        # What goes into a log may name only people that there are.
        await users.ensure(connection, identity.tenant, identity.user, identity.name)
    for session, destination in used:
        await call.app[live_sessions_key].perform(
            session,
            identity,
            call.role,
            DestinationDisable(destination),
            key=new_id(),
            expect=None,
        )
    return answers.integration(row)


async def delete_integration(call: Call[None, None]) -> None:
    """Delete an integration without destinations."""
    async with call.database() as connection:
        await store.delete(connection, call["integration"])


async def create(call: Call[NewDestination, None]) -> Destination:
    """Register a destination; its key goes into the vault."""
    body = call.body
    addresses = call.app[addresses_key]
    async with call.database() as connection:
        account = await store.get(connection, body.integration)
    await _check_url(addresses, body.url, "url", account.provider)
    if body.backup_url is not None:
        await _check_url(addresses, body.backup_url, "backup_url", account.provider)
    async with call.database() as connection:
        row = await store.create_destination(
            connection,
            call.identity.tenant,
            body.integration,
            name=body.name,
            url=body.url,
            backup_url=body.backup_url,
            profile=body.profile,
            stream_key_ref=await _key_ref(call, body, connection),
        )
    return answers.destination(row)


async def index(call: Call[None, PageQuery]) -> Page[Destination]:
    """List the tenant's destinations."""
    limit = call.query.limit
    async with call.database() as connection:
        rows = await store.list_destinations(connection, after=call.query.after, limit=limit + 1)
    return answers.page(rows, limit, answers.destination, attrgetter("id"))


async def show(call: Call[None, None]) -> Destination:
    """Return a destination, without its key."""
    async with call.database() as connection:
        return answers.destination(await store.get_destination(connection, call["destination"]))


async def delete(call: Call[None, None]) -> None:
    """Delete a destination that no session has used, and forget its key."""
    async with call.database() as connection:
        reference = await store.delete_destination(connection, call["destination"])
        if reference.startswith("vault:"):
            await call.app[key_vault_key].drop(connection, reference)


async def replace_key(call: Call[NewStreamKey, None]) -> None:
    """Give a destination another key; the former one is forgotten.

    Classes on air that had given it up try again with the new one.
    """
    identity = call.identity
    async with call.database() as connection:
        destination = await store.get_destination(connection, call["destination"])
        reference = await _key_ref(call, call.body, connection)
        former = await store.set_stream_key(connection, destination.id, reference)
        if former.startswith("vault:"):
            await call.app[key_vault_key].drop(connection, former)
        failed = await store.list_failed(connection, destination.id)
        # What goes into a log may name only people that there are.
        await users.ensure(connection, identity.tenant, identity.user, identity.name)
    for session in failed:
        await call.app[live_sessions_key].perform(
            session,
            identity,
            call.role,
            DestinationRetry(destination.id),
            key=new_id(),
            expect=None,
        )


async def test(call: Call[None, None]) -> web.StreamResponse:
    """Send a test picture to a destination for a few seconds, and tell in words what happens.

    Every line is a JSON object: `{"said": "…"}` for each step, as soon as it is done, and in the
    end `{"taken": true}` or `{"taken": false}`. Refused (`conflict`) if the stream key is missing
    or the integration revoked. Platforms show the picture to whoever watches just then.
    """
    async with call.database() as connection:
        row = await store.get_destination(connection, call["destination"])
    if row.is_revoked:
        raise ConflictError("The account with the platform was revoked.")
    tried = call.app[trials_key].run(call.identity.tenant, row.url, row.stream_key_ref)
    async with aclosing(tried) as lines:
        return await stream(call.request, lines, NDJSON)


async def of_session(call: Call[None, PageQuery]) -> Page[SessionDestination]:
    """List where a session can stream to, and what of it is enabled."""
    limit = call.query.limit
    async with call.database() as connection:
        rows = await store.list_destinations(connection, after=call.query.after, limit=limit + 1)
        used = await store.list_of_session(connection, call["session"])
    status = {each.destination_id: each.status for each in used}

    def show(row: store.Destination) -> SessionDestination:
        return SessionDestination(
            row.id,
            row.destination_name,
            row.provider,
            status.get(row.id, "disabled"),
            answers.warnings(row),
        )

    return answers.page(rows, limit, show, attrgetter("id"))


async def _key_ref(
    call: Call[NewDestination, None] | Call[NewStreamKey, None],
    body: NewDestination | NewStreamKey,
    connection: AcquiredConnection,
) -> str:
    """Return the reference of the key that is given, putting it into the vault if it is one."""
    tenant = call.identity.tenant
    if (body.stream_key is None) == (body.stream_key_ref is None):
        text = "Give either the stream key or a reference to it."
        raise InvalidInputError(text, field="stream_key")
    if body.stream_key is not None:
        return await call.app[key_vault_key].put(connection, tenant, Secret(body.stream_key))
    reference = body.stream_key_ref
    assert reference is not None, "one of the two is there"
    # What the server can read is not what a tenant may have sent to a server of their choice.
    allowed = (
        beginning.replace("{tenant}", tenant)
        for beginning in call.app[settings_key].stream_key_refs
    )
    if ".." in reference or not reference.startswith(tuple(allowed)):
        raise InvalidInputError("This reference is not allowed here.", field="stream_key_ref")
    return reference


async def _check_url(addresses: Addresses, url: str, field: str, name: str) -> None:
    known = provider(name)
    if not owns(known, url):
        raise InvalidInputError(f"This is no address of {known.title}.", field=field)
    try:
        await addresses.check(url)
    except InvalidInputError as error:
        raise InvalidInputError(str(error), field=field) from None
