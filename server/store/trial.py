"""While the database is away one asks for all: whoever else would only wait, and wear the machine.

A thousand classes that look for their database each second, and a hundred people who come in
meanwhile, would otherwise each try a connection of their own.
"""

import asyncio

from server.errors import UnavailableError

WAIT_SECONDS = 0.5
"""How long others wait for who tries: most of what is away is there again at once."""

REST_SECONDS = 0.2
"""After somebody has tried in vain, nobody does for so long."""


class Trial:
    """Whether a database is away, and who finds out whether it still is."""

    def __init__(self) -> None:
        self._is_away = False
        self._rests_until = 0.0
        self._ended: asyncio.Event | None = None
        """Of who tries just now, if somebody does."""

    async def begin(self) -> bool:
        """Return whether the caller is the one who tries: then it must :meth:`end` that.

        Raises:
            UnavailableError: If somebody else tries, and does not succeed soon, or just did not.

        """
        if not self._is_away:
            return False
        if self._ended is None:
            if asyncio.get_running_loop().time() < self._rests_until:
                raise UnavailableError
            self._ended = asyncio.Event()
            return True
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._ended.wait()
        except TimeoutError:
            pass  # as if it had failed
        if self._is_away:
            raise UnavailableError
        return False

    def failed(self) -> None:
        """Say that the database was not reached."""
        self._is_away = True

    def end(self, *, was_reached: bool = False) -> None:
        """End the trial. Idempotent."""
        if was_reached:
            self._is_away = False
        if self._ended is not None:
            self._rests_until = asyncio.get_running_loop().time() + REST_SECONDS
            self._ended.set()
            self._ended = None
