"""Students of live classes, in Python: they join, talk, vanish and come back."""

import asyncio
import contextlib
import math
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec

from load import websocket
from load.bench.open_loop import OpenLoop
from load.bench.swarm import answer, next_line, standard_input
from load.latencies import Latencies
from protocol import codec
from protocol.commands import ChatPost
from protocol.errors import may_reconnect
from protocol.frames import ClientInfo, ClientPong, CommandFrame, Hello, ResumePosition
from protocol.limits import SUBPROTOCOL

_RETRY_SECONDS = 0.25
_PATIENCE_SECONDS = 10.0
_LINE = "mark %d I think it is forty-two, because six times seven makes forty-two."
_MARK = re.compile(rb'"mark (\d+) ')


class _Incoming(msgspec.Struct):
    """The few fields of any frame that matter here."""

    type: str
    id: int = -1
    code: str | int | None = None
    retry_ms: int | None = None
    log: str = ""
    head: int = 0
    recovery: str = ""
    sequence: tuple[int, int] | int | None = None
    from_: int = msgspec.field(name="from", default=0)
    to: int = 0
    events: tuple[msgspec.Raw, ...] = ()


class _Event(msgspec.Struct):
    sequence: int


_decode = msgspec.json.Decoder(_Incoming).decode
_decode_event = msgspec.json.Decoder(_Event).decode


@dataclass
class _Phase:
    """What one phase came to."""

    began: int = field(default_factory=time.monotonic_ns)
    began_cpu: float = field(default_factory=time.process_time)
    counts: Counter[str] = field(default_factory=Counter)
    recoveries: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    byes: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    acked: Counter[str] = field(default_factory=Counter)
    """How many lines were, by the path of the class; …"""
    marks: Counter[str] = field(default_factory=Counter)
    """… the sum of their marks; …"""
    last: Counter[str] = field(default_factory=Counter)
    """… and the highest sequence."""
    joins: Latencies = field(default_factory=Latencies)
    acks: Latencies = field(default_factory=Latencies)
    told: Latencies = field(default_factory=Latencies)
    late: Latencies = field(default_factory=Latencies)

    def tallies(self) -> dict[str, Any]:
        """Return what is said of every phase."""
        seconds = (time.monotonic_ns() - self.began) / 1e9
        share = (time.process_time() - self.began_cpu) / seconds
        return {
            "byes": dict(self.byes),
            "ends": dict(self.ends),
            "seconds": round(seconds, 3),
            "generator_cpu": round(share, 3),
        }


class _Socket(websocket.Peer):
    """One connection of a student."""

    def __init__(self, student: "_Student") -> None:
        super().__init__()
        self._student = student
        self._frames = websocket.Frames()

    def received(self, data: bytes) -> None:
        for opcode, payload in self._frames.cut(data):
            if opcode == 1 and self._student.socket is self:
                self._student.hears(payload)
            elif opcode == 9:
                self.send_pong(payload)

    def lost(self) -> None:
        if self._student.socket is self:
            self._student.is_gone("end")


