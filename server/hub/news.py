"""Classes here whose owner is not reached, looked after together.

However many they are, one question to the database at a time tells what became of all of them.
The first one comes at once, because whoever has just died is dead for the database a moment later;
the next ones further and further apart.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from server.clock import Clock
from server.errors import UnavailableError
from server.store.succession import Glance

FIRST_SECONDS = 0.01
MOST_SECONDS = 0.5
CALM_SECONDS = 5.0
"""An owner that nobody has missed for so long is asked after at once again."""


class _Missed:
    """A class whose owner was last known behind ``link``."""

    __slots__ = ("head", "link", "news")

    def __init__(self, link: str, head: int) -> None:
        self.link = link
        self.head = head
        self.news: Literal["other owner", "longer log"] | None = None


class News:
    """What becomes of classes whose owner is not reached.

    ``look`` returns how sessions are in the database, ``is_dead`` says whether a node is gone.
    """

    def __init__(
        self,
        look: Callable[[Sequence[str]], Awaitable[list[Glance]]],
        is_dead: Callable[[str], Awaitable[bool]],
        clock: Clock,
    ) -> None:
        self._ask = look
        self._is_dead = is_dead
        self._clock = clock
        self._missed: dict[str, _Missed] = {}
        self._turn = asyncio.Lock()
        self._pause = FIRST_SECONDS
        self._missed_at: dict[str, float] = {}
        """When somebody last waited for the owner behind a link."""

    async def grown(self, session: str, link: str, head: int, seconds: float) -> bool:
        """Wait until the owner behind ``link`` is gone or another, for ``seconds`` at the most.

        Return True where meanwhile the log has grown beyond ``head``: read it, and come again.
        """
        missed = self._missed[session] = _Missed(link, head)
        if self._clock.monotonic() - self._missed_at.get(link, -CALM_SECONDS) >= CALM_SECONDS:
            self._pause = FIRST_SECONDS
        try:
            async with asyncio.timeout(seconds):
                while missed.news is None:
                    async with self._turn:  # whoever has it looks for everybody
                        if missed.news is None:
                            await self._look()
        except TimeoutError:
            pass  # time to try the link again
        finally:
            if self._missed.get(session) is missed:
                del self._missed[session]
        return missed.news == "longer log"

    async def _look(self) -> None:
        # Random to spread load: it keeps no secret.
        await asyncio.sleep(self._pause * random.uniform(0.5, 1.0))  # noqa: S311
        self._pause = min(MOST_SECONDS, self._pause * 2)
        missed, now = dict(self._missed), self._clock.monotonic()
        self._missed_at = {
            link: at for link, at in self._missed_at.items() if now - at < CALM_SECONDS
        } | dict.fromkeys((each.link for each in missed.values()), now)
        try:
            seen = {each.session: each for each in await self._ask(list(missed))}
            owners = {each.node for each in seen.values()}
            dead = {node for node in owners if await self._is_dead(node)}
        except UnavailableError:
            self._pause = MOST_SECONDS
            return  # nobody can take anything now
        for session, each in missed.items():
            found = seen.get(session)
            if found is None or found.link != each.link or found.node in dead:
                each.news = "other owner"
            elif found.head > each.head:
                each.news = "longer log"
