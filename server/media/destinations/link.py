"""One connection while it sends: written to where units come over the bus, and looked at.

No task wakes up for a unit: the bus calls, and what the peer takes is written there and then, the
sound that waited and the picture in one piece. What it does not take stays in the queue, by whose
rules it is dropped; the transport says when it takes more.
"""

import asyncio
from dataclasses import replace

from server.clock import Clock
from server.media import metrics
from server.media.bus import Subscription
from server.media.codes import Code, DestinationError
from server.media.destinations.delivery import Delivery, DeliverySample, Finding
from server.media.destinations.publication import Publication
from server.media.rtmp.client import RedirectedError, RtmpPublisher
from server.media.unit import Kind
from server.tasks import contain

STUCK_SECONDS = 4.0
"""A queue that is given up after so long without progress is a stall, not a lack of speed."""


class Link:
    """One connection with its end of the bus, while it sends."""

    def __init__(
        self,
        connection: RtmpPublisher,
        subscription: Subscription,
        publication: Publication,
        clock: Clock,
    ) -> None:
        self.connection = connection
        self.subscription = subscription
        self.publication = publication
        self.is_over = False
        """Whether it ends because the source is gone."""
        self.lag_ms = 0
        self.key_at: float | None = None
        """When it was sent a keyframe last, by the monotonic clock."""
        self._clock = clock
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._first = self._count()
        self._delivery = Delivery(self._first)

    async def carry(self) -> None:
        """Send what comes over the bus, until the subscription is closed or its queue given up.

        Raises:
            RedirectedError: At a keyframe, when the server asked to continue elsewhere.
            DestinationError: When the connection is over, or cannot follow.

        """
        self.connection.on_change = self._pump
        self.subscription.push(self._pump)
        await self._over

    def _pump(self) -> None:
        """Write what is in the queue, if it goes on; what fails ends this destination only."""
        if not self._over.done():
            contain(self._write, self._over)

    def _write(self) -> None:
        connection, subscription = self.connection, self.subscription
        if connection.ended is not None:
            raise DestinationError(connection.ended)
        newest = None
        try:
            while connection.takes_more and (unit := subscription.queue.pop()) is not None:
                newest = unit.read_at
                if connection.redirect is not None and unit.kind is Kind.VIDEO and unit.key:
                    raise RedirectedError(connection.redirect)
                self.publication.send(unit)
                if unit.key and unit.kind is Kind.VIDEO:
                    self.key_at = self._clock.monotonic()
        finally:
            connection.flush()
        if newest is not None:
            metrics.write_seconds.observe(self._clock.monotonic() - newest)
        queue = subscription.queue
        if queue.overflowed or (subscription.closed and not queue):
            self._over.set_result(None)

    @property
    def overflow_code(self) -> Code:
        """Why a queue that was given up was: the peer takes nothing, or not enough."""
        return Code.STALL if self._delivery.waited >= STUCK_SECONDS else Code.OVERFLOW

    def look(self) -> Finding:
        """Take a sample and say what it means."""
        sample = self._count()
        seconds = sample.at - self._first.at
        rate = (sample.offered - self._first.offered) / seconds if seconds > 0 else 0
        # What waits in the kernel and on the way is late, too.
        backlog_ms = round(self.connection.backlog_bytes() / rate * 1000) if rate else 0
        self.lag_ms = sample.lag_ms + backlog_ms
        return self._delivery.add(replace(sample, lag_ms=self.lag_ms))

    def _count(self) -> DeliverySample:
        queue = self.subscription.queue
        acked, allowed = self.connection.bytes_accepted()
        return DeliverySample(
            at=self._clock.monotonic(),
            offered=queue.offered,
            acked=acked,
            allowed=allowed,
            lag_ms=queue.lag_ms,
            dropped=queue.dropped,
        )
