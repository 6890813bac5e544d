"""``python -m load.bench``: what the hub promises, measured; a table and one line of JSON."""

import asyncio
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import uvloop

from load import native
from load.bench import append, commands, crowd, failover, fanout, peers, rows
from load.bench.processes import BenchError, allow_many_sockets, choose_processors
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
    try:
        allow_many_sockets(_SOCKETS)
    except BenchError as error:
        raise click.ClickException(str(error)) from error
    with (
        tempfile.TemporaryDirectory(prefix="liveclass-bench-") as name,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        all_of_it = Bench(wish, Path(name))
        runner.run(all_of_it.run())
    load.append(round(os.getloadavg()[0], 2))
    machine = _machine() | {"load_average": load}
    click.echo(f"\n{rows.table(all_of_it.rows)}\n")
    click.echo(
        f"{machine['model']}, {machine['cpus']} processors, {machine['memory_gib']} GiB, "
        f"{machine['system']}, Python {machine['python']}; generator in {machine['generator']}; "
        f"load average {load[0]} → {load[1]}"
    )
    click.echo(
        json.dumps(
            {
                "machine": machine,
                "generator_saturated": any(row.is_saturated for row in all_of_it.rows),
                "rows": [row.as_dict() for row in all_of_it.rows],
                **all_of_it.results,
            }
        )
    )
    if all_of_it.has_failed:
        raise SystemExit(1)


class Bench:
    """Measures part after part; one that cannot be measured has a row that says so."""

    def __init__(self, wish: Wish, directory: Path) -> None:
        self.rows: list[rows.Row] = []
        self.results: dict[str, Any] = {}
        self.has_failed = False
        self._wish = wish
        self._directory = directory
        self._processors = choose_processors()

    async def run(self) -> None:
        """Measure what is wished for."""
        whole = (
            (self._fanout, ("fanout",)),
            (self._crowd, _OF_CROWD),
            (self._commands, ("commands",)),
            (self._append, ("append",)),
            (self._failover, ("failover",)),
        )
        for measure, parts in whole:
            wanted = [part for part in parts if part in self._wish.parts]
            if not wanted:
                continue
            click.echo(f"measuring {', '.join(wanted)} …", err=True)
            try:
                await measure()
            except (BenchError, RefusedError, OSError) as error:
                self.has_failed = True
                text = f"could not be measured: {error}"
                self.rows.append(rows.Row(", ".join(wanted), "", text, False))

    def _show(self, name: str, result: Any, of: Callable[[Any], Iterable[rows.Row]]) -> None:
        self.results[name] = result
        self.rows.extend(of(result))

    async def _fanout(self) -> None:
        """Measure ours beside every peer that is here, with each number of subscribers."""
        wish = self._wish
        found = list(peers.find(self._directory))
        others = [each for each in found if isinstance(each, peers.Contender)]
        results: list[dict[str, Any]] = []
        for count in wish.peers:
            click.echo(f"  {count:,} peers …", err=True)
            results += await fanout.measure(
                self._directory, OURS, others, self._processors,
                peers=count, size=wish.size, rounds=wish.rounds,
                seconds=0.5 if wish.is_quick else 1.5,
            )  # fmt: skip
            results += [
                {"peers": count, "server": each.name, "missing": f"not here: {each.remedy}"}
                for each in found
                if isinstance(each, peers.Missing)
            ]
        click.echo(rows.fanout_table(results))
        self._show("fanout", results, rows.of_fanout)

    async def _crowd(self) -> None:
        wish = self._wish
        result = await crowd.measure(
            self._directory, self._processors, [each for each in _OF_CROWD if each in wish.parts],
            people=wish.people, rate=10, seconds=5 if wish.is_quick else 20, storms=wish.rounds,
        )  # fmt: skip
        self.results["generator"] = result["generator"]
        for part, of in (
            ("path", rows.of_path), ("storm", rows.of_storm), ("memory", rows.of_memory),
        ):  # fmt: skip
            if part in wish.parts:
                self._show(part, result[part], of)

    async def _commands(self) -> None:
        wish = self._wish
        result = await commands.measure(
            self._directory, self._processors,
            classes=100, rate=1000, seconds=5 if wish.is_quick else 10, rounds=wish.rounds,
        )  # fmt: skip
        self._show("commands", result, rows.of_commands)

    async def _append(self) -> None:
        events = 1 << (16 if self._wish.is_quick else 17)
        result = await append.measure(self._processors, events=events, rounds=self._wish.rounds)
        self._show("append", result, rows.of_append)

    async def _failover(self) -> None:
        result = await failover.measure(self._processors, rounds=self._wish.rounds)
        self._show("failover", result, rows.of_failover)


def _machine() -> dict[str, Any]:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    return {
        "cpus": os.cpu_count(),
        "model": model,
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)),
        "system": platform.platform(),
        "python": platform.python_version(),
        "generator": "C" if native.compiler() else "Python",
    }


if __name__ == "__main__":
    bench()
