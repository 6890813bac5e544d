"""Which sessions' epochs were raised behind a room's back: by an erasure, or by another node.

The table is the truth; the notice that an erasure gives only makes it known at once.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

from server.errors import UnavailableError

from .erasure import CHANNEL
from .errors import translated
from .pool import Connection, Pools, connect


class EpochWatch:
    """A connection of its own that hears of erasures."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._heard = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def open(cls, pools: Pools) -> AsyncIterator[Self]:
        """Listen for as long as the block lasts.

        Raises:
            UnavailableError: If the database is away.

        """
        with translated():
            connection = await connect(pools.url, pools.role("hub"), application_name=CHANNEL)
            watch = cls(connection)
            try:
                await connection.add_listener(CHANNEL, watch._hear)
                connection.add_termination_listener(watch._hear)
                yield watch
            finally:
                connection.terminate()

    async def raised(self, epochs: Mapping[str, int]) -> list[str]:
        """Return those sessions whose epoch is higher than given.

        Raises:
            UnavailableError: If the connection is lost; open another.

        """
        with translated():
            rows = await self._connection.fetch(
                "SELECT h.session_id FROM session_hubs h "
                "JOIN unnest($1::uuid[], $2::bigint[]) AS known (session_id, epoch) "
                "ON h.session_id = known.session_id AND h.epoch > known.epoch",
                list(epochs), list(epochs.values()),
            )  # fmt: skip
        return [row[0] for row in rows]

    async def wait(self, seconds: float) -> None:
        """Return when something was heard since the last call, after ``seconds`` at the latest.

        Raises:
            UnavailableError: If the connection is lost; open another.

        """
        try:
            async with asyncio.timeout(seconds):
                await self._heard.wait()
        except TimeoutError:
            pass
        self._heard.clear()
        if self._connection.is_closed():
            raise UnavailableError

    def _hear(self, *_: Any) -> None:
        self._heard.set()
