"""``python -m load.bench``: every benchmark in one run, a table and one line of JSON."""

import asyncio
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import uvloop

from load.bench import commands, fanout
from load.bench.processes import BenchError, choose_processors, demo
from load.place import RefusedError

OURS = (sys.executable, "-m", "server.hub.fanout_bench_server")
NAIVE = (sys.executable, "-m", "load.bench.naive_server")


@click.command()
@click.option("--only", type=click.Choice(("fanout", "commands")), help="Leave the rest out.")
@click.option("--peers", type=click.IntRange(1, 20_000), default=1000, show_default=True)
@click.option("--bytes", "size", type=click.IntRange(64, 60_000), default=250, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--serve", help="Another server under test, by the contract in load.bench.fanout.")
@click.option("--sessions", type=click.IntRange(1), default=100, show_default=True)
@click.option("--rate", type=click.FloatRange(1), default=1000, show_default=True)
@click.option("--seconds", type=click.FloatRange(1), default=10, show_default=True)
def bench(
    only: str | None,
    peers: int,
    size: int,
    rounds: int,
    serve: str | None,
    sessions: int,
    rate: float,
    seconds: float,
) -> None:
    """Measure fan-out against a naive loop, and command → durable ack on a whole server."""
    results: dict[str, Any] = {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()}
    }
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            if only != "commands":
                rows = runner.run(_fanout(serve, peers, size, rounds))
                results["fanout"] = {"peers": peers, "bytes": size, "rows": rows}
                click.echo(_fanout_table(peers, size, rows))
            if only != "fanout":
                results["commands"] = runner.run(_commands(sessions, rate, seconds))
                click.echo(_commands_table(results["commands"]))
    except (BenchError, RefusedError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(results))


async def _fanout(serve: str | None, peers: int, size: int, rounds: int) -> list[dict[str, Any]]:
    ours = serve.split() if serve else OURS
    return await fanout.measure(
        {"ours": ours, "naive": NAIVE},
        choose_processors(),
        peers=peers,
        size=size,
        rounds=rounds,
        seconds=1.5,
    )


async def _commands(sessions: int, rate: float, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as directory:
        async with demo(Path(directory) / "demo.log") as held:
            return await commands.measure(held.ready, sessions=sessions, rate=rate, seconds=seconds)


def _fanout_table(peers: int, size: int, rows: list[dict[str, Any]]) -> str:
    lines = [
        f"Fan-out to {peers} peers, events of {size} bytes",
        f"{'':<16}{'server':<8}{'messages/CPU-s':>16}{'× naive':>10}{'p99 ms':>9}{'generator':>11}",
    ]
    lines += [
        f"{row['scenario']:<16}{row['server']:<8}{row['messages_per_cpu_second']:>16,}"
        f"{row['ratio']:>10.2f}{row['p99_ms']:>9.1f}{row['generator_cpu']:>10.0%} "
        for row in rows
    ]
    return "\n".join(lines)


def _commands_table(result: dict[str, Any]) -> str:
    ack, generator = result["ack_ms"], result["generator"]
    return (
        f"Command → durable ack, {result['commands_per_second']} commands/s "
        f"over {result['sessions']} sessions\n"
        f"p50 {ack.get('p50')} ms · p99 {ack.get('p99')} ms · max {ack.get('max')} ms · "
        f"refused {sum(result['refused'].values())} · unanswered {result['unanswered']}\n"
        f"generator: {generator['cpu']:.0%} of a processor, "
        f"p99 {generator['late_p99_ms']} ms late"
        + (" — SATURATED: the figures are the generator's" if generator["saturated"] else "")
    )


if __name__ == "__main__":
    bench()
