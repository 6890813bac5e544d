"""The pasts of classes that are only read here: ended, or live on another node.

To read a class takes it from nobody. A few are kept, because who reads one page reads the next.
"""

import asyncio

from server.classroom.state import Classroom
from server.hub.past import Past
from server.hub.snapshots import Snapshots

KEPT = 16


class _Kept:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.past: Past | None = None


class Pasts:
    """The pasts that were asked for last, each read on whenever it is asked for again."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._kept: dict[str, _Kept] = {}

    async def state(self, session: str) -> Classroom:
        """Return the state of a class as its log has it now.

        Raises:
            UnavailableError: If the log cannot be read now.

        """
        kept = self._kept[session] = self._kept.pop(session, _Kept())
        if len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        async with kept.lock:
            if kept.past is None:
                kept.past = await self._snapshots.past(session)
            else:
                await self._snapshots.read_on(session, kept.past)
            return kept.past.state
