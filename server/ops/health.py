"""Is it alive, has it started, may it get traffic?

``/healthz/live``     the event loop answers; touches nothing else         (also ``/healthz``)
``/healthz/startup``  200 once everything is up
``/healthz/ready``    200 while requests should be sent here               (also ``/readyz``)

The last one says how each part does. A part that nothing works without makes the node unready
once it has been away for a while: a moment's trouble of a database is one of every node, and
sending people elsewhere mends nothing. Without the others something is missing, and the rest goes
on: they are only shown.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

import orjson
from aiohttp import web

from server.clock import Clock
from server.errors import UnavailableError

Phase = Literal["starting", "serving", "draining"]
State = Literal["ok", "away", "no answer"]
Check = Callable[[], Awaitable[str | None]]
"""Returns if the part does what it must, perhaps with something to show.

It raises UnavailableError, OSError or TimeoutError if the part does not.
"""

CACHE_SECONDS = 1.0
CHECK_SECONDS = 2.0
PATIENCE_SECONDS = 10.0
"""For so long a part that is needed may be away before nobody should be sent here."""


class _Part:
    """Something that is looked at now and then."""

    def __init__(self, check: Check, every_seconds: float, *, is_needed: bool) -> None:
        self.check = check
        self.every_seconds = every_seconds
        self.is_needed = is_needed
        self.found = _Found("ok", None)
        self.looked_at: float | None = None
        self.bad_since: float | None = None


class _Found(NamedTuple):
    """How a part did when it was looked at."""

    state: State
    says: str | None


class Health:
    """How this process and the services it needs do."""

    def __init__(self, clock: Clock) -> None:
        self.phase: Phase = "starting"
        self._clock = clock
        self._parts: dict[str, _Part] = {}
        self._looking = asyncio.Lock()

    def watch(
        self,
        name: str,
        check: Check,
        *,
        is_needed: bool = True,
        every_seconds: float = CACHE_SECONDS,
    ) -> None:
        """Show the part under ``name``, looked at no more often than it is said.

        Be ready only while one that ``is_needed`` passes, or has failed for a moment only.
        """
        self._parts[name] = _Part(check, every_seconds, is_needed=is_needed)

    def forget(self, name: str) -> None:
        """Watch a part no longer."""
        self._parts.pop(name, None)

    async def look(self) -> bool:
        """Look at what has not been looked at just now; return whether all is well enough."""
        async with self._looking:  # one look, however many ask
            now = self._clock.monotonic()
            due = [
                part
                for part in self._parts.values()
                if part.looked_at is None or now - part.looked_at >= part.every_seconds
            ]
            found = await asyncio.gather(*(_look(part.check) for part in due))
            for part, seen in zip(due, found, strict=True):
                part.found, part.looked_at = seen, now
                if part.found.state == "ok":
                    part.bad_since = None
                elif part.bad_since is None:
                    part.bad_since = now
        return not any(
            part.is_needed
            and part.bad_since is not None
            and now - part.bad_since >= PATIENCE_SECONDS
            for part in self._parts.values()
        )

    async def live(self, _request: web.Request) -> web.Response:
        """Answer: that is all there is to say."""
        return _answer({"status": "ok"}, ready=True)

    async def startup(self, _request: web.Request) -> web.Response:
        """Say whether the start is behind us."""
        return _answer({"status": self.phase}, ready=self.phase != "starting")

    async def ready(self, _request: web.Request) -> web.Response:
        """Say whether requests should be sent here."""
        is_well = await self.look()
        now = self._clock.monotonic()
        parts = {name: _shown(part, now) for name, part in self._parts.items()}
        is_ready = self.phase == "serving" and is_well
        return _answer({"status": self.phase, "parts": parts}, ready=is_ready)


async def _look(check: Check) -> _Found:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return _Found("ok", await check())
    except TimeoutError:
        return _Found("no answer", None)
    except (UnavailableError, OSError):
        # Not the error's text: it may name hosts, users and what not.
        return _Found("away", None)


def _shown(part: _Part, now: float) -> dict[str, object]:
    shown: dict[str, object] = {"state": part.found.state, "needed": part.is_needed}
    if part.found.says is not None:
        shown["says"] = part.found.says
    if part.bad_since is not None:
        shown["seconds"] = round(now - part.bad_since, 1)
    return shown


def _answer(body: dict[str, object], *, ready: bool) -> web.Response:
    return web.Response(
        body=orjson.dumps(body),
        status=200 if ready else 503,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
