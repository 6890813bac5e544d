"""A class with two owners: one that was stopped for so long that another took it, and came back.

Nobody says anything but what is said here, so that nothing but fencing keeps the two apart: what
waits for the first in its sockets is the first that it hears when it goes on. Twice, because an
owner of the past may do wrong in two ways:

``stale``   answer from what it knows: the other has stored something since
``astray``  store something that the other, which has stored nothing yet, does not know of
"""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal

import aiohttp

from protocol import commands as cmd
from protocol.frames import Ack
from server.store.log import LogReader
from server.tasks import Supervisor
from tests.faults.cluster import Cluster, Node, running
from tests.faults.ordeal import Plan, Verdict, judge, prepare
from tests.faults.recorder import Clock
from tests.faults.speech import Did
from tests.faults.workload import Lesson
from tests.patience import PATIENCE

TAKEN_SECONDS = 40.0
Variant = Literal["stale", "astray"]


async def two_owners(directory: Path, variant: Variant, how: tuple[str, ...] = ()) -> Verdict:
    """Let it happen once; return what the people of the class make of it."""
    plan = Plan(seed=1, seconds=0, tenants=1, lessons=1, nodes=2, how=how, fast=True)
    verdict = Verdict([])
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(
            running(directory, nodes=plan.nodes, how=how, fast=True)
        )
        http = await stack.enter_async_context(aiohttp.ClientSession())
        tasks = await stack.enter_async_context(Supervisor("people"))
        rng = random.Random(plan.seed)
        lessons = await prepare(cluster, plan, http, Clock(), rng, Did(), tasks)
        await _stop_and_go_on(cluster, lessons[0], variant)
        await lessons[0].become_whole(TAKEN_SECONDS)
        await lessons[0].recorder.read_log(LogReader(cluster.pools))
        verdict.histories.append(lessons[0].recorder.history)
    judge(verdict)
    return verdict


async def _stop_and_go_on(cluster: Cluster, lesson: Lesson, variant: Variant) -> None:
    assert isinstance(await lesson.warden.say(cmd.SessionStart()), Ack)
    ann = lesson.comes("student")
    # One device of hers on each node, whatever node people are sent to.
    devices = {
        node: lesson.comes("student", who=ann.who, choose=_always(node, lesson.session))
        for node in cluster.nodes
    }
    raised = await ann.say(cmd.HandRaise())
    assert isinstance(raised, Ack)
    assert raised.sequence is not None
    first = raised.sequence[0]
    for device in devices.values():
        assert await device.connection.until(lambda client: client.position >= first, PATIENCE)
    # Nobody else is here: what is not said now is not said by anybody.
    owner = await cluster.owner(lesson.session)
    assert owner is not None
    other = next(node for node in cluster.nodes if node is not owner)

    owner.signal(signal.SIGSTOP)
    at_owner, at_other = devices[owner], devices[other]
    try:
        await _until(lambda: _is_owner(cluster, lesson, other))
        # It serves the class: her hand is up, as she says again.
        assert isinstance(await at_other.say(cmd.HandRaise()), Ack)
        if variant == "stale":
            assert isinstance(await at_other.say(cmd.HandLower()), Ack)
            asking = asyncio.ensure_future(at_owner.say(cmd.HandRaise()))
        else:
            asking = asyncio.ensure_future(at_owner.say(cmd.HandLower()))
        await asyncio.sleep(0.3)  # it is in the socket of the one who stands still
    finally:
        owner.signal(signal.SIGCONT)
    assert isinstance(await asking, Ack)
    if variant == "astray":
        assert isinstance(await at_other.say(cmd.HandRaise()), Ack)


async def _is_owner(cluster: Cluster, lesson: Lesson, node: Node) -> bool:
    return await cluster.owner(lesson.session) is node


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(TAKEN_SECONDS):
        while not await holds():
            await asyncio.sleep(0.1)


def _always(node: Node, session: str) -> Callable[[], tuple[str, str]]:
    return lambda: (node.name, f"{node.url(by_proxy=False)}/v1/sessions/{session}/live")
