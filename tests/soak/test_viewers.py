"""Viewers who come all at once, and viewers who come late to a publisher that ignores requests."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, async_playwright

from server.media.bus import Bus
from server.media.relay import Relay
from server.media.unit import Kind
from server.media.unit_queue import QueueLimits
from server.media.viewers.admission import VIEWERS
from tests import peers
from tests.media.conftest import SESSION, STUDENT, Media
from tests.media.publisher import ObsPublisher
from tests.media.test_process import WorkerProcess, worker
from tests.media.test_process import media as worker_media
from tests.pages.conftest import FLAGS
from tests.soak.interop import require

__all__ = ["worker", "worker_media"]

WATCHED_SECONDS = 8
PICTURES_PER_SECOND = 15
OBS_GOP = 5 * 25

Report = Callable[..., None]


class Lateness:
    """How late each picture is on the worker's bus, against the earliest there was."""

    def __init__(self, socket: Path) -> None:
        self.bus = Bus()
        self.relay = Relay(str(socket), SESSION, self.bus)
        self.relay.want(True)
        self._late: list[float] = []

    async def run(self) -> None:
        relaying = asyncio.ensure_future(self.relay.run())
        limits = QueueLimits(lag_ms=None, overflow_ms=None)
        units = self.bus.subscribe(frozenset({Kind.VIDEO}), limits, from_keyframe=False)
        try:
            while (unit := await units.get()) is not None:
                self._late.append(time.monotonic() - unit.dts_ms / 1000)
        finally:
            relaying.cancel()

    def take(self) -> list[float]:
        """Return what was measured since the last call, in milliseconds, sorted."""
        late, self._late = self._late, []
        return sorted(round((each - min(late)) * 1000, 1) for each in late)


async def test_a_storm_of_joins_does_not_make_the_pictures_late(
    worker: WorkerProcess,
    worker_media: Media,
    report: Report,
) -> None:
    """As many as fit come at once; the others are told when to come again, and find no room."""
    await worker_media.desire()
    await worker_media.publish()
    await worker_media.hears("publisher.connected", 8)
    lateness = Lateness(worker.socket)
    measuring = asyncio.ensure_future(lateness.run())
    await asyncio.sleep(3)
    calm = lateness.take()
    joiners = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.soak.joiners", str(worker.socket), SESSION, str(VIEWERS),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert joiners.stdin is not None
    assert joiners.stdout is not None
    try:
        async with asyncio.timeout(90):
            said = json.loads(await joiners.stdout.readline())
        storm = lateness.take()
        full = await worker_media.fabric.whep(SESSION, STUDENT, b"v=0")
        assert (full.status, full.headers["Retry-After"]) == (503, "5")
    finally:
        joiners.stdin.close()
        await joiners.wait()
        joiners._transport.close()
        measuring.cancel()
    report(
        viewers=len(said["took"]),
        refusals=said["refusals"],
        joined_p50_s=round(said["took"][len(said["took"]) // 2], 2),
        joined_max_s=round(said["took"][-1], 2),
        calm_max_ms=calm[-1],
        storm_p50_ms=storm[len(storm) // 2],
        storm_p99_ms=storm[len(storm) * 99 // 100],
        storm_max_ms=storm[-1],
    )
    assert len(said["took"]) == VIEWERS
    assert storm[len(storm) * 99 // 100] <= 250


@pytest_asyncio.fixture
async def chromium() -> AsyncIterator[Browser]:
    binary = peers.chromium() or require("chromium", "chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=binary, args=FLAGS)
        yield browser
        await browser.close()


WATCH = """async (seconds) => {
    const after = (ms) => new Promise((done) => setTimeout(done, ms));
    const connection = new RTCPeerConnection();
    const stream = new MediaStream();
    const video = document.createElement("video");
    Object.assign(video, { muted: true, autoplay: true, srcObject: stream });
    document.body.append(video);
    for (const kind of ["video", "audio"]) {
        connection.addTransceiver(kind, { direction: "recvonly" });
    }
    connection.ontrack = ({ track }) => stream.addTrack(track);
    await connection.setLocalDescription();
    while (connection.iceGatheringState !== "complete") await after(20);
    const body = connection.localDescription.sdp;
    const response = await fetch("/whep", { method: "POST", body });
    const began = performance.now();
    const shown = new Promise((done) => video.requestVideoFrameCallback(done));
    const answer = { type: "answer", sdp: await response.text() };
    await connection.setRemoteDescription(answer);
    await Promise.race([shown, after(seconds * 1000)]);
    const first = performance.now() - began;
    await after(seconds * 1000 - first);
    for (const each of (await connection.getStats()).values()) {
        if (each.type === "inbound-rtp" && each.kind === "video") {
            return {
                first_ms: Math.round(first),
                decoded: each.framesDecoded,
                keyframes: each.keyFramesDecoded,
                freezes: each.freezeCount,
                nacks: each.nackCount,
                plis: each.pliCount,
                buffered_ms: Math.round(
                    (1000 * each.jitterBufferDelay) / each.jitterBufferEmittedCount,
                ),
            };
        }
    }
}"""


@pytest.mark.parametrize("ignores", [True, False])
async def test_a_late_viewer_sees_at_once_and_does_not_freeze(
    media: Media, chromium: Browser, report: Report, ignores: bool
) -> None:
    """From the cached pictures where requests for a keyframe are ignored, else from a new one."""
    if ignores:
        publisher = ObsPublisher(gop=OBS_GOP)
        media.publishers.append(publisher)

        async def post(sdp: bytes) -> tuple[int, dict[str, str], bytes]:
            answer = await media.fabric.whip(SESSION, "teacher", sdp)
            return answer.status, answer.headers, answer.body

        assert await publisher.publish(post) == 201
    else:
        await media.publish()
    await media.hears("publisher.connected", 8)
    # Two seconds into a group of pictures: the next keyframe is three seconds away.
    await asyncio.sleep(2)

    async def whep(request: web.Request) -> web.Response:
        answer = await media.fabric.whep(SESSION, STUDENT, await request.read())
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>Late</title>", content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/", page), web.post("/whep", whep)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        opened = await chromium.new_page()
        await opened.goto(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        seen = await opened.evaluate(WATCH, WATCHED_SECONDS)
    finally:
        await runner.cleanup()
    report(**seen)
    assert seen["first_ms"] <= 1_500
    assert seen["decoded"] >= (WATCHED_SECONDS - 2) * PICTURES_PER_SECOND
    assert seen["freezes"] == 0
    # Pictures squeezed into the moment before now: what follows is shown when it comes.
    assert seen["buffered_ms"] <= 300
