"""``python -m load.fuzz``: random frames to a live server; exit status 1 if anything is wrong."""

import asyncio
import json
import secrets
import sys
import tempfile
from pathlib import Path

import aiohttp
import click
import uvloop

from load.bench.processes import BenchError, demo
from load.fuzz.report import Report
from load.fuzz.run import Run
from load.fuzz.server import Server
from load.place import RefusedError


@click.command()
@click.option("--frames", type=click.IntRange(1), default=1_000_000, show_default=True)
@click.option("--seed", type=int, help="The same seed draws the same frames; random by default.")
@click.option("--only-connection", type=click.IntRange(0), help="Play this connection alone.")
@click.option("--seconds", type=click.FloatRange(1), default=3600, show_default=True,
              help="Give up after so long.")  # fmt: skip
@click.option("--report", "path", type=click.Path(dir_okay=False, path_type=Path),
              help="Write the whole account here, as JSON.")  # fmt: skip
def fuzz(
    frames: int, seed: int | None, only_connection: int | None, seconds: float, path: Path | None
) -> None:
    """Start a server, send it random frames, and judge everything that comes back."""
    report = Report(secrets.randbelow(2**31) if seed is None else seed, frames)
    click.echo(f"seed {report.seed}", err=True)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_fuzz(report, only_connection, seconds))
    except (BenchError, RefusedError) as error:
        raise click.ClickException(str(error)) from error
    if path is not None:
        path.write_text(json.dumps(report.as_dict(), ensure_ascii=False, indent=1) + "\n")
    click.echo(report.summary())
    sys.exit(0 if report.is_good else 1)


async def _fuzz(report: Report, only: int | None, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "server.log"
        async with demo(log) as held, aiohttp.ClientSession() as http:
            server = Server(held, log, http)
            try:
                async with asyncio.timeout(seconds):
                    await Run(server, report, only).run()
            except TimeoutError:
                report.fault(f"not done within {seconds:.0f} s")


if __name__ == "__main__":
    fuzz()
