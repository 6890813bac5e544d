"""A person is erased on the command line while the whole server runs their class."""

import asyncio
import os
import random
import sys

import aiohttp
import msgspec
import pytest

from load.connection import Connection
from protocol import commands as cmd
from protocol.frames import Ack
from server.tasks import Supervisor
from tests.demo import Demo

SECRET = "plugh"


@pytest.fixture
async def demo(data_dir):
    demo = Demo(data_dir / "class", "--teacher", "none", "--students", "0")
    yield await demo.start()
    await demo.kill()


async def liveclass(demo, *words):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", *words,
        env={**os.environ, "LIVECLASS_DATABASE_URL": demo.ready["database_url"]},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    return out.decode()


async def test_who_is_erased_is_gone_and_the_class_goes_on(demo):
    session, tokens = demo.ready["session"], demo.ready["tokens"]
    url = f"{demo.ready['url']}/v1/sessions/{session}/live"
    async with aiohttp.ClientSession() as http, Supervisor("people") as tasks:
        teacher, ann, bob = (
            Connection(http, url, token, rng=random.Random(1))
            for token in (tokens["teacher"], *tokens["students"][:2])
        )
        for person in (teacher, ann, bob):
            tasks.start("person", person.run())
        assert isinstance(await teacher.say(cmd.SessionStart()), Ack)
        assert isinstance(await ann.say(cmd.ChatPost(f"{SECRET} hello")), Ack)
        assert await bob.until(lambda client: SECRET in seen(client), 5)
        me = ann.client.welcome.me
        tenant = demo.ready["tenant"]

        out = await liveclass(demo, "erase", me.user, "--tenant", tenant, "--yes")
        assert out.startswith("erased  "), out
        assert await bob.until(lambda client: SECRET not in seen(client), 5)
        assert isinstance(await bob.say(cmd.ChatPost("and on")), Ack)
        assert await teacher.until(lambda client: "and on" in seen(client), 5)
        assert SECRET not in seen(teacher.client)
        assert (await liveclass(demo, "verify", session)).startswith("ok  ")


def seen(client):
    return msgspec.json.encode(client.state).decode()
