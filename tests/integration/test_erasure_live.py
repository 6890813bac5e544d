"""A person is erased while the whole server runs their class."""

import random

import aiohttp
import msgspec
import pytest

from load.connection import Connection
from protocol import commands as cmd
from protocol.frames import Ack
from server.store.erasure import erase
from server.store.log import LogReader
from server.store.pool import Pools
from server.tasks import Supervisor
from tests.demo import Demo
from tests.patience import PATIENCE

SECRET = "plugh"


@pytest.fixture
async def demo(data_dir):
    demo = Demo(data_dir / "class", "--teacher", "none", "--students", "0")
    yield await demo.start()
    await demo.kill()


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
        assert await bob.until(lambda client: SECRET in seen(client), PATIENCE)
        me = ann.client.welcome.me
        tenant = demo.ready["tenant"]

        async with Pools.open(demo.ready["database_url"], size=1) as pools:
            await erase(pools, tenant, me.user, leave_seconds=0.5)
        assert await bob.until(lambda client: SECRET not in seen(client), PATIENCE)
        assert isinstance(await bob.say(cmd.ChatPost("and on")), Ack)
        assert await teacher.until(lambda client: "and on" in seen(client), PATIENCE)
        assert SECRET not in seen(teacher.client)
        async with Pools.open(demo.ready["database_url"], size=1) as pools:
            verdict = await LogReader(pools).verify(session)
        assert (verdict.broken, verdict.erased > 0) == (None, True)


def seen(client):
    return msgspec.json.encode(client.state).decode()
