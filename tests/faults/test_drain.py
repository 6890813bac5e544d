"""SIGTERM of a server that nobody can take over from: it ends cleanly, and within a bound."""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

import aiohttp
import pytest

from protocol import commands as cmd
from protocol.frames import Ack
from server.serve import STOP_SECONDS
from server.store import sessions
from server.tasks import Supervisor
from tests.faults.served import Lesson, Served, children
from tests.patience import PATIENCE, Stopwatch, eventually

DRAIN_SECONDS = 1.0
AT_ONCE_SECONDS = 5.0
"""Else it would be waited for sixteen."""


@pytest.fixture
async def served(data_dir):
    async with Served.start(data_dir, drain_seconds=str(DRAIN_SECONDS)) as served:
        yield served


@pytest.fixture
async def lesson(served):
    async with served.pools.tenant(served.tenant) as connection:
        session = (await sessions.create(connection, served.tenant, title="Algebra")).id
    async with Supervisor("people") as tasks:
        lesson = Lesson(served, session, tasks)
        assert isinstance(await lesson.teacher.say(cmd.SessionStart()), Ack)
        await lesson.caught_up()
        yield lesson


def runs(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def ended(served) -> int:
    async with asyncio.timeout(PATIENCE):
        return await served._process.wait()


async def drains(served) -> bool:
    """Say whether it tells, before it ends, that it is not ready."""
    while served._process.returncode is None:
        with contextlib.suppress(aiohttp.ClientError):
            if (await served.health())[0] == 503:
                return True
        await asyncio.sleep(0.01)
    return False


async def test_what_is_under_way_is_finished_and_everybody_is_sent_on(served, lesson):
    raw, idle = await lesson.raw(), await lesson.raw()
    # Whatever takes the database takes its time from now on.
    served.database.delay_seconds = 0.2
    asked = bytearray()

    def look(data, client, connection):
        asked.extend(data)
        return data

    served.database.look = look
    token = lesson.token("teacher", "Rest")
    path = f"/v1/sessions/{lesson.session}/commands"
    body = {"op": "chat.post", "data": {"text": "by REST"}, "key": "rest-1"}
    posted = asyncio.ensure_future(served.rest("POST", path, token, body))
    said = asyncio.ensure_future(raw.say("chat.post", {"text": "by socket"}))
    await eventually(lambda: b"by REST" in asked and b"by socket" in asked)
    drained = asyncio.ensure_future(drains(served))
    os.kill(served.pid, signal.SIGTERM)
    await eventually(lambda: served.said("draining"))
    status, headers, _ = await posted
    assert status in (200, 201), (status, headers)
    assert (await said)["type"] == "ack"
    bye, code = await idle.farewell(PATIENCE)
    assert (bye["code"], code) == (4101, 4101)
    assert 0 < bye["retry_ms"] <= 200 + 1000 * DRAIN_SECONDS
    assert await ended(served) == 0
    assert await drained, "nobody is to be sent here"
    served.database.heal()
    assert {"by REST", "by socket"} <= set(await lesson.log())


async def test_it_ends_in_time_though_nothing_answers(served, lesson):
    served.database.stall()
    served.presence.stall()
    asking = [
        asyncio.ensure_future(each.say(cmd.ChatPost("into the void"))) for each in lesson.everybody
    ]
    await asyncio.sleep(0.5)
    watch, begun = Stopwatch(), time.monotonic()
    os.kill(served.pid, signal.SIGTERM)
    assert await ended(served) == 0
    seconds = time.monotonic() - begun
    # And what it takes to start and to end processes.
    assert seconds <= DRAIN_SECONDS + STOP_SECONDS + 5 + watch.lost
    assert not served.said("worker_killed")
    for each in asking:
        each.cancel()


@pytest.mark.parametrize("again", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_it_at_once(served, lesson, again):
    (hub,), media = served.workers("server.app"), served.workers("server.media")
    started = children(served.pid)
    os.kill(hub, signal.SIGSTOP)  # it would be waited for
    os.kill(served.pid, signal.SIGTERM)
    await eventually(lambda: not any(map(runs, media)), PATIENCE)
    watch = Stopwatch(served.pid)
    os.kill(served.pid, again)
    assert await ended(served) == 0
    assert watch.seconds < AT_ONCE_SECONDS
    await eventually(lambda: not any(map(runs, started)))
