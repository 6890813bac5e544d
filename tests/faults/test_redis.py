"""Valkey forgets everything, stands still, and dies: nobody in a class can tell."""

import asyncio
import os
import signal

import pytest
from redis.asyncio import Redis

from protocol import commands as cmd
from protocol.frames import Ack
from tests.patience import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_presence_rebuilds_itself_and_the_class_does_without(served):
    async with (
        served.lesson() as lesson,
        Redis.from_url(served.services.redis_url, socket_timeout=2) as redis,
    ):
        key = f"presence:{{{lesson.session}}}"

        async def is_listed():
            return any(value.startswith(b"3|") for value in await redis.hvals(key))

        await eventually(is_listed)
        await redis.flushall()
        await class_goes_on(lesson)
        await eventually(is_listed)
        # What was away in a test before is back, and has been told of.
        mark, failed = served.mark, await served.metric("liveclass_presence_errors_total")

        os.kill(served.services.valkey.pid, signal.SIGSTOP)

        async def is_missed():
            return await served.metric("liveclass_presence_errors_total") > failed

        await eventually(is_missed)
        await class_goes_on(lesson)
        status, parts = await served.health()
        assert (status, parts["redis"]) == (200, "no answer")

        os.kill(served.services.valkey.pid, signal.SIGKILL)  # and it comes back empty
        await class_goes_on(lesson)

        async def is_there_again():
            try:
                return await is_listed()
            except OSError:
                return False

        await asyncio.sleep(0.5)
        await eventually(is_there_again)

        def told():
            return [line["event"] for line in served.warnings(mark) if line.get("part") == "redis"]

        await eventually(lambda: "part_back" in told())
        assert told() == ["part_away", "part_back"]


async def class_goes_on(lesson):
    """Say something, and let somebody in who was not here before."""
    answers = await asyncio.gather(*(each.say(cmd.ChatPost("!")) for each in lesson.everybody))
    assert all(isinstance(each, Ack) for each in answers)
    raw = await lesson.raw()
    assert (await raw.say("chat.post", {"text": "new here"}))["type"] == "ack"
    await raw.socket.close()
