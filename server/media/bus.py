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
from collections.abc import Callable, Iterator

from server.media.h264 import VideoParameters
from server.media.unit import EncodedUnit, Kind
from server.media.unit_queue import QueueLimits, UnitQueue

GOP_SPAN_MS = 6_000
GOP_BYTES = 8 << 20
GOP_UNITS = 600
SOUND_WAITS_SECONDS = 0.04
"""For a picture to go along with, and out in one piece: as long as one of 25 a second lasts."""


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
