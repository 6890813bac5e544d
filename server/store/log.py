"""The log of every session: the one truth, appended in groups and read in pages.

::

    rooms ── append ──▶ lane 0 ─┐  one fenced statement      ┌─▶ LogReader: resume, reload,
                        lane 1 ─┴─▶ session_state_events ────┤   keys, verification
                                                             └─▶ Projector
"""

import asyncio
from collections.abc import Collection, Sequence
from functools import partial
from types import TracebackType
from typing import Self

from server.outages import Outage
from server.tasks import Supervisor

from .chain import Link, Verdict, Verifier, genesis
from .events import NewCommand, NewEvent, PoisonedError, StoredEvent, UsedKey
from .lane import Batch, Lane
from .pool import SOON_SECONDS, Pools, connect

__all__ = ["PAGE", "LogReader", "LogWriter", "NewEvent", "PoisonedError", "StoredEvent", "UsedKey"]

PAGE = 1000
"""Events read at once, at most."""
LOCK_SECONDS = 2.0
"""How long an append waits for whoever holds one of its sessions."""
_LANES = 2
# Bounds the search for a command's last event; decide makes far fewer.
_COMMAND_EVENTS_MOST = 10_000

_COLUMNS = (
    "sequence, id, event_type, event_version, event_payload, idempotency_key, actor_id, "
    "created_at, digest"
)


class LogWriter:
    """Append for every room of this node. Use as an async context manager.

    Two lanes, each with a connection of its own, sessions split between them: while one waits
    for the disk the other fills PostgreSQL's core (more lanes measured no better).
    """

    def __init__(self, pools: Pools) -> None:
        # Without a table's statistics a cached plan may be a scan; the index is always right.
        join = partial(
            connect, pools.url, pools.role("hub"), command_seconds=SOON_SECONDS["hub"],
            lock_timeout=f"{LOCK_SECONDS * 1000:.0f}ms", enable_seqscan="off",
        )  # fmt: skip
        outage = Outage("log")
        self._lanes = [Lane(join, outage) for _ in range(_LANES)]
        self._supervisor = Supervisor("log")

    async def __aenter__(self) -> Self:
        for number, lane in enumerate(self._lanes):
            self._supervisor.keep(f"lane{number}", lane.run)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._supervisor.close()
        for lane in self._lanes:
            lane.abandon()

    @property
    def waiting(self) -> int:
        """How many batches of rooms are in line."""
        return sum(lane.waiting for lane in self._lanes)

    async def append(self, session: str, epoch: int, commands: Sequence[NewCommand]) -> None:
        """Store all of ``commands`` or nothing; when this returns they are committed.

        Without any it returns if the epoch holds.

        A room appends one batch at a time. After an :class:`UnavailableError` it must take
        the session again (a higher epoch) *before* it reads the log: a statement whose answer
        was lost may still be running, and the take-over waits for it.

        Raises:
            FencedError: Another node owns the session now; nothing was stored.
            PoisonedError: One command cannot be stored; nothing was.
            UnavailableError: Perhaps stored, perhaps not.

        """
        done = asyncio.get_running_loop().create_future()
        await self._lanes[hash(session) % _LANES].put(Batch(session, epoch, commands, done))
        await done


class LogReader:
    """Read any session's log. What is returned is committed."""

    def __init__(self, pools: Pools) -> None:
        self._pools = pools

    async def read(self, session: str, after: int, limit: int = PAGE) -> list[StoredEvent]:
        """Return at most ``limit`` (≤ 1,000) events that follow sequence ``after``, in order."""
        async with self._pools.hub() as connection:
            rows = await connection.fetch(
                f"SELECT {_COLUMNS} FROM session_state_events "  # noqa: S608  a constant
                "WHERE session_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
                session, after, min(limit, PAGE),
            )  # fmt: skip
        return [StoredEvent(*row) for row in rows]

    async def find(
        self,
        session: str,
        first: int,
        last: int,
        *,
        types: Collection[str] | None = None,
        limit: int = PAGE,
        newest_first: bool = False,
    ) -> list[StoredEvent]:
        """Return at most ``limit`` (≤ 1,000) events of ``first``…``last``, of ``types`` if given.

        Every event of the range may be looked at, whatever its type: keep the range short.
        """
        async with self._pools.hub() as connection:
            rows = await connection.fetch(
                f"SELECT {_COLUMNS} FROM session_state_events "  # noqa: S608  constants
                "WHERE session_id = $1 AND sequence BETWEEN $2 AND $3 "
                "AND ($4::text[] IS NULL OR event_type = ANY ($4)) "
                f"ORDER BY sequence {'DESC' if newest_first else ''} LIMIT $5",
                session, first, last, types, min(limit, PAGE),
            )  # fmt: skip
        return [StoredEvent(*row) for row in rows]

    async def head(self, session: str) -> tuple[int, bytes]:
        """Return the last sequence and its digest: ``(0, genesis)`` before the first event."""
        async with self._pools.hub() as connection:
            row = await connection.fetchrow(
                "SELECT sequence, digest FROM session_state_events "
                "WHERE session_id = $1 ORDER BY sequence DESC LIMIT 1",
                session,
            )
        return (row[0], row[1]) if row is not None else (0, genesis(session))

    async def find_key(self, session: str, key: str) -> UsedKey | None:
        """Return where the stored ``key`` was used in this session, or None."""
        async with self._pools.hub() as connection:
            row = await connection.fetchrow(
                """
                SELECT first.sequence, last.sequence, coalesce(first.command_digest, '')
                FROM session_state_events first, LATERAL (
                    SELECT max(e.sequence) AS sequence FROM session_state_events e
                    WHERE e.session_id = $1
                      AND e.sequence BETWEEN first.sequence AND first.sequence + $3
                      AND (e.sequence = first.sequence OR e.command_sequence = first.sequence)
                ) last
                WHERE first.session_id = $1 AND first.idempotency_key = $2
                """,
                session, key, _COMMAND_EVENTS_MOST,
            )  # fmt: skip
        return None if row is None else UsedKey(*row)

    async def verify(self, session: str, head: tuple[int, bytes] | None = None) -> Verdict:
        """Verify the whole chain of a session, page by page, and that it holds ``head``."""
        verifier = Verifier(session, head)
        while links := await self.links(session, verifier.verdict.sequence):
            if verifier.take(links).broken is not None:
                break
        return verifier.end()

    async def links(self, session: str, after: int) -> list[Link]:
        """Return the next page of the chain that follows sequence ``after``."""
        async with self._pools.hub() as connection:
            rows = await connection.fetch(
                "SELECT sequence, id, event_type, event_version, actor_id, created_at, "
                "idempotency_key, event_payload, salt, payload_digest, digest "
                "FROM session_state_events "
                "WHERE session_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
                session, after, PAGE,
            )  # fmt: skip
        return [Link(*row) for row in rows]
