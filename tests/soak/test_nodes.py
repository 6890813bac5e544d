"""A class on three processes that die, stop and lose their database, for as long as told."""

import asyncio
import contextlib
import os
import random
import signal
import time

import aiohttp
import pytest

from protocol import commands as cmd
from protocol.frames import Ack
from server.store.log import LogReader
from server.store.pool import Pools
from server.tasks import Supervisor
from tests.demo import Demo
from tests.faults.history import Witness, settled, violations, whole_log

PAUSE_SECONDS = 4.0


@pytest.fixture
async def demo(data_dir, monkeypatch):
    monkeypatch.setenv("LIVECLASS_HUB_WORKERS", "3")
    demo = Demo(data_dir / "class", "--teacher", "none", "--students", "0")
    yield await demo.start()
    await demo.kill()
    assert not await demo.all_gone()


async def _acts(person, rng):
    """Do what people do in a class, without end."""
    is_staff = person.view == "staff"
    for number in range(1_000_000):
        state = person.connection.client.state
        choices = [cmd.ChatPost(f"{person.name}/{number}"), cmd.HandRaise(), cmd.HandLower()]
        if state.questions:
            choices.append(cmd.QuestionUpvote(rng.choice(state.questions).question))
        if number % 7 == 0:
            choices = [cmd.QuestionAsk(f"{person.name} asks {number}")]
        if is_staff and state.messages:
            choices.append(cmd.ChatRemove(rng.choice(state.messages).message))
        await person.say(rng.choice(choices), 120)
        await asyncio.sleep(rng.uniform(0.1, 0.3))


async def _kill(demo, rng, pools):
    os.kill(rng.choice(list(demo.hub_workers().values())), signal.SIGKILL)


async def _stop(demo, rng, pools):
    pid = rng.choice(list(demo.hub_workers().values()))
    os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(rng.uniform(0.5, 7.0))
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


async def _cut_database(demo, rng, pools):
    async with pools.hub() as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND usename = current_user AND datname = "
            "current_database()"
        )


async def test_a_class_on_three_processes_that_die(demo, seconds, report):
    session = demo.ready["session"]
    rng = random.Random(2028)
    async with (
        aiohttp.ClientSession() as http,
        Supervisor("people") as tasks,
        Pools.open(demo.ready["database_url"], size=2) as pools,
    ):
        people = Witness.of_demo(http, demo, 4, tasks)
        assert isinstance(await people[0].say(cmd.SessionStart()), Ack)
        acting = [tasks.start("act", _acts(each, random.Random(each.name))) for each in people]
        faults = dict.fromkeys(("_kill", "_stop", "_cut_database"), 0)
        until = time.monotonic() + seconds * 0.7
        while time.monotonic() < until:
            await asyncio.sleep(PAUSE_SECONDS)
            fault = rng.choice((_kill, _stop, _cut_database))
            faults[fault.__name__] += 1
            await fault(demo, rng, pools)
        await asyncio.sleep(PAUSE_SECONDS)
        assert not any(task.done() for task in acting), "somebody stopped acting"
        for task in acting:
            task.cancel()
        await settled(people, 60)
        stored = await whole_log(LogReader(pools), session)
        found = violations(stored, people)
        asked = [each for person in people for each in person.asked]
        acked = sum(isinstance(each.answer, Ack) for each in asked)
        waits = sorted(each.answered_at - each.sent_at for each in asked)
        report(
            violations=len(found), events=len(stored), commands=len(asked), acked=acked,
            reconnects=sum(each.welcomes - 1 for each in people),
            longest_answer_s=round(waits[-1], 2),
            p99_answer_s=round(waits[len(waits) * 99 // 100], 3),
            **{name.strip("_"): count for name, count in faults.items()},
        )  # fmt: skip
        assert not found, found[:10]
        assert (await LogReader(pools).verify(session)).broken is None
