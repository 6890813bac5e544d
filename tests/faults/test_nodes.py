"""Two hub workers behind one port: one of them is killed in the middle of a class."""

import asyncio
import os
import random
import signal
from pathlib import Path

import aiohttp
import pytest

from load.connection import Connection
from protocol import commands as cmd
from protocol.frames import Ack
from server.store.log import LogReader
from server.store.nodes import LIFE_SECONDS, find_owner
from server.store.pool import Pools
from server.tasks import Supervisor
from tests.demo import Demo
from tests.media.publisher import TestPublisher
from tests.media.viewer import TestViewer


@pytest.fixture
async def demo(data_dir, monkeypatch):
    monkeypatch.setenv("LIVECLASS_HUB_WORKERS", "2")
    demo = Demo(data_dir / "class", "--teacher", "none", "--students", "0")
    yield await demo.start()
    await demo.kill()
    assert not await demo.all_gone()


class Person:
    """Somebody who talks, remembers every answer, and counts how often they had to connect."""

    def __init__(self, http, demo, token, number):
        url = f"{demo.ready['url']}/v1/sessions/{demo.ready['session']}/live"
        self.acked, self.welcomes, self.number = {}, 0, number
        self.connection = Connection(
            http, url, token, rng=random.Random(number),
            on_answer=self._answered, on_frame=self._heard,
        )  # fmt: skip

    def _answered(self, command, answer):
        if isinstance(answer, Ack):
            self.acked[answer.key] = (command, answer)

    def _heard(self, frame):
        self.welcomes += b'"type":"welcome"' in (frame if isinstance(frame, bytes) else b"")

    async def talk(self):
        for line in range(1_000_000):
            await self.connection.say(cmd.ChatPost(f"{self.number}/{line}"), timeout_seconds=30)
            await asyncio.sleep(0.12)  # within ten a second


def workers(demo):
    """The process of each hub worker, by its number."""
    found = {}
    for pid, line in demo.processes().items():
        if "server.app" in line:
            environ = (Path("/proc") / str(pid) / "environ").read_bytes().split(b"\0")
            number = next(each for each in environ if each.startswith(b"HUB_NUMBER="))
            found[int(number.partition(b"=")[2])] = pid
    return found


async def test_the_owner_of_a_class_is_killed_and_nobody_loses_anything(demo):
    tokens, session = demo.ready["tokens"], demo.ready["session"]
    async with (
        aiohttp.ClientSession() as http,
        Supervisor("people") as tasks,
        Pools.open(demo.ready["database_url"], size=2) as pools,
    ):
        # Enough that the kernel gives some of them to each of the two processes.
        everybody = (tokens["teacher"], tokens["assistant"], *tokens["students"]) * 3
        people = [Person(http, demo, token, number) for number, token in enumerate(everybody)]
        for person in people:
            tasks.start("person", person.connection.run())
        teacher = people[0].connection
        assert isinstance(await teacher.say(cmd.SessionStart()), Ack)
        talking = [tasks.start("talk", person.talk()) for person in people]
        await asyncio.sleep(LIFE_SECONDS + 0.5)  # a node that is younger declares nobody dead

        first = await find_owner(pools, session)
        number = int(first.node.rpartition(".")[2])
        pids = workers(demo)
        assert len(pids) == 2
        os.kill(pids[number], signal.SIGKILL)
        async with asyncio.timeout(15):
            while (owner := await find_owner(pools, session)).epoch == first.epoch:
                await asyncio.sleep(0.01)
        assert owner.node != first.node, "the other one takes it; nobody waits for the dead"
        before = {person.number: len(person.acked) for person in people}
        async with asyncio.timeout(30):
            while any(len(person.acked) < before[person.number] + 3 for person in people):
                await asyncio.sleep(0.05)
        for task in talking:
            task.cancel()
        async with asyncio.timeout(20):
            while any(person.connection.client.unanswered for person in people):
                await asyncio.sleep(0.05)
        head = (await teacher.say(cmd.ChatPost("last"))).sequence[1]
        for person in people:
            assert await person.connection.until(lambda client: client.position >= head, 10)
            assert person.connection.client.gaps == 0
        kept = [person for person in people if person.welcomes == 1]
        assert 0 < len(kept) < len(people), "who sat on the other process noticed nothing"

        stored = []
        while page := await LogReader(pools).read(session, len(stored)):
            stored += page
        assert [event.sequence for event in stored] == list(range(1, len(stored) + 1))
        assert (await LogReader(pools).verify(session)).broken is None
        lines = {e.sequence: e.payload for e in stored if e.type == "chat.posted"}
        for person in people:
            for command, answer in person.acked.values():
                if isinstance(command, cmd.ChatPost):
                    assert f'"{command.text}"'.encode() in lines[answer.sequence[0]]
        said = {payload.split(b'"text": "')[1].split(b'"')[0] for payload in lines.values()}
        assert len(said) == len(lines), "a line is in the log twice"
        # Who is killed comes back, and takes part again.
        async with asyncio.timeout(20):
            while len(workers(demo)) < 2:
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
            await viewer.sees(3, 10)
        for viewer in viewers:
            url = demo.ready["url"] + viewer.location
            assert (await ask("DELETE", url, tokens["assistant"]))[0] == 200
    finally:
        await asyncio.gather(publisher.close(), *(viewer.close() for viewer in viewers))
