"""What a platform kept of a stream, who watches it, and what runs for it."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av

from tests.media.conftest import SESSION, STUDENT, Media
from tests.media.viewer import TestViewer

SKIPPED_BYTES = 120
"""Only the slate has pictures as small as this."""


@dataclass
class Kept:
    """One FLV file that nginx recorded."""

    video: list[tuple[float, bool, int]]
    """Seconds, whether it is a keyframe, bytes."""
    audio: list[float]
    headers: int
    """AVC sequence headers."""
    decoded: int

    @classmethod
    def read(cls, directory: Path) -> "Kept":
        """Read the only file there is: a second one would be a second connection."""
        (path,) = directory.glob("*.flv")
        video, audio, decoded = [], [], 0
        with av.open(str(path)) as container:
            for packet in container.demux(video=0, audio=0):
                if packet.dts is None:
                    continue
                seconds = float(packet.dts * packet.time_base)
                if packet.stream.type == "video":
                    video.append((seconds, packet.is_keyframe, packet.size))
                    decoded += len(packet.decode())
                else:
                    audio.append(seconds)
        return cls(video, audio, _headers(path.read_bytes()), decoded)

    @property
    def longest_gap(self) -> float:
        """Between two pictures, in seconds."""
        return max(b[0] - a[0] for a, b in pairwise(self.video))

    @property
    def longest_gop(self) -> float:
        """From a keyframe to the next one, or to the end, in seconds."""
        keys = [seconds for seconds, key, _ in self.video if key]
        return max(b - a for a, b in pairwise([*keys, self.video[-1][0]]))

    @property
    def slate_pictures(self) -> int:
        return sum(size <= SKIPPED_BYTES for _, _, size in self.video)

    def check(self) -> None:
        """Times grow, sound has no hole, and everything decodes."""
        assert all(a[0] < b[0] for a, b in pairwise(self.video))
        assert all(a < b for a, b in pairwise(self.audio))
        assert max(b - a for a, b in pairwise(self.audio)) < 0.1
        assert self.decoded >= len(self.video) - 2


def _headers(data: bytes) -> int:
    """Count the AVC sequence headers of an FLV file (FLV 10.1, annex E)."""
    at, count = 13, 0
    while at + 11 < len(data):
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        count += data[at] == 9 and data[at + 11 : at + 13] == b"\x17\x00"
        at += 11 + size + 4
    return count


@asynccontextmanager
async def watching(media: Media) -> AsyncIterator[TestViewer]:
    """A student that watches."""
    viewer = TestViewer()

    async def post(sdp: bytes) -> tuple[int, dict[str, str], bytes]:
        answer = await media.fabric.whep(SESSION, STUDENT, sdp)
        return answer.status, answer.headers, answer.body

    assert await viewer.watch(post) == 201
    try:
        yield viewer
    finally:
        await viewer.close()


async def children(name: str) -> list[int]:
    """Return the child processes of this one that run a module of that name."""
    process = await asyncio.create_subprocess_exec(
        "ps", "-o", "pid=,args=", "--ppid", str(os.getpid()), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    found = (line.split(None, 1) for line in out.decode().splitlines())
    return [int(pid) for pid, args in found if name in args and "<defunct>" not in args]