class _Student:
    """A student, and all that they have heard."""

    def __init__(self, crowd: "_Crowd", path: str, token: str) -> None:
        self.path = path
        self.socket: _Socket | None = None
        self.is_live = self.had_snapshot = False
        self.position = -1
        self.seen = self.marks = 0
        self._crowd = crowd
        self._token = token
        self._log = ""
        self._head = 0
        self._last_id = self._answered = 0
        self._due: dict[int, int] = {}
        self._retry_seconds: float | None = _RETRY_SECONDS
        self._news = asyncio.Event()

    async def come(self) -> None:
        """Connect until there; return when the answer is on its way, or one is sent home."""
        while self.socket is None and self._retry_seconds is not None:
            self._crowd.phase.counts["attempts"] += 1
            self._last_id = self._answered = 0
            self.socket = socket = _Socket(self)
            try:
                await websocket.connect(socket, self._crowd.base + self.path, SUBPROTOCOL)
            except (OSError, TimeoutError):
                self.socket = None
                self._crowd.phase.ends["refused"] += 1
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            known = self.position >= 0 and bool(self._log)
            resume = ResumePosition(self._log, self.position, "student") if known else None
            socket.send_text(codec.encode(Hello(self._token, ClientInfo("swarm", "1"), resume)))
            while self.socket is socket and not self.is_live:
                self._news.clear()
                await self._news.wait()
            if self.socket is None:
                await asyncio.sleep(self._retry_seconds or 0)

    def leave(self) -> None:
        """Lose the network."""
        if self.socket is not None:
            socket, self.socket = self.socket, None
            socket.abort()
        self.is_live = False

    def is_gone(self, why: str) -> None:
        """Take note that the connection is."""
        self.socket, self.is_live = None, False
        self._news.set()
        self._crowd.phase.ends[why] += 1
        self._crowd.phase.counts["gone"] += 1

    def says(self, due: int) -> None:
        """Write one line that was due at ``due``."""
        self._last_id += 1
        self._due[self._last_id] = due
        data = msgspec.Raw(msgspec.json.encode(ChatPost(_LINE % due)))
        key = f"{self._crowd.phase.began:x}-{id(self):x}-{self._last_id}"
        if self.socket is not None and self.socket.is_open:
            self.socket.send_text(codec.encode(CommandFrame(self._last_id, key, ChatPost.op, data)))

    def hears(self, payload: bytes) -> None:
        """Take one frame."""
        phase = self._crowd.phase
        self._crowd.news.set()
        try:
            frame = _decode(payload)
        except msgspec.MsgspecError:
            phase.ends["no frame"] += 1
            return
        match frame.type:
            case "events":
                self._events(frame, phase)
            case "ack" | "nack":
                self._answer(frame, phase)
            case "welcome":
                phase.recoveries[frame.recovery] += 1
                self._log, self._head = frame.log, frame.head
                if frame.recovery == "snapshot":
                    self.position = -1
                self._look()
            case "snapshot" if isinstance(frame.sequence, int):
                self.position, self.had_snapshot = frame.sequence, True
                self._look()
            case "bye":
                phase.byes[str(frame.code)] += 1
                is_back = isinstance(frame.code, int) and may_reconnect(frame.code)
                self._retry_seconds = (frame.retry_ms or 250) / 1000 if is_back else None
            case "ping" if self.socket is not None:
                self.socket.send_text(codec.encode(ClientPong(max(0, self.position))))
            case _:
                pass

    def _look(self) -> None:
        if not self.is_live and self._log and self.position >= self._head:
            self.is_live = True
            self._news.set()
            self._crowd.phase.joins.add_ns(time.monotonic_ns() - self._crowd.phase.began)

    def _events(self, frame: _Incoming, phase: _Phase) -> None:
        now = time.monotonic_ns()
        phase.counts["gaps"] += self.position < 0 or frame.from_ > self.position + 1
        for raw in frame.events:
            event = bytes(raw)
            mark = _MARK.search(event)
            is_new = _decode_event(event).sequence > self.position
            if mark and is_new and int(mark[1]) >= phase.began:
                self.seen += 1
                self.marks += int(mark[1])
                phase.counts["deliveries"] += 1
                phase.told.add_ns(now - int(mark[1]))
        self.position = max(self.position, frame.to)
        self._look()

    def _answer(self, frame: _Incoming, phase: _Phase) -> None:
        phase.counts["answered"] += 1
        phase.counts["misordered"] += frame.id != self._answered + 1
        self._answered = frame.id
        due = self._due.pop(frame.id, 0)
        if frame.type == "ack" and isinstance(frame.sequence, tuple):
            phase.counts["acked"] += 1
            phase.acked[self.path] += 1
            phase.marks[self.path] += due
            phase.last[self.path] = max(phase.last[self.path], frame.sequence[1])
            phase.acks.add_ns(time.monotonic_ns() - due)
        else:
            phase.refused[str(frame.code)] += 1


