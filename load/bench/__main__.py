"""``python -m load.bench``: what the hub promises, measured; a table and one line of JSON."""

import asyncio
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import uvloop

from load.bench import append, commands, crowd, failover, fanout, peers, rows
from load.bench.processes import (
    BenchError,
    Processors,
    allow_many_sockets,
    choose_processors,
)
from load.place import RefusedError

PARTS = ("fanout", "path", "commands", "append", "storm", "memory", "failover")
_OF_CROWD: tuple[crowd.Part, ...] = ("memory", "path", "storm")
_SOCKETS = 20_000
OURS = peers.Contender("ours", (sys.executable, "-m", "server.hub.fanout_bench_server"))


@dataclass(frozen=True, slots=True)
class Wish:
    """How much to measure."""

    parts: tuple[str, ...]
    peers: tuple[int, ...]
    people: int
    size: int
    is_quick: bool

    @property
    def rounds(self) -> int:
        """How often each measurement is repeated."""
        return 1 if self.is_quick else 3


@click.command()
@click.option(
    "--only", "parts", multiple=True, type=click.Choice(PARTS), help="Leave the rest out."
)
@click.option("--peers", "counts", multiple=True, type=click.IntRange(1, 10_000),
              default=(100, 1000, 5000), show_default=True,
              help="Subscribers of the fan-out; may be repeated.")  # fmt: skip
@click.option("--people", type=click.IntRange(1, 10_000), default=5000, show_default=True,
              help="Students of the one class.")  # fmt: skip
@click.option("--bytes", "size", type=click.IntRange(64, 60_000), default=250, show_default=True)
@click.option("--quick", "is_quick", is_flag=True, help="Once each, and shorter: for a look.")
def bench(
    parts: tuple[str, ...], counts: tuple[int, ...], people: int, size: int, is_quick: bool
) -> None:
    """Measure what the hub promises; each server on a processor of its own, the generator too."""
    wish = Wish(parts or PARTS, counts, people, size, is_quick)
    load = [round(os.getloadavg()[0], 2)]
    results: dict[str, Any] = {}
    try:
        allow_many_sockets(_SOCKETS)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            shown = runner.run(_measure(wish, results))
    except (BenchError, RefusedError) as error:
        raise click.ClickException(str(error)) from error
    load.append(round(os.getloadavg()[0], 2))
    click.echo(f"\n{rows.table(shown)}\n\nload average {load[0]} → {load[1]}")
    click.echo(
        json.dumps(
            {
                "machine": _machine() | {"load_average": load},
                "generator_saturated": any(row.is_saturated for row in shown),
                "rows": [row.as_dict() for row in shown],
                **results,
            }
        )
    )


async def _measure(wish: Wish, results: dict[str, Any]) -> list[rows.Row]:
    """Measure part after part, into ``results``; return the table's rows."""
    processors, quick = choose_processors(), wish.is_quick
    shown: list[rows.Row] = []

    def show(name: str, result: Any, of: Callable[[Any], Any]) -> None:
        results[name] = result
        shown.extend(of(result))
        click.echo(f"{name}: measured", err=True)

    with tempfile.TemporaryDirectory(prefix="liveclass-bench-") as name:
        directory = Path(name)
        result: Any
        if "fanout" in wish.parts:
            result = await _fanout(wish, directory, processors)
            show("fanout", result, rows.of_fanout)
            click.echo(rows.fanout_table(result))
        if parts := [part for part in _OF_CROWD if part in wish.parts]:
            result = await crowd.measure(
                directory, processors, parts,
                people=wish.people, rate=10, seconds=5 if quick else 20, storms=wish.rounds,
            )  # fmt: skip
            for part, of in (
                ("path", rows.of_path), ("storm", rows.of_storm), ("memory", rows.of_memory),
            ):  # fmt: skip
                if part in parts:
                    show(part, result[part], of)
        if "commands" in wish.parts:
            result = await commands.measure(
                directory, processors,
                classes=100, rate=1000, seconds=5 if quick else 10, rounds=wish.rounds,
            )  # fmt: skip
            show("commands", result, rows.of_commands)
        if "append" in wish.parts:
            events = 1 << (16 if quick else 17)
            result = await append.measure(processors, events=events, rounds=wish.rounds)
            show("append", result, rows.of_append)
        if "failover" in wish.parts:
            result = await failover.measure(processors, rounds=wish.rounds)
            show("failover", result, rows.of_failover)
    return shown


async def _fanout(wish: Wish, directory: Path, processors: Processors) -> list[dict[str, Any]]:
    """Measure ours beside every peer that is here, with each number of subscribers."""
    found = list(peers.find(directory))
    others = [each for each in found if isinstance(each, peers.Contender)]
    results: list[dict[str, Any]] = []
    for count in wish.peers:
        results += await fanout.measure(
            directory, OURS, others, processors,
            peers=count, size=wish.size, rounds=wish.rounds, seconds=0.5 if wish.is_quick else 1.5,
        )  # fmt: skip
        results += [
            {"peers": count, "server": each.name, "missing": f"not here: {each.remedy}"}
            for each in found
            if isinstance(each, peers.Missing)
        ]
    return results


def _machine() -> dict[str, Any]:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    return {"cpus": os.cpu_count(), "model": model, "python": platform.python_version()}


if __name__ == "__main__":
    bench()
