"""``python -m load.bench.isolation``: whether anybody notices those who disturb a class.

One class on a whole server. Students write lines at a constant rate, an open loop, and everybody
times everybody's lines, from when each was due until it is there. Now and then people who disturb
(:mod:`load.bench.offenders`) join, in a process of their own. Rounds with and without them take
turns in one run, and only they are compared: the median of the rounds' p99 with them may be at most
20 % above the one without, and 2 ms, which is what a scheduler makes of nothing.
"""

import asyncio
import contextlib
import json
import os
import platform
import re
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import click
import msgspec
import uvloop

from load import websocket
from load.bench.offenders import KINDS, Kind
from load.bench.open_loop import OpenLoop
from load.bench.processes import BenchError, allow_many_sockets, demo
from load.latencies import Latencies
from load.place import Place, Ready, RefusedError, post
from protocol import codec
from protocol.commands import ChatPost, SessionStart
from protocol.frames import ClientInfo, ClientPong, CommandFrame, Hello
from protocol.limits import SUBPROTOCOL
from protocol.rest import CommandDone, CommandRequest

TOLERATED_RATIO = 1.2
TOLERATED_MS = 2.0
_LINE = "I think it is forty-two, because six times seven makes forty-two. " * 29
_WELCOME_SECONDS = 30.0
_SETTLE_SECONDS = 1.0
_EFFECT_SECONDS = 60.0
_END_SECONDS = 10.0
_AS_LONG_AS_IT_TAKES = 10**9


class _Event(msgspec.Struct):
    key: str = ""


class _Incoming(msgspec.Struct):
    type: str
    id: int = -1
    head: int = 0
    code: str | int | None = None
    events: tuple[_Event, ...] = ()


_decoder = msgspec.json.Decoder(_Incoming)


class Class:
    """What the students of the class share: which lines are due, and how long they took."""

    def __init__(self) -> None:
        self.due: dict[str, float] = {}
        self.deliveries = Latencies()
        self.acks = Latencies()
        self.refused = 0

    def begin_round(self) -> None:
        """Count anew."""
        self.deliveries, self.acks = Latencies(), Latencies()
        limit = time.perf_counter() - 10
        self.due = {key: due for key, due in self.due.items() if due > limit}


class Student(websocket.Peer):
    """Writes a line when told to, and times what comes."""

    def __init__(self, group: Class, token: str) -> None:
        super().__init__()
        self.welcomed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._group = group
        self._token = token
        self._frames = websocket.Frames()
        self._asked: dict[int, float] = {}
        self._last_id = 0

    def hello(self) -> None:
        """Ask to be let in."""
        self.send_text(codec.encode(Hello(self._token, ClientInfo("bench", "1"))))

    def write(self, due: float) -> None:
        """Write a line that was due at ``due`` on the performance counter."""
        self._last_id += 1
        key = uuid.uuid4().hex
        self._group.due[key] = self._asked[self._last_id] = due
        data = msgspec.Raw(msgspec.json.encode(ChatPost(_LINE)))
        self.send_text(codec.encode(CommandFrame(self._last_id, key, ChatPost.op, data)))

    def received(self, data: bytes) -> None:
        """Time lines and answers."""
        group = self._group
        for opcode, payload in self._frames.cut(data):
            if opcode != 1:
                continue
            frame = _decoder.decode(payload)
            now = time.perf_counter()
            match frame.type:
                case "events":
                    for event in frame.events:
                        if due := group.due.get(event.key):
                            group.deliveries.add((now - due) * 1000)
                case "ack" | "nack":
                    group.acks.add((now - self._asked.pop(frame.id)) * 1000)
                    group.refused += frame.type == "nack"
                case "ping":
                    self.send_text(codec.encode(ClientPong(frame.head)))
                case "welcome":
                    self.welcomed.set_result(None)
                case "bye":
                    self._leave(f"bye {frame.code}")
                case _:
                    pass

    def lost(self) -> None:
        """Whoever waits for the welcome waits no more."""
        self._leave("disconnected")

    def _leave(self, why: str) -> None:
        if not self.welcomed.done():
            self.welcomed.set_exception(BenchError(f"a student was not let in: {why}"))


