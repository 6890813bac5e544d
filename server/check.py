"""``liveclass check``: try what the settings name, and say what was found, in words."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from server.auth.issuers import TrustedIssuer
from server.auth.jwks import FetchError, Issuers
from server.clock import SystemClock
from server.config import Settings
from server.errors import LiveClassError
from server.ids import new_id
from server.objects.open import open_objects
from server.objects.signing import UrlSigner
from server.store.migrate import pending

CHECK_SECONDS = 15.0
SKEW_MS = 1_000


class Result(NamedTuple):
    """What trying one part showed."""

    part: str
    is_ok: bool
    says: str


class _FailedError(LiveClassError):
    """The part does not do what it must."""


async def check_all(settings: Settings) -> list[Result]:
    """Try every part, whatever the others do; nothing that is tried stays behind."""
    parts: dict[str, Callable[[Settings], Awaitable[str]]] = {
        "PostgreSQL": _postgresql,
        "schema": _schema,
        "clock": _clock,
        "Redis": _redis,
        "objects": _objects,
    }
    for line in settings.trusted_issuers:
        issuer = TrustedIssuer.parse(line)
        parts[f"keys of {issuer.name}"] = partial(_keys, issuer)
    return [await _try(part, check(settings)) for part, check in parts.items()]


async def _try(part: str, check: Awaitable[str]) -> Result:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return Result(part, True, await check)
    except TimeoutError:
        return Result(part, False, f"no answer within {CHECK_SECONDS:.0f} s")
    except (LiveClassError, OSError, asyncpg.PostgresError, RedisError) as error:
        # Types and messages of these carry hosts and users, never passwords or keys.
        return Result(part, False, str(error) or type(error).__name__)


async def _connect(settings: Settings) -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(settings.database_url.reveal(), timeout=5)


async def _postgresql(settings: Settings) -> str:
    connection = await _connect(settings)
    try:
        version = connection.get_server_version()
        if version.major < 15:
            raise _FailedError(f"PostgreSQL {version.major} is too old: 15 or newer is needed")
        # A proxy that gives each transaction another connection loses session locks, on which
        # the ownership of classes rests.
        await connection.execute("SELECT pg_advisory_lock(1279477588, 0)")
        is_kept = await connection.fetchval("SELECT pg_advisory_unlock(1279477588, 0)")
        if not is_kept:
            raise _FailedError("behind a transaction-pooling proxy: connect to it directly")
        return f"version {version.major}.{version.minor}"
    finally:
        await connection.close(timeout=2)


async def _schema(settings: Settings) -> str:
    missing = await pending(settings.database_url.reveal())
    if missing:
        raise _FailedError(f"{len(missing)} migrations to apply: run `liveclass migrate`")
    return "up to date"


async def _clock(settings: Settings) -> str:
    connection = await _connect(settings)
    try:
        theirs = await connection.fetchval("SELECT (extract(epoch FROM now()) * 1000)::bigint")
    finally:
        await connection.close(timeout=2)
    skew = abs(SystemClock().now_ms() - theirs)
    if skew > SKEW_MS:
        raise _FailedError(f"{skew} ms apart from PostgreSQL's: run a time service")
    return f"within {skew} ms of PostgreSQL's"


async def _redis(settings: Settings) -> str:
    async with Redis.from_url(settings.redis_url.reveal(), socket_timeout=5) as client:
        info = await client.info("server")
    return f"version {info.get('valkey_version') or info.get('redis_version')}"


async def _keys(issuer: TrustedIssuer, _: Settings) -> str:
    async with Issuers.open([issuer], SystemClock()) as issuers:
        keys = issuers.find(issuer.name)
        assert keys is not None, "it was just put in"
        try:
            count = await keys.fetch()
        except FetchError as error:
            raise _FailedError(f"{issuer.jwks}: {error}") from None
    if not count:
        raise _FailedError(f"{issuer.jwks}: no key for {' or '.join(sorted(issuer.algorithms))}")
    return f"{count} that can be used"


async def _objects(settings: Settings) -> str:
    key, content = f"check/{new_id()}", b"liveclass"
    signer = UrlSigner(settings.token_secret, settings.public_url, SystemClock())
    async with open_objects(settings.objects_url, signer) as objects:
        await objects.put(key, content, "text/plain")
        try:
            if await objects.get(key) != content:
                raise _FailedError("what was read is not what was written")
        finally:
            await objects.delete(key)
    return "written, read and deleted"
