"""``liveclass load run`` on the command line."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import click

from load.place import RefusedError, read_ready
from load.run import grammar, thresholds
from load.run.profiles import PROFILES

if TYPE_CHECKING:
    from load.run.run import Options
    from load.run.venue import Source

T = TypeVar("T")
_WRITTEN = "load.run.written"
_NO_SERVER = """Say against which server:
  --ready-file FILE            a `liveclass demo --ready-file FILE` that runs
  --url URL --token-file FILE  any server: an admin's or teacher's token of it
  --url URL --secret-file FILE any server: its LIVECLASS_TOKEN_SECRET; founds a tenant of its own
  --plan FILE                  classes and tokens that are there already"""


class Parsed(click.ParamType[T]):
    """A parameter that one of our parsers reads."""

    def __init__(self, name: str, parse: Callable[[str], T]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> T:
        """Return what the text says, or tell what would have been right."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]
        if ctx is not None and param is not None and param.name is not None:
            # The report shows options as they were written.
            ctx.meta.setdefault(_WRITTEN, {}).setdefault(param.name, []).append(value)
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


_duration = Parsed("duration", grammar.duration)
_percent = Parsed("percent", grammar.percent)


@click.command("run")
@click.option("--url", help="The server: https://class.example.")
@click.option("--ready-file", type=click.Path(dir_okay=False, path_type=Path),
              help="Of a `liveclass demo`: says all about the server.")  # fmt: skip
@click.option("--token-file", type=click.Path(dir_okay=False, path_type=Path),
              help="An admin's or teacher's token.")  # fmt: skip
@click.option("--secret-file", type=click.Path(dir_okay=False, path_type=Path),
              help="The server's LIVECLASS_TOKEN_SECRET.")  # fmt: skip
@click.option("--issuer", default="liveclass", show_default=True,
              help="The server's LIVECLASS_TOKEN_ISSUER.")  # fmt: skip
@click.option("--plan", type=click.Path(dir_okay=False, path_type=Path),
              help="Classes that are there, with tokens.")  # fmt: skip
@click.option("--classes", type=click.IntRange(1, 10_000), default=20, show_default=True)
@click.option("--students", type=click.IntRange(1, 100_000), default=50, show_default=True,
              help="In each class.")  # fmt: skip
@click.option("--ramp", type=Parsed("rate", grammar.rate), default="100/s", show_default=True,
              help="How fast people join.")  # fmt: skip
@click.option("--duration", type=_duration, default="60s", show_default=True,
              help="From the first join.")  # fmt: skip
@click.option("--profile", type=click.Choice(list(PROFILES)), default="lecture", show_default=True,
              help="What kind of class.")  # fmt: skip
@click.option("--pace", type=click.FloatRange(0.01, 100), default=1.0, show_default=True,
              help="Everything that a profile says so many times as often.")  # fmt: skip
@click.option("--churn", type=Parsed("churn", grammar.churn), default="0%", show_default=True,
              help="Who loses the connection and returns: 5%/min.")  # fmt: skip
@click.option("--storm", "storms", type=Parsed("storm", grammar.storm), multiple=True,
              help="Who loses it at once, and when: 100%@300s. Several.")  # fmt: skip
@click.option("--slow", type=_percent, default="0%", show_default=True,
              help="Students who read 4 kB/s.")  # fmt: skip
@click.option("--stall", type=_percent, default="0%", show_default=True,
              help="Students who stop reading for 20-40 s now and then.")  # fmt: skip
@click.option("--dup-retry", type=_percent, default="0%", show_default=True,
              help="Commands that are sent twice.")  # fmt: skip
@click.option("--bad-token", type=_percent, default="0%", show_default=True,
              help="So many more come with a token that is not valid.")  # fmt: skip
@click.option("--media", type=click.Choice(("none", "whep")), default="none", show_default=True,
              help="Whether teachers publish 720p, and some students watch.")  # fmt: skip
@click.option("--media-classes", type=click.IntRange(1, 100), default=1, show_default=True,
              help="In how many classes.")  # fmt: skip
@click.option("--viewers", type=click.IntRange(1, 500), default=10, show_default=True,
              help="How many watch in each of them.")  # fmt: skip
@click.option("--full", type=_percent, default="1%", show_default=True,
              help="Students who keep the whole state; at least one per class and process.",
              )  # fmt: skip
@click.option("--procs", type=click.IntRange(1, 64), help="Processes of the generator.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--threshold", "wanted", type=Parsed("threshold", thresholds.parse), multiple=True,
              help="delivery_p99<250ms. Several.")  # fmt: skip
@click.option("--max-lateness", type=_duration, default="50ms", show_default=True,
              help="Of the generator itself, at p99: later, and the run is void.")  # fmt: skip
@click.option("--ops-url", "ops_urls", multiple=True,
              help="Where the server's metrics are. Several.")  # fmt: skip
