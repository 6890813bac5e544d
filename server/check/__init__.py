"""``liveclass check``: try what the settings name, and say what was found, in words.

Nothing that is tried stays behind. What is *FAILED* keeps classes from being held; a *warning* is
something that will be felt one day: under load, after a crash, by some people.
"""

import asyncio
from collections.abc import Awaitable, Callable
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


async def check_all(settings: Settings) -> list[Result]:
    """Try every part, whatever the others do."""
    parts: dict[str, _Check] = {
        "PostgreSQL": database.answers,
        "commits": database.commits,
        "schema": database.schema,
        "clock": database.clock,
        "roles": database.roles,
        "connections": database.connections,
        "vault": database.vault,
        "tables": database.tables,
        "Redis": services.redis,
        "objects": services.objects,
        "ports": machine.ports,
        "media": machine.media,
        "files": machine.files,
        "disk": machine.disk,
        "kernel": machine.kernel,
    }
    for line in settings.trusted_issuers:
        issuer = TrustedIssuer.parse(line)
        parts[f"keys of {issuer.name}"] = partial(services.keys, issuer)
    for url in settings.ice_servers:
        parts[url] = partial(services.relay, url)
    return [await _try(part, check(settings)) for part, check in parts.items()]


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
