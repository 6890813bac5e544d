"""``make fuzz`` over HTTP: what schemathesis draws from the OpenAPI document, to a live server.

It sends right requests and wrong ones to every operation and checks the answers against the
document. ``python -m tests.rest_fuzz --examples 50 --seed 1``; exit status 1 if anything is wrong.
"""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import aiohttp
import click

from load.bench.processes import demo
from load.fuzz.server import Server
from load.place import post
from protocol.rest import (
    Course,
    Destination,
    Integration,
    Lesson,
    NewCourse,
    NewDestination,
    NewIntegration,
    NewLesson,
    NewSession,
    Session,
)

CONFIG = """\
# An answer of a server that is away for a moment, and what only the state or the size can refuse.
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "503"]
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "401", "403", "404", "406", "409", "412", "413", "422", "429",
                     "5xx"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "422",
                     "429", "5xx"]

# Which operation there is, and what its data is, says the live protocol.
[[operations]]
include-path = "/v1/sessions/{session}/commands"
checks.positive_data_acceptance.enabled = false
[[operations]]
include-path = "/v1/sessions/{session}/events"
checks.positive_data_acceptance.enabled = false
# SDP is no JSON, nor is what a browser says in it.
[[operations]]
include-path-regex = "/(whip|whep)"
checks.positive_data_acceptance.enabled = false
"""


@click.command()
@click.option("--examples", type=click.IntRange(1), default=200, show_default=True)
@click.option("--seed", type=int, help="The same seed draws the same requests; random by default.")
@click.option("--phases", default="examples,coverage,fuzzing,stateful", show_default=True)
@click.option("--report", type=click.Path(path_type=Path), help="Write NDJSON events here.")
def main(examples: int, seed: int | None, phases: str, report: Path | None) -> None:
    """Start a server and hold every operation to the OpenAPI document."""
    sys.exit(asyncio.run(_fuzz(examples, seed, phases, report)))


async def _fuzz(examples: int, seed: int | None, phases: str, report: Path | None) -> int:
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        log = directory / "server.log"
        async with demo(log) as held, aiohttp.ClientSession() as http:
            known = await _furnish(held.ready, http)
            config = directory / "schemathesis.toml"
            config.write_text(CONFIG + _dictionaries(known))
            command = [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"),
                f"{held.ready.url}/v1/openapi.json",
                *("--url", held.ready.url, "--max-examples", str(examples)),
                *("--phases", phases),
                *("-H", f"Authorization: Bearer {held.ready.tokens.admin}"),
                *("--suppress-health-check", "all", "--no-color", "--warnings", "off"),
                *("--request-timeout", "20", "--continue-on-failure"),
                *(() if seed is None else ("--seed", str(seed))),
                *(() if report is None else ("--report-ndjson-path", str(report))),
            ]
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=directory,
                env={
                    **os.environ,
                    "SCHEMATHESIS_HOOKS": "tests.rest_checks",
                    "PYTHONPATH": str(Path(__file__).parents[1]),
                    "PYTHONWARNINGS": "ignore",
                },
            )
            try:
                status = await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            faults = Server(held, log, http).complaints()
            click.echo("\n".join(faults), err=True)
            return 1 if faults else status


async def _furnish(ready, http) -> dict[str, list[str]]:
    """Make one of each thing; return the ids that paths may name."""
    url, admin = f"{ready.url}/v1", ready.tokens.admin
    course = await post(http, f"{url}/courses", admin, NewCourse("Fuzz"), Course)
    lesson = await post(
        http, f"{url}/courses/{course.id}/lessons", admin, NewLesson("Fuzz"), Lesson
    )
    session = await post(
        http, f"{url}/lessons/{lesson.id}/sessions", admin, NewSession("Fuzz"), Session
    )
    integration = await post(
        http, f"{url}/integrations", admin, NewIntegration("custom"), Integration
    )
    wanted = NewDestination(integration.id, "Fuzz", "rtmp://127.0.0.1:1935/live", stream_key="k")
    destination = await post(http, f"{url}/destinations", admin, wanted, Destination)
    return {
        "course": [course.id],
        "lesson": [lesson.id],
        "session": [session.id, ready.session],
        "integration": [integration.id],
        "destination": [destination.id],
    }


def _dictionaries(known: dict[str, list[str]]) -> str:
    """Return which values are drawn more often than chance would."""
    lines = ["\n[dictionaries]", "sequence = { values = [0, 1] }"]
    lines += [f"{name} = {{ values = {values!r} }}" for name, values in known.items()]
    lines += ["\n[parameters]", '"query.after_sequence" = { dictionary = "sequence" }']
    lines += [f'"path.{name}" = {{ dictionary = "{name}", probability = 0.8 }}' for name in known]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
