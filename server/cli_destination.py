"""Commands about destinations: try one before a class does."""

import asyncio
import os
import sys
from pathlib import Path

import click

from server.addresses import parse_allowed
from server.clock import SystemClock
from server.errors import InvalidInputError
from server.media.destinations.address import AddressGuard, parse
from server.media.destinations.trial import Trial
from server.secrets.secret import Secret

KEY_VARIABLE = "STREAM_KEY"
MOST_BYTES = 4096


@click.group()
def destination() -> None:
    """Try where classes are streamed to."""


@destination.command("test")
@click.argument("url")
@click.option("--key-stdin", is_flag=True, help="Read the stream key from standard input.")
@click.option("--key-file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Read the stream key from this file.")  # fmt: skip
@click.option("--key-env", default=KEY_VARIABLE, show_default=True, metavar="NAME",
              help="Else it is in this environment variable, or asked for.")  # fmt: skip
@click.option("--seconds", type=click.FloatRange(1, 600), default=10, show_default=True,
              help="How long to send.")  # fmt: skip
@click.option("--allow", envvar="LIVECLASS_EGRESS_ALLOW", default="", metavar="CIDR[:PORT|:*],…",
              help="Private networks that may be streamed to.")  # fmt: skip
def test(
    url: str, key_stdin: bool, key_file: Path | None, key_env: str, seconds: float, allow: str
) -> None:
    """Send a test picture to an rtmp(s) URL, and say in words what happened.

    The URL is what the platform calls server or ingest address. The stream key is never an
    argument: others on this machine can read those. The exit status is 1 if the stream is not
    taken.
    """
    try:
        parse(url)
        guard = AddressGuard(parse_allowed(allow))
    except InvalidInputError as error:
        raise click.UsageError(str(error)) from None
    key = _key(key_stdin, key_file, key_env)
    trial = Trial(guard, SystemClock(), click.echo)
    if not asyncio.run(trial.run(url, key, seconds)):
        raise SystemExit(1)


def _key(from_stdin: bool, path: Path | None, variable: str) -> Secret:
    if from_stdin and path is not None:
        raise click.UsageError("Give --key-stdin or --key-file, not both.")
    if from_stdin:
        text = sys.stdin.read(MOST_BYTES)
    elif path is not None:
        with path.open(encoding="utf-8") as file:
            text = file.read(MOST_BYTES)
    else:
        text = os.environ.get(variable, "")
        if not text and sys.stdin.isatty():
            text = click.prompt("Stream key", hide_input=True, err=True)
    key = Secret(text.strip())
    if not key:
        raise click.UsageError(f"Give the stream key: --key-stdin, --key-file or {variable}.")
    return key
