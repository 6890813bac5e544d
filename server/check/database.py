"""PostgreSQL, as the server needs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from server.check.result import FailedError, WarningError, milliseconds
from server.clock import SystemClock
from server.config import Settings
from server.secrets.vault import Vault
from server.store.migrate import pending
from server.store.pool import Connection, Pools

SLOW_MS = 5.0
"""Each answer to a command waits for a round trip and a commit."""
SKEW_MS = 1_000
CONNECTIONS_EACH = 24
"""Of one hub worker: two pools of 8, one of 2, two writers of the log, locks and listeners."""
RESERVED = 5
"""What is left to others: backups, an administrator, `liveclass` itself."""


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(settings.database_url.reveal(), timeout=5)
    try:
        yield connection
    finally:
        await connection.close(timeout=2)


async def answers(settings: Settings) -> str:
    """Return version and round trip; fail if it is too old, or behind a proxy of transactions."""
    async with _connected(settings) as connection:
        version = connection.get_server_version()
        if version.major < 15:
            raise FailedError(f"PostgreSQL {version.major} is too old: 15 or newer is needed")
        # A proxy that gives each transaction another connection loses session locks, on which
        # the ownership of classes rests.
        await connection.execute("SELECT pg_advisory_lock(1279477588, 0)")
        is_kept = await connection.fetchval("SELECT pg_advisory_unlock(1279477588, 0)")
        if not is_kept:
            raise FailedError("behind a transaction-pooling proxy: connect to it directly")
        if await connection.fetchval("SELECT pg_is_in_recovery()"):
            raise FailedError("a standby: it takes no writes")
        took = await milliseconds(lambda: connection.fetchval("SELECT 1"))
        said = f"version {version.major}.{version.minor}, round trip {took:.1f} ms"
        if took > SLOW_MS:
            raise WarningError(f"{said}: each answer to a command waits for it")
        return said


async def commits(settings: Settings) -> str:
    """Return how long a commit takes to be on the disk."""
    async with _connected(settings) as connection:
        if await connection.fetchval("SHOW fsync") == "off":
            raise WarningError("fsync is off: a power failure loses acknowledged commands")
        await connection.execute("SET synchronous_commit = on")
        # The smallest thing that is written and that leaves nothing behind.
        say = "SELECT pg_logical_emit_message(true, 'liveclass', 'check')"
        took = await milliseconds(lambda: connection.fetchval(say))
        said = f"on the disk within {took:.1f} ms"
        if took > SLOW_MS:
            raise WarningError(f"{said}: each answer to a command waits for it")
        return said


async def schema(settings: Settings) -> str:
    """Fail if migrations are to be applied, or were edited, or are newer than this version."""
    missing = await pending(settings.database_url.reveal())
    if missing:
        names = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
        raise FailedError(f"{len(missing)} migrations to apply ({names}): run `liveclass migrate`")
    return "up to date"


async def clock(settings: Settings) -> str:
    """Fail if this machine's clock is another than the database's."""
    async with _connected(settings) as connection:
        now = SystemClock().now_ms
        before = now()
        theirs: int = await connection.fetchval(
            "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
        )
        skew = abs((before + now()) // 2 - theirs)
    if skew > SKEW_MS:
        raise FailedError(f"{skew} ms apart from PostgreSQL's: run a time service")
    return f"within {skew} ms of PostgreSQL's"


async def roles(settings: Settings) -> str:
    """Fail if the login may not act as one of the server's roles."""
    async with Pools.open(settings.database_url.reveal(), size=1) as pools:
        async with pools.hub() as connection:
            is_unsafe = await connection.fetchval(
                "SELECT bool_or(rolbypassrls OR rolsuper) FROM pg_roles WHERE rolname = ANY ($1)",
                [pools.role(name) for name in ("app", "hub", "projector")],
            )
        if is_unsafe:
            raise FailedError("a role of the server may see every tenant's rows: take that from it")
        return "app, hub and projector can be acted as"


async def connections(settings: Settings) -> str:
    """Warn if the hub workers of this machine would not find enough connections."""
    async with _connected(settings) as connection:
        row = await connection.fetchrow(
            "SELECT current_setting('max_connections')::int - "
            "current_setting('superuser_reserved_connections')::int, "
            "(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int"
        )
    assert row is not None, "it selects values"
    most, used = row
    needed = CONNECTIONS_EACH * settings.hub_workers + RESERVED
    said = f"{used} of {most} in use, this machine's {settings.hub_workers} hub workers take up to "
    said += str(CONNECTIONS_EACH * settings.hub_workers)
    if most < needed:
        raise WarningError(f"{said}: raise max_connections")
    return said


async def vault(settings: Settings) -> str:
    """Fail if a kept secret cannot be read with the keys that are set."""
    async with Pools.open(settings.database_url.reveal(), size=1) as pools:
        readable, unreadable = await Vault(pools, settings.secret_keys).count()
    if unreadable:
        raise FailedError(
            f"{unreadable} of {readable + unreadable} secrets cannot be read: is a key missing?"
        )
    return f"{readable} secrets, all readable"


async def tables(settings: Settings) -> str:
    """Warn if the tables of a session do not follow its log any more."""
    url = settings.database_url.reveal()
    async with Pools.open(url, size=1) as pools, pools.projector() as connection:
        rows = await connection.fetch(
            "SELECT session_id, error FROM projections WHERE error IS NOT NULL LIMIT 4"
        )
    if rows:
        first = "; ".join(f"{session}: {error}" for session, error in rows[:3])
        raise WarningError(f"stopped at an event: {first}{' …' if len(rows) > 3 else ''}")
    return "follow every log"
