"""Command → durable ack: an open loop of chat lines over many sessions of a real server.

Each session has two students, each below the server's limit for one connection; every line is
committed to PostgreSQL and told to both. The generator reports how late it was itself: figures of
a generator that cannot keep up say nothing about the server.
"""

import asyncio
import contextlib
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec

from load import websocket
from load.bench.open_loop import OpenLoop
from load.bench.processes import BenchError
from load.latencies import Latencies
from load.place import Place, Ready, post
from protocol import codec
from protocol.commands import ChatPost, SessionStart
from protocol.frames import ClientInfo, ClientPong, CommandFrame, Hello
from protocol.limits import SUBPROTOCOL
from protocol.rest import (
    CommandDone,
    CommandRequest,
    Course,
    Lesson,
    NewCourse,
    NewLesson,
    NewSession,
    Session,
)

STUDENTS_PER_SESSION = 2
SATURATED_LATE_MS = 5.0
SATURATED_CPU = 0.9
_WELCOME_SECONDS = 30.0
_DRAIN_SECONDS = 10.0
_WARM_UP_SECONDS = 2.0
_AT_ONCE = 8
_TEXT = "I think it is forty-two, because six times seven makes forty-two."


@dataclass(slots=True)
class Tally:
    """What came back, from everybody."""

    acks: Latencies = field(default_factory=Latencies)
    lateness: Latencies = field(default_factory=Latencies)
    refused: Counter[str] = field(default_factory=Counter)
    sequences: dict[str, set[int]] = field(default_factory=dict)
    sent: int = 0
    answered: int = 0
    frames: int = 0
    all_answered: asyncio.Event = field(default_factory=asyncio.Event)


class _Incoming(msgspec.Struct):
    """The few fields of any frame that matter here."""

    type: str
    id: int = -1
    head: int = 0
    code: str | int | None = None
    sequence: tuple[int, int] | int | None = None


_decoder = msgspec.json.Decoder(_Incoming)


class Caller(websocket.Peer):
    """A student who sends a line when told to, and times the answer."""

    def __init__(self, session: str, token: str) -> None:
        super().__init__()
        self.tally = Tally()
        self.welcomed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._session = session
        self._token = token
        self._frames = websocket.Frames()
        self._due: dict[int, float] = {}
        self._last_id = 0

    def hello(self) -> None:
        """Ask to be let in."""
        self.send_text(codec.encode(Hello(self._token, ClientInfo("bench", "1"))))

    def call(self, due: float) -> None:
        """Send one line that was due at ``due`` on the performance counter."""
        self._last_id += 1
        self._due[self._last_id] = due
        self.tally.sent += 1
        data = msgspec.Raw(msgspec.json.encode(ChatPost(_TEXT)))
        frame = CommandFrame(self._last_id, uuid.uuid4().hex, ChatPost.op, data)
        self.send_text(codec.encode(frame))

    def received(self, data: bytes) -> None:
        """Take frames; time the answers."""
        for opcode, payload in self._frames.cut(data):
            if opcode != 1:
                continue
            self.tally.frames += 1
            frame = _decoder.decode(payload)
            match frame.type:
                case "ack" | "nack":
                    self._answered(frame)
                case "welcome":
                    self.welcomed.set_result(None)
                case "ping":
                    self.send_text(codec.encode(ClientPong(frame.head)))
                case "bye":
                    self._leave(f"bye {frame.code}")
                case _:
                    pass

    def lost(self) -> None:
        """Whoever waits for the welcome waits no more."""
        self._leave("disconnected")

    def _answered(self, frame: _Incoming) -> None:
        tally = self.tally
        tally.answered += 1
        if tally.answered == tally.sent:
            tally.all_answered.set()
        due = self._due.pop(frame.id)
        if frame.type == "nack":
            tally.refused[str(frame.code)] += 1
            return
        tally.acks.add((time.perf_counter() - due) * 1000)
        assert isinstance(frame.sequence, tuple)
        known = tally.sequences.setdefault(self._session, set())
        if frame.sequence[0] in known:
            tally.refused["sequence acked twice"] += 1
        known.add(frame.sequence[0])

    def _leave(self, why: str) -> None:
        if not self.welcomed.done():
            self.welcomed.set_exception(BenchError(f"a student was not let in: {why}"))


