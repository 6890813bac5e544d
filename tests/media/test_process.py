"""The media worker as a process: how it starts, and how it ends."""

import asyncio
import base64
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.media.fabric import RecordingTarget
from tests.media.conftest import TEACHER, Media, RtmpServer, over
from tests.patience import PATIENCE, eventually

KEY = "canary-51-key"
PREFIX = "t/s/recordings/rec"


class WorkerProcess:
    """``python -m server.media``, and what it wrote."""

    module = "server.media"

    def __init__(self, directory: Path) -> None:
        self.socket = directory / "media.sock"
        self.objects = directory / "objects"
        self.spool = directory / "spool"
        self.log = directory / "media.log"

    async def start(self) -> None:
        env = {name: value for name, value in os.environ.items() if "LIVECLASS" not in name} | {
            "MEDIA_SOCKET": str(self.socket),
            "LIVECLASS_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
            "LIVECLASS_REDIS_URL": "redis://127.0.0.1:1",
            "LIVECLASS_OBJECTS_URL": self.objects.as_uri(),
            "LIVECLASS_SPOOL_DIR": str(self.spool),
            "LIVECLASS_TOKEN_SECRET": "0123456789abcdef0123456789abcdef",
            "LIVECLASS_SECRET_KEYS": base64.b64encode(bytes(32)).decode(),
            "LIVECLASS_EGRESS_ALLOW": "127.0.0.0/8:*",
            "LIVECLASS_LOG_LEVEL": "debug",
        }
        with self.log.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self.module,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=env,
            )
        async with asyncio.timeout(PATIENCE):
            assert self.process.stdout is not None
            assert await self.process.stdout.readline(), self.log.read_text()

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[WorkerProcess]:
    process = WorkerProcess(tmp_path)
    await process.start()
    yield process
    if process.process.returncode is None:
        process.process.kill()
        await process.process.wait()
    process.process._transport.close()


@pytest.fixture
async def media(worker: WorkerProcess) -> AsyncIterator[Media]:
    async with over(worker.socket, worker.objects, lambda destination: KEY) as media:
        yield media


async def test_sigterm_ends_streams_politely_and_uploads_what_is_recorded(
    rtmp: RtmpServer, worker: WorkerProcess, media: Media
) -> None:
    assert stat.S_IMODE(worker.socket.stat().st_mode) == 0o600
    one = media.destination("one", rtmp.url("one"))
    await media.desire(destinations=(one,), recording=RecordingTarget("rec", PREFIX))
    await media.publish()
    await media.hears("destination.live")
    worker.process.send_signal(signal.SIGTERM)
    await media.hears("destination.stopped")
    assert await worker.ended() == 0
    # It is not over: the class is on air, and the next worker goes on.
    assert "recording.finalized" not in media.names()
    playlist = (worker.objects / PREFIX / "index.m3u8").read_text()
    assert "#EXTINF" in playlist
    assert "#EXT-X-ENDLIST" not in playlist
    assert [*worker.spool.rglob("*.part")] == []
    log = rtmp.directory / "error.log"
    await eventually(lambda: "deleteStream" in log.read_text())
    assert KEY in log.read_text()
    told = worker.log.read_text() + repr([event.data for event in media.events])
    assert KEY not in told
    assert b"Traceback" not in worker.log.read_bytes()


async def test_it_ends_when_its_supervisor_is_gone(worker: WorkerProcess) -> None:
    assert worker.process.stdin is not None
    worker.process.stdin.close()
    assert await worker.ended() == 0


async def test_a_worker_that_died_is_followed_by_one_that_does_the_same(
    rtmp: RtmpServer, worker: WorkerProcess, media: Media
) -> None:
    one, recording = media.destination("one", rtmp.url("one")), RecordingTarget("rec", PREFIX)
    await media.desire(destinations=(one,), recording=recording)
    await media.publish()
    await media.hears("destination.live")
    await media.desire(destinations=(one,), recording=recording, publisher=TEACHER)
    worker.process.kill()
    await worker.ended()
    media.events.clear()
    await worker.start()
    lost = await media.hears("publisher.lost")
    assert lost.data == {"user": TEACHER, "reason": "restarted"}
    await media.publish()
    await media.hears("destination.live")
    await media.desire(destinations=(one,), over=(recording,))
    await media.hears("recording.finalized")
    assert media.names() == [
        *("publisher.lost", "publisher.connected"),
        *("destination.connecting", "destination.live", "recording.finalized"),
    ]
    playlist = await media.objects.get(f"{PREFIX}/index.m3u8")
    assert playlist.count(b"#EXT-X-DISCONTINUITY\n") == 1, "both lives of the worker are in it"
