"""``python -m load.media``: what carrying media costs, a table and one line of JSON."""

import asyncio
import json
import os
import platform
import statistics
import tempfile
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import uvloop

from load.bench.processes import BenchError, allow_many_sockets, choose_processors
from load.latencies import Latencies
from load.media import certificate, clip, ffmpeg, janus, rows, server
from load.media.bench import FFMPEG, JANUS, OURS, RTMP, WHEP, Bench, Results
from load.media.child import child
from load.place import RefusedError

BLOCKS = ("rtmp", "whep", "life")
QUICK_SECONDS, QUICK_SETTLE = 3.0, 1.0
SETTLE_SECONDS = 3.0


@click.command()
@click.option("--only", type=click.Choice(BLOCKS), help="Leave the rest out.")
@click.option("--rounds", type=click.IntRange(1), default=2, show_default=True)
@click.option("--seconds", type=click.FloatRange(1), default=15, show_default=True)
@click.option("--quick", is_flag=True, help="One round with rows of three seconds.")
def bench(only: str | None, rounds: int, seconds: float, quick: bool) -> None:
    """Measure shares of a core beside FFmpeg and Janus, and how soon things happen."""
    allow_many_sockets(4096)
    if quick:
        rounds, seconds = 1, QUICK_SECONDS
    blocks = BLOCKS if only is None else (only,)
    load = os.getloadavg()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            settle = QUICK_SETTLE if quick else SETTLE_SECONDS
            results = runner.run(_run(blocks, rounds, seconds, settle))
    except (BenchError, RefusedError) as error:
        raise click.ClickException(str(error)) from error
    machine = {
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "load_average": [round(load[0], 2), round(os.getloadavg()[0], 2)],
    }
    click.echo(_table(results, machine))
    click.echo(json.dumps({"machine": machine, "media": _plain(results)}))


async def _run(blocks: tuple[str, ...], rounds: int, seconds: float, settle: float) -> Results:
    processors = choose_processors()
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="media-bench-")))
        if processors.server is not None:
            # Everybody else stays off the processor of the server under test.
            os.sched_setaffinity(0, os.sched_getaffinity(0) - {processors.server})
        encoded = await asyncio.to_thread(clip.encode)
        encoded.save(directory / "clip")
        clip.write_file(encoded, directory / "clip.mkv")
        certificate.write(directory / "ca.pem", directory / "both.pem")
        group = await stack.enter_async_context(
            server.held(directory / "demo.log", directory / "ca.pem")
        )
        source = await stack.enter_async_context(
            child("load.media.source", str(directory / "clip"))
        )
        platforms = await stack.enter_async_context(
            child("load.media.platforms", str(directory / "both.pem"))
        )
        viewers = await stack.enter_async_context(child("load.media.viewers"))
        bench = Bench(
            group, source, platforms, viewers, await platforms.ask("ports"),
            directory / "clip.mkv", processors.server, seconds, settle,
        )  # fmt: skip
        for _ in range(rounds):
            await _turn(bench, blocks)
        if "life" in blocks:
            await bench.life()
        return bench.results


async def _turn(bench: Bench, blocks: tuple[str, ...]) -> None:
    missing = []
    if "rtmp" in blocks:
        await bench.ours_to_platforms()
        if program := ffmpeg.find():
            await bench.ffmpeg_to_platforms(program)
        else:
            missing.append("ffmpeg (apt-get install ffmpeg)")
    if "whep" in blocks:
        await bench.ours_to_viewers()
        if found := janus.find():
            await bench.janus_to_viewers(*found)
        else:
            missing.append("janus (apt-get install janus)")
    bench.results.missing = missing


def _shares(results: Results, system: str, load: str) -> list[float]:
    return [
        row.cpu for row in results.rows if (row.system, row.load) == (system, load) and not row.void
    ]


def _table(results: Results, machine: dict[str, Any]) -> str:
    before, after = machine["load_average"]
    lines = [
        f"Share of a core: {clip.HEIGHT}p{clip.FPS}, {clip.VIDEO_BITS / 1e6} Mb/s of H.264, "
        f"{clip.OPUS_BITS // 1000} kb/s of Opus; load average {before} → {after}",
    ]
    to_platforms = ("ingest", *(f"{count} RTMP" for count in RTMP), f"{max(RTMP)} RTMPS")
    lines += _side_by_side(results, FFMPEG, to_platforms)
    lines += _side_by_side(results, JANUS, ("ingest", *(f"{count} WHEP" for count in WHEP)))
    void = [row for row in results.rows if row.void]
    lines += [f"void: {row.system} {row.load}: {'; '.join(row.void[:3])}" for row in void]
    for name, found in (
        *(
            (f"last packet in → RTMP message out, {load}", found)
            for load, found in results.write.items()
        ),
        ("enabled → first picture", results.first_media),
    ):
        if len(found):
            lines.append(
                f"{name}: p50 {found.percentile(50):.2f} ms · p99 {found.percentile(99):.2f} ms · "
                f"p99.9 {found.percentile(99.9):.2f} ms · {len(found)} times"
            )
    for load, counted in results.worker.items():
        count = sum(max(each.values(), default=0) for each in counted)
        within = " · ".join(
            f"p{percent:g} ≤ {rows.within(counted, percent) * 1000:g} ms"
            for percent in (50, 99, 99.9)
        )
        lines.append(f"last packet read → written, in the worker, {load}: {within} · {count} times")
    for system, joins in results.joins.items():
        lines.append(f"a viewer joins, {system}: {statistics.median(joins):.1f} ms of processor")
    for what, seconds in results.noticed.items():
        lines.append(f"a destination that {what}: noticed after {seconds:.2f} s")
    lines += [f"left out, missing here: {each}" for each in results.missing]
    return "\n".join(lines)


def _side_by_side(results: Results, other: str, loads: tuple[str, ...]) -> list[str]:
    lines = []
    for load in loads:
        ours, theirs = _shares(results, OURS, load), _shares(results, other, load)
        if not ours and not theirs:
            continue
        ratio = statistics.median(ours) / statistics.median(theirs) if ours and theirs else None
        lines.append(
            f"{load:<10}{_spread(ours):>24}{_spread(theirs):>24}"
            + (f"{ratio:>8.2f}×" if ratio is not None else "")
        )
    return ["", f"{'':<10}{OURS:>24}{other:>24}", *lines] if lines else []


def _spread(shares: list[float]) -> str:
    if not shares:
        return "–"
    middle = f"{statistics.median(shares):.2%}"
    return middle if len(shares) == 1 else f"{middle} ({min(shares):.1%}–{max(shares):.1%})"


def _plain(results: Results) -> dict[str, Any]:
    return {
        "rows": [asdict(row) for row in results.rows],
        "write_ms": {load: _percentiles(found) for load, found in results.write.items()},
        "worker_ms": {
            load: {f"p{each:g}": rows.within(counted, each) * 1000 for each in (50, 99, 99.9)}
            for load, counted in results.worker.items()
        },
        "first_media_ms": _percentiles(results.first_media),
        "join_cpu_ms": {
            name: [round(each, 1) for each in joins] for name, joins in results.joins.items()
        },
        "noticed_seconds": {name: round(each, 2) for name, each in results.noticed.items()},
        "missing": results.missing,
    }


def _percentiles(found: Latencies) -> dict[str, float | int]:
    if not len(found):
        return {"count": 0}
    return found.summary() | {"p99.9": round(found.percentile(99.9), 2)}


if __name__ == "__main__":
    bench()
