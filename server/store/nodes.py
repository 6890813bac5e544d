"""Which processes are alive, and which of them owns a session.

A process holds an advisory lock on a connection of its own for as long as it lives: when it is
killed the lock is free within milliseconds. It also renews ``expires_at``, every
:data:`BEAT_SECONDS`. Two things are told from that, and neither rests on anybody's wall clock:

- A lock that is free means death only to whoever has held its own for longer than it takes to lock
  again: when PostgreSQL was away every lock is free at once, and nobody has died.
- A node that holds its lock and does not renew itself, beat after beat of the one that watches, is
  stopped or stalled: it is as good as dead. Those beats are the watcher's own, so that neither its
  own standstill nor PostgreSQL's counts for the other's.

Whoever is declared dead and is not finds that its epochs are over: that is what makes it safe.
"""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Self

from server.clock import Clock, SystemClock
from server.errors import UnavailableError

from .errors import translated
from .pool import Connection, Pools, connect

BEAT_SECONDS = 1.5
LIFE_SECONDS = 5.0
LEAVE_SECONDS = 1.0
SILENT_BEATS = 4
"""A node that has not renewed itself during so many of another's beats is as good as dead."""
STANDSTILL_SECONDS = BEAT_SECONDS * (SILENT_BEATS - 1)
BEAT_TIMEOUT_SECONDS = 3.0
"""A beat that takes longer was none: the next one tries a new connection."""
# The first half of the lock's key: "LCND", the second is the incarnation.
_LOCK = 0x4C43_4E44
_SYSTEM_CLOCK = SystemClock()


class Owner(NamedTuple):
    """Who may append to a session."""

    epoch: int
    node: str
    link: str | None
    """Where its links are taken; None for a node that is gone."""


