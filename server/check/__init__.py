"""``liveclass check``: try what the settings name, and say what was found, in words.

Nothing that is tried stays behind. What is *FAILED* keeps classes from being held; a *warning* is
something that will be felt one day: under load, after a crash, by some people.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeAlias

import asyncpg
from redis.exceptions import RedisError

from server.auth.issuers import TrustedIssuer
from server.check import database, machine, services
from server.check.result import Result, WarningError
from server.config import Settings
from server.errors import LiveClassError

CHECK_SECONDS = 15.0

_Check: TypeAlias = Callable[[Settings], Awaitable[str]]


_DATABASE: dict[str, _Check] = {
    "PostgreSQL": database.answers,
    "commits": database.commits,
    "clock": database.clock,
    "connections": database.connections,
    "schema": database.schema,
    "roles": database.roles,
    "vault": database.vault,
    "tables": database.tables,
}
"""In order: what one of the two named below fails at is not asked of those after it."""
_NEEDED = ("PostgreSQL", "schema")
_REST: dict[str, _Check] = {
    "Redis": services.redis,
    "objects": services.objects,
    "ports": machine.ports,
    "media": machine.media,
    "files": machine.files,
    "disk": machine.disk,
    "kernel": machine.kernel,
}


async def check_all(settings: Settings) -> list[Result]:
    """Try every part, whatever the others do; what does not answer keeps nobody waiting."""
    parts = dict(_REST)
    for line in settings.trusted_issuers:
        issuer = TrustedIssuer.parse(line)
        parts[f"keys of {issuer.name}"] = partial(services.keys, issuer)
    for url in settings.ice_servers:
        parts[url] = partial(services.relay, url)
    of_database, rest = await asyncio.gather(_database(settings), _each(parts, settings))
    return of_database + rest


async def _each(parts: Mapping[str, _Check], settings: Settings) -> list[Result]:
    return await asyncio.gather(*(_try(part, check(settings)) for part, check in parts.items()))


async def _database(settings: Settings) -> list[Result]:
    results: list[Result] = []
    missing: str | None = None
    for part, check in _DATABASE.items():
        if missing is not None:
            results.append(Result(part, "FAILED", f"not tried, for {missing}"))
            continue
        results.append(await _try(part, check(settings)))
        if part in _NEEDED and results[-1].state == "FAILED":
            missing = part
    return results


async def _try(part: str, check: Awaitable[str]) -> Result:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return Result(part, "ok", await check)
    except TimeoutError:
        return Result(part, "FAILED", f"no answer within {CHECK_SECONDS:.0f} s")
    except WarningError as warning:
        return Result(part, "warning", str(warning))
    except (LiveClassError, OSError, asyncpg.PostgresError, RedisError) as error:
        # Types and messages of these carry hosts and users, never passwords or keys.
        return Result(part, "FAILED", str(error) or type(error).__name__)
