"""The classes as REST sees them: commands and the log, without a socket."""

import asyncio

import msgspec

from protocol.commands import AnyCommand
from protocol.errors import Refusal
from protocol.ids import Role, view_of
from protocol.rest import CommandDone, EventsPage
from server.auth.tokens import Identity
from server.hub.asks import Committed, Outcome, Perform, Unchanged, Who, unavailable
from server.hub.history import shown
from server.hub.hub import Hub
from server.hub.seating import Place
from server.store.log import LogReader

PERFORM_SECONDS = 10.0


class LiveSessions:
    """Fulfils what ``server.rest.ports`` asks of the hub."""

    def __init__(self, hub: Hub, reader: LogReader, log_id: str) -> None:
        self._hub = hub
        self._reader = reader
        self._log_id = log_id

    async def perform(
        self,
        session: str,
        identity: Identity,
        role: Role,
        command: AnyCommand,
        *,
        key: str,
        expect: int | None,
    ) -> CommandDone:
        """Do ``command`` in the class; return once it is committed.

        Raises:
            Refusal: If it was not done; ``unavailable`` also if nobody can tell.
            UnavailableError: If the class cannot be opened.

        """
        room = await self._hub.room(Place(session, identity.tenant, self._log_id))
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def take(outcome: Outcome) -> None:
            if not answer.done():
                answer.set_result(outcome)

        who = Who(identity.user, identity.name, role)
        room.submit(Perform(answer, who, key, command, expect, take))
        try:
            async with asyncio.timeout(PERFORM_SECONDS):
                outcome = await answer
        except TimeoutError:
            raise unavailable() from None
        match outcome:
            case Committed(first, last, is_duplicate):
                return CommandDone(key, (first, last), is_duplicate)
            case Unchanged():
                return CommandDone(key, None, False)
            case Refusal():
                raise outcome

    async def events(self, session: str, role: Role, *, after: int, limit: int) -> EventsPage:
        """Return up to ``limit`` events of the log after ``after``, as ``role`` sees them.

        Raises:
            UnavailableError: If the log cannot be read now.

        """
        head, _ = await self._reader.head(session)
        stored = await self._reader.read(session, after, limit)
        last = stored[-1].sequence if stored else after
        events = tuple(msgspec.Raw(data) for _, data in shown(stored, view_of(role)))
        return EventsPage(after + 1, last, max(head, last), events)
