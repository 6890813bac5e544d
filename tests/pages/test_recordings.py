"""A recording plays in a browser to its end, as HLS and as a file, whatever happened in it."""

import asyncio
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from server import web as pages
from server.media.bus import Bus
from server.media.fabric import RecordingTarget
from server.media.recording.recordings import Recordings
from server.objects.files import FileObjects
from server.recordings import mp4
from server.recordings.downloads import Source
from server.tasks import Supervisor
from tests.patience import PATIENCE
from tests.unit.media.test_recording import Pictures, stream

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

PREFIX = "t/s/recordings/rec"
PLAY = """
async ([url, by_script, patience]) => {
    const video = document.createElement("video");
    video.muted = true;
    document.body.append(video);
    const broken = [];
    if (by_script) {
        const { default: Hls } = await import("/vendor/hls.js");
        const hls = new Hls({ enableWorker: false });
        hls.on(Hls.Events.ERROR, (_, each) => each.fatal && broken.push(each.details));
        hls.loadSource(url);
        hls.attachMedia(video);
    } else {
        video.src = url;
    }
    video.playbackRate = 2;
    await video.play();
    await new Promise((resolve) => {
        video.onended = video.onerror = resolve;
        setTimeout(resolve, patience);
    });
    const { ended, error } = video;
    // Looked at by themselves: while it played, there may have been no time to draw a part.
    const sizes = [];
    for (const at of [0.5, 2.5, 5]) {
        video.currentTime = at;
        await new Promise((seen) => video.requestVideoFrameCallback((_, { width, height }) => {
            sizes.push(`${width}x${height}`);
            seen();
        }));
    }
    return {
        sizes, broken, ended, error: error?.message ?? null,
        seconds: video.duration,
    };
}
"""


@pytest_asyncio.fixture(loop_scope="session")
async def recorded(tmp_path):
    """What two workers left of a class: another size, a gap, and a worker that was killed."""
    objects, told = FileObjects(tmp_path / "objects", None), []
    large, small = Pictures(320, 180), Pictures(160, 90)
    begin = [u for u in stream(large, *range(0, 3_000, 100)) if u.dts_ms < 2_000]
    smaller = [u for u in stream(small, *range(2_000, 4_000, 100)) if u.key or u.dts_ms > 1_950]
    for number, units in enumerate(
        (begin + smaller, stream(Pictures(320, 180), *range(0, 3_000, 100)))
    ):
        bus = Bus()
        async with Supervisor("test") as tasks:
            work = Recordings(
                bus=bus, objects=objects, spool=tmp_path / "spool", tasks=tasks,
                emit=lambda name, data: told.append((name, data)),
                zero_ms=lambda at=number: 1_795_338_000_000 + at * 60_000,
            )  # fmt: skip
            target = RecordingTarget("rec", PREFIX)
            work.apply(target, ())
            for unit in units:
                bus.publish(unit)
            while number and not told:
                work.apply(None, (target,))
                await asyncio.sleep(0.02)
            await work.close()
    source = Source(objects, PREFIX)
    movie, parts, before = mp4.Movie(), [], b""
    for segment in await source.open():
        init, data = await source.init(segment.init), await source.file(segment.name)
        movie.add(init, data, segment.duration_ms)
        parts += mp4.payload(init, before, data)
        before = init
    directory = tmp_path / "objects" / PREFIX
    (directory / "recording.mp4").write_bytes(movie.head() + b"".join(parts))
    return directory, told[0][1]["duration_ms"] / 1000


@pytest_asyncio.fixture(loop_scope="session")
async def url(recorded):
    async def blank(_request):
        return web.Response(text="<!doctype html>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", blank)
    app.router.add_static("/vendor", Path(pages.__file__).parent / "static" / "vendor")
    app.router.add_static("/recording", recorded[0])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.parametrize(
    ("file", "by_script"),
    [("index.m3u8", True), ("index.m3u8", False), ("recording.mp4", False)],
)
async def test_it_plays_to_its_end_in_every_size(url, recorded, open_page, file, by_script) -> None:
    page = await open_page(f"{url}/")
    played = await page.evaluate(PLAY, [f"{url}/recording/{file}", by_script, PATIENCE * 1000])
    assert played["broken"] == []
    assert played["error"] is None
    assert played["ended"]
    assert played["sizes"] == ["320x180", "160x90", "320x180"]
    assert abs(played["seconds"] - recorded[1]) < 0.2
