"""The shell around the client, against a server that follows a script."""

import asyncio
import random
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from load.connection import Connection
from protocol import codec
from protocol.commands import HandRaise
from protocol.frames import (
    Ack,
    Bye,
    CommandFrame,
    Heartbeat,
    Hello,
    Limits,
    Me,
    Nack,
    SnapshotFrame,
    Welcome,
)
from protocol.limits import SUBPROTOCOL
from protocol.snapshot import State
from tests.patience import PATIENCE

ANN = "00000000-0000-7000-8000-00000000000a"
SESSION = "00000000-0000-7000-8000-0000000000ff"
AT = "2026-11-22T09:00:00.100Z"


class NoPause(random.Random):
    def uniform(self, a, b):
        return 0.0


class Line:
    """The server's end of one connection."""

    def __init__(self, socket):
        self._socket = socket

    async def hears(self, kind):
        frame = codec.decode_client((await self._socket.receive(timeout=PATIENCE)).data)
        assert isinstance(frame, kind)
        return frame

    async def says(self, frame):
        await self._socket.send_frame(codec.encode(frame), aiohttp.WSMsgType.TEXT)

    async def says_nonsense(self):
        await self._socket.send_str("not a frame")

    async def is_left(self):
        assert (await self._socket.receive(timeout=PATIENCE)).type is aiohttp.WSMsgType.CLOSE

    async def lets_in(self, recovery="snapshot"):
        hello = await self.hears(Hello)
        me = Me(ANN, "Ann", "student", ())
        beat, limits = Heartbeat(25_000, 10_000), Limits(65_536, 10, 20, 32)
        await self.says(
            Welcome("c", SESSION, "log", 1, 7, me, "student", recovery, beat, limits, AT, AT)
        )
        if recovery == "snapshot":
            await self.says(SnapshotFrame(7, State()))
        return hello

    async def closes(self, code):
        await self._socket.close(code=code)


@asynccontextmanager
async def ann_and_a_server(**kwargs):
    """Yield Ann's connection, running, and a queue of the lines she opens."""
    lines = asyncio.Queue()
    over = asyncio.Event()

    async def live(request):
        socket = web.WebSocketResponse(protocols=(SUBPROTOCOL,), decode_text=False)
        await socket.prepare(request)
        await lines.put(Line(socket))
        await over.wait()
        return socket

    app = web.Application()
    app.router.add_get("/live", live)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"ws://127.0.0.1:{runner.addresses[0][1]}/live"
    try:
        async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as tasks:
            ann = Connection(http, url, "token", rng=NoPause(), **kwargs)
            ann.running = tasks.create_task(ann.run())
            yield ann, lines
            ann.running.cancel()
            over.set()
    finally:
        await runner.cleanup()


async def test_a_command_is_answered():
    answers = []
    async with ann_and_a_server(on_answer=lambda *it: answers.append(it)) as (ann, lines):
        line = await lines.get()
        await line.lets_in()
        asking = asyncio.create_task(ann.say(HandRaise()))
        command = await line.hears(CommandFrame)
        await line.says(Ack(command.id, command.key, (8, 8)))
        assert await asking == Ack(command.id, command.key, (8, 8))
        assert answers == [(HandRaise(), await asking)]


async def test_what_was_not_answered_is_asked_again_with_its_key_after_a_loss():
    async with ann_and_a_server() as (ann, lines):
        line = await lines.get()
        assert (await line.lets_in()).resume is None
        asking = asyncio.create_task(ann.say(HandRaise()))
        lost = await line.hears(CommandFrame)
        ann.drop(offline_seconds=0)
        line = await lines.get()
        hello = await line.lets_in("live")
        assert (hello.resume.sequence, hello.resume.view) == (7, "student")
        again = await line.hears(CommandFrame)
        assert again.key == lost.key
        await line.says(Ack(again.id, again.key, (8, 8), duplicate=True))
        assert (await asking).duplicate


async def test_a_busy_server_is_asked_again_on_the_same_connection():
    async with ann_and_a_server() as (ann, lines):
        line = await lines.get()
        await line.lets_in()
        asking = asyncio.create_task(ann.say(HandRaise()))
        busy = await line.hears(CommandFrame)
        await line.says(Nack(busy.id, busy.key, "overloaded", "Later.", True, retry_ms=1))
        again = await line.hears(CommandFrame)
        assert again.key == busy.key
        await line.says(Ack(again.id, again.key, None))
        assert (await asking).sequence is None


@pytest.mark.parametrize("says_bye", [True, False])
async def test_nobody_comes_back_after_a_final_goodbye(says_bye):
    async with ann_and_a_server() as (ann, lines):
        line = await lines.get()
        await line.lets_in()
        if says_bye:
            await line.says(Bye(4503, "removed"))
        await line.closes(4503)
        await asyncio.wait_for(ann.running, PATIENCE)
        assert ann.final_code == 4503


async def test_after_a_drain_one_comes_back():
    async with ann_and_a_server() as (ann, lines):
        line = await lines.get()
        await line.lets_in()
        await line.says(Bye(4101, "draining", retry_ms=1))
        await line.closes(4101)
        line = await lines.get()
        assert (await line.lets_in("live")).resume.sequence == 7
        assert ann.final_code is None


async def test_a_server_that_speaks_another_language_is_left():
    async with ann_and_a_server() as (ann, lines):
        line = await lines.get()
        await line.lets_in()
        await line.says_nonsense()
        await line.is_left()
        line = await lines.get()
        assert (await line.lets_in("live")).resume.sequence == 7
        assert await ann.until(lambda client: client.phase == "live", PATIENCE)


async def test_waiting_sees_every_moment_of_the_client():
    async with ann_and_a_server() as (ann, lines):
        line = await lines.get()
        seen = asyncio.create_task(ann.until(lambda client: client.position == 7, PATIENCE))
        await line.lets_in()
        assert await seen
        assert not await ann.until(lambda client: client.position == 99, 0.01)
