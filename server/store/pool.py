"""Connections to PostgreSQL, one pool per database role.

::

    async with Pools.open(url) as pools:
        async with pools.tenant(tenant) as connection: …    requests: one tenant, one transaction
        async with pools.hub() as connection: …             live classes: every tenant
        async with pools.projector() as connection: …

Values travel as this code keeps them: ``uuid`` is ``str``, ``timestamptz`` is ``int``
milliseconds since the Unix epoch, ``jsonb`` is ``bytes`` of JSON that nobody has parsed.
"""

import struct
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self, TypeAlias

import asyncpg
from aiohttp import web

from server.outages import Outage

from .errors import LOST, is_outage, outcome_unknown, translated
from .trial import Trial

# Quoted: asyncpg's classes take no parameter at run time.
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
AcquiredConnection: TypeAlias = (
    "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
)
_Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 12.0
"""A statement that takes longer has failed, and its connection is given up …"""
SOON_SECONDS = {"app": 8.0, "hub": 5.0}
"""… sooner where somebody waits for it, and soonest where a class does."""
_ACQUIRE_SECONDS = 5.0

# PostgreSQL counts microseconds from 2000-01-01.
_POSTGRES_EPOCH_MS = 946_684_800_000
_INT64 = struct.Struct("!q")


async def connect(
    url: str, role: str, *, command_seconds: float = COMMAND_SECONDS, **settings: str
) -> Connection:
    """Open one connection that acts as ``role`` and speaks our codecs.

    Raises what asyncpg raises: whoever owns a connection decides what its loss means.
    """
    connection = await asyncpg.connect(
        url,
        timeout=CONNECT_SECONDS,
        command_timeout=command_seconds,
        server_settings=_settings(role, command_seconds, settings),
    )
    try:
        await _set_codecs(connection)
    except BaseException:
        connection.terminate()
        raise
    return connection


class Pools:
    """The pools of one process. Nothing of asyncpg is raised out of their blocks."""

    def __init__(self, url: str, prefix: str) -> None:
        self.url = url
        self.prefix = prefix
        self.outage = Outage("postgresql")
        self._trial = Trial()
        self._pools: dict[str, _Pool] = {}

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, *, prefix: str = "liveclass", size: int = 8
    ) -> AsyncIterator[Self]:
        """Keep pools of at most ``size`` connections each for as long as the block lasts.

        Raises:
            UnavailableError: If the database is away.

        """
        pools = cls(url, prefix)
        async with AsyncExitStack() as stack:
            with translated():
                for role in ("app", "hub", "projector"):
                    seconds = SOON_SECONDS.get(role, COMMAND_SECONDS)
                    pool = asyncpg.create_pool(
                        url,
                        min_size=1,
                        max_size=size if role != "projector" else 2,
                        timeout=CONNECT_SECONDS,
                        command_timeout=seconds,
                        server_settings=_settings(pools.role(role), seconds, {}),
                        init=_set_codecs,
                        # Whatever a block sets is local to its transaction: nothing to reset,
                        # and a third of a short read's time saved.
                        reset=_nothing_to_reset,
                    )
                    pools._pools[role] = await pool
                    stack.push_async_callback(_close, pools._pools[role])
            yield pools

    def role(self, name: str) -> str:
        """Return the full name of the database role ``app``, ``hub`` or ``projector``."""
        return f"{self.prefix}_{name}"

    @asynccontextmanager
    async def tenant(self, tenant: str) -> AsyncIterator[AcquiredConnection]:
        """Give a connection that sees one tenant's rows, in a transaction that ends with the block.

        It commits unless the block raises.
        """
        # SET takes no parameter: only a well-formed id goes into the text.
        begin = f"BEGIN; SET LOCAL app.tenant_id = '{uuid.UUID(tenant)}'"
        async with self._acquire("app") as connection:
            await connection.execute(begin)
            try:
                yield connection
            except LOST:
                raise  # with the connection, the transaction is lost
            except BaseException:
                # When this cannot reach the server either, the pool drops the connection.
                if not connection.is_closed():
                    await connection.execute("ROLLBACK")
                raise
            await connection.execute("COMMIT")

    @asynccontextmanager
    async def hub(self) -> AsyncIterator[AcquiredConnection]:
        """Give a connection for live classes, of every tenant; each statement commits by itself."""
        async with self._acquire("hub") as connection:
            yield connection

    @asynccontextmanager
    async def projector(self) -> AsyncIterator[AcquiredConnection]:
        """Give a connection that may write projections; each statement commits by itself."""
        async with self._acquire("projector") as connection:
            yield connection

    def abandon(self) -> None:
        """Give every connection up at once, whatever it waits for: for the end of the process."""
        for pool in self._pools.values():
            pool.terminate()

    def in_use(self, role: str) -> int:
        """Return how many connections of a role somebody holds."""
        pool = self._pools[role]
        return pool.get_size() - pool.get_idle_size()

    async def ping(self) -> None:
        """Return if the database answers.

        Raises:
            UnavailableError: If it does not.

        """
        async with self.hub() as connection:
            await connection.execute("SELECT 1")

    @asynccontextmanager
    async def _acquire(self, role: str) -> AsyncIterator[AcquiredConnection]:
        pool, is_mine = self._pools[role], False
        with translated():
            is_trial = await self._trial.begin()
            try:
                async with pool.acquire(timeout=_ACQUIRE_SECONDS) as connection:
                    is_mine = True
                    if is_trial:
                        # It was made just now: the others were given up when this one failed.
                        self._trial.end(was_reached=True)
                    try:
                        yield connection
                    except LOST:
                        connection.terminate()
                        raise
            except (asyncpg.PostgresError, *LOST) as error:
                is_busy = not is_mine and pool.get_size() == pool.get_max_size()
                if is_outage(error) and not is_busy:
                    self.outage.failed(error)
                    await self._give_up(error)
                raise
            finally:
                if is_trial:
                    self._trial.end()
            self.outage.worked()

    async def _give_up(self, error: BaseException) -> None:
        """Give up every connection after one was lost: each would cost a wait of its own."""
        if outcome_unknown(error):
            self._trial.failed()
            for pool in self._pools.values():
                await pool.expire_connections()


