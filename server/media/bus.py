"""Encoded media in, encoded media out many times: the bus of one session.

::

    publisher ──▶ Bus.publish ──▶ Subscription (bounded queue) ──▶ one task per consumer
                      │                             └────────────▶ or what it has called at once
                      └────────▶ GOP cache, for those who come later

``publish`` never waits: each consumer takes units out of a queue of its own, in a task of its own.
Where a task's waking up costs more than its work, a consumer has itself called instead: with each
picture, and the sound before it goes along; see :meth:`Subscription.push`. What a queue cannot hold
is dropped up to a keyframe, never in between.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from server.media.h264 import VideoParameters

T = TypeVar("T")

GOP_SPAN_MS = 6_000
GOP_BYTES = 8 << 20
GOP_UNITS = 600
SOUND_WAITS_SECONDS = 0.04
"""For a picture to go along with, and out in one piece: as long as one of 25 a second lasts."""


class Kind(Enum):
    """What an encoded unit holds."""

    VIDEO = "video"
    """One H.264 picture in AVCC form, without parameter sets."""
    AUDIO = "audio"
    """One raw AAC-LC frame of 1,024 samples, 48 kHz stereo."""
    OPUS = "opus"
    """One Opus packet, as the publisher sent it."""


@dataclass(eq=False, slots=True)
class EncodedUnit:
    """One encoded picture or sound, shared by every consumer and never changed."""

    kind: Kind
    dts_ms: int
    """Milliseconds on the session's time line. There are no B-frames: it is the pts too."""
    key: bool
    data: bytes
    parameters: VideoParameters | None = None
    """Of a picture: what decodes it."""
    read_at: float | None = None
    """When the packet that made it whole was read, by the monotonic clock; of pictures as they
    came only."""
    _made: dict[Callable[["EncodedUnit"], Any], Any] = field(default_factory=dict, repr=False)

    def once(self, make: Callable[["EncodedUnit"], T]) -> T:
        """Return ``make(self)``, computed once however many consumers ask."""
        try:
            made: T = self._made[make]
        except KeyError:
            made = self._made[make] = make(self)
        return made


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """How far a consumer may lag."""

    lag_ms: int | None
    """Beyond this, pictures are dropped up to a keyframe; None: never."""
    overflow_ms: int | None
    """When for so long nothing was taken of it, the queue is given up; None: however long."""
    overflow_bytes: int = 16 << 20
    """Beyond this the queue is given up."""


RTMP_LIMITS = QueueLimits(lag_ms=2_000, overflow_ms=5_000)
VIEWER_LIMITS = QueueLimits(lag_ms=300, overflow_ms=10_000)
RECORDER_LIMITS = QueueLimits(lag_ms=None, overflow_ms=None, overflow_bytes=32 << 20)


