"""Plays a script on a connection of its own and judges how it went."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from load.fuzz import wire
from load.fuzz.judge import LOST, Judge
from load.fuzz.line import Line
from load.fuzz.scripts import Deaf, HalfClose, Pause, Raw, Reset, Say, Script, fence
from protocol.errors import CloseCode
from protocol.frames import ServerFrame

OPEN_SECONDS = 20.0
SETTLE_SECONDS = 30.0
"""The longest that a connection may owe something."""
END_SECONDS = 15.0
_OUT = frozenset((CloseCode.REMOVED, CloseCode.BANNED, CloseCode.DENIED))


@dataclass(slots=True)
class Played:
    """How a connection went."""

    kind: str
    sent: int = 0
    received: int = 0
    end: str = ""
    answers: Counter[str] = field(default_factory=Counter)
    outcomes: dict[int, str] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    last_sent: tuple[bytes, ...] = ()
    last_received: tuple[bytes, ...] = ()


async def play(
    script: Script,
    host: str,
    port: int,
    rng: Random,
    hear: Callable[[ServerFrame], None] = lambda _: None,
) -> Played:
    """Play ``script`` to its end; everything that waits has a bound."""
    room, person = script.room, script.person
    judge = Judge(
        person.user,
        lambda code, view: room.explains(person, code, view),
        resumed=script.resumed,
    )
    played = Played(script.kind)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            _, line = await loop.create_connection(lambda: Line(judge, hear), host, port)
    except (OSError, TimeoutError) as error:
        played.violations.append(f"no connection: {error!r}")
        return played
    try:
        if await _opened(script, line, rng, host, port):
            await _perform(script, line, played)
            await _finish(script, line, played)
    finally:
        line.reset()
    played.received = judge.frames
    played.answers = judge.answers
    played.outcomes = judge.outcomes
    played.violations += judge.violations
    played.last_sent = tuple(line.last_sent)
    played.last_received = tuple(line.last_received)
    played.end = played.end or _end(script, judge)
    room.highest = max(room.highest, judge.highest)
    if judge.bye in _OUT:
        room.replace(person)
    return played


async def _opened(script: Script, line: Line, rng: Random, host: str, port: int) -> bool:
    """Shake hands; return whether the protocol may begin."""
    session = script.session or script.room.session
    url = f"ws://{host}:{port}/v1/sessions/{session}/live"
    request = script.request or wire.handshake(url, rng, script.headers)
    if script.at_once is not None:
        line.judge.sent(script.at_once)
    await line.write(request, b"(handshake)")
    violations = line.judge.violations
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            head = await asyncio.shield(line.head)
    except TimeoutError:
        violations.append("no answer to the handshake")
        return False
    status = head[9:12]
    if script.request is not None:
        if head and not status.startswith(b"4"):
            violations.append(f"{script.request[:300]!r} is answered {head[:100]!r}")
        return False
    if status != b"101" and not (script.session and status in (b"404", b"400")):
        violations.append(f"the handshake is answered {head[:100]!r}")
    return status == b"101"


async def _perform(script: Script, line: Line, played: Played) -> None:
    judge = line.judge
    for step in script.steps:
        if judge.code is not None:
            break
        match step:
            case Say(payload, due):
                judge.sent(due, payload)
                played.sent += 1
                await line.write(wire.frame(payload), payload)
            case Raw(data, dues, frames):
                for due in dues:
                    judge.sent(due)
                played.sent += frames
                await line.write(data)
            case Pause(seconds):
                await asyncio.sleep(seconds)
            case Deaf(seconds):
                line.set_deaf(deaf=True)
                await asyncio.sleep(seconds)
                line.set_deaf(deaf=False)
            case HalfClose():
                line.half_close()
            case Reset():
                line.reset()


async def _finish(script: Script, line: Line, played: Played) -> None:
    """Bring the connection to the end that its script has."""
    judge = line.judge
    if script.ending == "cut":
        if not await _until(line, lambda: judge.code is not None, SETTLE_SECONDS):
            judge.violations.append("the server does not notice that we are gone")
        return
    if script.ending == "fence" and judge.code is None:
        last = fence()
        judge.sent(last.due)
        played.sent += 1
        await line.write(wire.frame(last.payload), last.payload)
    await _until(line, lambda: judge.is_settled or judge.code is not None, SETTLE_SECONDS)
    if judge.is_settled and judge.code is None and script.ending == "fence":
        played.end = "left"
        line.leave()
    elif judge.code is None:
        judge.violations.append(f"neither answered nor closed in time; due: {judge.due_now()}")
        return
    if judge.code == LOST:
        judge.lost()
    if not await _until(line, line.ended.is_set, END_SECONDS):
        judge.violations.append("closed, but the connection stays")
    if judge.code is None:
        judge.violations.append("our close frame is not answered")


async def _until(line: Line, holds: Callable[[], bool], seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not holds():
                line.changed.clear()
                await line.changed.wait()
    return holds()


def _end(script: Script, judge: Judge) -> str:
    if script.request is not None or judge.code is None:
        return "refused"
    return "cut" if script.ending == "cut" and judge.bye is None else str(judge.bye or judge.code)
