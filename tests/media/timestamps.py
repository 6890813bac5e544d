"""Send a test card whose clock passes 4 h 39 min, where RTMP's timestamps grow by four bytes.

To everybody at once: nginx, which keeps it in a file and is pulled from, ffmpeg as a server, and a
server of ours that reads with our own parser.
"""

import asyncio
import shutil
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av

from server.addresses import parse_allowed
from server.media import testcard
from server.media.codes import DestinationError
from server.media.destinations.address import AddressGuard
from server.media.destinations.publication import Publication
from server.media.rtmp.chunks import EXTENDED, Payload
from server.media.rtmp.client import RtmpPublisher, publish
from server.secrets.secret import Secret
from tests.demo import free_port
from tests.media.pulled import pull
from tests.media.scripted_server import ScriptedServer
from tests.patience import PATIENCE
from tests.rtmp_server import RtmpServer

GUARD = AddressGuard(parse_allowed("127.0.0.0/8:*"))


class Late:
    """A connection whose stream began long ago."""

    def __init__(self, connection: RtmpPublisher, start_ms: int) -> None:
        self._connection = connection
        self._start_ms = start_ms

    def send(self, part: Payload, timestamp: int) -> None:
        self._connection.send(part, self._start_ms + timestamp)


@dataclass
class Kept:
    """What a peer has kept: the times of its packets, in seconds, and how many pictures decode."""

    pictures: list[float]
    sounds: list[float]
    decoded: int
    errors: str = ""

    @property
    def backward_steps(self) -> int:
        return sum(b <= a for times in (self.pictures, self.sounds) for a, b in pairwise(times))

    @property
    def longest_gap(self) -> float:
        return max(b - a for a, b in pairwise(self.pictures))

    @property
    def span(self) -> float:
        return self.pictures[-1] - self.pictures[0]


def read(path: Path) -> Kept:
    kept = Kept([], [], 0)
    with av.open(str(path)) as container:
        # ffmpeg keeps onMetaData, too: as subtitles.
        picture, sound = container.streams.video[0], container.streams.audio[0]
        for packet in container.demux(picture, sound):
            if packet.dts is None:
                continue
            time = float(packet.dts * packet.time_base)
            (kept.pictures if packet.stream is picture else kept.sounds).append(time)
            if packet.stream is picture:
                kept.decoded += len(packet.decode())
        # What the decoder held back.
        kept.decoded += len(picture.codec_context.decode(None))
    return kept


async def cross(
    nginx: RtmpServer, directory: Path, *, before: float, after: float, speed: float
) -> tuple[dict[str, Kept], ScriptedServer]:
    """Send from ``before`` seconds before the boundary until ``after`` it; return what was kept."""
    start_ms = EXTENDED - round(before * 1000)
    out = directory / "listened.mkv"
    port = free_port()
    ffmpeg = await asyncio.create_subprocess_exec(
        shutil.which("ffmpeg"), "-hide_banner", "-loglevel", "warning", "-nostdin",
        "-listen", "1", "-i", f"rtmp://127.0.0.1:{port}/live/stream", "-c", "copy", str(out),
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with ScriptedServer() as ours, AsyncExitStack() as stack:
            connections = []
            for url in (nginx.url("kept"), f"rtmp://127.0.0.1:{port}/live", ours.url()):
                connections.append(await _publish(url))
                stack.push_async_callback(connections[-1].close)
            seconds = before + after
            pulling = asyncio.create_task(pull(nginx.url("kept") + "/stream", seconds - 1))
            await nginx.plays(1)
            await _send(connections, start_ms, seconds, speed)
            pulled = await pulling
        async with asyncio.timeout(PATIENCE):
            _, said = await ffmpeg.communicate()
    finally:
        if ffmpeg.returncode is None:
            ffmpeg.kill()
            await ffmpeg.wait()
    await nginx.finished()
    recorded = next(nginx.directory.glob("*.flv"))
    listened = read(out)
    listened.errors = said.decode()
    return {
        "nginx_recorded": read(recorded),
        "nginx_pulled": Kept([at for at, _ in pulled.video], pulled.audio, pulled.decoded),
        "ffmpeg": listened,
    }, ours


async def _publish(url: str) -> RtmpPublisher:
    async with asyncio.timeout(PATIENCE):
        endpoint = await GUARD.pin(url)
        while True:
            try:
                return await publish(endpoint, Secret("stream"))
            except DestinationError:
                # ffmpeg does not listen yet.
                await asyncio.sleep(0.05)


async def _send(
    connections: Sequence[RtmpPublisher], start_ms: int, seconds: float, speed: float
) -> None:
    publications = [Publication(Late(each, start_ms), is_strict=True) for each in connections]
    started = time.monotonic()
    for unit in testcard.programme():
        if unit.dts_ms >= seconds * 1000:
            return
        await asyncio.sleep(max(0, started + unit.dts_ms / 1000 / speed - time.monotonic()))
        for publication, connection in zip(publications, connections, strict=True):
            publication.send(unit)
            await connection.drain()