class Server:
    """The server under test, as its operator sees it."""

    def __init__(self, http: aiohttp.ClientSession, ready: Ready) -> None:
        self._http = http
        self._metrics = f"{ready.ops_url}/metrics"

    async def behind(self) -> int:
        """Return how many peers lag, as the server counted within the last second."""
        async with self._http.get(self._metrics) as response:
            text = await response.text()
        found = re.search(r"^liveclass_peers_behind ([0-9.]+)", text, re.MULTILINE)
        return 0 if found is None else round(float(found[1]))

    async def until_behind(self, wanted: int) -> None:
        """Return when exactly ``wanted`` peers lag.

        Raises:
            BenchError: If that does not happen.

        """
        until = time.monotonic() + _EFFECT_SECONDS
        while await self.behind() != wanted:
            if time.monotonic() > until:
                raise BenchError(f"there were never {wanted} peers behind")
            await asyncio.sleep(0.2)


@contextlib.asynccontextmanager
async def offending(
    kind: Kind, url: str, tokens: Sequence[str], counts: dict[str, int]
) -> AsyncIterator[None]:
    """Let people of a kind disturb while the block lasts; add up what became of them."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "load.bench.offenders", kind, url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    try:
        process.stdin.write("".join(f"{token}\n" for token in tokens).encode())
        yield
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(_END_SECONDS):
                output, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            raise BenchError("those who disturb did not end") from None
    for name, count in json.loads(output).items():
        counts[name] = counts.get(name, 0) + count


async def measure(
    ready: Ready,
    kinds: Sequence[Kind],
    *,
    students: int,
    offenders: int,
    rate: float,
    rounds: int,
    seconds: float,
) -> list[dict[str, Any]]:
    """Return one row per kind: the others' latencies without and with them.

    Raises:
        BenchError: If a student is not let in, or nobody falls behind who should.
        RefusedError: If the class cannot be set up.

    """
    place, admin = Place(ready.url, ready.session), ready.tokens.admin
    async with aiohttp.ClientSession() as http:
        start = CommandRequest(uuid.uuid4().hex, SessionStart.op)
        await post(http, f"{ready.url}/v1/sessions/{ready.session}/commands", admin, start,
                   CommandDone)  # fmt: skip
        group = Class()
        crowd = [
            Student(group, await place.join_token(http, admin, f"Student {number}"))
            for number in range(students)
        ]
        tokens = [
            await place.join_token(http, admin, f"Offender {number}") for number in range(offenders)
        ]
        for student in crowd:
            await websocket.connect(student, place.live_url, SUBPROTOCOL)
            student.hello()
        async with asyncio.timeout(_WELCOME_SECONDS):
            await asyncio.gather(*(student.welcomed for student in crowd))
        talking = asyncio.ensure_future(_talk(crowd, rate))
        server, rows = Server(http, ready), []
        try:
            await asyncio.sleep(2 * _SETTLE_SECONDS)
            for kind in kinds:
                rows.append(await _compare(server, group, kind, place, tokens, rounds, seconds))
                click.echo(_line(rows[-1]))
        finally:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
            for student in crowd:
                student.close()
    return rows


async def _compare(
    server: Server,
    group: Class,
    kind: Kind,
    place: Place,
    tokens: Sequence[str],
    rounds: int,
    seconds: float,
) -> dict[str, Any]:
    calm: list[Class] = []
    disturbed: list[Class] = []
    counts: dict[str, int] = {}

    async def one(into: list[Class]) -> None:
        await asyncio.sleep(_SETTLE_SECONDS)
        group.begin_round()
        await asyncio.sleep(seconds)
        taken = Class()
        taken.deliveries, taken.acks = group.deliveries, group.acks
        into.append(taken)

    for number in range(rounds):
        if number % 2 == 0:
            await one(calm)
        async with offending(kind, place.live_url, tokens, counts):
            if kind in ("slow", "stalled"):
                await server.until_behind(len(tokens))
            await one(disturbed)
        await server.until_behind(0)
        if number % 2 == 1:
            await one(calm)
    return _row(kind, calm, disturbed, counts, group.refused)


def _row(
    kind: Kind, calm: list[Class], disturbed: list[Class], counts: dict[str, int], refused: int
) -> dict[str, Any]:
    def tails(rounds: list[Class]) -> list[float]:
        return [each.deliveries.percentile(99) for each in rounds]

    def ack_tails(rounds: list[Class]) -> list[float]:
        return [each.acks.percentile(99) for each in rounds]

    without, beside = statistics.median(tails(calm)), statistics.median(tails(disturbed))
    return {
        "kind": kind,
        "rounds": len(calm),
        "deliveries_per_round": round(statistics.median(len(each.deliveries) for each in calm)),
        "p99_ms": {"without": round(without, 1), "with": round(beside, 1)},
        "spread_ms": {
            "without": [round(each, 1) for each in sorted(tails(calm))],
            "with": [round(each, 1) for each in sorted(tails(disturbed))],
        },
        "ack_p99_ms": {
            "without": round(statistics.median(ack_tails(calm)), 1),
            "with": round(statistics.median(ack_tails(disturbed)), 1),
        },
        "ratio": round(beside / without, 2),
        "is_within": beside <= without * TOLERATED_RATIO + TOLERATED_MS,
        "offenders": counts,
        "students_refused": refused,
    }


def _line(row: dict[str, Any]) -> str:
    verdict = "not noticed" if row["is_within"] else "NOTICED"
    return (
        f"{row['kind']:<9} p99 {row['p99_ms']['without']:>6.1f} → {row['p99_ms']['with']:>6.1f} ms"
        f"   × {row['ratio']:.2f}   ack p99 {row['ack_p99_ms']['without']:>6.1f} → "
        f"{row['ack_p99_ms']['with']:>6.1f} ms   {verdict}   {row['offenders']}"
    )


async def _talk(crowd: Sequence[Student], rate: float) -> None:
    loop, started, number = OpenLoop(rate, _AS_LONG_AS_IT_TAKES), time.perf_counter(), 0
    while True:
        for at in loop.due(time.perf_counter() - started):
            crowd[number % len(crowd)].write(started + at)
            number += 1
        await asyncio.sleep(max(0.0, started + loop.next_at - time.perf_counter()))


async def _run(kinds: Sequence[Kind], **more: Any) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as directory:
        async with demo(Path(directory) / "demo.log") as held:
            return await measure(held.ready, kinds, **more)


@click.command()
@click.option("--only", type=click.Choice(KINDS), help="Leave the other kinds out.")
@click.option("--students", type=click.IntRange(10, 500), default=50, show_default=True)
@click.option("--offenders", type=click.IntRange(1, 50), default=3, show_default=True)
@click.option("--rate", type=click.FloatRange(1), default=100, show_default=True)
@click.option("--rounds", type=click.IntRange(2), default=6, show_default=True)
@click.option("--seconds", type=click.FloatRange(1), default=5, show_default=True)
def bench(only: Kind | None, students: int, **more: Any) -> None:
    """Compare the others' latency with and without people who disturb; fail if they notice."""
    allow_many_sockets(1024)
    kinds = KINDS if only is None else (only,)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            rows = runner.run(_run(kinds, students=students, **more))
    except (BenchError, RefusedError) as error:
        raise click.ClickException(str(error)) from error
    machine = {"cpus": os.cpu_count(), "python": platform.python_version()}
    click.echo(json.dumps({"machine": machine, "isolation": rows}))
    if not all(row["is_within"] for row in rows):
        raise click.ClickException("somebody noticed")


if __name__ == "__main__":
    bench()