class UnitQueue:
    """A bounded queue of units that never hands out a picture whose keyframe was dropped."""

    def __init__(self, limits: QueueLimits, *, from_keyframe: bool = True) -> None:
        self._limits = limits
        self._units: deque[tuple[int, EncodedUnit]] = deque()
        """With when each came, in session time: what is replayed comes late without fault."""
        self._newest_ms = 0
        self._taken_ms = 0
        """When the consumer last took something, or had taken everything."""
        self.bytes = 0
        self.offered = 0
        """Bytes that came in all, whatever became of them."""
        self.dropped = 0
        """Units lost to lag. What comes before the first keyframe is not a loss."""
        self.overflowed = False
        self._started = not from_keyframe
        self.waits_for_key = from_keyframe

    def __len__(self) -> int:
        return len(self._units)

    @property
    def lag_ms(self) -> int:
        """How long, in session time, the oldest unit has been waiting."""
        return self._newest_ms - self._units[0][0] if self._units else 0

    def replay(self, units: Sequence[EncodedUnit]) -> None:
        """Add what was published before; it is as old as what comes now."""
        if units:
            self._newest_ms = max(unit.dts_ms for unit in units)
        for unit in units:
            self.put(unit)

    def put(self, unit: EncodedUnit) -> None:
        """Add a unit; make room by dropping pictures up to a keyframe. O(1) unless dropping."""
        if self.overflowed:
            return
        self._newest_ms = max(self._newest_ms, unit.dts_ms)
        self.offered += len(unit.data)
        if not self._units:
            self._taken_ms = self._newest_ms
        if self._accepts(unit):
            self._units.append((self._newest_ms, unit))
            self.bytes += len(unit.data)
        limits = self._limits
        if limits.lag_ms is not None and self.lag_ms > limits.lag_ms:
            self._shed(limits.lag_ms)
        stuck_ms = self._newest_ms - self._taken_ms
        is_stuck = limits.overflow_ms is not None and stuck_ms > limits.overflow_ms
        self.overflowed = is_stuck or self.bytes > limits.overflow_bytes

    def _accepts(self, unit: EncodedUnit) -> bool:
        if unit.kind is not Kind.VIDEO:
            return self._started
        if self.waits_for_key and not unit.key:
            self.dropped += self._started
            return False
        self.waits_for_key = False
        self._started = True
        return True

    def pop(self) -> EncodedUnit | None:
        """Take the oldest unit, or None."""
        if not self._units:
            return None
        _, unit = self._units.popleft()
        self._taken_ms = self._newest_ms
        self.bytes -= len(unit.data)
        return unit

    def _shed(self, lag_ms: int) -> None:
        """Keep from the newest keyframe on, and nothing older than ``lag_ms``."""
        oldest_ms = self._newest_ms - lag_ms
        newest_key = next(
            (u for _, u in reversed(self._units) if u.kind is Kind.VIDEO and u.key), None
        )
        kept: deque[tuple[int, EncodedUnit]] = deque()
        decodes = not any(u.kind is Kind.VIDEO and ms < oldest_ms for ms, u in self._units)
        for came_ms, unit in self._units:
            if unit is newest_key:
                # Behind a keyframe that is dropped nothing decodes.
                decodes = came_ms >= oldest_ms
            if came_ms >= oldest_ms and (unit.kind is not Kind.VIDEO or decodes):
                kept.append((came_ms, unit))
        if not decodes:
            self.waits_for_key = True
        self.dropped += len(self._units) - len(kept)
        self._units = kept
        self.bytes = sum(len(u.data) for _, u in kept)


class GopCache:
    """The units since the last keyframe, while they are few."""

    def __init__(self) -> None:
        self._units: list[EncodedUnit] = []
        self._bytes = 0
        self.last_key_ms: int | None = None

    def put(self, unit: EncodedUnit) -> None:
        """Remember a unit; forget everything when the group of pictures grows too large."""
        if unit.kind is Kind.VIDEO and unit.key:
            self.clear()
            self.last_key_ms = unit.dts_ms
        elif not self._units:
            return
        self._units.append(unit)
        self._bytes += len(unit.data)
        too_long = unit.dts_ms - self._units[0].dts_ms > GOP_SPAN_MS
        if too_long or self._bytes > GOP_BYTES or len(self._units) > GOP_UNITS:
            self.clear()

    def clear(self) -> None:
        """Forget every unit."""
        self._units = []
        self._bytes = 0

    def __iter__(self) -> Iterator[EncodedUnit]:
        return iter(self._units)


class Subscription:
    """One consumer's end of the bus."""

    def __init__(self, kinds: frozenset[Kind], queue: UnitQueue) -> None:
        self.kinds = kinds
        self.queue = queue
        self._ready = asyncio.Event()
        self._take: Callable[[], None] | None = None
        self.closed = False

    @property
    def is_pushed(self) -> bool:
        """Whether the consumer is called, and does not wait."""
        return self._take is not None

    def put(self, unit: EncodedUnit) -> None:
        """Queue a unit; never waits, never fails."""
        if unit.kind in self.kinds:
            self.queue.put(unit)
            if self._take is None:
                self._ready.set()

    async def filled(self) -> None:
        """Wait until there is a unit, or there never will be one."""
        while not (self.queue or self.queue.overflowed or self.closed):
            self._ready.clear()
            await self._ready.wait()

    async def get(self) -> EncodedUnit | None:
        """Return the next unit; None when the queue was given up, or closed and is empty."""
        await self.filled()
        return None if self.queue.overflowed else self.queue.pop()

    def push(self, take: Callable[[], None]) -> None:
        """From now on call ``take``, which never waits and never fails, to look at the queue.

        It is called at once, with each picture, when sound has waited for one long enough, and at
        the end.
        """
        self._take = take
        take()

    def wake(self) -> None:
        """Have the consumer look at its queue."""
        if self._take is not None:
            self._take()
        else:
            self._ready.set()

    def close(self) -> None:
        """Wake the consumer for the last time. Idempotent."""
        self.closed = True
        self.wake()


