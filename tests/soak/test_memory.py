"""What a media worker keeps of those who are gone: nothing, however often they come.

The worker is a process of its own, so that what a test remembers is not counted, and tells what it
holds once its garbage is collected. Growth of what is resident is only told from noise within
limits; that no objects are left is exact: whatever a cycle leaves behind is there once per cycle.
"""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from server.media.destinations import destination
from server.media.fabric import Desired, RecordingTarget
from tests.fault_proxy import FaultProxy
from tests.media.conftest import SESSION, STUDENT, TEACHER, Media, RtmpServer, over
from tests.media.faults import LIVE, Stage
from tests.media.publisher import TestPublisher
from tests.media.test_process import WorkerProcess
from tests.media.viewer import TestViewer

RESIDENT_NOISE = 2 << 20
"""What comes and goes in the heap of a worker at work."""
OBJECT_NOISE = 12
CHANGING = {
    # Timers that were cancelled lie in the heap until their time comes.
    "asyncio.events.TimerHandle": 250,
    # The group of pictures that is cached, and what is made of it.
    "server.media.bus.EncodedUnit": 250,
    "server.media.viewers.packetizer.Frame": 250,
    "server.media.rtmp.chunks.Payload": 250,
}

Report = Callable[..., None]
Told = dict[str, Any]


class TellingWorker(WorkerProcess):
    """A media worker that tells what it holds."""

    module = "tests.soak.telling_worker"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._told = self.socket.with_suffix(".told")
        self._count = 0

    async def tell(self) -> Told:
        self.process.send_signal(signal.SIGUSR1)
        async with asyncio.timeout(10):
            while True:
                await asyncio.sleep(0.05)
                lines = self._told.read_text().splitlines(True) if self._told.exists() else []
                if len(lines) > self._count and lines[-1].endswith("\n"):
                    self._count = len(lines)
                    return {"at": time.monotonic(), **json.loads(lines[-1])}


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[TellingWorker]:
    process = TellingWorker(tmp_path)
    await process.start()
    yield process
    if process.process.returncode is None:
        process.process.kill()
        await process.process.wait()
    process.process._transport.close()
    assert "Traceback" not in process.log.read_text()


@pytest.fixture
async def media(worker: TellingWorker) -> AsyncIterator[Media]:
    async with over(worker.socket, worker.objects, lambda destination: destination) as media:
        yield media


@dataclass
class Coming:
    """Those who come and go, once each time that :meth:`cycle` is called."""

    media: Media
    rtmp: RtmpServer
    count: int = 0

    async def publish(self, session: str = SESSION, **kwargs: object) -> TestPublisher:
        publisher = TestPublisher(**kwargs)

        async def post(sdp: bytes) -> tuple[int, dict[str, str], bytes]:
            answer = await self.media.fabric.whip(session, TEACHER, sdp)
            return answer.status, answer.headers, answer.body

        assert await publisher.publish(post) == 201
        return publisher

    async def watch(self, session: str = SESSION) -> TestViewer:
        viewer = TestViewer()

        async def post(sdp: bytes) -> tuple[int, dict[str, str], bytes]:
            answer = await self.media.fabric.whep(session, STUDENT, sdp)
            return answer.status, answer.headers, answer.body

        assert await viewer.watch(post) == 201
        return viewer

    async def a_publisher(self) -> None:
        publisher = await self.publish()
        await self.media.hears("publisher.resumed" if self.count else "publisher.connected", 5)
        await publisher.close()
        await self.media.hears("publisher.lost", 5)

    async def a_publisher_of_vp8(self) -> None:
        viewer = await self.watch()
        publisher = await self.publish(codec="VP8")
        await viewer.shows(5, 15)
        await publisher.close()
        await viewer.close()
        await self.media.hears("publisher.lost", 5)

    async def five_viewers(self) -> None:
        viewers = await asyncio.gather(*(self.watch() for _ in range(5)))
        await asyncio.gather(*(viewer.shows(1, 10) for viewer in viewers))
        await asyncio.gather(*(viewer.close() for viewer in viewers))

    async def a_destination(self) -> None:
        one = self.media.destination(f"one{self.count}", self.rtmp.url("two"))
        await self.media.desire(destinations=(one,))
        await self.media.hears("destination.live", 10)
        await self.media.desire()
        await self.media.hears("destination.stopped", 5)

    async def a_recording(self) -> None:
        target = RecordingTarget(f"rec{self.count}", f"t/s/recordings/rec{self.count}")
        await self.media.desire(recording=target)
        await asyncio.sleep(1.5)
        await self.media.desire(over=(target,))
        await self.media.hears("recording.finalized", 10)

    async def a_class(self) -> None:
        """Everything at once, in a session of its own, that is then released."""
        session = f"0193a000-0000-7000-8000-{self.count:012d}"
        fabric = self.media.fabric
        one = self.media.destination(f"one{self.count}", self.rtmp.url("two"))
        target = RecordingTarget("rec", f"t/{session}/recordings/rec")
        desired = Desired(live=True, destinations=(one,), recording=target)
        await fabric.apply(session, 1, desired)
        publisher = await self.publish(session)
        viewer = await self.watch(session)
        await self.media.hears("destination.live", 15)
        assert (await fabric.hls(session, "index.m3u8")).status == 200
        await fabric.apply(session, 1, Desired(over=(target,)))
        await self.media.hears("destination.stopped", 5)
        await self.media.hears("recording.finalized", 10)
        await asyncio.gather(publisher.close(), viewer.close())
        await fabric.release(session, at_once=True)


