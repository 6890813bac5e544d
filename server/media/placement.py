"""Where sessions live among the media workers of a machine, while these come and go.

A session has one home while that worker lives; others relay it where more watch than one takes. A
worker that dies takes what it carries with it: its sessions get another home, where publishers and
viewers come back to. Whoever starts again asks the workers what they carry.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from weakref import WeakValueDictionary

import structlog

from server.errors import UnavailableError
from server.media.fabric import Desired
from server.media.local_fabric import LocalFabric
from server.media.viewers.admission import VIEWERS
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

FOUND_SECONDS = 1.0
GRACE_SECONDS = 1.0
"""How long a worker may be away before it is taken for dead: one that lives reconnects sooner."""


class Member:
    """One worker, and what the pool has given to it."""

    def __init__(self, number: int, socket: Path) -> None:
        self.number = number
        self.socket = socket
        self.fabric: LocalFabric
        self.homes: set[str] = set()
        self.relays: set[str] = set()
        self.viewers: dict[str, int] = {}
        """By session, of a second ago at most."""

    @property
    def is_there(self) -> bool:
        """Whether it is reached just now."""
        return self.fabric.connected.is_set()

    @property
    def watching(self) -> int:
        """How many viewers it has, of all its sessions."""
        return sum(self.viewers.values())


class Placement:
    """The homes and relays of sessions, and what each session desires."""

    def __init__(self, members: Sequence[Member], tasks: Supervisor) -> None:
        self._members = members
        self._tasks = tasks
        self._desired: dict[str, tuple[int, Desired]] = {}
        self._homes: dict[str, Member] = {}
        self._placing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def is_desired(self, session: str) -> bool:
        """Say whether anybody claims ``session`` here."""
        return session in self._desired

    def may_tell(self, member: Member, session: str) -> bool:
        """Say whether ``member`` is the one whose word on ``session`` counts."""
        return self._homes.get(session, member) is member and session not in member.relays

    async def apply(self, session: str, epoch: int, desired: Desired) -> None:
        """Make ``desired`` the state of ``session``, as soon as a worker is there."""
        if epoch < self._desired.get(session, (0,))[0]:
            return
        claim = self._desired[session] = (epoch, desired)
        try:
            home = await self.home(session)
        except UnavailableError:
            return
        if self._desired.get(session) is claim:
            await home.fabric.apply(session, epoch, desired)
            await self._repoint(session, home)
        elif session not in self._desired:
            # It was released while a home was looked for.
            self._forget(session)

    async def release(self, session: str) -> None:
        """Stop claiming ``session``: the workers end it unless another hub claims it soon."""
        self._desired.pop(session, None)
        self._forget(session)
        await asyncio.gather(*(member.fabric.release(session) for member in self._members))

    async def unclaimed(self) -> list[str]:
        """Return what the workers carry, and nobody claims here."""
        carried = await asyncio.gather(
            *(self._carried(member, relayed=False) for member in self._members)
        )
        return sorted({session for each in carried for session in each} - self._desired.keys())

    async def home(self, session: str) -> Member:
        """Return where ``session`` lives; choose if it lives nowhere.

        Raises:
            UnavailableError: If no worker is there.

        """
        home = self._homes.get(session)
        if home is not None:
            return home
        async with self._placing.setdefault(session, asyncio.Lock()):
            home = self._homes.get(session)
            if home is None:
                home = await self._found(session) or self._chosen(session)
                self._homes[session] = home
                home.homes.add(session)
            return home

    def others(self, session: str, home: Member) -> list[Member]:
        """Return the workers but the home that may have room: those that relay already first."""
        others = [
            member
            for member in self._members
            if member is not home and member.is_there and member.watching < VIEWERS
        ]
        return sorted(others, key=lambda m: (session not in m.relays, m.watching, m.number))

    async def relay(self, session: str, home: Member, member: Member) -> None:
        """Let ``member`` pull ``session`` from its home."""
        member.relays.add(session)
        epoch, desired = self._desired.get(session, (0, Desired()))
        relayed = Desired(relay_from=str(home.socket), barred=desired.barred)
        await member.fabric.apply(session, epoch, relayed)

    # ------------------------------------------------------------ who comes and goes

    def came(self, member: Member) -> None:
        """Give a worker that is there now what it should have."""
        self._tasks.start("came", self._settle(member))

    def went(self, member: Member) -> None:
        """Find another home for what a worker carried, if it stays away."""
        member.viewers.clear()
        self._tasks.start("went", self._leave(member))

    async def _settle(self, member: Member) -> None:
        """Give ``member`` the sessions without a home; end there what lives elsewhere by now.

        Those of workers that went when no other was there have none either, if these stay away.
        """
        for other in self._members:
            if other.homes and not other.is_there:
                self._tasks.start("went", self._leave(other))
        for session, claim in list(self._desired.items()):
            if session not in self._homes:
                await self.apply(session, *claim)
        for session in await self._carried(member, relayed=True):
            # This process was started again, the relay was not.
            member.relays.add(session)
            home = self._homes.get(session)
            if home is not None:
                await self._repoint(session, home)
        for session in await self._carried(member, relayed=False):
            home = self._homes.get(session)
            if home is not None and home is not member:
                log.warning("media_session_in_two_places", session=session)
                epoch, _ = self._desired.get(session, (0, Desired()))
                await member.fabric.apply(session, epoch, Desired())
                await member.fabric.release(session, at_once=True)

    async def _leave(self, member: Member) -> None:
        """Find another home for the sessions of a worker that stays away."""
        await asyncio.sleep(GRACE_SECONDS)
        if member.is_there or not any(other.is_there for other in self._members):
            return
        for session in list(member.homes):
            log.warning("media_session_moves", session=session, worker=member.number)
            member.homes.discard(session)
            self._homes.pop(session, None)
            await member.fabric.release(session)
            claim = self._desired.get(session)
            if claim is None:
                continue
            await self.apply(session, *claim)

    async def _repoint(self, session: str, home: Member) -> None:
        """Let every relay of ``session`` pull from its present home."""
        for member in self._members:
            if session in member.relays:
                if member is home:
                    member.relays.discard(session)
                else:
                    await self.relay(session, home, member)

    # ------------------------------------------------------------ finding a home

    async def _found(self, session: str) -> Member | None:
        """Return the worker that carries ``session`` for another node, or since a while ago.

        All are asked at once; one that hangs is not waited for.
        """
        if len(self._members) == 1:
            return None

        async def carries(member: Member) -> bool:
            try:
                async with asyncio.timeout(FOUND_SECONDS):
                    return session in await self._carried(member, relayed=False)
            except TimeoutError:
                return False

        answers = await asyncio.gather(*map(carries, self._members))
        return next((each for each, has in zip(self._members, answers, strict=True) if has), None)

    async def _carried(self, member: Member, *, relayed: bool) -> list[str]:
        """Return what ``member`` carries as a home, or as a relay; nothing if it is away."""
        if not member.is_there:
            return []
        try:
            carried = await member.fabric.sessions()
        except UnavailableError:
            return []
        return [name for name, is_relay in carried.items() if is_relay is relayed]

    def _chosen(self, session: str) -> Member:
        there = [member for member in self._members if member.is_there]
        if not there:
            raise UnavailableError("No media worker is there.")
        return min(there, key=lambda m: (len(m.homes), m.watching, _rank(session, m.number)))

    def _forget(self, session: str) -> None:
        self._homes.pop(session, None)
        for member in self._members:
            member.homes.discard(session)
            member.relays.discard(session)
            member.viewers.pop(session, None)


def _rank(session: str, number: int) -> bytes:
    return hashlib.blake2b(f"{session}/{number}".encode(), digest_size=8).digest()
