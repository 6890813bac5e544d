"""What every simulated person does: stay connected, ask, be checked, and settle at the end."""

import asyncio
import random
import time
from collections.abc import Coroutine, Sequence
from typing import Any

import aiohttp

from load.checker import Checker
from load.connection import Connection
from load.ledger import Ledger
from load.place import Place
from load.report import Report
from protocol.client import Client
from protocol.commands import AnyCommand
from protocol.errors import CloseCode
from protocol.frames import Ack, Nack

_LIVE_SECONDS = 4.0
_SETTLE_SECONDS = 3.0
_COMPARE_SECONDS = 5.0
_OUR_FAULT = frozenset(("bad_request", "unknown_op", "unauthorized", "idempotency_conflict"))
"""Refusals that an honest client never earns; ``internal`` is one that nobody ever should."""

_LAWFUL = frozenset((CloseCode.REMOVED, CloseCode.BANNED, CloseCode.DENIED, CloseCode.SESSION_OVER))
"""Final goodbyes that somebody in the class can bring about."""


class Person:
    """A connection with a checker, and the manners that teachers and students share."""

    def __init__(
        self,
        name: str,
        token: str,
        place: Place,
        http: aiohttp.ClientSession,
        report: Report,
        ledger: Ledger,
        rng: random.Random,
        *,
        alone: bool,
    ) -> None:
        self.name = name
        self.rng = rng
        self.report = report
        self._place = place
        self._http = http
        self._checker = Checker(name, report, ledger, time.time_ns, alone=alone)
        self.connection = Connection(
            http,
            place.live_url,
            token,
            rng=rng,
            on_frame=self._checker.frame,
            on_answer=self._answered,
        )

    @property
    def client(self) -> Client:
        """What this person knows."""
        return self.connection.client

    async def live(self, stop: asyncio.Event, habits: Sequence[Coroutine[Any, Any, None]]) -> None:
        """Be in the class with these habits until ``stop``, or until the server ends it; settle."""
        async with asyncio.TaskGroup() as tasks:
            connected = tasks.create_task(self.connection.run())
            acting = [tasks.create_task(habit) for habit in habits]
            stopping = tasks.create_task(stop.wait())
            await asyncio.wait((connected, stopping), return_when=asyncio.FIRST_COMPLETED)
            for task in (*acting, stopping):
                task.cancel()
            await self._settle()
            connected.cancel()

    async def ask(self, command: AnyCommand) -> Ack | Nack | None:
        """Return the answer to ``command``, or None if none came in time."""
        welcome, started = self.client.welcome, time.monotonic()
        try:
            answer = await self.connection.say(command)
        except TimeoutError:
            self.report.counts["commands without an answer"] += 1
            if self.client.phase == "live":
                self.report.violate(self.name, f"{command.op} was never answered")
            return None
        if self.client.welcome is welcome:
            self.report.acks.add((time.monotonic() - started) * 1000)
        return answer

    async def compare_with_a_newcomer(self) -> None:
        """Join a second time, without a past, and demand the same state at the same position."""
        newcomer = Connection(
            self._http, self._place.live_url, self.client.token, rng=random.Random(self.name)
        )
        compared = asyncio.Event()

        def compare(_: Client) -> bool:
            mine, theirs = self.client, newcomer.client
            if compared.is_set():
                return True
            if mine.state is None or theirs.state is None or mine.position != theirs.position:
                return False
            self._checker.compare(mine.state, theirs.state, mine.position)
            compared.set()
            return True

        async with asyncio.TaskGroup() as tasks:
            joined = tasks.create_task(newcomer.run())
            watching = [
                tasks.create_task(connection.until(compare, _COMPARE_SECONDS))
                for connection in (newcomer, self.connection)
            ]
            await asyncio.wait(watching, return_when=asyncio.FIRST_COMPLETED)
            for task in (*watching, joined):
                task.cancel()
        if not compared.is_set():
            self.report.counts["states not comparable"] += 1

    async def pause(self, seconds: float) -> None:
        """Do nothing for about ``seconds``, as people do."""
        await asyncio.sleep(seconds * self.rng.uniform(0.5, 1.5))

    def _answered(self, command: AnyCommand, answer: Ack | Nack) -> None:
        if isinstance(answer, Ack):
            self._checker.answered(command.op, answer)
            return
        self.report.counts[f"refused as {answer.code}"] += 1
        if answer.code in _OUR_FAULT or answer.code == "internal":
            self.report.violate(self.name, f"{command.op}: {answer.code}: {answer.message}")

    async def _settle(self) -> None:
        """Wait until all is answered and here, then check what can only be checked at rest."""
        if (code := self.connection.final_code) is not None:
            self.report.counts[f"people sent home ({code})"] += 1
            if code not in _LAWFUL:
                self.report.violate(self.name, f"was sent home with {code}")
            return
        if not await self.connection.until(lambda client: client.phase == "live", _LIVE_SECONDS):
            self.report.unsettled += 1
            return
        await self.connection.until(
            lambda client: not client.unanswered and client.position >= self._checker.last_acked,
            _SETTLE_SECONDS,
        )
        await self.compare_with_a_newcomer()
        self._checker.settle(self.client.position, unanswered=self.client.unanswered)