@pytest.mark.parametrize(
    "who",
    [
        "a_publisher",
        "a_publisher_of_vp8",
        "five_viewers",
        "a_destination",
        "a_recording",
        "a_class",
    ],
)
async def test_nothing_is_left_of(
    who: str, worker: TellingWorker, media: Media, rtmp: RtmpServer, seconds: float, report: Report
) -> None:
    coming = Coming(media, rtmp)
    cycle: Callable[[], Awaitable[None]] = getattr(coming, who)
    if who != "a_class":
        await media.desire()
    if who in ("five_viewers", "a_destination", "a_recording"):
        await media.publish()
        await media.hears("publisher.connected", 8)
        await asyncio.sleep(2.5)
    began, long = time.monotonic(), max(60.0, seconds / 2) - 15
    told: list[tuple[int, Told]] = []
    # The first third warms up: code is compiled, threads are started, the heap finds its size.
    while True:
        share = (time.monotonic() - began) / long
        if share > len(told) * 0.1 + 0.35 or share >= 1:
            await asyncio.sleep(1)
            told.append((coming.count, await worker.tell()))
        if share >= 1:
            break
        media.events.clear()
        media.health.clear()
        await cycle()
        coming.count += 1
    judge(told, report)
    assert [*worker.spool.rglob("*")] == []


async def test_nothing_grows_while_destinations_are_cut_again_and_again(
    worker: TellingWorker, media: Media, rtmp: RtmpServer, seconds: float, report: Report
) -> None:
    """Five of them, one after the other, as often as that is no reason to give them up."""
    stage = Stage(media)
    names = [f"soak{number}" for number in range(5)]
    cuts = dict.fromkeys(names, 0)
    told: list[tuple[int, Told]] = []
    pause = max(3.0, min(12.0, seconds / 25))
    async with AsyncExitStack() as stack:
        proxies = {}
        for name in names:
            proxy = FaultProxy(("127.0.0.1", rtmp.port))
            proxies[name] = await stack.enter_async_context(proxy)
            await stage.enable(name, proxy.url("two"))
        await media.publish()
        await asyncio.gather(*(stage.hears(LIVE, name, 20) for name in names))
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds - 25:
            name = min(names, key=lambda each: cuts[each])
            if cuts[name] < (destination.FLAPS - 2) * (1 + passed // 600):
                cuts[name] += 1
                proxies[name].reset()
                await stage.hears(LIVE, name, 40, nth=cuts[name] + 1)
            await asyncio.sleep(pause)
            media.health.clear()
            if passed > (seconds - 25) * 0.3:
                told.append((sum(cuts.values()), await worker.tell()))
        await media.reports(3)
        figures = [media.figures(name) for name in names]
    judge(told, report)
    resident = [(each["at"], each["resident"]) for _, each in told]
    late = sorted(each["lag_p99_ms"] for _, each in told)
    minutes = (resident[-1][0] - resident[0][0]) / 60
    report(minutes=round(minutes, 1), loop_lag_p99_ms=late[len(late) // 2])
    if minutes >= 5:
        # Before, a slope would be that of the noise.
        report(resident_mib_per_hour=round(_slope(resident) * 3600 / (1 << 20), 1))
    assert [(each["state"], each["connects"]) for each in figures] == [
        ("good", count + 1) for count in cuts.values()
    ]
    assert late[len(late) // 2] < 15


def judge(told: list[tuple[int, Told]], report: Report) -> None:
    """Say whether what came between the first and the last time left anything."""
    (since, first), (until, last) = told[0], told[-1]
    cycles = until - since
    half = len(told) // 2
    early = min(each["resident"] for _, each in told[:half])
    late = min(each["resident"] for _, each in told[half:])
    report(
        cycles=until,
        resident_mib=round(last["resident"] / (1 << 20), 1),
        grown_kib=round((late - early) / 1024),
        files=(first["files"], last["files"]),
        threads=(first["threads"], last["threads"]),
        tasks=(first["tasks"], last["tasks"]),
    )
    assert cycles >= 3
    assert late - early <= RESIDENT_NOISE
    for what in ("files", "tasks"):
        assert last[what] <= first[what] + 2, what
    # The pool of threads for what blocks grows up to its limit.
    assert last["threads"] <= 16
    assert last["children"] <= first["children"]
    before = first["objects"]
    left = {
        name: count - before.get(name, 0)
        for name, count in last["objects"].items()
        if count - before.get(name, 0) > CHANGING.get(name, max(OBJECT_NOISE, cycles // 2))
    }
    assert not left


def _slope(points: list[tuple[float, int]]) -> float:
    """Return the slope of the line through ``points`` with the least squares."""
    x = sum(at for at, _ in points) / len(points)
    y = sum(value for _, value in points) / len(points)
    across = sum((at - x) ** 2 for at, _ in points)
    return sum((at - x) * (value - y) for at, value in points) / across