class _Crowd:
    """Everybody."""

    def __init__(self, port: int) -> None:
        self.base = f"ws://127.0.0.1:{port}"
        self.phase = _Phase()
        self.students: list[_Student] = []
        self.news = asyncio.Event()
        """Set whenever somebody has heard something."""

    async def join(self, seconds: float, at_once: float = math.inf) -> dict[str, Any]:
        phase = self.phase = _Phase()
        slots = asyncio.Semaphore(int(min(at_once, len(self.students))))

        async def come(student: _Student) -> None:
            async with slots:
                await student.come()

        coming = [asyncio.create_task(come(each)) for each in self.students]
        _, late = await asyncio.wait(coming, timeout=seconds)
        for task in late:
            task.cancel()
        return {
            "people": len(self.students),
            "live": sum(each.is_live for each in self.students),
            "attempts": phase.counts["attempts"],
            "lowest": min(each.position for each in self.students),
            "live_ms": phase.joins.summary(),
            "recoveries": dict(phase.recoveries),
            **phase.tallies(),
        }

    async def talk(
        self, rate: float, seconds: float, patience: float = _PATIENCE_SECONDS
    ) -> dict[str, Any]:
        phase = self.phase = _Phase()
        for each in self.students:
            each.seen, each.marks, each.had_snapshot = 0, 0, False
        loop, sent = OpenLoop(rate, int(rate * seconds)), 0
        while not loop.is_over:
            elapsed = (time.monotonic_ns() - phase.began) / 1e9
            for at in loop.due(elapsed):
                phase.late.add((elapsed - at) * 1000)
                self.students[sent % len(self.students)].says(phase.began + int(at * 1e9))
                sent += 1
            elapsed = (time.monotonic_ns() - phase.began) / 1e9
            await asyncio.sleep(max(0.0, loop.next_at - elapsed))
        talked = (time.monotonic_ns() - phase.began) / 1e9
        share, acked = (time.process_time() - phase.began_cpu) / talked, phase.counts["acked"]
        with contextlib.suppress(TimeoutError):  # what is missing is counted
            async with asyncio.timeout(patience):
                while not self._is_all_told(sent):
                    self.news.clear()
                    await self.news.wait()
        held = [each for each in self.students if not each.had_snapshot]
        missing = [phase.acked[each.path] - each.seen for each in held]
        # As many lines as there are, but not the same.
        others = sum(
            not less and each.marks != phase.marks[each.path]
            for less, each in zip(missing, held, strict=True)
        )
        return {
            "people": len(self.students),
            "sent": sent,
            "acked": phase.counts["acked"],
            "acked_per_second": round(acked / talked),
            "unanswered": sent - phase.counts["answered"],
            "misordered": phase.counts["misordered"],
            "deliveries": phase.counts["deliveries"],
            "expected": sum(phase.acked[each.path] for each in held),
            "lost": sum(each for each in missing if each > 0) + others,
            "extra": others - sum(each for each in missing if each < 0),
            "gaps": phase.counts["gaps"],
            "snapshots": len(self.students) - len(held),
            "disconnected": phase.counts["gone"],
            "talked_seconds": round(talked, 3),
            "talk_cpu": round(share, 3),
            "ack_ms": phase.acks.summary(),
            "delivery_ms": phase.told.summary(),
            "late_ms": phase.late.summary(),
            "refused": dict(phase.refused),
            **phase.tallies(),
        }

    def drop(self) -> dict[str, Any]:
        phase = self.phase = _Phase()
        for each in self.students:
            each.leave()
        return {"people": len(self.students), **phase.tallies()}

    def _is_all_told(self, sent: int) -> bool:
        phase = self.phase
        return phase.counts["answered"] >= sent and all(
            each.seen >= phase.acked[each.path] and each.position >= phase.last[each.path]
            for each in self.students
            if each.is_live
        )


async def serve(port: int) -> None:
    """Serve the lines of standard input until it ends."""
    reader, crowd = await standard_input(), _Crowd(port)
    while words := await next_line(reader):
        match words:
            case ["person", path, token]:
                crowd.students.append(_Student(crowd, path, token))
            case ["join", *numbers] if len(numbers) in (1, 2) and crowd.students:
                answer(await crowd.join(*map(float, numbers)))
            case ["talk", *numbers] if len(numbers) in (2, 3) and crowd.students:
                answer(await crowd.talk(*map(float, numbers)))
            case ["drop"]:
                answer(crowd.drop())
            case _:
                raise SystemExit("a line that says nothing")
