"""The process that owns a class stands still for longer than its lease, and comes back."""

import asyncio
import os
import signal

import pytest

from protocol import commands as cmd
from protocol.frames import Ack
from server.store.nodes import find_owner
from tests.directories import reachable_directory
from tests.faults.served import Served
from tests.patience import PATIENCE, eventually

PEOPLE = 27
"""Beside the three of every class: enough that some sit on each of two processes."""
TAKEN_SECONDS = PATIENCE


@pytest.fixture
async def two_hubs():
    with reachable_directory() as directory:
        async with Served.start(directory, hub_workers="2") as served:
            yield served


async def test_who_stood_still_for_too_long_owns_nothing_any_more(two_hubs):
    served = two_hubs
    async with served.lesson() as lesson:
        more = [lesson.person(name=f"P{number}") for number in range(PEOPLE)]
        everybody = [*lesson.everybody, *more]
        answers = await asyncio.gather(*(each.say(cmd.ChatPost("here")) for each in everybody))
        assert all(isinstance(each, Ack) for each in answers)
        before = await find_owner(served.pools, lesson.session)
        number = int(before.node.rpartition(".")[2])
        (pid,) = [pid for pid in served.workers("server.app") if hub_number(pid) == number]
        mark = served.mark

        os.kill(pid, signal.SIGSTOP)
        try:

            async def is_taken():
                now = await find_owner(served.pools, lesson.session)
                return now.node != before.node

            await eventually(is_taken, TAKEN_SECONDS)
            # A line that nobody on the process that stands still takes part in.
            talking = [asyncio.ensure_future(each.say(cmd.ChatPost("!"))) for each in everybody]
            done, _ = await asyncio.wait(talking, return_when="FIRST_COMPLETED", timeout=PATIENCE)
            assert done
        finally:
            os.kill(pid, signal.SIGCONT)
        # What was sent to it meanwhile it may not ack by itself: its time is over.
        answers = await asyncio.wait_for(asyncio.gather(*talking), PATIENCE)
        assert all(isinstance(each, Ack) for each in answers)
        assert len({each.sequence for each in answers}) == len(everybody)
        head = max(each.sequence[1] for each in answers)
        for each in everybody:
            assert await each.until(lambda client: client.position >= head, PATIENCE)
        assert (await find_owner(served.pools, lesson.session)).node != before.node
        said = await lesson.log()
        assert (said.count("here"), said.count("!")) == (len(everybody), len(everybody))
        await eventually(lambda: served.said("lease_interrupted", mark))
        await eventually(lambda: served.said("event_loop_stood_still", mark))
        seconds = [line["seconds"] for line in served.said("event_loop_stood_still", mark)]
        assert max(seconds) > 5


def hub_number(pid):
    with open(f"/proc/{pid}/environ", "rb") as environ:
        values = dict(each.partition(b"=")[::2] for each in environ.read().split(b"\0"))
    return int(values[b"HUB_NUMBER"])
