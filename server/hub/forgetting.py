"""Rooms that hold the words of a person who was erased read their log again.

An erasure (``server.store.erasure``) raises the epoch of each session that it changed: that alone
keeps the room from storing anything before it has forgotten. This makes it forget at once, also
where nobody says anything.
"""

import asyncio

import structlog

from server.errors import UnavailableError
from server.hub.hub import Hub
from server.store.epochs import EpochWatch
from server.store.pool import Pools

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PERIOD_SECONDS = 10.0
"""How long a notice that was lost can delay it."""


class Forgetting:
    """Reloads this node's rooms after erasures, for as long as :meth:`run` runs."""

    def __init__(self, hub: Hub, pools: Pools) -> None:
        self._hub = hub
        self._pools = pools

    async def run(self) -> None:
        """Watch until cancelled; while the database is away there is nothing to hear."""
        while True:
            try:
                async with EpochWatch.open(self._pools) as watch:
                    while True:
                        await self._reload_raised(watch)
                        await watch.wait(PERIOD_SECONDS)
            except UnavailableError as error:
                log.debug("forgetting_waits_for_database")
                await asyncio.sleep(error.retry_seconds)

    async def _reload_raised(self, watch: EpochWatch) -> None:
        # A room that is not open reads the log in any case; one that follows, when its owner does.
        rooms = {
            room.place.session: room
            for room in self._hub.rooms
            if room.owns and room.is_open.is_set()
        }
        if not rooms:
            return
        for session in await watch.raised({key: room.epoch for key, room in rooms.items()}):
            log.info("room_reloads", session=session)
            rooms[session].reload()
