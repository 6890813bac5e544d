"""The log writer alone: events per second that one processor of PostgreSQL stores.

``server.append_bench`` is the writer, on the generator's processor; every process of PostgreSQL is
on the server's. What is stored has digests, foreign keys and the durability of a default server.
"""

import asyncio
import json
import statistics
import sys
from typing import Any

from load.bench.hub import pin
from load.bench.processes import (
    BenchError,
    Processors,
    below,
    cpu_seconds,
    on_processor,
    stopping,
)

ROOMS = 64
BATCH = 16
"""Events that a room appends at once: what gathers in a busy class while the last batch commits."""
_START_SECONDS = 90.0
_RUN_SECONDS = 90.0


async def measure(processors: Processors, *, events: int, rounds: int) -> dict[str, Any]:
    """Return the median of so many rounds of ``events`` events each.

    Raises:
        BenchError: If a round does not come to its end.

    """
    runs = [await _round(processors, events // ROOMS) for _ in range(rounds)]
    return {
        "events": runs[0]["events"],
        "rooms": ROOMS,
        "batch": BATCH,
        **{
            name: round(statistics.median(run[name] for run in runs))
            for name in ("events_per_second", "events_per_postgres_second")
        },
        "postgres_cpu": statistics.median(run["postgres_cpu"] for run in runs),
        "writer_cpu": statistics.median(run["writer_cpu"] for run in runs),
        "append_ms": runs[-1]["append_ms"],
        "chain_holds": all(run["chain_holds"] for run in runs),
    }


async def _round(processors: Processors, events: int) -> dict[str, Any]:
    with on_processor(processors.generator):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server.append_bench", str(ROOMS), str(BATCH), str(events)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
    assert process.stdin is not None
    async with stopping(process):
        await _line(process, _START_SECONDS)
        pin(_database(process.pid), processors.server)
        # The writer's connections come when it begins, and are there when it has ended.
        before = sum(map(cpu_seconds, _database(process.pid)))
        process.stdin.write(b"go\n")
        run: dict[str, Any] = json.loads(await _line(process, _RUN_SECONDS))
        spent = sum(map(cpu_seconds, _database(process.pid))) - before
        process.stdin.close()
        await process.wait()
    run["events_per_second"] = run["events"] / run["seconds"]
    run["events_per_postgres_second"] = run["events"] / spent
    run["postgres_cpu"] = round(spent / run["seconds"], 2)
    return run


def _database(root: int) -> list[int]:
    return [pid for pid, name in below(root) if "postgres" in name]


async def _line(process: asyncio.subprocess.Process, seconds: float) -> bytes:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(seconds):
            line = await process.stdout.readline()
    except TimeoutError:
        raise BenchError("the log writer took too long") from None
    if not line:
        raise BenchError("the log writer ended")
    return line
