"""A class on air with destinations that are switched one by one, and judges of what they got."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import av

from server.media.fabric import MediaEvent
from tests.demo import free_port
from tests.media.conftest import Media
from tests.patience import PATIENCE, eventually

LIVE = "destination.live"
RETRY = "destination.retry_scheduled"
FAILED = "destination.failed"


class Stage:
    """What a class desires, changed by many at once."""

    def __init__(self, media: Media) -> None:
        self.media = media
        self._targets: dict[str, object] = {}
        self._retries: dict[str, int] = {}

    async def enable(self, name: str, url: str, **kwargs: object) -> None:
        self._targets[name] = self.media.destination(name, url, **kwargs)
        self._retries.setdefault(name, 0)
        await self._desire()

    async def disable(self, name: str) -> None:
        del self._targets[name]
        await self._desire()

    async def retry(self, name: str) -> None:
        self._retries[name] += 1
        await self._desire()

    async def _desire(self) -> None:
        targets = tuple(self._targets.values())
        await self.media.desire(destinations=targets, retries=dict(self._retries))

    async def hears(
        self, kind: str, name: str, seconds: float = PATIENCE, *, nth: int = 1
    ) -> MediaEvent:
        """Wait for the ``nth`` event of this type of a destination."""
        async with asyncio.timeout(seconds):
            while True:
                found = [
                    event
                    for event in self.media.events
                    if event.type == kind and event.data.get("destination") == name
                ]
                if len(found) >= nth:
                    return found[nth - 1]
                await asyncio.sleep(0.01)


@asynccontextmanager
async def ffmpeg_listening(
    directory: Path,
) -> AsyncIterator[tuple[str, Path, subprocess.Popen[bytes]]]:
    """Run FFmpeg as an RTMP server of one stream; give its URL, the file it writes, and itself.

    It ends when the stream does, and has written the file then.
    """
    binary = shutil.which("ffmpeg")
    assert binary is not None
    port, file = free_port(), directory / "listened.flv"
    url = f"rtmp://127.0.0.1:{port}/live"
    process = subprocess.Popen(
        [binary, "-v", "error", "-listen", "1", "-i", f"{url}/stream", "-c", "copy", "-y", file],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await eventually(lambda: is_listened(port))
        yield url, file, process
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, PATIENCE)


def is_listened(port: int) -> bool:
    """Say whether somebody listens there, without a connection: FFmpeg takes one, and no more."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    # proc_pid_net(5): the second column ends with the port, the fourth is the state.
    return any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)


class Recorded:
    """A file that a peer wrote, decoded without forgiving anything."""

    def __init__(self, file: Path) -> None:
        self.errors = 0
        self.video: list[tuple[float, bool]] = []
        self.audio: list[float] = []
        with av.open(str(file)) as container:
            picture, sound = container.streams.video[0], container.streams.audio[0]
            picture.codec_context.options = {"err_detect": "explode"}
            self.sample_rate = sound.codec_context.sample_rate
            for packet in container.demux(picture, sound):
                if packet.dts is None:
                    continue
                time = float(packet.dts * packet.time_base)
                if packet.stream is picture:
                    self.video.append((time, packet.is_keyframe))
                else:
                    self.audio.append(time)
                try:
                    packet.decode()
                except av.FFmpegError:
                    self.errors += 1

    @property
    def is_monotonic(self) -> bool:
        times = [time for time, _ in self.video]
        return times == sorted(set(times)) and self.audio == sorted(set(self.audio))

    @property
    def longest_gop(self) -> float:
        keys = [time for time, key in self.video if key]
        return max(b - a for a, b in pairwise(keys))


def strict_errors(file: Path) -> str:
    """Decode with FFmpeg, which stops at the first error; return what it said."""
    done = subprocess.run(
        [
            shutil.which("ffmpeg") or "ffmpeg",
            "-v",
            "error",
            "-xerror",
            "-i",
            file,
            # With the times of the file: on those of a frame rate two pictures may fall together.
            "-fps_mode",
            "passthrough",
            "-enc_time_base",
            "-1",
            "-f",
            "null",
            "-",
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        text=True,
        check=False,
    )
    return done.stderr if done.stderr or not done.returncode else f"status {done.returncode}"


class LoopLag:
    """How late the event loop runs, as a background task."""

    def __init__(self) -> None:
        self.samples: list[float] = []

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.01)
            self.samples.append(loop.time() - before - 0.01)

    def p99(self) -> float:
        return sorted(self.samples)[int(len(self.samples) * 0.99)]
