"""One session's pictures and sound to all its viewers, in one task.

::

    bus ──▶ packetize once ──▶ for each viewer: Feed (pure) ──▶ RtpSender ──▶ its socket

A task per viewer would cost more in waking up than the sending itself. UDP sockets do not make
anybody wait, so one task serves them all; after every few hundred packets it lets others run, for
the publisher's packets come in on the same loop.
"""

import asyncio
from collections.abc import Callable

from server.clock import Clock
from server.media.bus import Bus, Subscription
from server.media.unit import Kind
from server.media.unit_queue import VIEWER_LIMITS
from server.media.viewers.feed import Feed, replayable
from server.media.viewers.packetizer import Frame, frame

SLICE_PACKETS = 128
"""About a millisecond of sending."""
WANT_SECONDS = 2.0
"""How often those who wait for a keyframe ask for one, all together."""

_NTP_EPOCH_MS = 2_208_988_800_000


class Fanout:
    """Everybody who watches a session; :meth:`run` must be running."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._feeds: dict[Feed, Callable[[], None]] = {}
        self._wanted = asyncio.Event()
        self._subscription: Subscription | None = None
        self._zero_ms: int | None = None
        self._wanted_at = 0.0
        self.packets = 0
        """Sent to all viewers together."""

    def add(self, feed: Feed, on_stuck: Callable[[], None]) -> None:
        """Send to ``feed`` from the next keyframe on; ``on_stuck`` gives it up."""
        self._feeds[feed] = on_stuck
        self._wanted_at = self._clock.monotonic()
        self._bus.want_keyframe()
        self._wanted.set()

    def remove(self, feed: Feed) -> None:
        """Send no more. Idempotent."""
        self._feeds.pop(feed, None)
        if not self._feeds and self._subscription is not None:
            # Nobody watches: the bus asks for no keyframe on our behalf.
            self._bus.unsubscribe(self._subscription)
            self._wanted.clear()

    def ntp(self, ms: int) -> int:
        """Return a time of the session in NTP units: one line for sound and picture."""
        if self._zero_ms is None:
            self._zero_ms = self._clock.now_ms() - ms
        return (self._zero_ms + ms + _NTP_EPOCH_MS << 32) // 1000

    async def run(self) -> None:
        """Serve viewers until cancelled."""
        while True:
            await self._wanted.wait()
            self._subscription = self._bus.subscribe(
                frozenset({Kind.VIDEO, Kind.OPUS}), VIEWER_LIMITS, from_keyframe=False
            )
            while (unit := await self._subscription.get()) is not None:
                await self._give(unit.once(frame))
            self._bus.unsubscribe(self._subscription)
            for feed in self._feeds:
                feed.lost(self._clock.monotonic())

    async def _give(self, frame: Frame) -> None:
        in_slice = 0
        for feed in list(self._feeds):
            if feed not in self._feeds:
                continue
            in_slice += self._give_one(feed, frame)
            if in_slice >= SLICE_PACKETS:
                self.packets += in_slice
                in_slice = 0
                await asyncio.sleep(0)
        self.packets += in_slice

    def _give_one(self, feed: Feed, frame: Frame) -> int:
        now = self._clock.monotonic()
        try:
            if frame.is_video and not frame.is_key and feed.is_due_replay(now):
                sent = self._replay(feed, frame, now)
            else:
                sent = feed.give(frame, now)
        except ConnectionError:
            # It is being set up or torn down; its connection says when it is over.
            return 0
        if feed.waits_for_key and now - self._wanted_at >= WANT_SECONDS:
            # One that cannot follow must not make the picture worse for those who can.
            self._wanted_at = now
            self._bus.want_keyframe()
        if feed.is_stuck(now):
            self._feeds[feed]()
        return sent

    def _replay(self, feed: Feed, newest: Frame, now: float) -> int:
        """Begin with the cached pictures up to ``newest``, which is one of them."""
        pictures = replayable(
            unit.once(frame)
            for unit in self._bus.gop
            if unit.kind is Kind.VIDEO and unit.dts_ms <= newest.ms
        )
        return feed.replay(pictures, newest.ms, now) if pictures else 0
