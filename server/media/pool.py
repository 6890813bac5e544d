"""Several media workers on one machine as one engine.

::

    publisher ──▶ home ──▶ up to 60 viewers
                    ╚═ relay ═▶ another worker ──▶ up to 60 more      (``relay.py``)

A session has one home while that worker lives: it takes the publisher, the destinations and the
recording. Viewers are at home while there is room, then at the other workers, each of which pulls
the session once. A worker that dies takes what it carries with it; a session whose home died gets
another one, where its publisher and viewers come back to.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self
from weakref import WeakValueDictionary

import structlog

from server.errors import UnavailableError
from server.media.fabric import Answer, Desired, OnEvent, OnHealth, ResolveSecret
from server.media.local_fabric import LocalFabric
from server.media.viewers.admission import VIEWERS
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

FOUND_SECONDS = 1.0
GONE_POLL_SECONDS = 0.02
GRACE_SECONDS = 1.0
"""How long a worker may be away before it is taken for dead: one that lives reconnects sooner."""


class _Member:
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
        return self.fabric.connected.is_set()

    @property
    def watching(self) -> int:
        return sum(self.viewers.values())


class WorkerPool:
    """A :class:`~server.media.fabric.MediaFabric` over the workers behind ``sockets``.

    Use as an async context manager. Resources are named for the worker that has them.
    """

    def __init__(
        self,
        sockets: Sequence[Path],
        *,
        on_event: OnEvent,
        resolve_secret: ResolveSecret,
        on_health: OnHealth,
    ) -> None:
        self._members = [_Member(number, socket) for number, socket in enumerate(sockets)]
        for member in self._members:
            member.fabric = LocalFabric(
                member.socket,
                on_event=on_event,
                resolve_secret=resolve_secret,
                on_health=partial(self._judged, member),
                on_connected=partial(self._came, member),
                on_lost=partial(self._went, member),
            )
        self._on_health = on_health
        self._desired: dict[str, tuple[int, Desired]] = {}
        self._homes: dict[str, _Member] = {}
        self._placing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._tasks = Supervisor("pool")
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for member in self._members:
            await self._stack.enter_async_context(member.fabric)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._tasks.close()
        await self._stack.aclose()

    async def ready(self) -> None:
        """Return when every worker is there."""
        for member in self._members:
            await member.fabric.connected.wait()

    async def gone(self, seconds: float) -> None:
        """Return when no worker is there any more, after ``seconds`` at the latest."""
        until = asyncio.get_running_loop().time() + seconds
        while any(member.is_there for member in self._members):
            if asyncio.get_running_loop().time() > until:
                log.warning("media_workers_take_their_time")
                return
            await asyncio.sleep(GONE_POLL_SECONDS)

    async def check(self) -> str:
        """Say how many workers are there.

        Raises:
            UnavailableError: If one is not.

        """
        missing = sum(not member.is_there for member in self._members)
        if missing:
            raise UnavailableError(f"{missing} of {len(self._members)} are away")
        return f"{len(self._members)} there"

    # What a fabric does.

    async def apply(self, session: str, epoch: int, desired: Desired) -> None:
        """Make ``desired`` the state of ``session``, as soon as a worker is there."""
        if epoch < self._desired.get(session, (0,))[0]:
            return
        claim = self._desired[session] = (epoch, desired)
        try:
            home = await self._home(session)
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
        """Return what the workers carry, and nobody claims through this pool."""
        carried = await asyncio.gather(
            *(self._carried(member, relayed=False) for member in self._members)
        )
        return sorted({session for each in carried for session in each} - self._desired.keys())

    async def end(self, session: str, epoch: int) -> None:
        """End ``session`` at once, unless it is claimed under a higher epoch than ``epoch``."""
        if session not in self._desired:
            await asyncio.gather(*(member.fabric.end(session, epoch) for member in self._members))

    async def expel(self, session: str, user: str) -> None:
        """End every stream of ``user``, wherever it is.

        Raises:
            UnavailableError: If a worker that is there cannot be told.

        """
        there = [member for member in self._members if member.is_there]
        if not there:
            raise UnavailableError("No media worker is there.")
        results = await asyncio.gather(
            *(member.fabric.expel(session, user) for member in there), return_exceptions=True
        )
        for member, result in zip(there, results, strict=True):
            # Of one that died meanwhile nothing is left to end.
            if isinstance(result, BaseException) and (
                member.is_there or not isinstance(result, UnavailableError)
            ):
                raise result

    async def whip(self, session: str, user: str, sdp: bytes) -> Answer:
        """Start publishing, at home. Raises UnavailableError if no worker is there."""
        home = await self._home(session)
        return _named(home, await home.fabric.whip(session, user, sdp))

    async def whep(self, session: str, user: str, sdp: bytes) -> Answer:
        """Start watching where there is room. Raises UnavailableError if no worker is there."""
        home = await self._home(session)
        answer = await home.fabric.whep(session, user, sdp)
        for member in self._others(session, home):
            if answer.status != 503:
                break
            await self._relay(session, home, member)
            answer = await member.fabric.whep(session, user, sdp)
            home = member
        return _named(home, answer)

    async def patch(
        self, session: str, resource: str, fragment: bytes, headers: dict[str, str]
    ) -> Answer:
        """Pass a fragment on to the worker that has the resource."""
        member, name = self._of(resource)
        return await member.fabric.patch(session, name, fragment, headers)

    async def delete(self, session: str, resource: str) -> Answer:
        """End a resource, wherever it is."""
        member, name = self._of(resource)
        return await member.fabric.delete(session, name)

    async def hls(self, session: str, file: str) -> Answer:
        """Return a file of the live HLS, made at home."""
        home = await self._home(session)
        return await home.fabric.hls(session, file)

    def has_room(self) -> bool:
        """Say whether one more viewer would be let in somewhere, as of a second ago.

        While no worker is there nobody knows: to try and to wait is what viewers do then.
        """
        there = [member for member in self._members if member.is_there]
        return not there or any(member.watching < VIEWERS for member in there)

    # Where a session is.

    async def _home(self, session: str) -> _Member:
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

    def _forget(self, session: str) -> None:
        self._homes.pop(session, None)
        for member in self._members:
            member.homes.discard(session)
            member.relays.discard(session)
            member.viewers.pop(session, None)

    async def _found(self, session: str) -> _Member | None:
        """Return the worker that carries ``session`` for another node, or since a while ago.

        All are asked at once; one that hangs is not waited for.
        """
        if len(self._members) == 1:
            return None

        async def carries(member: _Member) -> bool:
            try:
                async with asyncio.timeout(FOUND_SECONDS):
                    return session in await self._carried(member, relayed=False)
            except TimeoutError:
                return False

        answers = await asyncio.gather(*map(carries, self._members))
        return next((each for each, has in zip(self._members, answers, strict=True) if has), None)

    async def _carried(self, member: _Member, *, relayed: bool) -> list[str]:
        """Return what ``member`` carries as a home, or as a relay; nothing if it is away."""
        if not member.is_there:
            return []
        try:
            carried = await member.fabric.sessions()
        except UnavailableError:
            return []
        return [name for name, is_relay in carried.items() if is_relay is relayed]

    def _chosen(self, session: str) -> _Member:
        there = [member for member in self._members if member.is_there]
        if not there:
            raise UnavailableError("No media worker is there.")
        return min(there, key=lambda m: (len(m.homes), m.watching, _rank(session, m.number)))

    def _others(self, session: str, home: _Member) -> list[_Member]:
        """Return the workers but the home that may have room: those that relay already first."""
        others = [
            member
            for member in self._members
            if member is not home and member.is_there and member.watching < VIEWERS
        ]
        return sorted(others, key=lambda m: (session not in m.relays, m.watching, m.number))

    async def _relay(self, session: str, home: _Member, member: _Member) -> None:
        member.relays.add(session)
        epoch, desired = self._desired.get(session, (0, Desired()))
        relayed = Desired(relay_from=str(home.socket), barred=desired.barred)
        await member.fabric.apply(session, epoch, relayed)

    def _of(self, resource: str) -> tuple[_Member, str]:
        """Return the worker that a resource is named for, and its name there."""
        number, _, name = resource.partition("-")
        if name and number.isdecimal() and int(number) < len(self._members):
            return self._members[int(number)], name
        # No name of ours: any worker says that there is no such resource.
        return self._members[0], resource

    # Who comes and goes.

    def _came(self, member: _Member) -> None:
        self._tasks.start("came", self._settle(member))

    def _went(self, member: _Member) -> None:
        member.viewers.clear()
        self._tasks.start("went", self._leave(member))

    async def _settle(self, member: _Member) -> None:
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

    async def _leave(self, member: _Member) -> None:
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

    async def _repoint(self, session: str, home: _Member) -> None:
        """Let every relay of ``session`` pull from its present home."""
        for member in self._members:
            if session in member.relays:
                if member is home:
                    member.relays.discard(session)
                else:
                    await self._relay(session, home, member)

    def _judged(self, member: _Member, session: str, data: dict[str, object]) -> None:
        if session not in self._desired:
            # Released, and on its way before that was heard.
            return
        viewers = data.get("viewers")
        member.viewers[session] = viewers if isinstance(viewers, int) else 0
        if self._homes.get(session, member) is member and session not in member.relays:
            total = sum(each.viewers.get(session, 0) for each in self._members)
            self._on_health(session, {**data, "viewers": total})


def _rank(session: str, number: int) -> bytes:
    return hashlib.blake2b(f"{session}/{number}".encode(), digest_size=8).digest()


def _named(member: _Member, answer: Answer) -> Answer:
    """Return ``answer`` with its resource named for ``member``."""
    location = answer.headers.get("Location")
    if location is None:
        return answer
    path, _, name = location.rpartition("/")
    headers = {**answer.headers, "Location": f"{path}/{member.number}-{name}"}
    return Answer(answer.status, headers, answer.body)
