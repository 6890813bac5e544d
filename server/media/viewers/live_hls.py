"""HLS for those beyond WebRTC: made while somebody asks for it, from the bus, in memory.

The first request starts it, with the group of pictures that is cached; half a minute after the last
one it ends. It records nothing and needs no recording.
"""

import asyncio
from collections.abc import Callable

import structlog

from server.media import sdp
from server.media.bus import Bus, Subscription
from server.media.fabric import Answer
from server.media.hls.playlist import NAME, content_type
from server.media.hls.segmenter import Segmenter
from server.media.hls.window import Window
from server.media.unit import Kind
from server.media.unit_queue import QueueLimits
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

LIMITS = QueueLimits(lag_ms=None, overflow_ms=10_000)
IDLE_SECONDS = 30.0
FIRST_SECONDS = 7.0
"""How long the first to ask waits for the first segments."""


class LiveHls:
    """A session's pictures and sound as HLS, while they are asked for.

    ``zero_ms`` is the wall clock at the zero of the session's time line.
    """

    def __init__(self, bus: Bus, *, zero_ms: Callable[[], int], tasks: Supervisor) -> None:
        self._bus = bus
        self._zero_ms = zero_ms
        self._tasks = tasks
        self._subscription: Subscription | None = None
        self._window = Window(0)
        self._began = asyncio.Event()
        self._asked_at = 0.0

    @property
    def is_running(self) -> bool:
        """Whether it is being made: that needs keyframes at even intervals."""
        return self._subscription is not None

    async def file(self, name: str, now: float) -> Answer:
        """Return the playlist or a file that it names; ``now`` is by the monotonic clock."""
        self._asked_at = now
        if self._subscription is None and name == NAME:
            self._start()
        if not self._window.is_playable and name == NAME:
            try:
                async with asyncio.timeout(FIRST_SECONDS):
                    await self._began.wait()
            except TimeoutError:
                return sdp.problem(
                    503, "unavailable", "There is no picture yet.", {"Retry-After": "2"}
                )
        data = self._window.file(name)
        if data is None:
            return sdp.problem(404, "not_found", "There is no such file any more.")
        return Answer(200, {"Content-Type": content_type(name)}, data)

    def tick(self, now: float) -> None:
        """End it when nobody has asked for a while."""
        if self._subscription is not None and now - self._asked_at > IDLE_SECONDS:
            self.stop()

    def stop(self) -> None:
        """Make no more. Idempotent."""
        if self._subscription is not None:
            self._bus.unsubscribe(self._subscription)
            self._subscription = None
            self._window = Window(0)

    def _start(self) -> None:
        self._subscription = self._bus.subscribe(
            frozenset({Kind.VIDEO, Kind.AUDIO}), LIMITS, replay=True
        )
        self._window = Window(self._zero_ms())
        self._began.clear()
        self._tasks.start("live_hls", self._make(self._subscription, self._window))

    async def _make(self, subscription: Subscription, window: Window) -> None:
        log.info("live_hls_started")
        segmenter = Segmenter()
        try:
            while (unit := await subscription.get()) is not None:
                for output in segmenter.push(unit):
                    if window.take(output) and window.is_playable:
                        self._began.set()
                if segmenter.needs_keyframe:
                    self._bus.want_keyframe()
        finally:
            if self._subscription is subscription:
                self.stop()
            log.info("live_hls_ended")
