"""Fan-out: how many messages one second of a server's processor time delivers.

Servers are compared in one run, in turns, under the same load: ``peers`` subscribers, events of
250 bytes, a closed loop that keeps a number of events outstanding (published, but not yet with
every peer). The server has one processor to itself, the generator another. Processor time is the
kernel's account of all the server's threads; it includes the sending half of the loopback.

**The contract of a server under test.** It is a command that, once started,

- prints the line ``port <number>`` when it listens on 127.0.0.1, and ends when its standard input
  ends;
- ``GET /fan`` (WebSocket): from then on sends this peer every event that is published, each as one
  unmasked and unfragmented text frame with the shortest header, in order, and nothing else: no
  compression, no greeting, no ping;
- ``GET /control`` (WebSocket): takes text messages ``{"first":f,"count":n,"bytes":s}``, each of
  which publishes the ``n`` events ``f … f+n-1`` at once, as the commit of one batch does. Event
  ``k`` is the JSON ``{"sequence":k,"text":"xx…x"}``, filled with ``x`` to exactly ``s`` bytes.

The generator knows every byte that must come, so it compares what each peer gets with what was
published, to the last bit: an event lost, repeated, reordered or changed ends the benchmark.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from load import websocket
from load.bench.processes import (
    BenchError,
    Processors,
    Served,
    allow_many_sockets,
    cpu_seconds,
    on_processor,
    serving,
)
from load.latencies import Latencies

FIRST = 1_000_000_000
"""Where sequences begin: every one has as many digits, so every event is as long."""
_DRAIN_SECONDS = 20.0
_CONNECTING_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Scenario:
    """``burst`` events are published at once, while at most ``outstanding`` are on their way."""

    name: str
    burst: int
    outstanding: int


SCENARIOS = (
    Scenario("4 outstanding", burst=1, outstanding=4),
    Scenario("bursts of 20", burst=20, outstanding=60),
)


def event(sequence: int, size: int) -> bytes:
    """Return the event ``sequence`` as JSON of exactly ``size`` bytes."""
    start, end = b'{"sequence":%d,"text":"' % sequence, b'"}'
    return start + b"x" * (size - len(start) - len(end)) + end


class Slowest:
    """How far the slowest of all peers is, kept up to date in constant time per step."""

    def __init__(self, peers: int) -> None:
        self._at = {0: peers}
        self.position = 0

    def step(self, before: int, after: int) -> bool:
        """Move one peer; return whether the slowest has moved, too."""
        at = self._at
        at[after] = at.get(after, 0) + 1
        at[before] -= 1
        moved = False
        while not at.get(self.position):
            at.pop(self.position, None)
            self.position += 1
            moved = True
        return moved


class Run:
    """One scenario against one server: what was published, and who has how much of it."""

    def __init__(
        self, publish: Callable[[bytes], None], peers: int, size: int, scenario: Scenario
    ) -> None:
        self._publish = publish
        self._size = size
        self._scenario = scenario
        self._slowest = Slowest(peers)
        self._published_at: list[float] = []
        self._is_open = True
        self.frame_bytes = len(websocket.text_frame(event(FIRST, size)))
        self.stream = bytearray()
        self.latencies = Latencies()
        self.finished = asyncio.Event()

    @property
    def published(self) -> int:
        """How many events there are."""
        return len(self._published_at)

    def step(self, before: int, after: int) -> None:
        """Take note that a peer which had ``before`` events has ``after``; go on publishing."""
        complete = self._slowest.position
        if not self._slowest.step(before, after):
            return
        now = time.perf_counter()
        for number in range(complete, self._slowest.position):
            self.latencies.add((now - self._published_at[number]) * 1000)
        if self._is_open:
            self.fill()
        elif self._slowest.position == self.published:
            self.finished.set()

    def fill(self) -> None:
        """Publish as much as the scenario allows to be outstanding."""
        burst = self._scenario.burst
        while self.published - self._slowest.position + burst <= self._scenario.outstanding:
            first = FIRST + self.published
            for sequence in range(first, first + burst):
                self.stream += websocket.text_frame(event(sequence, self._size))
            self._published_at += [time.perf_counter()] * burst
            wish = {"first": first, "count": burst, "bytes": self._size}
            self._publish(json.dumps(wish).encode())

    def close(self) -> None:
        """Publish nothing more; ``finished`` is set when every peer has everything."""
        self._is_open = False
        if self._slowest.position == self.published:
            self.finished.set()


class Subscriber(websocket.Peer):
    """A peer that compares every byte it gets with what was published."""

    def __init__(self, failed: Callable[[str], None]) -> None:
        super().__init__()
        self._failed = failed
        self._run: Run | None = None
        self._offset = 0
        self._events = 0

    def follow(self, run: Run) -> None:
        """Expect the events of ``run`` from now on."""
        self._run, self._offset, self._events = run, 0, 0

    def received(self, data: bytes) -> None:
        """Compare, and tell the run when an event is complete."""
        run = self._run
        if run is None:
            self._failed("a peer got something before anything was published")
            return
        end = self._offset + len(data)
        if run.stream[self._offset : end] != data:
            self._failed(f"a peer got other bytes than published after event {self._events}")
            return
        self._offset = end
        events = end // run.frame_bytes
        if events != self._events:
            run.step(self._events, events)
            self._events = events

    def lost(self) -> None:
        """Fail: a peer that is cut off cannot be served."""
        self._failed("a peer was disconnected")


class _Controller(websocket.Peer):
    def received(self, data: bytes) -> None:
        """Hear nothing: the contract gives the controller no answers."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run came to."""

    messages: int
    cpu_seconds: float
    wall_seconds: float
    generator_share: float
    latencies: Latencies

    @property
    def per_cpu_second(self) -> float:
        """Messages delivered per second of the server's processor time."""
        return self.messages / self.cpu_seconds


