"""Two hub workers behind one port: one of them is killed in the middle of a class."""

import asyncio
import os
import signal

import aiohttp
import pytest

from protocol import commands as cmd
from protocol.frames import Ack
from server.store.log import LogReader
from server.store.nodes import LIFE_SECONDS, find_owner
from server.store.pool import Pools
from server.tasks import Supervisor
from tests.demo import Demo
from tests.faults.check import violations
from tests.faults.recorder import Clock, Recorder
from tests.faults.witness import of_demo, settled
from tests.media.publisher import TestPublisher
from tests.media.viewer import TestViewer
from tests.patience import PATIENCE


@pytest.fixture
async def demo(data_dir, monkeypatch):
    monkeypatch.setenv("LIVECLASS_HUB_WORKERS", "2")
    demo = Demo(data_dir / "class", "--teacher", "none", "--students", "0")
    yield await demo.start()
    await demo.kill()
    assert not await demo.all_gone()


async def test_the_owner_of_a_class_is_killed_and_nobody_loses_anything(demo):
    session = demo.ready["session"]
    async with (
        aiohttp.ClientSession() as http,
        Supervisor("people") as tasks,
        Pools.open(demo.ready["database_url"], size=2) as pools,
    ):
        # Enough that the kernel gives some of them to each of the two processes.
        recorder = Recorder(session, Clock())
        people = of_demo(recorder, http, demo, 3, tasks)
        teacher = people[0]
        assert isinstance(await teacher.say(cmd.SessionStart()), Ack)

        async def talk(person):
            for line in range(1_000_000):
                await person.say(cmd.ChatPost(f"{person.name}/{line}"))
                await asyncio.sleep(0.12)  # within ten a second

        talking = [tasks.start("talk", talk(person)) for person in people]
        await asyncio.sleep(LIFE_SECONDS + 0.5)  # a node that is younger declares nobody dead

        first = await find_owner(pools, session)
        pids = demo.hub_workers()
        assert len(pids) == 2
        os.kill(pids[int(first.node.rpartition(".")[2])], signal.SIGKILL)
        async with asyncio.timeout(PATIENCE):
            while (owner := await find_owner(pools, session)).epoch == first.epoch:
                await asyncio.sleep(0.01)
        assert owner.node != first.node, "the other one takes it; nobody waits for the dead"
        before = {person.name: len(person.asked) for person in people}
        async with asyncio.timeout(PATIENCE):
            while any(len(person.asked) < before[person.name] + 3 for person in people):
                await asyncio.sleep(0.05)
        for task in talking:
            task.cancel()
        last = await teacher.say(cmd.ChatPost("the last word"))
        assert await settled(people, last.sequence[1], PATIENCE) == []
        for person in people:
            person.finish()
        kept = [person for person in people if person.welcomes == 1]
        assert 0 < len(kept) < len(people), "who sat on the other process noticed nothing"
        await recorder.read_log(LogReader(pools))
        assert violations(recorder.history) == []
        # Who is killed comes back, and takes part again.
        async with asyncio.timeout(PATIENCE):
            while len(demo.hub_workers()) < 2:
                await asyncio.sleep(0.1)


async def test_media_is_negotiated_through_either_process(demo):
    tokens, session = demo.ready["tokens"], demo.ready["session"]
    base = f"{demo.ready['url']}/v1/sessions/{session}"

    async def ask(method, url, token, body=None, **headers):
        # A connection of its own each time: the kernel chooses the process.
        async with aiohttp.ClientSession() as http:
            headers["Authorization"] = f"Bearer {token}"
            async with http.request(method, url, data=body, headers=headers) as response:
                return response.status, response.headers.copy(), await response.read()

    def post(path, token):
        sdp = {"Content-Type": "application/sdp"}
        return lambda body: ask("POST", f"{base}/{path}", token, body, **sdp)

    publisher, viewers = TestPublisher(), [TestViewer() for _ in range(6)]
    try:
        assert await publisher.publish(post("whip", tokens["teacher"])) == 201
        for viewer in viewers:
            assert await viewer.watch(post("whep", tokens["assistant"])) == 201
        for viewer in viewers:
            await viewer.sees(3)
        for viewer in viewers:
            url = demo.ready["url"] + viewer.location
            assert (await ask("DELETE", url, tokens["assistant"]))[0] == 200
    finally:
        await asyncio.gather(publisher.close(), *(viewer.close() for viewer in viewers))