class Membership:
    """This process as a node: registered, locked, renewed by :meth:`beat`.

    Use as an async context manager. ``url`` is where people reach it, ``link`` where other nodes
    do. ``node`` may be a name that outlives the process: whoever
    comes again under its name owns at once what it owned, and need not be declared dead first.
    """

    def __init__(
        self, pools: Pools, node: str, url: str, link: str, *, clock: Clock = _SYSTEM_CLOCK
    ) -> None:
        self._pools = pools
        self._clock = clock
        self._locked_at = 0.0
        self._locked: int | None = None
        self._beat_at: float | None = None
        self._has_lost = False
        """Whether this node had a lock before the one that it has now."""
        self._silent: dict[str, tuple[int, int]] = {}
        self._node = node
        self._url = url
        self._link = link
        self._connection: Connection | None = None
        self._busy = asyncio.Lock()
        """Held by whoever uses the connection."""
        self._has_left = False

    async def __aenter__(self) -> Self:
        await self.beat()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.leave()

    async def leave(self) -> bool:
        """Leave at once, so that nobody waits for this node to expire. Idempotent.

        Say whether the database knows it; with that away nobody can take over, either.
        """
        self._has_left = True
        async with self._busy:
            connection, self._connection = self._connection, None
            if connection is None:
                return False
            try:
                with suppress(UnavailableError), translated():
                    await connection.execute(
                        "DELETE FROM nodes WHERE node = $1", self._node, timeout=LEAVE_SECONDS
                    )
                    return True
            finally:
                connection.terminate()
        return False

    async def beat(self) -> bool:
        """Renew this node's life, on a new connection with the lock if the last one was lost.

        Return whether it was alive all the time since the last one: if not, others may have taken
        it for dead, and what it owned.

        Raises:
            UnavailableError: The database is away. Try again at the next beat.

        """
        async with self._busy:
            if self._has_left:
                return True
            with translated():
                try:
                    is_unbroken = await self._beat()
                except BaseException:
                    if self._connection is not None:
                        self._connection.terminate()
                        self._connection = None
                    raise
            before, self._beat_at = self._beat_at, self._clock.monotonic()
            # Sooner than that nobody takes over from who holds their lock.
            stood_still = before is not None and self._beat_at - before > STANDSTILL_SECONDS
            return before is None or (is_unbroken and not stood_still)

    async def _beat(self) -> bool:
        """Beat on the connection that is there, or on a new one; return whether it was there."""
        if self._connection is None or self._connection.is_closed():
            self._silent.clear()
            self._locked, self._has_lost = None, self._beat_at is not None
            self._connection = await connect(
                self._pools.url, self._pools.role("hub"), tcp_keepalives_idle="3",
                tcp_keepalives_interval="1", tcp_keepalives_count="3",
            )  # fmt: skip
        incarnation = await self._renew(self._connection)
        is_unbroken = incarnation == self._locked
        if not is_unbroken:  # the connection is new, or the row: it was swept meanwhile
            await self._lock(self._connection, incarnation)
        await self._watch(self._connection)
        return is_unbroken

    async def _lock(self, connection: Connection, incarnation: int) -> None:
        # Nobody else locks it for longer than a look at it takes; but who had this name before may
        # still be dying.
        await connection.execute("SELECT pg_advisory_lock($1, $2)", _LOCK, incarnation)
        self._locked, self._locked_at = incarnation, self._clock.monotonic()

    async def _watch(self, connection: Connection) -> None:
        """Count for how many beats each other node has not renewed itself."""
        rows = await connection.fetch(
            "SELECT node, expires_at FROM nodes WHERE node <> $1",
            self._node, timeout=BEAT_TIMEOUT_SECONDS,
        )  # fmt: skip
        silent: dict[str, tuple[int, int]] = {}
        for node, expires_at in rows:
            seen, beats = self._silent.get(node, (expires_at, -1))
            silent[node] = expires_at, beats + 1 if seen == expires_at else 0
        self._silent = silent

    async def _renew(self, connection: Connection) -> int:
        incarnation: int = await connection.fetchval(
            """
            INSERT INTO nodes (node, url, link, expires_at)
            VALUES ($1, $2, $3, now() + $4 * interval '1 second')
            ON CONFLICT (node) DO UPDATE SET url = $2, link = $3, expires_at = excluded.expires_at
            RETURNING incarnation
            """,
            self._node, self._url, self._link, LIFE_SECONDS, timeout=BEAT_TIMEOUT_SECONDS,
        )  # fmt: skip
        return incarnation

    async def is_dead(self, node: str) -> bool:
        """Say whether another node is gone for certain, or as good as dead.

        Its lock is free, and this node has held its own unbroken for so long that the other would
        have locked again; or a node that has only just started finds that it has not renewed
        itself for its whole life, while the database was there. Or it has been silent for
        :data:`SILENT_BEATS`.

        Raises:
            UnavailableError: The database is away: nobody can be declared dead now.

        """
        async with self._pools.hub() as connection:
            row = await connection.fetchrow(
                """
                SELECT pg_try_advisory_xact_lock_shared($2, incarnation),
                    expires_at < now()
                    AND pg_postmaster_start_time() < now() - $3 * interval '1 second'
                FROM nodes WHERE node = $1
                """,
                node, _LOCK, LIFE_SECONDS,
            )  # fmt: skip
        if row is None:
            return True
        is_free, is_expired = row
        if is_free:
            return (is_expired and not self._has_lost) or self._held_for() > LIFE_SECONDS
        return self._silent.get(node, (0, 0))[1] >= SILENT_BEATS

    def _held_for(self) -> float:
        """Return for how many seconds this node has held its lock unbroken."""
        if self._connection is None or self._connection.is_closed() or self._locked is None:
            return 0.0
        return self._clock.monotonic() - self._locked_at

    async def sweep(self) -> None:
        """Forget nodes that have been gone for a minute."""
        async with self._pools.hub() as connection:
            await connection.execute(
                "DELETE FROM nodes WHERE expires_at < now() - interval '1 minute'"
            )


async def find_owner(pools: Pools, session: str) -> Owner | None:
    """Return who owns ``session``, or None if nobody ever has."""
    async with pools.hub() as connection:
        row = await connection.fetchrow(
            "SELECT h.epoch, h.node, n.link FROM session_hubs h LEFT JOIN nodes n USING (node) "
            "WHERE h.session_id = $1",
            session,
        )
    return None if row is None else Owner(*row)


async def take_over(pools: Pools, session: str, node: str, seen: Owner | None) -> int | None:
    """Make ``node`` the owner and return the new epoch, if the owner is still ``seen``.

    Returns None when somebody else was faster, or the session does not exist. Waits for an
    append in progress; so read the head of the log only *after* this has returned, in a
    statement of its own: one that began earlier would not see that append.
    """
    async with pools.hub() as connection:
        epoch: int | None = await connection.fetchval(
            """
            INSERT INTO session_hubs AS hub (session_id, tenant_id, epoch, node)
            SELECT id, tenant_id, 1, $2 FROM sessions WHERE id = $1
            ON CONFLICT (session_id) DO UPDATE
                SET epoch = hub.epoch + 1, node = $2 WHERE hub.epoch = $3
            RETURNING epoch
            """,
            session, node, seen.epoch if seen else 0,
        )  # fmt: skip
    return epoch