@click.option("--pid", "pids", type=int, multiple=True,
              help="A server's process on this machine; counts all below it. Several.")  # fmt: skip
@click.option("--keep", is_flag=True, help="Do not end and archive the classes.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The report as JSON.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path),
              help="The report as a page, one file.")  # fmt: skip
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.pass_context
def run_command(ctx: click.Context, /, **given: Any) -> None:
    """Play many classes against a running server, check everything, and measure.

    Exit status 0: all is well; 1: a promise was broken, or the run says nothing because the
    generator was too slow; 2: used wrongly; 99: a threshold was missed. Ctrl-C ends it early, with
    a report. docs/load.md tells how to size a machine with it.
    """
    # Here, not above: every `liveclass` command loads this module.
    from load.run.document import document, table
    from load.run.page import page
    from load.run.progress import Progress
    from load.run.run import run
    from load.run.workers import WorkerError

    options = _options(ctx, given)
    try:
        result = asyncio.run(run(options, Progress(is_quiet=given["quiet"])))
    except (RefusedError, WorkerError) as error:
        raise click.ClickException(str(error)) from error
    except asyncio.CancelledError:
        raise click.Abort from None
    told = document(result, options)
    if given["out"] is not None:
        given["out"].write_text(json.dumps(told, indent=1) + "\n")
    if given["html"] is not None:
        given["html"].write_text(page(told))
    click.echo(table(result))
    ctx.exit(result.exit_code)


def _options(ctx: click.Context, given: dict[str, Any]) -> "Options":
    from load.run.run import Options, default_procs

    url, source, ops_urls = _server(given)
    classes, students = given["classes"], given["students"]
    if source.plan is not None:
        classes = len(source.plan.classes)
        students = max(len(each.students) for each in source.plan.classes)
    late = [s for s in given["storms"] if s.at_seconds >= given["duration"]]
    if late:
        raise click.UsageError("A storm comes after the end: give a longer --duration.")
    return Options(
        url=url,
        source=source,
        classes=classes,
        students=students,
        ramp_per_second=given["ramp"],
        seconds=given["duration"],
        profile=given["profile"],
        pace=given["pace"],
        churn_per_second=given["churn"],
        storms=given["storms"],
        slow=given["slow"],
        stalling=given["stall"],
        twins=given["dup_retry"],
        intruders=given["bad_token"],
        full=given["full"],
        procs=given["procs"] or default_procs(classes * students),
        seed=given["seed"],
        most_late_ms=given["max_lateness"] * 1000,
        thresholds=given["wanted"],
        ops_urls=given["ops_urls"] or ops_urls,
        pids=given["pids"],
        media=given["media"],
        media_classes=given["media_classes"],
        viewers=given["viewers"],
        keep=given["keep"],
        words=_words(ctx, given),
    )


def _server(given: dict[str, Any]) -> "tuple[str, Source, tuple[str, ...]]":
    """Return the server's address, the right to its classes, and where its metrics are."""
    from load.run.venue import Source, read_plan

    sources = [name for name in ("ready_file", "token_file", "secret_file", "plan") if given[name]]
    secret = os.environ.get("LIVECLASS_TOKEN_SECRET")
    if len(sources) > 1:
        names = " and ".join(f"--{name.replace('_', '-')}" for name in sources)
        raise click.UsageError(f"Give one of {names}.")
    try:
        if given["ready_file"]:
            ready = read_ready(given["ready_file"])
            url = given["url"] or ready.url
            return _base(url), Source(token=ready.tokens.admin), (ready.ops_url,)
        if given["plan"]:
            plan = read_plan(given["plan"])
            ops = () if plan.ops_url is None else (plan.ops_url,)
            return _base(given["url"] or plan.url), Source(plan=plan), ops
        if not given["url"] or not (sources or secret):
            raise click.UsageError(_NO_SERVER)
        url = _base(given["url"])
        if given["token_file"]:
            return url, Source(token=_text(given["token_file"])), ()
        secret = _text(given["secret_file"]) if given["secret_file"] else secret
        return url, Source(secret=secret, issuer=given["issuer"]), ()
    except RefusedError as error:
        raise click.UsageError(str(error)) from error


def _base(url: str) -> str:
    if urlsplit(url).scheme not in ("http", "https"):
        raise click.UsageError("--url begins with http:// or https://.")
    return url.rstrip("/")


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}") from error


def _words(ctx: click.Context, given: dict[str, Any]) -> dict[str, str]:
    """Return the options as a person would write them: what was given, and the defaults."""
    words: dict[str, str] = {}
    written: dict[str, list[str]] = ctx.meta.get(_WRITTEN, {})
    for parameter in ctx.command.params:
        name = parameter.name
        if not isinstance(parameter, click.Option) or name is None:
            continue
        if name in written:
            words[parameter.opts[0]] = ", ".join(written[name])
        elif given.get(name) not in (None, (), False):
            words[parameter.opts[0]] = str(given[name])
    return words
