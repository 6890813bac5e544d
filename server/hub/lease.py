"""Which sessions this node owns.

Ownership moves only when its node is dead for certain; the epoch that a take-over raises is what
fences every append that the old owner may still send.
"""

import asyncio

from server.errors import FencedError, NotFoundError, UnavailableError
from server.store.nodes import BEAT_SECONDS, Membership, find_owner, take_over
from server.store.pool import Pools

ATTEMPTS = 5


class Lease:
    """This node's claim on sessions."""

    def __init__(self, pools: Pools, node: str, membership: Membership) -> None:
        self._pools = pools
        self._node = node
        self._membership = membership

    async def acquire(self, session: str) -> int:
        """Make this node the owner of ``session``; return the new epoch.

        It is a new one also where this node was the owner already: whatever of its own is still
        under way is fenced.

        Raises:
            FencedError: If a living node owns it.
            NotFoundError: If there is no such session.
            UnavailableError: If the database is away.

        """
        for _ in range(ATTEMPTS):
            seen = await find_owner(self._pools, session)
            is_other = seen is not None and seen.node != self._node
            if seen is not None and is_other and not await self._membership.is_dead(seen.node):
                raise FencedError
            epoch = await take_over(self._pools, session, self._node, seen)
            if epoch is not None:
                return epoch
            if seen is None and await find_owner(self._pools, session) is None:
                raise NotFoundError
        raise UnavailableError("The session changes its owner too often.")

    async def keep(self) -> None:
        """Stay alive in the eyes of the others, until cancelled."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                await self._membership.beat()
            except UnavailableError:
                continue  # the next beat makes it good, on a new connection
