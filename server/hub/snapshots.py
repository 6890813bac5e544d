"""What rooms remember, kept between their lives: read when one opens, saved behind its back.

A room never waits for a save, and one that fails costs nothing but time at the next opening.
One at a time is packed and written, the newest of each session.
"""

import asyncio
from typing import NamedTuple

import structlog

from server.errors import UnavailableError
from server.hub.past import Past
from server.hub.saved import VERSION, DamagedError, Image, pack, unpack
from server.store import snapshots
from server.store.log import PAGE, LogReader
from server.store.pool import Pools
from server.store.snapshots import Snapshot
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

SLICE = 32
"""Events decoded and folded before the event loop turns: bounds its stall to a few ms."""
SETTLE_SECONDS = 3.0


class _Waiting(NamedTuple):
    epoch: int
    image: Image


class Snapshots:
    """The saved pasts of every session."""

    def __init__(self, pools: Pools, reader: LogReader, tasks: Supervisor) -> None:
        self._pools = pools
        self._reader = reader
        self._tasks = tasks
        self._waiting: dict[str, _Waiting] = {}
        self._saving: asyncio.Task[None] | None = None

    async def past(self, session: str) -> Past:
        """Return the whole past of ``session``, up to the head of its log.

        Raises:
            UnavailableError: If the log cannot be read now.

        """
        past = await self._saved(session) or Past(session)
        await self.read_on(session, past)
        return past

    async def read_on(self, session: str, past: Past) -> None:
        """Let ``past`` go on to the head of the log.

        Raises:
            UnavailableError: If the log cannot be read now.

        """
        while page := await self._reader.read(session, past.head.sequence, PAGE):
            for start in range(0, len(page), SLICE):
                past.fold(page[start : start + SLICE])
                await asyncio.sleep(0)

    def save(self, session: str, epoch: int, image: Image) -> None:
        """Save ``image``, some time soon, in the place of any earlier one."""
        self._waiting[session] = _Waiting(epoch, image)
        if self._saving is None or self._saving.done():
            self._saving = self._tasks.start("save_snapshots", self._save())

    async def forget(self, session: str) -> None:
        """Drop what is kept of ``session``.

        What was to be saved under an earlier epoch than today's is not kept any more.

        Raises:
            UnavailableError: If the database is away.

        """
        await snapshots.drop(self._pools, session)

    async def settle(self) -> None:
        """Wait until everything is saved, but not for ever."""
        if self._saving is not None:
            await asyncio.wait((self._saving,), timeout=SETTLE_SECONDS)

    async def _saved(self, session: str) -> Past | None:
        """Return the saved past, or None where there is none that agrees with the log."""
        found = await snapshots.load(self._pools, session, VERSION)
        if found is None:
            return None
        snapshot, digest = found
        try:
            past = await asyncio.to_thread(unpack, session, snapshot.state)
            if (past.head.sequence, past.head.digest) != (snapshot.sequence, digest):
                raise DamagedError("the log says otherwise")
        except DamagedError as error:
            log.warning("snapshot_ignored", session=session, reason=str(error))
            await snapshots.drop(self._pools, session)  # or a later one may not replace it
            return None
        return past

    async def _save(self) -> None:
        while self._waiting:
            session = next(iter(self._waiting))
            epoch, image = self._waiting.pop(session)
            data = await asyncio.to_thread(pack, image)
            try:
                await snapshots.save(
                    self._pools, session, epoch, Snapshot(image.head.sequence, VERSION, data)
                )
            except UnavailableError as error:
                log.warning("snapshot_not_saved", session=session, error=repr(error))
