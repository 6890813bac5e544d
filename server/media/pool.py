"""Several media workers on one machine as one engine.

::

    publisher ──▶ home ──▶ up to 60 viewers
                    ╚═ relay ═▶ another worker ──▶ up to 60 more      (``relay.py``)

A session's home takes the publisher, the destinations and the recording (``placement.py`` says
where that is). Viewers are at home while there is room, then at the other workers, each of which
pulls the session once.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from server.errors import UnavailableError
from server.media.fabric import Answer, Desired, OnEvent, OnHealth, ResolveSecret
from server.media.local_fabric import LocalFabric
from server.media.placement import Member, Placement
from server.media.viewers.admission import VIEWERS
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

GONE_POLL_SECONDS = 0.02


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
        self._members = [Member(number, socket) for number, socket in enumerate(sockets)]
        self._tasks = Supervisor("pool")
        self._placement = Placement(self._members, self._tasks)
        for member in self._members:
            member.fabric = LocalFabric(
                member.socket,
                on_event=on_event,
                resolve_secret=resolve_secret,
                on_health=partial(self._judged, member),
                on_connected=partial(self._placement.came, member),
                on_lost=partial(self._placement.went, member),
            )
        self._on_health = on_health
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
        await self._placement.apply(session, epoch, desired)

    async def release(self, session: str) -> None:
        """Stop claiming ``session``: the workers end it unless another hub claims it soon."""
        await self._placement.release(session)

    async def unclaimed(self) -> list[str]:
        """Return what the workers carry, and nobody claims through this pool."""
        return await self._placement.unclaimed()

    async def end(self, session: str, epoch: int) -> None:
        """End ``session`` at once, unless it is claimed under a higher epoch than ``epoch``."""
        if not self._placement.is_desired(session):
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
        home = await self._placement.home(session)
        return _named(home, await home.fabric.whip(session, user, sdp))

    async def whep(self, session: str, user: str, sdp: bytes) -> Answer:
        """Start watching where there is room. Raises UnavailableError if no worker is there."""
        home = await self._placement.home(session)
        answer = await home.fabric.whep(session, user, sdp)
        for member in self._placement.others(session, home):
            if answer.status != 503:
                break
            await self._placement.relay(session, home, member)
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
        home = await self._placement.home(session)
        return await home.fabric.hls(session, file)

    def has_room(self) -> bool:
        """Say whether one more viewer would be let in somewhere, as of a second ago.

        While no worker is there nobody knows: to try and to wait is what viewers do then.
        """
        there = [member for member in self._members if member.is_there]
        return not there or any(member.watching < VIEWERS for member in there)

    def _of(self, resource: str) -> tuple[Member, str]:
        """Return the worker that a resource is named for, and its name there."""
        number, _, name = resource.partition("-")
        if name and number.isdecimal() and int(number) < len(self._members):
            return self._members[int(number)], name
        # No name of ours: any worker says that there is no such resource.
        return self._members[0], resource

    def _judged(self, member: Member, session: str, data: dict[str, object]) -> None:
        if not self._placement.is_desired(session):
            # Released, and on its way before that was heard.
            return
        viewers = data.get("viewers")
        member.viewers[session] = viewers if isinstance(viewers, int) else 0
        if self._placement.may_tell(member, session):
            total = sum(each.viewers.get(session, 0) for each in self._members)
            self._on_health(session, {**data, "viewers": total})


def _named(member: Member, answer: Answer) -> Answer:
    """Return ``answer`` with its resource named for ``member``."""
    location = answer.headers.get("Location")
    if location is None:
        return answer
    path, _, name = location.rpartition("/")
    headers = {**answer.headers, "Location": f"{path}/{member.number}-{name}"}
    return Answer(answer.status, headers, answer.body)
