"""Few connections to one place at once: what every destination of a worker passes to connect.

A platform that comes back after an outage finds some of us waiting, not all of us at the door.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.clock import Clock

AT_ONCE = 5
"""Connections to one host that are being made at the same time."""
BURST = 20
PER_SECOND = 5.0
"""Connections to one provider: so many at once, then so many a second."""


class ConnectGate:
    """Let connections be made: few at once to a host, and to a provider at an even pace."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._hosts: dict[str, asyncio.Semaphore] = {}
        self._users: Counter[str] = Counter()
        self._due: dict[str, float] = {}

    @asynccontextmanager
    async def enter(self, host: str, provider: str) -> AsyncIterator[None]:
        """Wait until a connection may be made; it is being made until the context is left."""
        await asyncio.sleep(self._wait(provider))
        self._users[host] += 1
        try:
            async with self._hosts.setdefault(host, asyncio.Semaphore(AT_ONCE)):
                yield
        finally:
            self._users[host] -= 1
            if not self._users[host]:
                del self._users[host], self._hosts[host]

    def _wait(self, provider: str) -> float:
        """Take a token of ``provider`` and return in how many seconds it is there.

        A token bucket as a virtual clock (GCRA): ``due`` is when the bucket is full again.
        """
        now = self._clock.monotonic()
        for name, due in list(self._due.items()):
            if due <= now:
                del self._due[name]
        due = self._due[provider] = self._due.get(provider, now) + 1 / PER_SECOND
        return max(0.0, due - now - BURST / PER_SECOND)
