"""Being in a class, and coming back after every loss: the connection of a simulated person."""

import asyncio
import contextlib
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal

from load import websocket
from load.checker import Checker
from load.connection import pause_seconds
from load.run.follower import Follower
from load.run.hall import Hall
from protocol.client import Client
from protocol.errors import CloseCode, may_reconnect
from protocol.frames import ClientInfo
from protocol.limits import SUBPROTOCOL

Nature = Literal["prompt", "slow", "stalling"]

_HELLO_SECONDS = 0.3
"""After this long the server has read a hello, unless it is very busy."""
_WELCOME_SECONDS = 30.0
_FIRST = asyncio.FIRST_COMPLETED
_QUIET_TICKS, _LOST_TICKS = 10, 15
_SECOND = 1_000_000_000
_SMALL_BUFFER = 4096
_INFO = ClientInfo("liveclass-load", "1")


class Attendee(ABC):
    """Somebody who is in a class, or on the way back to it. What is said and heard: subclasses."""

    def __init__(
        self,
        name: str,
        hall: Hall,
        token: str,
        rng: random.Random,
        doorway: asyncio.Semaphore,
        *,
        is_full: bool,
        nature: Nature = "prompt",
    ) -> None:
        self.name = name
        self.hall = hall
        self.rng = rng
        self.nature = nature
        self.is_timed = nature == "prompt"
        """Whether how long things take for them says something of the server."""
        self.is_full = is_full
        kind = Client if is_full else Follower
        self.client = kind(token, new_key=lambda: "", info=_INFO)
        self.checker = Checker(
            name, hall.report, hall.ledger, time.monotonic_ns,
            alone=True, once=True, is_prompt=self.is_timed,
        )  # fmt: skip
        self.away = False
        """Whether they are gone of their own will: nobody acts then."""
        self.final_code: int | None = None
        self._doorway = doorway
        self._line: Line | None = None
        self._lost = asyncio.Event()
        self._inside = asyncio.Event()
        self._wanted_ns: int | None = None
        self._is_back: Callable[[], None] | None = None
        self._was_in = False
        self._away_seconds: float | None = None
        self._quiet = 0
        self._has_goodbye = False
        self._leaving = False

    @property
    def is_live(self) -> bool:
        """Whether they are in the class and have caught up."""
        return self._wanted_ns is None and self._was_in

    @property
    def has_joined(self) -> bool:
        """Whether they have ever been in the class."""
        return self._was_in

    @property
    def unanswered(self) -> int:
        """How many of their commands wait for an answer."""
        return self.client.unanswered

    # ------------------------------------------------------------ coming and going

    async def attend(self, due_ns: int) -> None:
        """Join, and come back after every loss, until sent home or cancelled."""
        self._wanted_ns, failures = due_ns, 0
        try:
            while True:
                entered = await self._enter()
                if entered:
                    await self._lost.wait()
                self._disconnected()
                if self.final_code is not None or self._leaving:
                    return
                failures = 0 if entered else failures + 1
                pause, self._away_seconds = self._away_seconds, None
                await asyncio.sleep(
                    pause_seconds(self.client, failures, self.rng) if pause is None else pause
                )
                self.away = False
        finally:
            if self._line is not None:
                self._line.abort()

    async def _enter(self) -> bool:
        """Connect; return whether the server let us in."""
        self._lost.clear()
        self._inside.clear()
        small = _SMALL_BUFFER if self.nature == "slow" else None
        entered = asyncio.ensure_future(self._inside.wait())
        lost = asyncio.ensure_future(self._lost.wait())
        try:
            async with self._doorway:
                line = Line(self)
                try:
                    await websocket.connect(line, self.hall.url, SUBPROTOCOL, receive_bytes=small)
                except (OSError, TimeoutError) as error:
                    self.hall.report.counts[f"connections failed ({type(error).__name__})"] += 1
                    return False
                self._line, self._quiet, self._has_goodbye = line, 0, False
                self.client.hello()
                self._flush()
                await asyncio.wait((entered, lost), timeout=_HELLO_SECONDS, return_when=_FIRST)
            await asyncio.wait((entered, lost), timeout=_WELCOME_SECONDS, return_when=_FIRST)
        finally:
            entered.cancel()
            lost.cancel()
        if not self._inside.is_set():
            self.hall.report.counts["connections without a welcome"] += 1
        return self._inside.is_set()

    def _disconnected(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.abort()
        self.client.disconnected()

    def drop(
        self, due_ns: int, away_seconds: float | None, is_back: Callable[[], None] | None = None
    ) -> bool:
        """Lose the connection; come back after ``away_seconds``, or as soon as a client does.

        Return False if there is none to lose. ``is_back`` is called once they have caught up.
        """
        if self._line is None or not self.is_live:
            return False
        self.away = away_seconds is not None
        self._away_seconds = away_seconds
        self._wanted_ns = due_ns + round((away_seconds or 0) * _SECOND)
        self._is_back = is_back
        if self.rng.random() < 0.5:
            self._line.abort()
        else:
            self._line.close()
        return True

    def leave(self) -> None:
        """Go for good."""
        self._leaving = True
        if self._line is not None:
            self._line.close()

    def stall(self, seconds: float) -> None:
        """Read nothing for so long."""
        if self._line is not None:
            line = self._line
            line.pause()
            asyncio.get_running_loop().call_later(seconds, line.resume)

    def hurry(self) -> None:
        """From now on read everything at once."""
        self.nature = "prompt"
        if self._line is not None:
            self._line.resume()

    def tick(self) -> None:
        """Let a second pass: after ten without a word, ask whether the server is there."""
        self._quiet += 1
        if self._line is None or self.nature != "prompt" or self.client.phase != "live":
            return
        if self._quiet == _QUIET_TICKS:
            self.client.ping()
            self._flush()
        elif self._quiet >= _LOST_TICKS:
            self.hall.report.counts["servers that fell silent"] += 1
            self._line.abort()

    # ------------------------------------------------------------ the connection

    @abstractmethod
    def received(self, line: "Line", data: bytes) -> None:
        """Take bytes of the server."""

    def _flush(self) -> None:
        if self._line is not None and self._line.is_open:
            for frame in self.client.data_to_send():
                self._line.send_text(frame)

    def _caught_up(self) -> None:
        client = self.client
        if client.phase != "live" or client.state is None or client.welcome is None:
            return
        if client.position < client.welcome.head or self._wanted_ns is None:
            return
        report = self.hall.report
        latencies = report.resumes if self._was_in else report.connects
        if self.is_timed:
            latencies.add_ns(max(0, time.monotonic_ns() - self._wanted_ns))
        self._wanted_ns, self._was_in = None, True
        if self._is_back is not None:
            self._is_back()
            self._is_back = None

    def _closed(self, code: int) -> None:
        """Take a goodbye; the close frame says the same once more."""
        if self._has_goodbye:
            return
        self._has_goodbye = True
        self.hall.report.counts[f"closed with {code}"] += 1
        if not may_reconnect(code):
            self.final_code = code
            self.hall.report.violate(self.name, f"was sent home with {code}")
        elif code == CloseCode.TOO_SLOW and self.nature == "slow":
            self.hall.report.violate(self.name, "was closed for being slow, though it went on")

    def lost(self, line: "Line") -> None:
        """Notice that the connection has ended."""
        if line is not self._line:  # given up already
            return
        if self._wanted_ns is None:  # nobody meant to go
            self._wanted_ns = time.monotonic_ns()
            self.hall.report.counts["connections lost"] += 1
        self._lost.set()


class Line(websocket.Peer):
    """One connection of somebody."""

    def __init__(self, person: Attendee) -> None:
        super().__init__()
        self.frames = websocket.Frames()
        self._person = person

    def received(self, data: bytes) -> None:
        """Pass them on."""
        self._person.received(self, data)

    def lost(self) -> None:
        """Pass it on."""
        with contextlib.suppress(RuntimeError):  # the loop is closing
            self._person.lost(self)
