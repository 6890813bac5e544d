"""Fan-out: how many messages one second of a server's processor time delivers.

Servers are compared in one run, in turns, under the same load: so many subscribers, events of
250 bytes, a closed loop that keeps a number of events outstanding (published, but not yet with
every peer). The server has one processor to itself, the generator another. Processor time is the
kernel's account of all the server's threads; it includes the sending half of the loopback.

**The contract of a server under test.** It is a command that, once started,

- prints the line ``port <number>`` when it listens on 127.0.0.1, and ends when its standard input
  ends;
- ``GET /fan`` (WebSocket): from then on sends this peer every event that is published, each as one
  unmasked and unfragmented text frame, in order, and nothing else: no compression, no greeting;
- ``GET /control`` (WebSocket): takes text messages ``{"first":f,"count":n,"bytes":s}``, each of
  which publishes the ``n`` events ``f … f+n-1`` at once, as the commit of one batch does. Event
  ``k`` is the JSON ``{"sequence":k,"text":"xx…x"}``, filled with ``x`` to exactly ``s`` bytes.

Nchan takes the events themselves at ``/control``; Socket.IO wraps them (:mod:`load.bench.peers`).

The generator knows every byte that must come, so it compares what each peer gets with what was
published, to the last bit: a server that loses, repeats or changes an event has no figure.
"""

import statistics
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from load.bench.generator import SATURATED_CPU, Generator, generator
from load.bench.peers import Contender, Missing
from load.bench.processes import BenchError, Processors, Served, cpu_seconds_below, serving

FIRST = 1_000_000_000
"""Where sequences begin: every one has as many digits, so every event is as long."""
_CONNECT_SECONDS = 90.0
_RUN_SECONDS = 180.0
_SLOW = 4.0
"""A run that takes so many times what was asked for is not repeated."""


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


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run came to."""

    told: dict[str, Any]
    cpu_seconds: float

    @property
    def per_cpu_second(self) -> float:
        """Messages delivered per second of the server's processor time."""
        delivered: int = self.told["delivered"]
        return delivered / max(self.cpu_seconds, 1e-9)

    @property
    def wrong(self) -> dict[str, int]:
        """Everything that must not be."""
        names = ("lost", "repeated", "changed", "disconnected")
        return {name: self.told[name] for name in names if self.told[name]}


@dataclass(frozen=True, slots=True)
class _Target:
    served: Served
    crowd: Generator

    async def run(self, scenario: Scenario, seconds: float) -> Measured:
        question = f"run {scenario.burst} {scenario.outstanding} {seconds:g}"
        spent = cpu_seconds_below(self.served.pid)
        told = await self.crowd.ask(question, seconds + _RUN_SECONDS)
        return Measured(told, cpu_seconds_below(self.served.pid) - spent)


async def measure(
    directory: Path,
    ours: Contender,
    others: Sequence[Contender],
    processors: Processors,
    *,
    peers: int,
    size: int,
    rounds: int,
    seconds: float,
) -> list[dict[str, Any]]:
    """Measure every server in every scenario, in turns; return one row for each pair.

    ``ours_is`` is the median over the rounds of what ours delivers per processor second, divided
    by what that server does in the same round. A server that does not start, or not let everybody
    in, has a row that says so.
    """
    async with AsyncExitStack() as stack:
        targets: list[_Target] = []
        failed: list[Missing] = []
        for contender in (ours, *others):
            try:
                targets.append(await _target(stack, directory, contender, processors, peers, size))
            except BenchError as error:
                failed.append(Missing(contender.name, str(error)))
        rows = []
        for scenario in SCENARIOS:
            results: dict[str, list[Measured]] = {each.served.name: [] for each in targets}
            for _ in range(rounds):
                for target in targets:
                    runs = results[target.served.name]
                    if runs and _is_slow(runs[-1], seconds):
                        continue
                    if not runs:
                        await target.run(scenario, seconds / 5)  # to warm up
                    runs.append(await target.run(scenario, seconds))
            rows += summarize(scenario, peers, ours.name, results)
        return rows + [{"peers": peers, "server": each.name, "missing": each.remedy}
                       for each in failed]  # fmt: skip


async def _target(
    stack: AsyncExitStack,
    directory: Path,
    contender: Contender,
    processors: Processors,
    peers: int,
    size: int,
) -> _Target:
    served = await stack.enter_async_context(
        serving(contender.name, contender.command, processors.server, port=contender.port)
    )
    arguments = ("fan", str(served.port), contender.dialect)
    crowd = await stack.enter_async_context(generator(directory, processors.generator, *arguments))
    connected = await crowd.ask(f"connect {peers} {size}", _CONNECT_SECONDS)
    if connected["ready"] != peers:
        raise BenchError(f"it let {connected['ready']} of {peers} in: {connected['reason']}")
    return _Target(served, crowd)


def _is_slow(run: Measured, seconds: float) -> bool:
    took: float = run.told["seconds"]
    return took > _SLOW * seconds or bool(run.wrong)


def summarize(
    scenario: Scenario, peers: int, ours: str, results: dict[str, list[Measured]]
) -> list[dict[str, Any]]:
    """Return one row per server: the medians of its rounds, and of ours beside each."""
    rows = []
    for name, runs in results.items():
        ratios = [
            mine.per_cpu_second / run.per_cpu_second
            for mine, run in zip(results[ours], runs, strict=False)
            if run.told["delivered"] and mine.told["delivered"]
        ]
        wrong = [run.wrong for run in runs if run.wrong]
        share = statistics.median(run.told["generator_cpu"] for run in runs)
        rows.append(
            {
                "scenario": scenario.name,
                "peers": peers,
                "server": name,
                "messages_per_cpu_second": round(
                    statistics.median(run.per_cpu_second for run in runs)
                ),
                "messages_per_second": round(
                    statistics.median(run.told["delivered"] / run.told["seconds"] for run in runs)
                ),
                "ours_is": round(statistics.median(ratios), 2) if ratios else None,
                "spread": [round(min(ratios), 2), round(max(ratios), 2)] if ratios else None,
                "p99_ms": round(
                    statistics.median(r.told["delivery_ms"].get("p99", 0) for r in runs), 1
                ),
                "server_cpu": round(
                    statistics.median(run.cpu_seconds / run.told["seconds"] for run in runs), 2
                ),
                "generator_cpu": round(share, 2),
                "generator_saturated": share > SATURATED_CPU,
                "wrong": wrong[0] if wrong else {},
            }
        )
    return rows