pools_key: web.AppKey[Pools] = web.AppKey("pools", Pools)


def _settings(role: str, command_seconds: float, more: dict[str, str]) -> dict[str, str]:
    return {
        "role": role,
        "application_name": role,
        # Compiling never pays for statements of milliseconds.
        "jit": "off",
        # An acknowledgement means that the commit is on disk, whatever the server's default.
        "synchronous_commit": "on",
        # Before the client gives up: then the outcome is known.
        "statement_timeout": f"{command_seconds * 800:.0f}ms",
        "idle_in_transaction_session_timeout": "30s",
        **more,
    }


async def _set_codecs(connection: AcquiredConnection) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary",
        # The leading byte is the version of jsonb's binary form.
        encoder=lambda text: b"\x01" + text, decoder=lambda data: data[1:],
    )  # fmt: skip
    await connection.set_type_codec(
        "uuid", schema="pg_catalog", format="binary",
        encoder=_uuid_to_bytes, decoder=_uuid_from_bytes,
    )  # fmt: skip
    await connection.set_type_codec(
        "timestamptz", schema="pg_catalog", format="binary",
        encoder=lambda ms: _INT64.pack((ms - _POSTGRES_EPOCH_MS) * 1000),
        decoder=lambda data: _INT64.unpack(data)[0] // 1000 + _POSTGRES_EPOCH_MS,
    )  # fmt: skip


def _uuid_to_bytes(text: str) -> bytes:
    value = bytes.fromhex(text.replace("-", ""))
    if len(value) != 16:
        raise ValueError("not a UUID")
    return value


def _uuid_from_bytes(data: bytes) -> str:
    text = data.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


async def _nothing_to_reset(connection: Any) -> None:
    """Leave the session as it is; asyncpg has already rolled back an open transaction."""


async def _close(pool: _Pool) -> None:
    # Bounded: a connection that hangs must not keep the process from stopping.
    try:
        with translated():
            await asyncpg.compat.wait_for(pool.close(), 5)
    finally:
        pool.terminate()
