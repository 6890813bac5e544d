"""Is it alive, has it started, may it get traffic?

``/healthz/live``     the event loop answers; touches nothing else
``/healthz/startup``  200 once everything is up
``/healthz/ready``    200 while requests should be sent here; says how each part does
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

import orjson
from aiohttp import web

from server.clock import Clock
from server.errors import UnavailableError

Phase = Literal["starting", "serving", "draining"]
Check = Callable[[], Awaitable[None]]
"""Returns if the part answers; raises UnavailableError, OSError or TimeoutError if it does not."""

CACHE_SECONDS = 1.0
CHECK_SECONDS = 2.0


class Health:
    """How this process and the services it needs do."""

    def __init__(self, clock: Clock) -> None:
        self.phase: Phase = "starting"
        self._clock = clock
        self._checks: dict[str, Check] = {}
        self._parts: dict[str, str] = {}
        self._looked_at: float | None = None
        self._looking = asyncio.Lock()

    def watch(self, part: str, check: Check) -> None:
        """Be ready only while ``check`` passes, and show it under the name ``part``."""
        self._checks[part] = check

    def forget(self, part: str) -> None:
        """Watch ``part`` no longer."""
        self._checks.pop(part, None)

    async def parts(self) -> dict[str, str]:
        """Return ``ok`` or what is wrong for each part, at most a second old."""
        async with self._looking:  # one look, however many ask
            now = self._clock.monotonic()
            if self._looked_at is None or now - self._looked_at >= CACHE_SECONDS:
                names = list(self._checks)
                states = await asyncio.gather(*(_state(self._checks[name]) for name in names))
                self._parts = dict(zip(names, states, strict=True))
                self._looked_at = now
            return self._parts

    async def live(self, _request: web.Request) -> web.Response:
        """Answer: that is all there is to say."""
        return _answer({"status": "ok"}, ready=True)

    async def startup(self, _request: web.Request) -> web.Response:
        """Say whether the start is behind us."""
        return _answer({"status": self.phase}, ready=self.phase != "starting")

    async def ready(self, _request: web.Request) -> web.Response:
        """Say whether requests should be sent here."""
        parts = await self.parts()
        is_ready = self.phase == "serving" and all(state == "ok" for state in parts.values())
        return _answer({"status": self.phase, "parts": parts}, ready=is_ready)


async def _state(check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except TimeoutError:
        return "no answer"
    except (UnavailableError, OSError):
        # Not the error's text: it may name hosts, users and what not.
        return "away"
    return "ok"


def _answer(body: dict[str, object], *, ready: bool) -> web.Response:
    return web.Response(
        body=orjson.dumps(body),
        status=200 if ready else 503,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