class Bus:
    """Everything one session publishes, in order, to whoever subscribes.

    It is all that a consumer knows of the publisher: ``want_keyframe`` asks that one for a
    keyframe, however many ask at once.
    """

    def __init__(self) -> None:
        self.want_keyframe: Callable[[], None] = lambda: None
        self.ready = asyncio.Event()
        """Set while the picture is steady and may be sent to platforms."""
        self.on_slate = False
        """Whether a slate stands in for a publisher that is lost."""
        self._subscriptions: set[Subscription] = set()
        self.gop = GopCache()
        self.parameters: VideoParameters | None = None
        """Of the newest keyframe."""
        self.last_ms = 0
        self.keyframes = 0
        self._is_over = False
        self._sound_leaves: asyncio.TimerHandle | None = None
        """When sound waits for a picture no longer."""

    def publish(self, unit: EncodedUnit) -> None:
        """Hand ``unit`` to every subscription that wants its kind."""
        if unit.kind is Kind.VIDEO and unit.key:
            self.parameters = unit.parameters
            self.keyframes += 1
        self.last_ms = max(self.last_ms, unit.dts_ms)
        self.gop.put(unit)
        for subscription in self._subscriptions:
            subscription.put(unit)
        if self._is_over:
            return
        if unit.kind is Kind.VIDEO:
            self._push()
        elif self._sound_leaves is None and any(
            subscription.is_pushed and unit.kind in subscription.kinds
            for subscription in self._subscriptions
        ):
            loop = asyncio.get_running_loop()
            self._sound_leaves = loop.call_later(SOUND_WAITS_SECONDS, self._push)

    def _push(self) -> None:
        """Have everybody who is called take what there is."""
        if self._sound_leaves is not None:
            self._sound_leaves.cancel()
            self._sound_leaves = None
        for subscription in tuple(self._subscriptions):
            if subscription.is_pushed:
                subscription.wake()

    def subscribe(
        self,
        kinds: frozenset[Kind],
        limits: QueueLimits,
        *,
        replay: bool = False,
        from_keyframe: bool = True,
    ) -> Subscription:
        """Start a subscription at the next keyframe, or with ``replay`` at the last one.

        Without ``from_keyframe`` it starts at once: for sound alone.
        """
        subscription = Subscription(kinds, UnitQueue(limits, from_keyframe=from_keyframe))
        if replay:
            subscription.queue.replay([unit for unit in self.gop if unit.kind in kinds])
        if self._is_over:
            subscription.close()
        else:
            self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription. Idempotent."""
        self._subscriptions.discard(subscription)
        subscription.close()

    def close(self) -> None:
        """End every subscription, and those that are still to come. Idempotent."""
        self._is_over = True
        if self._sound_leaves is not None:
            self._sound_leaves.cancel()
            self._sound_leaves = None
        for subscription in tuple(self._subscriptions):
            self.unsubscribe(subscription)

    @property
    def watched(self) -> bool:
        """Whether anybody takes pictures."""
        return any(Kind.VIDEO in s.kinds for s in self._subscriptions)

    @property
    def starving(self) -> bool:
        """Whether anybody can show nothing before the next keyframe."""
        return any(Kind.VIDEO in s.kinds and s.queue.waits_for_key for s in self._subscriptions)
