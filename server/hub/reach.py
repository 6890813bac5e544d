"""Whether a room knows enough to judge the position that somebody says they have.

Whoever knows more than the room is either ahead of the log (a restored database: a snapshot is
their truth), or has heard it from another owner of the session, or the room does not know yet what
became of its last append. Only the log can tell, and to give them an older snapshot would lose
what they have.
"""

import asyncio
from collections.abc import Callable

from server.errors import UnavailableError
from server.store.log import LogReader

REACH_SECONDS = 2.0
"""How long somebody who knows more than the room waits for it to know that, too."""


class Reach:
    """How far one room knows its log, and how far it has heard that the log goes.

    ``head`` is the room's own, ``is_open`` is set while that is the log's, ``call`` has the room
    look whether it :attr:`is_behind`.
    """

    def __init__(
        self,
        session: str,
        reader: LogReader,
        *,
        head: Callable[[], int],
        is_open: asyncio.Event,
        call: Callable[[], None],
    ) -> None:
        self._session = session
        self._reader = reader
        self._head = head
        self._is_open = is_open
        self._call = call
        self._logged = 0
        self._moved = asyncio.Event()

    @property
    def is_behind(self) -> bool:
        """Whether the log is known to hold more than the room knows."""
        return self._logged > self._head()

    def moved(self) -> None:
        """Say that the room knows more now."""
        self._moved.set()
        self._moved.clear()

    def caught_up(self) -> None:
        """Say that the room has just read the log to its end, wherever that was said to be."""
        self._logged = 0
        self.moved()

    async def wait_for(self, sequence: int) -> None:
        """Return once the room can judge the position ``sequence``.

        Raises:
            UnavailableError: If the log is there and the room does not get there in time.

        """
        try:
            async with asyncio.timeout(REACH_SECONDS):
                if sequence > self._head():
                    await self._is_open.wait()
                if sequence > self._head() and await self._is_logged(sequence):
                    self._call()
                    while sequence > self._head():
                        await self._moved.wait()
        except TimeoutError:
            raise UnavailableError("The class goes on elsewhere.") from None

    async def _is_logged(self, sequence: int) -> bool:
        logged, _ = await self._reader.head(self._session)
        self._logged = max(logged, self._logged)
        return logged >= sequence
