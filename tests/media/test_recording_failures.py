"""A worker killed while it records, and a store that fails."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import av
import pytest
from aiohttp import ClientSession, web

from server.addresses import parse_allowed
from server.media import worker as media_worker
from server.media.destinations.address import AddressGuard
from server.media.fabric import RecordingTarget
from server.media.hls import manifest
from server.media.hls.playlist import Playlist, parse
from server.media.local_fabric import LocalFabric
from server.media.recording import uploader
from server.objects.s3 import S3Objects
from server.tasks import Supervisor
from tests.media.conftest import DirectoryObjects, Media
from tests.media.test_process import PREFIX, WorkerProcess, media, worker
from tests.patience import PATIENCE, Stopwatch, eventually
from tests.s3 import aws, bucket, moto_url

__all__ = ["aws", "bucket", "media", "moto_url", "worker"]

RECORDING = RecordingTarget("rec", PREFIX)
LOST_MOST_MS = 1_000
ROOM_MS = 500
"""For a disk that takes its time: still less than the object store lacks."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def last_ms(playlist: Playlist) -> int:
    """Return until when there is something, on the wall clock."""
    last = playlist.segments[-1]
    return last.starts_at_ms + last.duration_ms


def plays(path: Path) -> None:
    """Decode everything strictly; time goes forward but where the playlist says that it jumps."""
    options = {"err_detect": "explode"}
    with av.open(str(path), options=options) as container:
        container.streams.video[0].codec_context.options = options
        times = [frame.time for frame in container.decode(video=0)]
    assert len(times) > 20
    jumps = [b for a, b in pairwise(times) if not a < b < a + 0.5]
    assert len(jumps) == path.read_text().count("#EXT-X-DISCONTINUITY")


async def stands(path: Path, condition: str) -> None:
    await eventually(lambda: path.exists() and condition in path.read_text())


def open_segments(worker: WorkerProcess) -> list[Path]:
    return [*worker.spool.rglob("*.part")]


async def test_a_worker_that_is_killed_loses_less_than_a_second(
    worker: WorkerProcess, media: Media
) -> None:
    index = worker.objects / PREFIX / "index.m3u8"
    await media.desire(recording=RECORDING)
    await media.publish()
    await stands(index, "#EXTINF")
    # Late in a segment, the longest time after the last upload.
    watch = Stopwatch(worker.process.pid)

    def is_late() -> bool:
        return now_ms() - last_ms(parse(index.read_text())) >= 1.7 * LOST_MOST_MS

    while True:
        await eventually(is_late)
        worker.process.send_signal(signal.SIGSTOP)
        killed_ms = now_ms()
        if is_late():
            break
        # The object store has it by now.
        worker.process.send_signal(signal.SIGCONT)
    late_ms = watch.lost * 1000
    worker.process.kill()
    await worker.ended()

    # The class goes on, and so does its recording: what was left on the disk comes first.
    await worker.start()
    await media.publish()
    await stands(index, "#EXT-X-DISCONTINUITY")
    await media.desire(recording=None, over=(RECORDING,))
    finalized = await media.hears("recording.finalized")

    found = parse(index.read_text())
    (jump,) = [number for number, each in enumerate(found.segments) if each.discontinuity]
    left = found.segments[jump - 1]
    lost_ms = killed_ms - left.starts_at_ms - left.duration_ms
    # Less than nothing where the first packets were late: times of media count from their arrival.
    assert lost_ms <= LOST_MOST_MS + ROOM_MS + late_ms
    assert len(finalized.data["clock"]) == 2
    assert [*worker.spool.rglob("*")] == []
    listed = manifest.decode((index.parent / "manifest.json").read_bytes())
    assert sum((index.parent / name).stat().st_size for name in listed.files) == listed.bytes
    plays(index)


async def test_a_recording_whose_class_ended_while_the_worker_was_dead_is_finalised(
    worker: WorkerProcess, media: Media
) -> None:
    await media.desire(recording=RECORDING)
    await media.publish()
    watch = Stopwatch(worker.process.pid)
    # A segment begins with a line; fragments follow.
    await eventually(lambda: any(each.stat().st_size > 1024 for each in open_segments(worker)))
    await asyncio.sleep(0.5)
    late_ms = watch.lost * 1000
    killed_ms = now_ms()
    worker.process.kill()
    await worker.ended()
    await media.desire(live=False, over=(RECORDING,))
    await worker.start()
    await media.hears("recording.finalized")
    found = parse((worker.objects / PREFIX / "index.m3u8").read_text())
    assert found.ended
    assert killed_ms - last_ms(found) <= LOST_MOST_MS + ROOM_MS + late_ms


