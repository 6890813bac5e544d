"""A simulated person: connected, checked, back after every loss, and as cheap as that can be."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from typing import Literal

import msgspec

from load import websocket
from load.checker import Checker
from load.connection import pause_seconds
from load.ledger import EVENTS, Range
from load.run.follower import Follower
from load.run.hall import Chunk, Hall
from protocol import codec
from protocol.client import Answered, Client, RetryAfter
from protocol.commands import AnyCommand
from protocol.errors import RETRYABLE, CloseCode, MalformedFrameError, may_reconnect
from protocol.frames import (
    Ack,
    Bye,
    ClientInfo,
    CommandFrame,
    Nack,
    SignalSent,
    SnapshotFrame,
    Welcome,
)
from protocol.limits import SUBPROTOCOL

Nature = Literal["prompt", "slow", "stalling"]

SLOW_BYTES_PER_SECOND = 4_000
_HELLO_SECONDS = 0.3
"""After this long the server has read a hello, unless it is very busy."""
_WELCOME_SECONDS = 30.0
_FIRST = asyncio.FIRST_COMPLETED
_QUIET_TICKS, _LOST_TICKS = 10, 15
_SECOND = 1_000_000_000
_SMALL_BUFFER = 4096
_TWINS_FROM = 1 << 40
_PASSING = tuple(
    b'{"type":"%s"' % kind for kind in (b"counters", b"presence", b"signal", b"health", b"roster")
)
_OUR_FAULT = frozenset(
    ("bad_request", "unknown_op", "unauthorized", "idempotency_conflict", "internal")
)
"""Refusals that an honest client never earns; ``internal`` is one that nobody ever should."""
_INFO = ClientInfo("liveclass-load", "1")


class Person:
    """Somebody in a class. What they do is decided elsewhere, by calling :meth:`say`."""

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
        twins: float = 0.0,
    ) -> None:
        self.name = name
        self.hall = hall
        self.rng = rng
        self.nature = nature
        self.is_full = is_full
        kind = Client if is_full else Follower
        self.client = kind(token, new_key=lambda: "", info=_INFO)
        self.checker = Checker(
            name, hall.report, hall.ledger, time.monotonic_ns,
            alone=True, once=True, is_prompt=nature == "prompt",
        )  # fmt: skip
        self.away = False
        """Whether they are gone of their own will: nobody acts then."""
        self.hand_is_up = False
        self.last_chat_ns = 0
        self.final_code: int | None = None
        self._doorway = doorway
        self._twins_share = twins
        self._line: _Line | None = None
        self._lost = asyncio.Event()
        self._inside = asyncio.Event()
        self._wanted_ns: int | None = None
        self._is_back: Callable[[], None] | None = None
        self._was_in = False
        self._away_seconds: float | None = None
        self._asked: dict[str, tuple[int, str]] = {}
        self._twins: dict[int, tuple[str, str]] = {}
        self._next_key = 0
        self._last_answer = 0
        self._quiet = 0
        self._chunks: dict[bytes, Chunk] = {}
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
                line = _Line(self)
                try:
                    await websocket.connect(line, self.hall.url, SUBPROTOCOL, receive_bytes=small)
                except (OSError, TimeoutError) as error:
                    self.hall.report.counts[f"connections failed ({type(error).__name__})"] += 1
                    return False
                self._line, self._quiet = line, 0
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
        self._twins.clear()

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

    # ------------------------------------------------------------ what they say

    def say(self, command: AnyCommand, due_ns: int) -> None:
        """Ask for ``command``, which was due at ``due_ns``; some are sent twice."""
        self._next_key += 1
        key = self.hall.key(due_ns, self._next_key)
        self.client.command(command, key=key)
        self._asked[key] = due_ns, command.op
        self.hall.report.counts["commands"] += 1
        self._flush()
        is_connected = self._line is not None and self.client.phase == "live"
        if self._twins_share and is_connected and self.rng.random() < self._twins_share:
            self._repeat(key, command)

    def signal(self, signal: SignalSent) -> None:
        """Send what is felt, not kept."""
        if self._line is not None and self.client.phase == "live":
            self._line.send_text(codec.encode(signal))
            self.hall.report.counts["signals"] += 1

    def _repeat(self, key: str, command: AnyCommand) -> None:
        """Send a command a second time, as a client does that missed the answer."""
        assert self._line is not None
        number = _TWINS_FROM + self._next_key
        self._twins[number] = key, command.op
        data = msgspec.Raw(msgspec.json.encode(command))
        self._line.send_text(codec.encode(CommandFrame(number, key, command.op, data)))
        self.hall.report.counts["commands sent twice"] += 1

    def _flush(self) -> None:
        if self._line is not None and self._line.is_open:
            for frame in self.client.data_to_send():
                self._line.send_text(frame)

    # ------------------------------------------------------------ what they hear

    def received(self, line: "_Line", data: bytes) -> None:
        """Take bytes of the server."""
        self._quiet = 0
        chunk = None if line.frames.is_amid else self._chunks.get(data)
        try:
            if chunk is None:
                self._read(line, data)
                self._flush()
            else:
                self._follow(chunk)
        except MalformedFrameError as error:
            self.hall.report.violate(self.name, f"a frame that is none: {error}")
            line.abort()
            return
        if self._wanted_ns is not None:
            self._caught_up()
        if self.nature == "slow":
            line.pause()
            asyncio.get_running_loop().call_later(len(data) / SLOW_BYTES_PER_SECOND, line.resume)

    def _follow(self, chunk: Chunk) -> None:
        """Take bytes that somebody else has read already."""
        client = self.client
        assert isinstance(client, Follower)
        for told, payload in chunk:
            self.checker.ranged(told)
            if not client.follow(told, payload):
                self._flush()

    def _read(self, line: "_Line", data: bytes) -> None:
        """Take bytes that nobody has had yet; keep them for others if they are for all."""
        is_whole = not line.frames.is_amid
        ranges: list[tuple[Range, bytes]] = []
        is_shared = not self.is_full
        chunks, client = self._chunks, self.client
        for opcode, payload in line.frames.cut(data):
            if opcode != 1:
                is_shared = False
                self._control(line, opcode, payload)
            elif payload.startswith(EVENTS):
                told = self.hall.read(client.log or "", client.view or "", payload)
                self.checker.ranged(told)
                if isinstance(client, Follower):
                    client.follow(told, payload)
                else:
                    client.receive(payload)
                ranges.append((told, payload))
            elif payload.startswith(_PASSING):
                self.hall.glance(payload)
            else:
                is_shared = False
                self._private(payload)
        if is_shared and is_whole and not line.frames.is_amid:
            self.hall.keep(chunks, data, tuple(ranges))

    def _control(self, line: "_Line", opcode: int, payload: bytes) -> None:
        if opcode == 8:
            self._closed(int.from_bytes(payload[:2], "big") or 1005)
            line.close()
        elif opcode == 9:
            line.send_pong(payload)

    def _private(self, payload: bytes) -> None:
        """Take a frame that is for this person alone."""
        if self._twins and payload.startswith((b'{"type":"ack"', b'{"type":"nack"')):
            answer = codec.decode_server(payload)
            if isinstance(answer, Ack | Nack) and answer.id in self._twins:
                self._answered_again(answer)
                return
        for item in self.client.receive(payload):
            match item:
                case Welcome():
                    self.checker.welcomed(item)
                    if not self.is_full:
                        self._chunks = self.hall.chunks(item.log, item.view)
                    self._inside.set()
                case SnapshotFrame():
                    self.checker.restarted_at(item.sequence, item.state)
                case Answered():
                    self._answered(item)
                case RetryAfter():
                    self.hall.report.counts["answers to try again"] += 1
                    asyncio.get_running_loop().call_later(item.milliseconds / 1000, self._resend)
                case Bye():
                    self._closed(item.code)
                case _:
                    pass

    def _answered(self, item: Answered) -> None:
        due_ns, op = self._asked.pop(item.key)
        report, answer = self.hall.report, item.answer
        if answer.id <= self._last_answer:
            text = f"{op} was answered after what was asked later"
            report.violate(self.name, text, "reordered")
        self._last_answer = max(self._last_answer, answer.id)
        if isinstance(answer, Ack):
            report.acks.add_ns(time.monotonic_ns() - due_ns)
            self.checker.answered(op, answer)
            return
        report.counts["refused"] += 1
        report.counts[f"refused as {answer.code} ({op})"] += 1
        if answer.code in _OUR_FAULT:
            report.violate(self.name, f"{op}: {answer.code}: {answer.message}")

    def _answered_again(self, answer: Ack | Nack) -> None:
        key, op = self._twins.pop(answer.id)
        if isinstance(answer, Ack):
            self.checker.answered(op, answer)
        elif answer.code not in RETRYABLE and key not in self._asked:
            self.hall.report.counts["repetitions refused"] += 1

    def _resend(self) -> None:
        self.client.resend()
        self._flush()

    def _caught_up(self) -> None:
        client = self.client
        if client.phase != "live" or client.state is None or client.welcome is None:
            return
        if client.position < client.welcome.head or self._wanted_ns is None:
            return
        report = self.hall.report
        latencies = report.resumes if self._was_in else report.connects
        latencies.add_ns(max(0, time.monotonic_ns() - self._wanted_ns))
        self._wanted_ns, self._was_in = None, True
        if self._is_back is not None:
            self._is_back()
            self._is_back = None

    def _closed(self, code: int) -> None:
        self.hall.report.counts[f"closed with {code}"] += 1
        if not may_reconnect(code):
            self.final_code = code
            self.hall.report.violate(self.name, f"was sent home with {code}")
        elif code == CloseCode.TOO_SLOW and self.nature == "slow":
            self.hall.report.violate(self.name, "was closed for being slow, though it went on")

    def lost(self, line: "_Line") -> None:
        """Notice that the connection has ended."""
        if line is not self._line:  # given up already
            return
        if self._wanted_ns is None:  # nobody meant to go
            self._wanted_ns = time.monotonic_ns()
            self.hall.report.counts["connections lost"] += 1
        self._lost.set()


class _Line(websocket.Peer):
    """One connection of a person."""

    def __init__(self, person: Person) -> None:
        super().__init__()
        self.frames = websocket.Frames()
        self._person = person

    def received(self, data: bytes) -> None:
        self._person.received(self, data)

    def lost(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closing
            self._person.lost(self)
