"""A session's commands and events, for programs that keep no live socket."""

from protocol.codec import decode_command
from protocol.frames import CommandFrame
from protocol.rest import CommandDone, CommandRequest, EventsPage, EventsQuery
from server.rest.ports import live_sessions_key
from server.rest.route import Call


async def perform(call: Call[CommandRequest, None]) -> CommandDone:
    """Do what a command says; the answer means that it is committed."""
    body = call.body
    command = decode_command(CommandFrame(0, body.key, body.op, body.data, body.expect))
    return await call.app[live_sessions_key].perform(
        call["session"], call.identity, call.role, command, key=body.key, expect=body.expect
    )


async def events(call: Call[None, EventsQuery]) -> EventsPage:
    """Return a part of the log, as the caller's view shows it."""
    return await call.app[live_sessions_key].events(
        call["session"], call.role, after=call.query.after, limit=call.query.limit
    )
