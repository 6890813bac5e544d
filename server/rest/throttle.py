"""How often those may ask who need no token: a bucket for each, in the memory of a process."""

from collections import OrderedDict
from collections.abc import Hashable

from aiohttp import web

from protocol.errors import Refusal
from server.clock import Clock
from server.hub.bucket import Bucket, Rate

MOST = 10_000
"""Buckets that are remembered; the one that was asked longest ago goes first."""


class Throttle:
    """Allows ``rate`` to each key."""

    def __init__(self, rate: Rate, clock: Clock, most: int = MOST) -> None:
        self._rate = rate
        self._clock = clock
        self._most = most
        self._buckets: OrderedDict[Hashable, Bucket] = OrderedDict()

    def take(self, key: Hashable) -> None:
        """Return if ``key`` may ask now.

        Raises:
            Refusal: ``rate_limited``, with the time to wait, if it has asked too often.

        """
        now = self._clock.monotonic()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self._rate.per_second, self._rate.burst, now)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        if not bucket.take(now):
            raise Refusal("rate_limited", "Too many at once; try again.", retry_ms=bucket.wait_ms)


joins_key: web.AppKey[Throttle] = web.AppKey("joins", Throttle)
"""What limits opening links into classes."""
