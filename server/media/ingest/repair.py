"""Asks a publisher for the packets that are missing, as often as :class:`Nacks` say."""

import asyncio
import math

from aiortc import RTCRtpReceiver

from server.clock import Clock
from server.media import aiortc_seam
from server.media.ingest.nack import Nacks

PAUSE_SECONDS = 0.01
"""While something is missing, what else is missing is noticed after so long."""


class Repair:
    """The list of what is missing of one video receiver, and the task that asks for it."""

    def __init__(self, clock: Clock) -> None:
        self.nacks = Nacks()
        self._clock = clock
        self._wake = asyncio.Event()
        self._closed = False
        self._ask: aiortc_seam.Ask | None = None

    def attach(self, receiver: RTCRtpReceiver) -> None:
        """Watch ``receiver``, before it starts."""
        self._ask = aiortc_seam.take_nacks(receiver, self._heard)

    async def run(self) -> None:
        """Ask for what is missing until closed."""
        while not self._closed:
            await self._wake.wait()
            self._wake.clear()
            while self.nacks.next_due < math.inf:
                now = self._clock.monotonic()
                numbers = self.nacks.due(now)
                if numbers and self._ask is not None:
                    await self._ask(numbers)
                await asyncio.sleep(min(PAUSE_SECONDS, max(0.0, self.nacks.next_due - now)))

    def close(self) -> None:
        """End :meth:`run`. Idempotent."""
        self._closed = True
        self._wake.set()

    def _heard(self, sequence: int, again: bool) -> None:
        self.nacks.heard(sequence, again, self._clock.monotonic())
        if self.nacks.next_due < math.inf:
            self._wake.set()
