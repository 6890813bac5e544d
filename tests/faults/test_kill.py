"""``kill -9`` of everything in the middle of a class."""

import asyncio
import random
import subprocess
import sys

import aiohttp
import pytest

from load.connection import Connection
from protocol import commands as cmd
from protocol.frames import Ack
from server.store.log import LogReader
from server.store.pool import Pools
from server.tasks import Supervisor
from tests.demo import Demo
from tests.faults.recorder import Clock, Recorder
from tests.patience import PATIENCE, eventually


@pytest.fixture
async def demo(data_dir):
    demo = Demo(data_dir / "class", "--teacher", "none", "--students", "0")
    yield await demo.start()
    await demo.kill()
    assert not await demo.all_gone()


class Talker:
    """Somebody who keeps talking, and remembers every answer."""

    def __init__(self, http, demo, token, number):
        url = f"{demo.ready['url']}/v1/sessions/{demo.ready['session']}/live"
        self.acked = {}
        self.connection = Connection(
            http, url, token, rng=random.Random(number), on_answer=self._answered
        )
        self.number = number

    def _answered(self, command, answer):
        if isinstance(answer, Ack):
            self.acked[answer.key] = (command, answer)

    async def talk(self):
        for line in range(1_000_000):
            await self.connection.say(cmd.ChatPost(f"{self.number}/{line}"))
            await asyncio.sleep(0.12)  # within ten a second


async def test_a_class_survives_kill_9_of_everything(demo):
    tokens = demo.ready["tokens"]
    async with aiohttp.ClientSession() as http, Supervisor("people") as tasks:
        people = [
            Talker(http, demo, token, number)
            for number, token in enumerate((tokens["teacher"], *tokens["students"]))
        ]
        for person in people:
            tasks.start("person", person.connection.run())
        teacher = people[0].connection
        assert isinstance(await teacher.say(cmd.SessionStart()), Ack)
        talking = [tasks.start("talk", person.talk()) for person in people]
        await eventually(lambda: all(len(person.acked) > 3 for person in people))

        await demo.kill()
        assert not await demo.all_gone(), "kill -9 leaves processes behind"
        before = {person.number: len(person.acked) for person in people}
        await demo.start()

        async with asyncio.timeout(PATIENCE):
            while any(len(person.acked) < before[person.number] + 3 for person in people):
                await asyncio.sleep(0.05)
        for task in talking:
            task.cancel()
        async with asyncio.timeout(PATIENCE):
            while any(person.connection.client.unanswered for person in people):
                await asyncio.sleep(0.05)
        head = (await teacher.say(cmd.SceneCreate("last", _LAYOUT))).sequence[1]
        for person in people:
            assert await person.connection.until(lambda client: client.position >= head, PATIENCE)

        async with Pools.open(demo.ready["database_url"], size=2) as pools:
            recorder = Recorder(demo.ready["session"], Clock())
            await recorder.read_log(LogReader(pools))
        stored = recorder.history.log
        assert [event.sequence for event in stored] == list(range(1, len(stored) + 1))
        lines = {
            event.sequence: bytes(event.payload) for event in stored if event.kind == "chat.posted"
        }
        for person in people:
            for command, answer in person.acked.values():
                if isinstance(command, cmd.ChatPost):
                    first, last = answer.sequence
                    assert first == last
                    assert f'"{command.text}"'.encode() in lines[first]
            assert person.connection.client.gaps == 0
        texts = sorted(lines.values())
        said = {payload.split(b'"text": "')[1].split(b'"')[0] for payload in texts}
        assert len(said) == len(lines), "a line is in the log twice"
        states = [person.connection.client.state for person in people[1:]]
        assert all(state == states[0] for state in states)

    done = subprocess.run(
        [sys.executable, "-m", "server", "verify", demo.ready["session"],
         "--database-url", demo.ready["database_url"]],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(stored)} events" in done.stdout


async def test_ctrl_c_leaves_no_process_and_the_directory_finds_its_class_again(demo):
    session, tenant = demo.ready["session"], demo.ready["tenant"]
    token = demo.ready["tokens"]["teacher"]
    await _start_class(demo, token)
    await demo.stop()
    assert not await demo.all_gone()
    await demo.start()
    assert (demo.ready["session"], demo.ready["tenant"]) == (session, tenant)
    # The old token still holds: the secret is kept, too.
    assert await _status(demo, token) == "live"


_LAYOUT = cmd.SceneLayout((cmd.SceneItem("camera"),))


async def _start_class(demo, token):
    async with aiohttp.ClientSession() as http, Supervisor("people") as tasks:
        person = Talker(http, demo, token, 0)
        tasks.start("person", person.connection.run())
        assert isinstance(await person.connection.say(cmd.SessionStart()), Ack)


async def _status(demo, token):
    url = f"{demo.ready['url']}/v1/sessions/{demo.ready['session']}"
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as response:
        return (await response.json())["status"]
