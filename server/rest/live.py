"""A session's commands and events, for programs that keep no live socket."""

from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from protocol.codec import decode_command, printable
from protocol.commands import AnyCommand, DestinationEnable
from protocol.errors import Refusal
from protocol.events import EVENTS
from protocol.frames import CommandFrame
from protocol.ids import Key
from protocol.rest import (
    CommandDone,
    CommandRequest,
    DestinationEnabled,
    EnableDestination,
    EventsPage,
    EventsQuery,
    LogQuery,
)
from server.rest import answers
from server.rest.ports import live_sessions_key
from server.rest.route import Call
from server.rest.streams import stream
from server.store import integrations, references, users
from server.store.pool import pools_key

NDJSON = "application/x-ndjson"
LINES = 500
"""Events that are held in memory at once."""


async def perform(call: Call[CommandRequest, None]) -> CommandDone:
    """Do what a command says; the answer means that it is committed."""
    body = call.body
    command = decode_command(CommandFrame(0, body.key, body.op, body.data, body.expect))
    return await submit(call, call["session"], command, key=body.key, expect=body.expect)


async def enable_destination(call: Call[EnableDestination, None]) -> DestinationEnabled:
    """Stream a session to a destination: a command like that of the studio."""
    command = DestinationEnable(call.body.destination)
    done = await submit(call, call["session"], command, key=call.key)
    async with call.database() as connection:
        row = await integrations.get_destination(connection, command.destination)
    return DestinationEnabled(done.key, done.sequence, done.duplicate, answers.warnings(row))


async def events(call: Call[None, EventsQuery]) -> EventsPage:
    """Return a part of the log, as the caller's view shows it."""
    query = call.query
    return await call.app[live_sessions_key].events(
        call["session"],
        call.identity,
        call.role,
        after=query.after,
        before=query.before,
        types=None if query.types is None else known_types(query.types),
        limit=query.limit,
    )


async def log(call: Call[None, LogQuery]) -> web.StreamResponse:
    """Send the log, or a range of it, one event per line.

    What is sent is what the caller's view shows, as of now: hidden events are absent, removed texts
    are blank. A class that is going on is sent up to where it is when the request comes.
    """
    return await stream(call.request, _lines(call), NDJSON)


async def _lines(call: Call[None, LogQuery]) -> AsyncIterator[bytes]:
    """Give the wanted part of the log, a page at a time."""
    position, last = call.query.from_ - 1, call.query.to
    while last is None or position < last:
        page = await call.app[live_sessions_key].events(
            call["session"],
            call.identity,
            call.role,
            after=position,
            before=None,
            types=None,
            limit=LINES if last is None else min(LINES, last - position),
        )
        last = page.head if last is None else min(last, page.head)
        if page.to <= position:
            return
        yield b"".join(bytes(event) + b"\n" for event in page.events)
        position = page.to


def known_types(names: str) -> frozenset[str]:
    """Return the event types that a query names, separated by commas.

    Raises:
        Refusal: If there is no such type.

    """
    types = frozenset(names.split(","))
    for unknown in sorted(types - EVENTS.keys()):
        text = f"There is no event type “{printable(unknown)}”."
        raise Refusal("bad_request", text, field="types")
    return types


async def submit(
    call: Call[Any, Any],
    session: str,
    command: AnyCommand,
    *,
    key: Key,
    expect: int | None = None,
) -> CommandDone:
    """Let the class do ``command`` in the name of the caller; return once it is committed.

    Raises:
        Refusal: If it was not done.

    """
    identity = call.identity
    async with call.database() as connection:
        # What goes into the log may name only people that there are, and the same for the rest.
        await users.ensure(connection, identity.tenant, identity.user, identity.name)
    await references.check(call.app[pools_key], identity.tenant, command)
    return await call.app[live_sessions_key].perform(
        session, identity, call.role, command, key=key, expect=expect
    )
