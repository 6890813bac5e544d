"""Which sessions this node owns.

Ownership moves only when its node is dead for certain; the epoch that a take-over raises is what
fences every append that the old owner may still send.
"""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

import structlog

from server.errors import NotFoundError, UnavailableError
from server.ops import metrics
from server.store.nodes import BEAT_SECONDS, LIFE_SECONDS, Membership, find_owner, take_over
from server.store.pool import Pools

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

ATTEMPTS = 5


class Held(NamedTuple):
    """This node owns the session, under this epoch."""

    epoch: int


class Elsewhere(NamedTuple):
    """A living node owns the session; ``link`` is where its links are taken."""

    link: str


Claim = Held | Elsewhere


class Lease:
    """This node's claim on sessions."""

    def __init__(self, pools: Pools, node: str, membership: Membership) -> None:
        self._pools = pools
        self._node = node
        self._membership = membership
        self._is_leaving = False
        self._beat_at = time.monotonic()

    @property
    def beat_age_seconds(self) -> float:
        """How long ago this node last renewed its life."""
        return time.monotonic() - self._beat_at

    async def check(self) -> str:
        """Say that what this node owns is safe from others.

        Raises:
            UnavailableError: If it has not renewed its life for too long.

        """
        if self.beat_age_seconds > LIFE_SECONDS:
            raise UnavailableError("The leases are not renewed.")
        return f"renewed {self.beat_age_seconds:.1f} s ago"

    async def acquire(self, session: str) -> Claim:
        """Make this node the owner of ``session``, unless a living node is.

        The epoch is a new one also where this node was the owner already: whatever of its own is
        still under way is fenced.

        Raises:
            NotFoundError: If there is no such session.
            UnavailableError: If the database is away.

        """
        for _ in range(ATTEMPTS):
            if self._is_leaving:
                raise UnavailableError("This node is shutting down.")
            seen = await find_owner(self._pools, session)
            is_other = seen is not None and seen.node != self._node
            if seen is not None and is_other and not await self._membership.is_dead(seen.node):
                if seen.link is None:  # it has come to life since it was looked up
                    continue
                return Elsewhere(seen.link)
            epoch = await take_over(self._pools, session, self._node, seen)
            if epoch is not None:
                before = "another" if is_other else "nobody" if seen is None else "itself"
                metrics.lease_taken.labels(before).inc()
                return Held(epoch)
            if seen is None and await find_owner(self._pools, session) is None:
                raise NotFoundError
        raise UnavailableError("The session changes its owner too often.")

    async def keep(self, doubt: Callable[[], None]) -> None:
        """Stay alive in the eyes of the others, until cancelled or :meth:`leave`.

        ``doubt`` is called when others may have taken this node for dead meanwhile.
        """
        while not self._is_leaving:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                if not self._is_leaving:
                    was_alive = await self._membership.beat()
                    self._beat_at = time.monotonic()
                    if not was_alive:
                        log.warning("lease_interrupted", node=self._node)
                        doubt()
            except UnavailableError:
                continue  # the next beat makes it good, on a new connection

    async def leave(self) -> None:
        """Let others take at once what this node owned; it owns nothing any more."""
        self._is_leaving = True
        await self._membership.leave()
