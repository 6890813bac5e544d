"""Our server under test: a whole ``liveclass demo`` and one class in it, as its teacher has it."""

import asyncio
import contextlib
import os
import random
import re
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from load.bench.processes import BenchError, demo
from load.connection import Connection
from load.place import Place, Ready, post
from protocol.commands import (
    AnyCommand,
    DestinationDisable,
    DestinationEnable,
    DestinationRetry,
    SessionStart,
)
from protocol.frames import Ack
from protocol.rest import Destination, Integration, NewDestination, NewIntegration

_EVENT_SECONDS = 40.0
_SOCKET = b"MEDIA_SOCKET="
_BUCKET = re.compile(r'^liveclass_media_write_seconds_bucket\{le="(\S+)"\} (\S+)$', re.MULTILINE)


class _Event(msgspec.Struct):
    type: str
    data: dict[str, Any] = {}


class _Incoming(msgspec.Struct):
    type: str
    events: tuple[_Event, ...] = ()


_decoder = msgspec.json.Decoder(_Incoming)


@dataclass(eq=False)
class Class:
    """A live class, and its teacher's connection to it."""

    place: Place
    teacher_token: str
    student_token: str
    pid: int
    """The first process of the server: all others are below it."""
    _http: aiohttp.ClientSession
    _admin: str
    _integration: str
    _events: list[tuple[float, str, str]] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _teacher: Connection | None = None

    def workers(self) -> list[int]:
        """Return the processes that carry media now."""
        return [
            pid
            for pid in _below(self.pid)
            if b"server.media" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]

    async def written(self) -> dict[float, int]:
        """Return how many pictures all workers wrote within so many seconds of their last packet.

        As the histogram that they keep says: by the upper bounds of its buckets.
        """
        found: dict[float, int] = {}
        for pid in self.workers():
            connector = aiohttp.UnixConnector(_socket(pid))
            async with (
                aiohttp.ClientSession(connector=connector) as worker,
                worker.get("http://media/metrics") as answer,
            ):
                for bound, count in _BUCKET.findall(await answer.text()):
                    found[float(bound)] = found.get(float(bound), 0) + int(float(count))
        return found

    @property
    def whep_url(self) -> str:
        """Return where to watch."""
        return self.place.whip_url.removesuffix("whip") + "whep"

    async def destination(self, name: str, url: str) -> str:
        """Register a destination whose stream key is ``name``; return its id."""
        wanted = NewDestination(self._integration, name, url, stream_key=name)
        made = await post(
            self._http, f"{self.place.url}/v1/destinations", self._admin, wanted, Destination
        )
        return made.id

    async def enable(self, destinations: Sequence[str]) -> float:
        """Stream to all of them; return when that was asked for, once all of them are live.

        Raises:
            BenchError: If one of them does not get there.

        """
        asked = time.monotonic()
        await asyncio.gather(*(self._say(DestinationEnable(each)) for each in destinations))
        for each in destinations:
            await self.happened("destination.live", each, since=asked)
        return asked

    async def enable_one(self, destination: str) -> float:
        """Ask to stream to one, whatever becomes of it; return when that was."""
        asked = time.monotonic()
        await self._say(DestinationEnable(destination))
        return asked

    async def disable(self, destinations: Sequence[str]) -> None:
        """Stream to none of them any more."""
        asked = time.monotonic()
        await asyncio.gather(*(self._say(DestinationDisable(each)) for each in destinations))
        for each in destinations:
            await self.happened("destination.stopped", each, since=asked)

    async def retry(self, destination: str) -> None:
        """Try again now."""
        await self._say(DestinationRetry(destination))

    async def happened(self, kind: str, destination: str, *, since: float) -> float:
        """Return when the teacher heard of an event of a destination, ``since`` or later.

        Raises:
            BenchError: If there is none in time.

        """
        try:
            async with asyncio.timeout(_EVENT_SECONDS):
                while True:
                    for at, name, which in self._events:
                        if at >= since and (name, which) == (kind, destination):
                            return at
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            seen = [name for at, name, which in self._events if which == destination]
            raise BenchError(f"{kind} did not happen; there were {seen[-5:]}") from None

    async def _say(self, command: AnyCommand) -> None:
        assert self._teacher is not None
        answer = await self._teacher.say(command)
        if not isinstance(answer, Ack):
            raise BenchError(f"{command.op} was refused: {answer}")

    def _hear(self, frame: bytes) -> None:
        now = time.monotonic()
        for event in _decoder.decode(frame).events:
            self._events.append((now, event.type, event.data.get("destination", "")))
        self._news.set()

    async def _attend(self) -> None:
        await self._say(SessionStart())


@contextlib.asynccontextmanager
async def held(log: Path, certificates: Path) -> AsyncIterator[Class]:
    """Hold a class on a server of its own while the block lasts.

    ``certificates`` is whom the server trusts, beside nobody.

    Raises:
        BenchError: If the server does not start.
        RefusedError: If the class cannot be set up.

    """
    async with (
        demo(log, SSL_CERT_FILE=str(certificates)) as running,
        aiohttp.ClientSession() as http,
    ):
        ready: Ready = running.ready
        integration = await post(
            http,
            f"{ready.url}/v1/integrations",
            ready.tokens.admin,
            NewIntegration("custom"),
            Integration,
        )
        place = Place(ready.url, ready.session)
        group = Class(
            place,
            ready.tokens.teacher,
            ready.tokens.students[0],
            running.pid,
            http,
            ready.tokens.admin,
            integration.id,
        )
        group._teacher = Connection(
            http, place.live_url, ready.tokens.teacher, rng=random.Random(0), on_frame=group._hear
        )
        connection = asyncio.create_task(group._teacher.run())
        try:
            await group._attend()
            yield group
        finally:
            connection.cancel()
            await asyncio.gather(connection, return_exceptions=True)


def _socket(pid: int) -> str:
    """Return where a worker listens."""
    environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    (path,) = (each[len(_SOCKET) :] for each in environ if each.startswith(_SOCKET))
    return path.decode()


def _below(root: int) -> list[int]:
    """Return the processes that one has started, directly or not."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])

    def is_below(pid: int) -> bool:
        while pid in parents:
            pid = parents[pid]
            if pid == root:
                return True
        return False

    return [pid for pid in parents if is_below(pid)]


def pin(pids: Sequence[int], processor: int | None) -> None:
    """Let every thread of the processes, and those they start, run on one processor only."""
    if processor is None:
        return
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), {processor})
