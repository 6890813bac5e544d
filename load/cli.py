"""``liveclass load …``: the simulated class on the command line."""

import asyncio
import json
import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from load.place import Place, RefusedError, read_ready
from load.report import Report
from load.run.command import run_command

if TYPE_CHECKING:
    from load.simulation import Plan
    from load.teacher import Picture


@click.group()
def load() -> None:
    """Simulate classes against a running server."""


load.add_command(run_command)


@load.command("class")
@click.option("--ready-file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--url", help="The server, instead of a ready file: http://127.0.0.1:8080.")
@click.option("--session", help="The session's id.")
@click.option("--token", help="A teacher's token.")
@click.option("--student-token", "student_tokens", multiple=True, help="Use these first.")
@click.option("--teacher", type=click.Choice(("simulated", "none")), default="simulated")
@click.option("--students", type=click.IntRange(0, 2000), default=12, show_default=True)
@click.option("--destination", "destinations", multiple=True, help="Enable this one (an id).")
@click.option("--size", default="640x360", show_default=True, help="Of the test picture.")
@click.option("--fps", type=click.IntRange(1, 60), default=15, show_default=True)
@click.option("--no-picture", is_flag=True, help="A teacher without a camera.")
@click.option(
    "--pace",
    type=click.FloatRange(0.05),
    default=8.0,
    show_default=True,
    help="Seconds between what one student does, on average.",
)
@click.option(
    "--returning",
    is_flag=True,
    help="Students are the same people in every run. Not for two runs at a time.",
)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--seconds",
    type=click.FloatRange(0),
    help="How long. Without it: until standard input ends, SIGINT or SIGTERM.",
)
def hold(
    ready_file: Path | None,
    url: str | None,
    session: str | None,
    token: str | None,
    student_tokens: tuple[str, ...],
    teacher: str,
    students: int,
    destinations: tuple[str, ...],
    size: str,
    fps: int,
    no_picture: bool,
    pace: float,
    returning: bool,
    seed: int,
    seconds: float | None,
) -> None:
    """Hold a class with a teacher and students who check all that the server tells them.

    Ends with a summary and one line of JSON; exit status 1 if the server broke any rule, or was
    not there at the end to be checked. Simulated students are people of their own: a ready
    file's student tokens stay free.
    """
    # Here, not above: codecs and WebRTC take their time, and every `liveclass` command loads this.
    from load.simulation import Plan

    logging.basicConfig(level=logging.WARNING, format="load: %(message)s", stream=sys.stderr)
    logging.getLogger("aiortc").setLevel(logging.ERROR)
    try:
        if ready_file is not None:
            ready = read_ready(ready_file)
            url, session, token = ready.url, ready.session, ready.tokens.teacher
        if not (url and session and token):
            raise click.UsageError("Give --ready-file, or --url, --session and --token.")
        plan = Plan(
            teacher=teacher == "simulated",
            picture=None if no_picture else _picture(size, fps),
            students=students,
            pace_seconds=pace,
            seed=seed,
            returning=returning,
            destinations=destinations,
        )
        place = Place(url.rstrip("/"), session)
        report = asyncio.run(_run(place, token, student_tokens, plan, seconds))
    except RefusedError as error:
        raise click.ClickException(str(error)) from error
    click.echo(report.table())
    click.echo(json.dumps(report.as_dict()))
    if report.violations or report.unsettled:
        raise SystemExit(1)


def _picture(size: str, fps: int) -> "Picture":
    from load.teacher import Picture

    width, _, height = size.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise click.UsageError("--size is WIDTHxHEIGHT, such as 1280x720.")
    return Picture(int(width), int(height), fps)


async def _run(
    place: Place, token: str, student_tokens: tuple[str, ...], plan: "Plan", seconds: float | None
) -> Report:
    from load.simulation import hold_class

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if seconds is not None:
        loop.call_later(seconds, stop.set)
        return await hold_class(place, token, student_tokens, plan, stop)
    watch = asyncio.create_task(_until_input_ends(stop))
    try:
        return await hold_class(place, token, student_tokens, plan, stop)
    finally:
        watch.cancel()


async def _until_input_ends(stop: asyncio.Event) -> None:
    """Set ``stop`` when whoever started this process has closed its standard input."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1024):
        pass
    stop.set()
