"""``liveclass load run`` as an operator runs it, against a whole server, and against one that lies.

The lies are told by a proxy between them, which cuts what the server sends into WebSocket frames
and spoils some of those that hold events.
"""

import asyncio
import json
import os
import re
import signal
import sys

import pytest
import pytest_asyncio

from load import websocket
from load.ledger import EVENTS
from tests.demo import Demo
from tests.directories import reachable_directory
from tests.media.certificates import certificate

RUN_SECONDS = 200.0
KINDS = ("lost", "duplicated", "reordered", "gap", "leak", "mismatch", "broken")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server():
    """A whole server with nobody in it."""
    with reachable_directory() as place:
        demo = await Demo(place / "class", "--teacher", "none", "--students", "0").start()
        try:
            yield demo
        finally:
            await demo.stop()


@pytest.fixture
def ready_file(server, tmp_path):
    """Where the server's ready file is."""
    file = tmp_path / "ready.json"
    file.write_text(json.dumps(server.ready))
    return file


async def load_run(*options, environ=None):
    """Start a run; the machine may be busy, which must not make it void."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "load", "run", "--max-lateness", "1h", *map(str, options),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=os.environ | (environ or {}),
    )  # fmt: skip


async def ended(process):
    """Return exit status and what was printed."""
    async with asyncio.timeout(RUN_SECONDS):
        out, errors = await process.communicate()
    return process.returncode, out.decode(), errors.decode()


async def run(*options, environ=None):
    return await ended(await load_run(*options, environ=environ))


@pytest.mark.asyncio(loop_scope="module")
async def test_a_run_with_everything_keeps_every_promise(server, ready_file, tmp_path):
    out, html = tmp_path / "report.json", tmp_path / "report.html"
    code, table, errors = await run(
        *("--ready-file", ready_file, "--classes", 3, "--students", 12, "--ramp", "40/s"),
        *("--duration", "7s", "--profile", "quiz", "--pace", 10, "--churn", "300%/min"),
        *("--storm", "100%@4s", "--slow", "10%", "--stall", "10%", "--dup-retry", "30%"),
        *("--bad-token", "20%", "--full", "20%", "--procs", 2, "--seed", 7),
        *("--threshold", "delivery_p99<60m", "--threshold", "violations<=0"),
        *("--pid", server._process.pid, "--out", out, "--html", html),
    )
    assert code == 0, table + errors
    told = json.loads(out.read_text())
    assert told["format"] == "liveclass-load/1"
    assert told["verdict"] == "passed"
    assert told["violations"] == dict.fromkeys(KINDS, 0)
    assert (told["unsettled"], told["unanswered"]) == (0, 0)
    assert all(each["is_met"] for each in told["thresholds"])
    counts, latencies = told["counts"], told["latencies_ms"]
    assert counts["joined by snapshot"] >= 3 * 13
    assert 3 * 6 < latencies["connect"]["count"] <= 3 * 13  # who reads slowly is not timed
    assert all(latencies[name]["count"] > 0 for name in ("ack", "delivery", "resume"))
    assert counts["commands sent twice"] > 0
    assert counts["acks of duplicates"] > 0
    assert counts["connections dropped by us"] > 0
    assert sum(n for name, n in counts.items() if name.startswith("bad tokens: refused")) > 0
    assert counts["states compared"] >= 3 * 2 * 2  # full students, teachers and newcomers
    (storm,) = told["storms"]
    assert storm["people"] > 3 * 6
    assert storm["recovered_ms"] > 0
    assert {"server.app", "postgres"} <= {part["name"] for part in told["server"]["parts"]}
    assert told["server"]["rss_bytes"] > 1e6
    page = html.read_text()
    assert "Passed" in page
    assert "http://" not in page.replace(server.ready["url"], "")  # nothing is fetched
    assert "<script" not in page


@pytest.mark.asyncio(loop_scope="module")
async def test_a_missed_threshold_is_told_by_the_exit_status(ready_file, tmp_path):
    code, table, _ = await run(
        *("--ready-file", ready_file, "--classes", 1, "--students", 4, "--duration", "2s"),
        *("--threshold", "connect_p50<1us", "--threshold", "connect_p50<60m"),
    )
    assert code == 99, table
    assert "✗ connect_p50<1us" in table
    assert "✓ connect_p50<60m" in table
    assert "THRESHOLD MISSED" in table


@pytest.mark.asyncio(loop_scope="module")
async def test_a_late_generator_voids_its_run(ready_file):
    code, table, _ = await run(
        *("--ready-file", ready_file, "--classes", 1, "--students", 4, "--duration", "2s"),
        *("--max-lateness", "0ms"),
    )
    assert code == 1
    assert "VOID" in table


@pytest.mark.asyncio(loop_scope="module")
async def test_an_interrupted_run_still_reports(ready_file, tmp_path):
    out = tmp_path / "report.json"
    process = await load_run(
        *("--ready-file", ready_file, "--classes", 1, "--students", 4, "--duration", "10m"),
        *("--out", out),
    )
    async with asyncio.timeout(RUN_SECONDS):
        while not re.search(rb" live +[1-9]", await process.stderr.readline()):  # of progress
            pass
    process.send_signal(signal.SIGINT)
    code, table, _ = await ended(process)
    assert code == 0, table
    assert json.loads(out.read_text())["was_interrupted"] is True


@pytest.mark.asyncio(loop_scope="module")
async def test_a_plan_plays_classes_that_are_there_and_leaves_them_open(server, tmp_path):
    plan, out = tmp_path / "plan.json", tmp_path / "report.json"
    tokens = server.ready["tokens"]
    plan.write_text(
        json.dumps(
            {
                "url": server.ready["url"],
                "ops_url": server.ready["ops_url"],
                "classes": [
                    {
                        "session": server.ready["session"],
                        "teacher": tokens["teacher"],
                        "students": tokens["students"],
                    }
                ],
            }
        )
    )
    for _ in range(2):  # the second finds the class as it was left
        code, table, errors = await run(
            "--plan", plan, "--duration", "2s", "--profile", "qna", "--pace", 20, "--out", out
        )
        assert code == 0, table + errors
    told = json.loads(out.read_text())
    assert told["students_per_class"] == len(tokens["students"])
    assert told["server"]["parts"][0]["name"].startswith("metrics of")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_secret_founds_a_tenant_and_suspends_it(server, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(json.loads((server.directory / "keys.json").read_text())["token_secret"])
    code, table, errors = await run(
        *("--url", server.ready["url"], "--secret-file", secret, "--classes", 2),
        *("--students", 3, "--duration", "2s"),
    )
    assert code == 0, table + errors
    assert "a tenant of its own" in errors
    assert "left behind" not in errors


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "Say against which server"),
        (("--url", "http://127.0.0.1:1"), "Say against which server"),
        (("--url", "127.0.0.1:1", "--secret-file", os.devnull), "begins with http"),
        (("--threshold", "delivery_p99<250"), "written as 250ms or 1.5s"),
        (("--churn", "5%"), "write it as 5%/min"),
    ],
)
async def test_what_is_used_wrongly_is_said_at_once(options, says):
    code, _, errors = await run(*options)
    assert code == 2
    assert says in errors


async def test_a_server_that_is_not_there_is_said(tmp_path):
    token = tmp_path / "token"
    token.write_text("x")
    code, _, errors = await run("--url", "http://127.0.0.1:1", "--token-file", token)
    assert code == 1
    assert "POST http://127.0.0.1:1/v1/sessions" in errors


# ------------------------------------------------------------ a server that lies


class LyingProxy:
    """Passes everything on, but spoils what the server says to some connections.

    ``lies[connection](number, payload)`` returns what to send instead of the ``number``-th range:
    any number of frames.
    """

    def __init__(self, port, lies, context=None):
        self._target = port
        self._lies = lies
        self._context = context
        self._lines = 0
        self._tasks = set()
        self.told = set()
        """The connections to which something was said that was not so."""

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http{'s' if self._context else ''}://localhost:{port}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        back, forth = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            await asyncio.wait(
                (
                    asyncio.ensure_future(self._up(reader, forth)),
                    asyncio.ensure_future(self._down(back, writer)),
                ),
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            writer.transport.abort()
            forth.transport.abort()

    async def _up(self, reader, forth):
        while data := await reader.read(65_536):
            forth.write(data)

    async def _down(self, back, writer):
        data = await back.read(65_536)
        if not data.startswith(b"HTTP/1.1 101 "):
            while data:
                writer.write(data)
                data = await back.read(65_536)
            return
        head, _, data = data.partition(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n")
        self._lines += 1
        line, number, frames = self._lines, 0, websocket.Frames()
        while True:
            for opcode, payload in frames.cut(data):
                told = [payload]
                if payload.startswith(EVENTS) and line in self._lies:
                    number += 1
                    told = self._lies[line](number, payload)
                    if told != [payload]:
                        self.told.add(line)
                for each in told:
                    frame = websocket.text_frame(each)
                    writer.write(bytes((0x80 | opcode,)) + frame[1:])
            data = await back.read(65_536)
            if not data:
                return


@pytest.mark.asyncio(loop_scope="module")
async def test_a_server_behind_tls_is_like_any_other(server, tmp_path):
    authority, context = certificate(tmp_path)
    token = tmp_path / "token"
    token.write_text(server.ready["tokens"]["admin"] + "\n")
    async with LyingProxy(server.port, {}, context) as proxy:
        code, table, errors = await run(
            *("--url", proxy.url, "--token-file", token, "--classes", 2, "--students", 4),
            *("--duration", "3s", "--slow", "50%", "--bad-token", "50%"),
            environ={"SSL_CERT_FILE": str(authority)},
        )
    assert code == 0, table + errors


def drops(number, payload):
    return [] if number == 3 else [payload]


def duplicates(number, payload):
    return [payload, payload] if number == 3 else [payload]


class Overtakes:
    def __init__(self):
        self.held = None

    def __call__(self, number, payload):
        if number == 3:
            self.held = payload
            return []
        if self.held is not None:
            held, self.held = self.held, None
            return [payload, held]
        return [payload]


def garbles(number, payload):
    return [payload[:-3]] if number == 3 else [payload]


def alters(number, payload):
    return [payload.replace(b'"points":[', b'"points":[7,7,')]


def alters_texts(number, payload):
    return [payload.replace(b'"text":"', b'"text":"Oh! ')]


def leaks(number, payload):
    return [payload.replace(b'"to":"everyone"', b'"to":"staff"')]


def empties(number, payload):
    start, end = payload.find(b'"events":[') + 10, len(payload) - 2
    return [payload[:start] + payload[end:]]


def tells_of_others(number, payload):
    """Say that what happens here was asked for in class 1 of the run."""
    key = payload.find(b'"key":"L')
    return [payload[: key + 16] + b".1" + payload[key + 18 :] if key > 0 else payload]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("lies", "kinds"),
    [
        ((drops, duplicates, Overtakes(), garbles), "gap lost duplicated reordered broken"),
        ((alters, leaks, empties), "mismatch leak lost"),
        ((alters_texts, tells_of_others), "mismatch leak"),
    ],
    ids=["their order", "what they say", "whose they are"],
)
async def test_each_lie_is_found_and_called_by_its_name(server, ready_file, tmp_path, lies, kinds):
    out = tmp_path / "report.json"
    # The teacher and the first students are told the truth.
    async with LyingProxy(server.port, dict(enumerate(lies, 3))) as proxy:
        code, table, errors = await run(
            *("--url", proxy.url, "--ready-file", ready_file, "--classes", 1, "--students", 20),
            *("--duration", "6s", "--ramp", "20/s", "--pace", 30, "--procs", 1, "--full", "0%"),
            *("--out", out),
        )
    assert proxy.told == set(range(3, 3 + len(lies))), table + errors
    assert code == 1, table + errors
    found = {kind for kind, times in json.loads(out.read_text())["violations"].items() if times}
    assert found >= set(kinds.split()), table
    assert "FAILED" in table
