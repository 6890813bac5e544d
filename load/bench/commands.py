"""Command → durable ack: an open loop of chat lines over many classes of a real server.

Each class has two students, each below the server's limit for one connection; every line is
committed to PostgreSQL and told to both. An answer is timed from when its line was *due*. The
generator reports how late it was itself: figures of one that cannot keep up say nothing about the
server.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp

from load.bench.generator import Generator, generator
from load.bench.hub import Hub, held
from load.bench.people import School
from load.bench.processes import BenchError, Processors

STUDENTS_PER_CLASS = 2
RATES = (2000, 3000, 4000, 5000, 6000, 7000)
"""Commands per second, one step after the other, until the hub no longer keeps up."""
KEPT_UP = 0.9
"""What is still on its way when a step ends is not acked in its time."""
_JOIN_SECONDS = 60.0
_AT_ONCE = 64
_CALM_SECONDS = 2.0
_ANSWER_SECONDS = 40.0


async def measure(
    directory: Path,
    processors: Processors,
    *,
    classes: int,
    rate: float,
    seconds: float,
    rounds: int,
) -> dict[str, Any]:
    """Return the latency at ``rate``, each round's, and the highest rate that is kept up.

    Raises:
        BenchError: If a student is not let in.
        RefusedError: If the classes cannot be set up.

    """
    many = max(classes, -(-max(RATES) // (9 * STUDENTS_PER_CLASS)))  # each below ten a second
    async with held(processors) as hub, aiohttp.ClientSession() as http:
        school = School(http, hub.ready)
        places = await school.classes(many)
        lines = await school.students(places, STUDENTS_PER_CLASS)
        few = [line for number, line in enumerate(lines) if number % many < classes]
        port = str(hub.port)
        async with generator(directory, processors.generator, "classes", port) as crowd:
            await _join(crowd, few)
            runs = [await _talk(hub, crowd, rate, seconds) for _ in range(rounds)]
        async with generator(directory, processors.generator, "classes", port) as crowd:
            await _join(crowd, lines)
            steps = await _climb(hub, crowd, max(3.0, seconds / 3))
    return {
        "generator": crowd.kind,
        "classes": classes,
        "students": len(few),
        "rate": rate,
        "runs": runs,
        "climb": {"classes": many, "students": len(lines), "steps": steps},
    }


async def _climb(hub: Hub, crowd: Generator, seconds: float) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    for rate in RATES:
        steps.append({"rate": rate, **await _talk(hub, crowd, rate, seconds)})
        if not keeps_up(steps[-1]):
            break
    return steps


def keeps_up(step: dict[str, Any]) -> bool:
    """Return whether all that was due in a step was acked in its time."""
    is_in_time: bool = step["acked_per_second"] >= KEPT_UP * step["rate"]
    return is_in_time and step["acked"] == step["sent"]


async def _join(crowd: Generator, lines: Sequence[str]) -> None:
    await crowd.tell(lines)
    joined = await crowd.ask(f"join {_JOIN_SECONDS} {_AT_ONCE}", _JOIN_SECONDS + _ANSWER_SECONDS)
    if joined["live"] != joined["people"]:
        raise BenchError(f"not everybody got in: {joined}")
    await asyncio.sleep(_CALM_SECONDS)


async def _talk(hub: Hub, crowd: Generator, rate: float, seconds: float) -> dict[str, Any]:
    spent, others = hub.cpu_seconds(), hub.others_cpu()
    told = await crowd.ask(f"talk {rate} {seconds}", seconds + _ANSWER_SECONDS)
    spent = hub.cpu_seconds() - spent
    return {
        **told,
        "hub_cpu": round(spent / told["seconds"], 3),
        "acked_per_hub_second": round(told["acked"] / spent),
        "others_cpu": {
            name: round((after - others[name]) / told["seconds"], 3)
            for name, after in hub.others_cpu().items()
        },
    }