async def measure(ready: Ready, *, sessions: int, rate: float, seconds: float) -> dict[str, Any]:
    """Run the loop against the server of ``ready``; return what came of it.

    Raises:
        BenchError: If a student is not let in.
        RefusedError: If the sessions cannot be set up.

    """
    timeout = aiohttp.ClientTimeout(total=None)  # each call has a bound of its own
    async with aiohttp.ClientSession(timeout=timeout) as http:
        callers = await _set_up(http, ready, sessions)
    try:
        await _drive(callers, OpenLoop(rate, round(rate * _WARM_UP_SECONDS)))
        own, started = time.process_time(), time.perf_counter()
        tally = await _drive(callers, OpenLoop(rate, round(rate * seconds)))
        took = time.perf_counter() - started
        share = (time.process_time() - own) / took
    finally:
        for caller in callers:
            caller.close()
    late = tally.lateness.percentile(99)
    return {
        "sessions": sessions,
        "students": len(callers),
        "commands_per_second": round(tally.sent / took),
        "ack_ms": tally.acks.summary(),
        "refused": dict(tally.refused),
        "unanswered": tally.sent - tally.answered,
        "frames_received": tally.frames,
        "generator": {
            "cpu": round(share, 2),
            "late_p99_ms": round(late, 2),
            "saturated": late > SATURATED_LATE_MS or share > SATURATED_CPU,
        },
    }


async def _drive(callers: Sequence[Caller], loop: OpenLoop) -> Tally:
    """Send every line when it is due, to one student after another; wait for the answers."""
    tally = Tally()
    for caller in callers:
        caller.tally = tally
    started = time.perf_counter()
    while not loop.is_over:
        elapsed = time.perf_counter() - started
        for at in loop.due(elapsed):
            tally.lateness.add((elapsed - at) * 1000)
            callers[tally.sent % len(callers)].call(started + at)
        await asyncio.sleep(max(0.0, started + loop.next_at - time.perf_counter()))
    if tally.answered < tally.sent:
        tally.all_answered.clear()
        with contextlib.suppress(TimeoutError):  # the report says how many are missing
            async with asyncio.timeout(_DRAIN_SECONDS):
                await tally.all_answered.wait()
    return tally


async def _set_up(http: aiohttp.ClientSession, ready: Ready, sessions: int) -> list[Caller]:
    """Return students, connected and welcome, of so many live sessions."""
    admin, base = ready.tokens.admin, ready.url
    course = await post(http, f"{base}/v1/courses", admin, NewCourse("Bench"), Course)
    url = f"{base}/v1/courses/{course.id}/lessons"
    lesson = await post(http, url, admin, NewLesson("Bench"), Lesson)
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int) -> list[Caller]:
        async with slots:
            url = f"{base}/v1/lessons/{lesson.id}/sessions"
            session = await post(http, url, admin, NewSession(f"Bench {number}"), Session)
            place = Place(base, session.id)
            start = CommandRequest("start", SessionStart.op)
            await post(http, f"{base}/v1/sessions/{session.id}/commands", admin, start, CommandDone)
            callers = []
            for student in range(STUDENTS_PER_SESSION):
                token = await place.join_token(http, admin, f"Student {student + 1}")
                caller = Caller(session.id, token)
                await websocket.connect(caller, place.live_url, SUBPROTOCOL)
                caller.hello()
                callers.append(caller)
            async with asyncio.timeout(_WELCOME_SECONDS):
                await asyncio.gather(*(caller.welcomed for caller in callers))
            return callers

    rows = await asyncio.gather(*(one(number) for number in range(sessions)))
    # One student of each session first, then the other: neighbours in time are far apart.
    return [row[student] for student in range(STUDENTS_PER_SESSION) for row in rows]