class Target:
    """A server under test with its subscribers."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self._subscribers: list[Subscriber] = []
        self._controller = _Controller()
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_closing = False

    async def connect(self, peers: int) -> None:
        """Open all connections."""
        base = f"ws://127.0.0.1:{self.served.port}"
        await websocket.connect(self._controller, f"{base}/control")
        self._subscribers = [Subscriber(self._fail) for _ in range(peers)]
        for start in range(0, peers, _CONNECTING_AT_ONCE):
            some = self._subscribers[start : start + _CONNECTING_AT_ONCE]
            await asyncio.gather(*(websocket.connect(peer, f"{base}/fan") for peer in some))

    async def run(self, scenario: Scenario, size: int, seconds: float) -> Measured:
        """Keep the scenario up for ``seconds``, then wait until everything has arrived.

        Raises:
            BenchError: If a peer got anything but what was published.

        """
        run = Run(self._controller.send_text, len(self._subscribers), size, scenario)
        for peer in self._subscribers:
            peer.follow(run)
        cpu, wall, own = cpu_seconds(self.served.pid), time.perf_counter(), time.process_time()
        run.fill()
        await self._unless_failed(asyncio.sleep(seconds), seconds + 1)
        run.close()
        await self._unless_failed(run.finished.wait(), _DRAIN_SECONDS)
        wall = time.perf_counter() - wall
        return Measured(
            messages=run.published * len(self._subscribers),
            cpu_seconds=cpu_seconds(self.served.pid) - cpu,
            wall_seconds=wall,
            generator_share=(time.process_time() - own) / wall,
            latencies=run.latencies,
        )

    def close(self) -> None:
        """End all connections."""
        self._is_closing = True
        for peer in (self._controller, *self._subscribers):
            peer.close()
        self._failure.cancel()

    def _fail(self, reason: str) -> None:
        if not self._is_closing and not self._failure.done():
            self._failure.set_exception(BenchError(f"{self.served.name}: {reason}"))

    async def _unless_failed(self, work: Any, timeout_seconds: float) -> None:
        waiting = asyncio.ensure_future(work)
        done, _ = await asyncio.wait(
            (waiting, self._failure),
            timeout=timeout_seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if self._failure in done:
            waiting.cancel()
            self._failure.result()
        if waiting not in done:
            waiting.cancel()
            raise BenchError(f"{self.served.name}: not everything arrived")


async def measure(
    commands: dict[str, Sequence[str]],
    processors: Processors,
    *,
    peers: int,
    size: int,
    rounds: int,
    seconds: float,
) -> list[dict[str, Any]]:
    """Measure every server in every scenario, in turns; return one row for each pair.

    The last of ``commands`` is the one that the others are compared with: ``ratio`` is the median
    over the rounds of messages per processor second, divided by that server's in the same round.

    Raises:
        BenchError: If a server does not keep the contract.

    """
    allow_many_sockets(len(commands) * peers + 256)
    async with AsyncExitStack() as stack:
        targets: list[Target] = []
        for name, command in commands.items():
            served = await stack.enter_async_context(serving(name, command, processors.server))
            targets.append(Target(served))
            stack.callback(targets[-1].close)
        with on_processor(processors.generator):
            for target in targets:
                await target.connect(peers)
            rows = []
            for scenario in SCENARIOS:
                results: dict[str, list[Measured]] = {name: [] for name in commands}
                for _ in range(rounds):
                    for target in targets:
                        await target.run(scenario, size, seconds / 5)  # to warm up
                        measured = await target.run(scenario, size, seconds)
                        results[target.served.name].append(measured)
                rows += summarize(scenario, results)
            return rows


def summarize(scenario: Scenario, results: dict[str, list[Measured]]) -> list[dict[str, Any]]:
    """Return one row per server; the last one is the reference of the ratios."""
    reference = list(results.values())[-1]
    rows = []
    for name, runs in results.items():
        pairs = zip(runs, reference, strict=True)
        ratios = [run.per_cpu_second / other.per_cpu_second for run, other in pairs]
        rows.append(
            {
                "scenario": scenario.name,
                "server": name,
                "messages_per_cpu_second": round(
                    statistics.median(run.per_cpu_second for run in runs)
                ),
                "messages_per_second": round(
                    statistics.median(run.messages / run.wall_seconds for run in runs)
                ),
                "ratio": round(statistics.median(ratios), 2),
                "p99_ms": round(statistics.median(r.latencies.percentile(99) for r in runs), 1),
                "server_cpu": round(
                    statistics.median(run.cpu_seconds / run.wall_seconds for run in runs), 2
                ),
                "generator_cpu": round(statistics.median(r.generator_share for r in runs), 2),
            }
        )
    return rows
