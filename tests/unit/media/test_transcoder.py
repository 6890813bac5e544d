"""The transcoder as its parent sees it, with a real child."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.media.health import kilobits
from server.media.ingest.assembler import AccessUnit
from server.media.ingest.pipe import Frame
from server.media.ingest.transcoder import TranscoderProcess
from tests.patience import PATIENCE
from tests.unit.media.test_vp8 import encoded

FRAME_MS = 33
NOISE = encoded(75, is_noise=True)


class Parent:
    """Whoever has noise transcoded."""

    def __init__(self, most_kbps: int) -> None:
        self.units: asyncio.Queue[AccessUnit] = asyncio.Queue()
        self.is_hungry = asyncio.Event()
        self.crashes = 0
        self.process = TranscoderProcess(
            most_kbps,
            on_unit=lambda unit, _ms: self.units.put_nowait(unit),
            on_crash=self._crashed,
            on_hungry=self.is_hungry.set,
        )
        self._next_ms = 0

    def _crashed(self) -> None:
        self.crashes += 1

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        running = asyncio.create_task(self.process.run())
        try:
            await self.is_hungry.wait()
            yield
        finally:
            running.cancel()
            await asyncio.wait((running,))

    async def kilobits_per_second(self) -> int:
        """Have the noise transcoded, one frame after the other; what the last two thirds took."""
        sizes = []
        for number, data in enumerate(NOISE):
            self.process.feed(Frame(self._next_ms, number % 10 == 0, data))
            self._next_ms += FRAME_MS
            unit = await self.units.get()
            sizes.append(sum(map(len, unit.nals)))
        counted = sizes[len(sizes) // 3 :]
        return kilobits(sum(counted), len(counted) * FRAME_MS / 1000)


async def test_a_limit_holds_from_the_beginning_later_and_for_a_child_that_takes_over() -> None:
    parent = Parent(most_kbps=450)
    async with asyncio.timeout(PATIENCE), parent.running():
        assert 350 < await parent.kilobits_per_second() < 500
        parent.process.limit(300)
        assert 200 < await parent.kilobits_per_second() < 350
        child = parent.process.pid
        assert child is not None
        parent.is_hungry.clear()
        os.kill(child, signal.SIGKILL)
        await parent.is_hungry.wait()
        assert parent.crashes == 1
        assert 200 < await parent.kilobits_per_second() < 350
