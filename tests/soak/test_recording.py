"""One recording through many crashes of the media worker: what each of them costs."""

import asyncio
import random
import time
from collections.abc import Callable
from itertools import pairwise

import av

from server.media.hls.playlist import parse
from tests.media.conftest import Media
from tests.media.test_process import PREFIX, WorkerProcess, media, worker
from tests.media.test_recording_failures import LOST_MOST_MS, RECORDING, last_ms, now_ms, stands

__all__ = ["media", "worker"]


async def test_a_recording_outlives_every_crash(
    worker: WorkerProcess, media: Media, seconds: float, report: Callable[..., None]
) -> None:
    index = worker.objects / PREFIX / "index.m3u8"
    chance, ends = random.Random(19), time.monotonic() + seconds - 20
    killed: list[int] = []
    await media.desire(recording=RECORDING)
    while time.monotonic() < ends or not killed:
        publisher = await media.publish()
        await stands(index, "#EXTINF", 15)
        await asyncio.sleep(chance.uniform(3.0, 8.0))
        killed.append(now_ms())
        worker.process.kill()
        await worker.ended()
        await publisher.close()
        await worker.start()
    await media.desire(recording=None, over=(RECORDING,))
    finalized = await media.hears("recording.finalized", 15)
    found = parse(index.read_text())
    ends_ms = [
        before.starts_at_ms + before.duration_ms
        for before, after in pairwise(found.segments)
        if after.discontinuity
    ]
    ends_ms.append(last_ms(found))
    assert len(ends_ms) == len(killed)
    lost = [at - end for at, end in zip(killed, ends_ms, strict=True)]
    assert all(0 <= each <= LOST_MOST_MS for each in lost)
    with av.open(str(index), options={"err_detect": "explode"}) as container:
        frames = sum(1 for _ in container.decode(video=0))
    report(
        crashes=len(killed),
        lost_ms_most=max(lost),
        lost_ms_mean=round(sum(lost) / len(lost)),
        recorded_ms=finalized.data["duration_ms"],
        frames=frames,
    )
