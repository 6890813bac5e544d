"""Which processes are alive, and which of them owns a session.

A process holds an advisory lock on a connection of its own for as long as it lives: when it is
killed the lock is free within milliseconds. It also renews ``expires_at``, so that a restart of
PostgreSQL, which frees every lock at once, does not look like everybody's death.
"""

from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Self

from server.clock import Clock, SystemClock
from server.errors import UnavailableError

from .errors import translated
from .pool import Connection, Pools, connect

BEAT_SECONDS = 1.5
LIFE_SECONDS = 5.0
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
        self._node = node
        self._url = url
        self._link = link
        self._connection: Connection | None = None

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

    async def leave(self) -> None:
        """Leave at once, so that nobody waits for this node to expire. Idempotent."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            # With the database away nobody can take over, either.
            with suppress(UnavailableError), translated():
                await connection.execute("DELETE FROM nodes WHERE node = $1", self._node)
        finally:
            connection.terminate()

    async def beat(self) -> None:
        """Renew this node's life, on a new connection with the lock if the last one was lost.

        Raises:
            UnavailableError: The database is away. Try again at the next beat.

        """
        with translated():
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await connect(
                        self._pools.url, self._pools.role("hub"), tcp_keepalives_idle="3",
                        tcp_keepalives_interval="1", tcp_keepalives_count="3",
                    )  # fmt: skip
                    await self._lock(self._connection)
                else:
                    await self._renew(self._connection)
            except BaseException:
                if self._connection is not None:
                    self._connection.terminate()
                    self._connection = None
                raise

    async def _lock(self, connection: Connection) -> None:
        incarnation = await self._renew(connection)
        # Nobody else locks it for longer than a look at it takes.
        await connection.execute("SELECT pg_advisory_lock($1, $2)", _LOCK, incarnation)
        self._locked_at = self._clock.monotonic()

    async def _renew(self, connection: Connection) -> int:
        incarnation: int = await connection.fetchval(
            """
            INSERT INTO nodes (node, url, link, expires_at)
            VALUES ($1, $2, $3, now() + $4 * interval '1 second')
            ON CONFLICT (node) DO UPDATE SET url = $2, link = $3, expires_at = excluded.expires_at
            RETURNING incarnation
            """,
            self._node, self._url, self._link, LIFE_SECONDS,
        )  # fmt: skip
        return incarnation

    async def is_dead(self, node: str) -> bool:
        """Say whether another node is gone for certain.

        Its lock is free, and either it has not renewed itself for its whole life, or this
        node has held its own lock unbroken for longer than that: so would the other have.

        Raises:
            UnavailableError: The database is away: nobody can be declared dead now.

        """
        async with self._pools.hub() as connection:
            row = await connection.fetchrow(
                "SELECT pg_try_advisory_xact_lock_shared($2, incarnation), expires_at < now() "
                "FROM nodes WHERE node = $1",
                node,
                _LOCK,
            )
        if row is None:
            return True
        is_free, is_expired = row
        return is_free and (is_expired or self._held_for() > LIFE_SECONDS)

    def _held_for(self) -> float:
        """Return for how many seconds this node has held its lock unbroken."""
        if self._connection is None or self._connection.is_closed():
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


async def find_home(pools: Pools, session: str) -> str | None:
    """Return the address of the living node that owns ``session``, if there is one."""
    async with pools.hub() as connection:
        url: str | None = await connection.fetchval(
            "SELECT n.url FROM session_hubs h JOIN nodes n USING (node) "
            "WHERE h.session_id = $1 AND n.expires_at > now()",
            session,
        )
    return url


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
