"""The measurements, in the order in which they are taken.

Rounds are whole turns (ours, FFmpeg, ours, Janus), so that what changes on the machine meanwhile
changes for all of them.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from load.bench.processes import cpu_seconds
from load.latencies import Latencies
from load.media import child, ffmpeg, janus, server
from load.media.child import Child
from load.media.rows import Row, Sinks, latencies, measure

RTMP = (1, 5, 10)
WHEP = (1, 10, 25, 50)
OURS, FFMPEG, JANUS = "ours", "ffmpeg", "janus"
BROWSER_PACE = 2.5
"""libwebrtc sends at so many times the bit rate it aims at."""
_NOBODY = 1
"""The port of tcpmux: nobody listens there."""
_TEE_SECONDS = 2.0
_STEADY_SECONDS = 4.0
"""Before the picture is steady nothing is sent to platforms."""

Join = Callable[[int], Awaitable[None]]


@dataclass
class Results:
    """Everything that was measured."""

    rows: list[Row] = field(default_factory=list)
    joins: dict[str, list[float]] = field(default_factory=dict)
    """Processor milliseconds per viewer that joins, by system."""
    write: dict[str, Latencies] = field(default_factory=dict)
    """Last packet of a picture sent → its RTMP message with the kernel of the platform, by load."""
    worker: dict[str, list[dict[float, int]]] = field(default_factory=dict)
    """The same from the reading of that packet to the writing, as workers count it, by load."""
    first_media: Latencies = field(default_factory=Latencies)
    """Enabling asked for → first picture with the platform."""
    noticed: dict[str, float] = field(default_factory=dict)
    """Seconds until a destination that refuses or hangs is in the log as such."""
    missing: list[str] = field(default_factory=list)


@dataclass
class Bench:
    """Everybody who takes part, and how long each row takes."""

    group: server.Class
    source: Child
    platforms: Child
    viewers: Child
    ports: dict[str, int]
    file: Path
    processor: int | None
    seconds: float
    settle: float
    results: Results = field(default_factory=Results)
    _destinations: dict[str, str] = field(default_factory=dict)

    # ------------------------------------------------------------ ours

    async def ours_to_platforms(self) -> None:
        """Ingest alone, then to more and more destinations, then to ten over TLS."""
        async with self._published():
            await self._row(OURS, "ingest", Sinks(self.source))
            enabled: list[str] = []
            for count in RTMP:
                more = await self._named("rtmp", range(len(enabled), count))
                await self.group.enable(more)
                enabled += more
                keys = [f"rtmp-{number}" for number in range(count)]
                sinks = Sinks(self.source, self.platforms, keys)
                async with self._written(f"{count} RTMP"):
                    await self._row(OURS, f"{count} RTMP", sinks)
                await self._latencies(f"{count} RTMP")
            await self.source.ask("pace", times=BROWSER_PACE)
            await asyncio.sleep(self.settle)
            async with self._written(f"{max(RTMP)} RTMP, packets paced"):
                await asyncio.sleep(self.seconds)
            await self._latencies(f"{max(RTMP)} RTMP, packets paced")
            await self.source.ask("pace", times=0)
            await self.group.disable(enabled)
            enabled = await self._named("rtmps", range(max(RTMP)))
            await self.group.enable(enabled)
            keys = [f"rtmps-{number}" for number in range(max(RTMP))]
            sinks = Sinks(self.source, self.platforms, keys)
            await self._row(OURS, f"{max(RTMP)} RTMPS", sinks)
            await self.group.disable(enabled)

    async def ours_to_viewers(self) -> None:
        """To more and more viewers over WHEP."""
        async with self._published():
            await self._row(OURS, "ingest", Sinks(self.source))

            async def join(count: int) -> None:
                url, token = self.group.whep_url, self.group.student_token
                await self.viewers.ask("whep", url=url, token=token, count=count)

            await self._watch(OURS, self._workers, join)

    async def life(self) -> None:
        """How soon media follows a click, and how soon a dead destination is noticed."""
        async with self._published():
            await asyncio.sleep(_STEADY_SECONDS)
            for name in ("first-0", "first-1", "first-2", "first-3", "first-4"):
                destination = await self._destination(name, self._url("rtmp"))
                asked = child.now()
                await self.group.enable([destination])
                streams = (await self.platforms.ask("counts"))["streams"]
                self.results.first_media.add((streams[name]["first"] - asked) / 1e6)
                await self.group.disable([destination])
            url = f"rtmp://127.0.0.1:{_NOBODY}/live"
            refused = await self._destination("refused", url)
            since = await self.group.enable_one(refused)
            at = await self.group.happened("destination.retry_scheduled", refused, since=since)
            self.results.noticed["refused"] = at - since
            await self.group.disable([refused])
            hangs = await self._destination("hangs", self._url("rtmp"))
            await self.group.enable([hangs])
            await self.platforms.ask("hang", key="hangs")
            since = time.monotonic()
            at = await self.group.happened("destination.retry_scheduled", hangs, since=since)
            self.results.noticed["hangs"] = at - since
            await self.group.disable([hangs])

    # ------------------------------------------------------------ the others

    async def ffmpeg_to_platforms(self, program: str) -> None:
        """The same pictures from a file to as many platforms, copied."""
        for count in RTMP:
            keys = [f"ffmpeg-{number}" for number in range(count)]
            urls = [f"{self._url('rtmp')}/{key}" for key in keys]
            async with ffmpeg.tee(program, self.file, urls) as pid:
                server.pin([pid], self.processor)
                await asyncio.sleep(_TEE_SECONDS)
                sinks = Sinks(platforms=self.platforms, keys=keys)
                await self._row(FFMPEG, f"{count} RTMP", sinks, [pid])

    async def janus_to_viewers(self, program: str, modules: Path) -> None:
        """The same publisher and the same viewers, with Janus between them."""
        async with janus.running(program, modules) as running:
            server.pin([running.pid], self.processor)
            feed = await self.source.ask("janus", url=running.url)
            try:
                await self._row(JANUS, "ingest", Sinks(self.source), [running.pid])

                async def join(count: int) -> None:
                    await self.viewers.ask("janus", url=running.url, feed=feed, count=count)

                await self._watch(JANUS, lambda: [running.pid], join)
            finally:
                await self.source.ask("leave")

    # ------------------------------------------------------------ what they share

    async def _watch(self, system: str, pids: Callable[[], Sequence[int]], join: Join) -> None:
        watching, idle = 0, await self._share(pids())
        try:
            for count in WHEP:
                cpu, started = _cpu(pids()), time.monotonic()
                await join(count - watching)
                took, cpu = time.monotonic() - started, _cpu(pids()) - cpu
                sinks = Sinks(self.source, viewers=self.viewers, watching=count)
                row = await self._row(system, f"{count} WHEP", sinks, pids())
                # While they join, the load grows from what it was to what it is.
                joining = cpu - took * (idle + row.cpu) / 2
                per_viewer = joining * 1000 / (count - watching)
                self.results.joins.setdefault(system, []).append(per_viewer)
                watching, idle = count, row.cpu
        finally:
            await self.viewers.ask("leave")

    async def _share(self, pids: Sequence[int]) -> float:
        cpu, started = _cpu(pids), time.monotonic()
        await asyncio.sleep(self.settle)
        return (_cpu(pids) - cpu) / (time.monotonic() - started)

    async def _row(
        self, system: str, load: str, sinks: Sinks, pids: Sequence[int] | None = None
    ) -> Row:
        await asyncio.sleep(self.settle)
        measured = self._workers() if pids is None else pids
        row = await measure(system, load, measured, sinks, self.seconds)
        self.results.rows.append(row)
        void = f"   VOID: {'; '.join(row.void[:3])}" if row.void else ""
        click.echo(f"{system:<8}{load:<10}{row.cpu:>8.2%}{void}", err=True)
        return row

    async def _latencies(self, load: str) -> None:
        """Add how long each message of the last row took; before it, cached pictures were sent."""
        since = child.now() - round(self.seconds * 1e9)
        sent, arrived = await asyncio.gather(self.source.ask("sent"), self.platforms.ask("arrived"))
        recent = {
            key: [each for each in stream if each[1] > since]
            for key, stream in arrived.items()
            if key.startswith("rtmp-")
        }
        self.results.write.setdefault(load, Latencies()).merge(latencies(sent, recent))

    @contextlib.asynccontextmanager
    async def _written(self, load: str) -> AsyncIterator[None]:
        """Add what workers count while the block lasts."""
        before = await self.group.written()
        yield
        after = await self.group.written()
        counted = {bound: count - before.get(bound, 0) for bound, count in after.items()}
        self.results.worker.setdefault(load, []).append(counted)

    def _workers(self) -> list[int]:
        pids = self.group.workers()
        server.pin(pids, self.processor)
        return pids

    @contextlib.asynccontextmanager
    async def _published(self) -> AsyncIterator[None]:
        self._workers()
        await self.source.ask("whip", url=self.group.place.whip_url, token=self.group.teacher_token)
        try:
            yield
        finally:
            await self.source.ask("leave")

    async def _named(self, scheme: str, numbers: range) -> list[str]:
        return [
            await self._destination(f"{scheme}-{number}", self._url(scheme)) for number in numbers
        ]

    async def _destination(self, name: str, url: str) -> str:
        if name not in self._destinations:
            self._destinations[name] = await self.group.destination(name, url)
        return self._destinations[name]

    def _url(self, scheme: str) -> str:
        return f"{scheme}://127.0.0.1:{self.ports[scheme]}/live"


def _cpu(pids: Sequence[int]) -> float:
    return sum(map(cpu_seconds, pids))
