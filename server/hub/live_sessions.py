"""The classes as REST sees them: commands and the log, without a socket."""

import asyncio
from typing import NamedTuple

import msgspec

from protocol.commands import AnyCommand
from protocol.errors import CloseCode, Refusal
from protocol.events import FromWorkers
from protocol.ids import Role, ViewName
from protocol.rest import CommandDone, EventsPage
from server.auth.tokens import Identity
from server.classroom.state import Classroom, Member
from server.errors import ForbiddenError, UnavailableError
from server.hub.asks import Committed, Outcome, Perform, Report, Unchanged, Who, unavailable
from server.hub.history import shown
from server.hub.hub import Hub
from server.hub.pasts import Pasts
from server.hub.seating import Place
from server.hub.snapshots import SLICE
from server.hub.standing import standing_of
from server.store.log import PAGE, LogReader

PERFORM_SECONDS = 10.0
SCAN = 10_000
"""Events looked at for one page of certain types."""


class LiveSessions:
    """Fulfils what ``server.rest.ports`` asks of the hub."""

    def __init__(self, hub: Hub, reader: LogReader, log_id: str) -> None:
        self._hub = hub
        self._reader = reader
        self._pasts = Pasts(hub.snapshots)
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
        room.submit(Perform(who, key, command, expect, take))
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

    async def report(self, tenant: str, session: str, key: str, event: FromWorkers) -> bool:
        """Let the class keep what a worker made of it, once per ``key``; return once committed.

        Say whether it was new: what was kept before is not kept again, and what has nothing to
        say to the class as it is now is dropped.

        Raises:
            UnavailableError: If it may not be kept, and is to be reported again.

        """
        room = await self._hub.room(Place(session, tenant, self._log_id))
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def take(outcome: Outcome) -> None:
            if not answer.done():
                answer.set_result(outcome)

        room.submit(Report(key, event, take))
        try:
            async with asyncio.timeout(PERFORM_SECONDS):
                outcome = await answer
        except TimeoutError:
            raise UnavailableError("The class did not answer in time.") from None
        if isinstance(outcome, Refusal):
            raise UnavailableError(outcome.message)
        return isinstance(outcome, Committed) and not outcome.is_duplicate

    async def blanked(self, session: str) -> frozenset[int]:
        """Return the sequences of the events whose text nobody is shown any more, as of now.

        Raises:
            UnavailableError: If the log cannot be read now.

        """
        head, _ = await self._reader.head(session)
        return (await self._state(session, head)).blanked

    async def events(
        self,
        session: str,
        identity: Identity,
        role: Role,
        *,
        after: int,
        before: int | None,
        types: frozenset[str] | None,
        limit: int,
    ) -> EventsPage:
        """Return up to ``limit`` events of ``types`` (None: all), as the caller sees them.

        They are the first after position ``after``, or, where ``before`` is given, the last
        before that one. At most :data:`SCAN` events are looked at; and where the range ends
        depends on what is shown alone, so that it tells nothing of what is not.

        Raises:
            ForbiddenError: If the caller is shut out of the class.
            UnavailableError: If the log cannot be read now.

        """
        head, _ = await self._reader.head(session)
        state = await self._state(session, head)
        view = _view(state, Who(identity.user, identity.name, role))
        span = limit if types is None else SCAN
        if before is None:
            first, last = after + 1, min(after + span, head)
        else:
            last = min(before - 1, head)
            first = max(after + 1, last - span + 1)
        part = _Part(first, max(first - 1, last), before is not None)
        found = await self._find(session, part, view, state.blanked, types, limit)
        if len(found) == limit:
            part = part.up_to(found[-1][0])
        events = tuple(msgspec.Raw(data) for _, data in sorted(found))
        return EventsPage(part.first, part.last, head, events)

    def member(self, session: str, user: str) -> Member | None:
        """Return what the class knows of a person, if it is open on this node and they came."""
        room = self._hub.find(session)
        return room.state.people.get(user) if room is not None and room.is_loaded else None

    async def view(self, session: str, identity: Identity, role: Role) -> ViewName:
        """Return which view the caller has of the class.

        Raises:
            ForbiddenError: If the caller is shut out of the class.
            UnavailableError: If the class cannot be read now.

        """
        room = self._hub.find(session)
        if room is not None and room.is_loaded:
            state = room.state
        else:
            state = await self._pasts.state(session)
        return _view(state, Who(identity.user, identity.name, role))

    async def _find(
        self,
        session: str,
        part: "_Part",
        view: ViewName,
        blanked: frozenset[int],
        types: frozenset[str] | None,
        limit: int,
    ) -> list[tuple[int, bytes]]:
        """Return sequence and bytes of what is shown in ``part``, in its order of reading."""
        found: list[tuple[int, bytes]] = []
        while part.first <= part.last and len(found) < limit:
            stored = await self._reader.find(
                session, part.first, part.last, types=types, newest_first=part.newest_first
            )
            for start in range(0, len(stored), SLICE):
                found += shown(stored[start : start + SLICE], view, blanked)
                await asyncio.sleep(0)
            if len(stored) < PAGE:
                break
            part = part.after(stored[-1].sequence)
        return found[:limit]

    async def _state(self, session: str, head: int) -> Classroom:
        """Return the state of a class at ``head`` or later, whoever owns it."""
        room = self._hub.find(session)
        if room is not None and room.is_loaded:
            await room.reach.wait_for(head)
            return room.state
        return await self._pasts.state(session)


class _Part(NamedTuple):
    """A range of the log, read from one of its ends."""

    first: int
    last: int
    newest_first: bool

    def up_to(self, sequence: int) -> "_Part":
        """Return what has been read when ``sequence`` was the last."""
        if self.newest_first:
            return self._replace(first=sequence)
        return self._replace(last=sequence)

    def after(self, sequence: int) -> "_Part":
        """Return what is still to be read then."""
        if self.newest_first:
            return self._replace(last=sequence - 1)
        return self._replace(first=sequence + 1)


def _view(state: Classroom, who: Who) -> ViewName:
    """Return what ``who`` sees of the class.

    Raises:
        ForbiddenError: If they are shut out of it.

    """
    standing = standing_of(state, who)
    if isinstance(standing, CloseCode):
        raise ForbiddenError("You may not come into this class.")
    return standing.view
