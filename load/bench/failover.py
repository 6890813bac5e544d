"""``kill -9`` of the node that owns a class, until the first ack elsewhere.

Two hub workers behind one port; a few students talk all the time, each through whichever worker
the kernel gave them. Timed from the kill to the first ack of a line that was sent after it.
"""

import asyncio
import os
import random
import signal
import statistics
import time
from typing import Any

import aiohttp

from load.bench.hub import Hub, held
from load.bench.people import School
from load.bench.processes import BenchError, Processors
from load.connection import Connection
from load.place import Place
from protocol.commands import ChatPost
from protocol.frames import Ack

PEOPLE = 16
_PAUSE_SECONDS = 0.12
"""Between two lines of one person, which is within ten a second."""
_STEADY_SECONDS = 12.0
"""For so long both nodes must have been there before one of them is killed: one that is younger
than five seconds declares nobody dead, and one that died is believed to be there for as long."""
_COME_BACK_SECONDS = 60.0
_FIRST_ACK_SECONDS = 30.0


class _Class:
    """Students who talk, and when each line that was acked was sent."""

    def __init__(self) -> None:
        self.acked: list[tuple[float, float]] = []
        self.news = asyncio.Event()

    async def talk(self, connection: Connection, after: float) -> None:
        await asyncio.sleep(after)
        while True:
            sent = time.monotonic()
            answer = await connection.say(ChatPost("I am still here."))
            if isinstance(answer, Ack):
                self.acked.append((sent, time.monotonic()))
                self.news.set()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def first_ack_after(self, moment: float) -> float:
        """Return when the first line that was sent after ``moment`` was acked."""
        async with asyncio.timeout(_FIRST_ACK_SECONDS):
            while True:
                self.news.clear()
                times = [at for sent, at in self.acked if sent > moment]
                if times:
                    return min(times)
                await self.news.wait()


async def measure(processors: Processors, *, rounds: int) -> dict[str, Any]:
    """Return the times of so many kills.

    Raises:
        BenchError: If nobody takes the class over.
        RefusedError: If it cannot be set up.

    """
    async with held(processors, workers=2) as hub, aiohttp.ClientSession() as http:
        school = School(http, hub.ready)
        (place,) = await school.classes(1)
        lines = await school.students([place], PEOPLE)
        group, rng = _Class(), random.Random(1)
        people = [Connection(http, place.live_url, line.split()[2], rng=rng) for line in lines]
        tasks = [asyncio.create_task(each.run()) for each in people]
        tasks += [
            asyncio.create_task(group.talk(each, _PAUSE_SECONDS * number / PEOPLE))
            for number, each in enumerate(people)
        ]
        try:
            times = [await _kill(hub, place, group) for _ in range(rounds)]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return {
        "rounds": rounds,
        "first_ack_ms": [round(each * 1000) for each in times],
        "median_ms": round(statistics.median(times) * 1000),
        "worst_ms": round(max(times) * 1000),
    }


async def _kill(hub: Hub, place: Place, group: _Class) -> float:
    await _steady(hub)
    group.acked.clear()
    owner = await hub.owner(place.session)
    pid = hub.workers()[owner]
    killed = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    try:
        took = await group.first_ack_after(killed) - killed
    except TimeoutError:
        raise BenchError("nobody took the class over") from None
    if await hub.owner(place.session) == owner:
        raise BenchError("the class waited for the worker that was killed")
    return took


async def _steady(hub: Hub) -> None:
    """Return when both nodes have been there for a while."""
    began = since = time.monotonic()
    while time.monotonic() - since < _STEADY_SECONDS:
        if await hub.nodes() < 2:
            since = time.monotonic()
        if time.monotonic() - began > _COME_BACK_SECONDS:
            raise BenchError("the worker that was killed did not come back")
        await asyncio.sleep(0.25)