class FaultyStore:
    """An S3 that refuses or does not answer, as long as it is told to."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.fault = ""
        self.refused = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.fault:
            self.refused += 1
        if self.fault == "hang":
            await asyncio.sleep(30)
        if self.fault:
            return web.Response(status=500, text="<Error><Code>InternalError</Code></Error>")
        async with (
            ClientSession(auto_decompress=False) as http,
            http.request(
                request.method,
                self._url + request.path_qs,
                data=await request.read(),
                headers={k: v for k, v in request.headers.items() if k != "Host"},
            ) as answer,
        ):
            kept = ("Content-Type", "ETag", "Content-Range")
            headers = {k: v for k, v in answer.headers.items() if k in kept}
            return web.Response(status=answer.status, body=await answer.read(), headers=headers)


@pytest.fixture
async def store(aws: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultyStore]:
    faulty = FaultyStore(aws)
    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{path:.*}", faulty.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{runner.addresses[0][1]}")
    yield faulty
    await runner.cleanup()


@pytest.fixture
async def on_s3(
    store: FaultyStore, bucket: str, tmp_path: Path
) -> AsyncIterator[tuple[Media, S3Objects]]:
    ready = asyncio.Event()
    path = tmp_path / "media.sock"
    async with S3Objects.open(bucket, "") as objects, Supervisor("test") as tasks:
        guard = AddressGuard(parse_allowed("127.0.0.0/8:*"))
        tasks.start(
            "worker",
            media_worker.run(
                path, objects=objects, spool=tmp_path / "spool", guard=guard, ready=ready.set
            ),
        )
        await asyncio.wait_for(ready.wait(), PATIENCE)

        async def on_event(event: object) -> None:
            state.tell(event)

        async def no_secret(*_: str) -> None:
            return None

        fabric = LocalFabric(
            path,
            on_event=on_event,
            resolve_secret=no_secret,
            on_health=lambda session, data: state.measure(data),
        )
        state = Media(fabric, DirectoryObjects(tmp_path / "unused"))
        async with fabric:
            await asyncio.wait_for(fabric.connected.wait(), PATIENCE)
            yield state, objects
            await state.close()


async def test_a_store_that_refuses_and_hangs_for_a_while_loses_nothing(
    on_s3: tuple[Media, S3Objects],
    store: FaultyStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    media, objects = on_s3
    monkeypatch.setattr(uploader, "PUT_SECONDS", 0.5)
    monkeypatch.setattr(uploader, "RETRY_SECONDS", (0.2,))
    await media.desire(recording=RECORDING)
    await media.publish()
    await media.hears("publisher.connected")
    store.fault = "500"
    async with asyncio.timeout(PATIENCE):
        while store.refused < 2:
            await asyncio.sleep(0.02)
        store.fault = "hang"
        while store.refused < 4:
            await asyncio.sleep(0.02)
        while media.health[-1]["recording"]["waiting_ms"] < 3_000:
            await media.reports()
    assert media.health[-1]["recording"]["state"] == "unstable"
    assert [*(tmp_path / "spool").rglob("*.part")]
    monkeypatch.setattr(uploader, "PUT_SECONDS", PATIENCE)
    store.fault = ""
    await media.desire(recording=None, over=(RECORDING,))
    finalized = await media.hears("recording.finalized")
    # The segments that were refused, and the one that was open meanwhile.
    assert finalized.data["duration_ms"] > 3_000
    assert len(finalized.data["clock"]) == 1
    assert [*(tmp_path / "spool").rglob("*")] == []

    copy = tmp_path / "copy"
    copy.mkdir()
    for key in await objects.list(f"{PREFIX}/"):
        (copy / key.rpartition("/")[2]).write_bytes(await objects.get(key))
    found = parse((copy / "index.m3u8").read_text())
    assert not any(segment.discontinuity for segment in found.segments)
    assert found.duration_ms == finalized.data["duration_ms"]
    plays(copy / "index.m3u8")
