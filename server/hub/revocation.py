"""People who are deactivated, and tenants that are suspended, while their class goes on.

A token holds until it expires, and who is known to a room comes back without a look at the
database. So every node asks, for everybody known to its rooms, who may not be here any more, in
one query per period: within that time their sockets are closed, their streams ended, and whoever
comes back is looked up. While the database is away nobody is judged anew.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from protocol.errors import CloseCode
from server.errors import UnavailableError
from server.hub.hub import Hub
from server.store import users
from server.store.pool import Pools

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PERIOD_SECONDS = 10.0

Expel = Callable[[str, str], Awaitable[None]]
"""End the streams that a person (second) has in a session (first)."""


class Revocation:
    """Ends what revoked people have on this node, for as long as :meth:`run` runs."""

    def __init__(self, hub: Hub, pools: Pools, expel: Expel) -> None:
        self._hub = hub
        self._pools = pools
        self._expel = expel
        self._ended: set[tuple[str, str]] = set()  # session and person whose streams were ended

    async def run(self) -> None:
        """Sweep until cancelled; a sweep that the database does not answer is made good later."""
        while True:
            await asyncio.sleep(PERIOD_SECONDS)
            try:
                await self.sweep()
            except UnavailableError:
                log.debug("revocation_sweep_failed")

    async def sweep(self) -> None:
        """Close whoever may not be here any more, with 4500; and remember them at the door.

        Raises:
            UnavailableError: If the database or the media engine is away.

        """
        hub = self._hub
        known = {user for room in hub.rooms for user in room.state.people}
        # Also those whose arrival is not in the log yet.
        known.update(connection.identity.user for connection in hub.connections)
        hub.revoked = await users.list_revoked(self._pools, known) if known else frozenset()
        for connection in [*hub.connections]:
            if connection.identity.user in hub.revoked:
                connection.seat.peer.close(CloseCode.TOKEN_INVALID)
        due = {
            (room.place.session, user)
            for room in hub.rooms
            for user in hub.revoked & room.state.people.keys()
        }
        self._ended &= due
        for session, user in due - self._ended:
            await self._expel(session, user)
            self._ended.add((session, user))
