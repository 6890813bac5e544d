"""One student of a live class, in Python: what they say, and make of every frame."""

import asyncio
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec

from load import websocket
from load.latencies import Latencies
from protocol import codec
from protocol.commands import ChatPost
from protocol.errors import may_reconnect
from protocol.frames import ClientInfo, ClientPong, CommandFrame, Hello, ResumePosition
from protocol.limits import SUBPROTOCOL

_RETRY_SECONDS = 0.25
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
class Phase:
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


@dataclass
class Shared:
    """What all students have in common."""

    base: str
    phase: Phase = field(default_factory=Phase)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever somebody has heard something."""


class _Socket(websocket.Peer):
    """One connection of a student."""

    def __init__(self, student: "Student") -> None:
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


class Student:
    """A student, and all that they have heard."""

    def __init__(self, shared: Shared, path: str, token: str) -> None:
        self.path = path
        self.socket: _Socket | None = None
        self.is_live = self.had_snapshot = False
        self.position = -1
        self.seen = self.marks = 0
        self._shared = shared
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
            self._shared.phase.counts["attempts"] += 1
            self._last_id = self._answered = 0
            self.socket = socket = _Socket(self)
            try:
                await websocket.connect(socket, self._shared.base + self.path, SUBPROTOCOL)
            except (OSError, TimeoutError):
                self.socket = None
                self._shared.phase.ends["refused"] += 1
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
        self._shared.phase.ends[why] += 1
        self._shared.phase.counts["gone"] += 1

    def says(self, due: int) -> None:
        """Write one line that was due at ``due``."""
        self._last_id += 1
        self._due[self._last_id] = due
        data = msgspec.Raw(msgspec.json.encode(ChatPost(_LINE % due)))
        key = f"{self._shared.phase.began:x}-{id(self):x}-{self._last_id}"
        if self.socket is not None and self.socket.is_open:
            self.socket.send_text(codec.encode(CommandFrame(self._last_id, key, ChatPost.op, data)))

    def hears(self, payload: bytes) -> None:
        """Take one frame."""
        phase = self._shared.phase
        self._shared.news.set()
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
            self._shared.phase.joins.add_ns(time.monotonic_ns() - self._shared.phase.began)

    def _events(self, frame: _Incoming, phase: Phase) -> None:
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

    def _answer(self, frame: _Incoming, phase: Phase) -> None:
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
