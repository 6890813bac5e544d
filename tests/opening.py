"""``python -m tests.opening``: how long a session with a long log takes to open; one JSON line.

Two sizes of the same class on a real PostgreSQL, each opened from its log and from what the room
saved. ``stall`` is the longest that the event loop was away meanwhile.
"""

import asyncio
import gc
import json
import random
import sys
import time
from contextlib import AsyncExitStack
from statistics import median

import uvloop

from protocol import events as ev
from server.classroom.state import Classroom
from server.clock import SystemClock
from server.embedded import EmbeddedServices
from server.hub.draft import Draft, Head
from server.hub.lease import Lease
from server.hub.room import Room
from server.hub.saved import VERSION
from server.hub.seating import Place
from server.hub.snapshots import Snapshots
from server.ids import new_id
from server.logs import configure
from server.store import chain, snapshots
from server.store.log import LogReader, LogWriter
from server.store.migrate import migrate
from server.store.nodes import Membership
from server.store.pool import Pools
from server.tasks import Supervisor
from tests.directories import reachable_directory

PEOPLE = 5_000
NO_STATE = Classroom()
BATCH = 250
ROUNDS = 5


def lesson(length, rng):
    """Yield ``(event, by)`` of a large class in which much is said and voted."""
    people = [new_id() for _ in range(PEOPLE)]
    teacher = people[0]
    yield ev.SessionStarted(), teacher
    for number, user in enumerate(people):
        role = "teacher" if user == teacher else "student"
        yield ev.ParticipantJoined(user, f"Person {number}", role), None
    polls = []
    for number in range(length - PEOPLE - 1):
        user = rng.choice(people)
        if number % 5_000 == 0:
            polls.append(new_id())
            yield ev.PollOpened(polls[-1], "2+2?", ("3", "4"), False, False, "live"), teacher
        elif number % 5 == 0:
            yield ev.PollVoted(polls[-1], (rng.randrange(2),), False), user
        elif number % 5 == 1:
            raised = user
            yield ev.HandRaised(raised, "Ann"), raised
        elif number % 5 == 2:
            yield ev.HandLowered(raised), raised
        else:
            yield ev.ChatPosted(new_id(), "Ann", f"line {number} " * 8, "everyone"), user


class Nobody:
    """Listens to nothing."""

    def opened(self, owned):
        pass

    def committed(self, owned, before, recorded):
        pass

    def closed(self, owned):
        pass


class Bench:
    """A node without sockets, and a tenant."""

    def __init__(self, pools, lease, writer, tasks):
        self.pools, self.lease, self.writer, self.tasks = pools, lease, writer, tasks
        self.reader = LogReader(pools)
        self.snapshots = Snapshots(pools, self.reader, tasks)
        self.tenant = new_id()

    async def schedule(self):
        """Return a new session."""
        session = new_id()
        async with self.pools.tenant(self.tenant) as connection:
            await connection.execute(
                "INSERT INTO tenants (id, name) VALUES ($1, 'a') ON CONFLICT DO NOTHING",
                self.tenant,
            )
            await connection.execute(
                "INSERT INTO sessions (id, tenant_id) VALUES ($1, $2)", session, self.tenant
            )
        return session

    async def fill(self, length):
        """Return a new session with a log of ``length`` events."""
        session = await self.schedule()
        epoch = await self.lease.acquire(session)
        head, draft = Head(0, chain.genesis(session), 0), None
        for event, by in lesson(length, random.Random(1)):
            draft = draft or Draft(session, NO_STATE, head, 1_795_302_000_000, {})
            # Only numbering and linking: what the rules would do is not measured here.
            draft.state = NO_STATE
            draft._record(None, (event,), by=by, stored=new_id(), digest=b"d" * 32)
            if len(draft.commands) == BATCH:
                await self.writer.append(session, epoch, draft.commands)
                head, draft = draft.head, None
        if draft is not None:
            await self.writer.append(session, epoch, draft.commands)
        return session

    async def open(self, session):
        """Open a room; return it, its task, and the seconds it took."""
        room = Room(
            Place(session, self.tenant, "log"), lease=self.lease, writer=self.writer,
            reader=self.reader, snapshots=self.snapshots, clock=SystemClock(), tasks=self.tasks,
            listener=Nobody(),
        )  # fmt: skip
        began = time.perf_counter()
        task = self.tasks.start("room", room.run())
        await room.loaded()
        return room, task, time.perf_counter() - began

    async def close(self, task):
        task.cancel()
        await asyncio.wait((task,))
        await self.snapshots.settle()


class Stall:
    """The longest that the event loop was away inside the block, in milliseconds."""

    async def __aenter__(self):
        self.most, self._task = 0.0, asyncio.ensure_future(self._watch())
        await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_):
        await asyncio.sleep(0.01)
        self._task.cancel()

    async def _watch(self):
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            self.most = max(self.most, (time.perf_counter() - began - 0.001) * 1000)


async def measure(bench, length):
    """Return the figures of one size."""
    session = await bench.fill(length)
    # As the server does once it has started: what is there now is not looked at again.
    gc.collect()
    gc.freeze()
    async with Stall() as folding:
        _, task, fold = await bench.open(session)
    async with Stall() as saving:
        await bench.close(task)
    found = await snapshots.load(bench.pools, session, VERSION)
    times = []
    async with Stall() as reading:
        for _ in range(ROUNDS):
            _, task, took = await bench.open(session)
            times.append(took)
            await bench.close(task)
    return {
        "events": length,
        "from_log_ms": round(fold * 1000),
        "from_saved_ms": round(median(times) * 1000, 1),
        "saved_bytes": len(found[0].state),
        "stall_ms": {
            "folding": round(folding.most, 1),
            "saving": round(saving.most, 1),
            "opening": round(reading.most, 1),
        },
    }


async def main():
    configure("console", "warning")
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(reachable_directory())
        services = await stack.enter_async_context(EmbeddedServices(directory))
        await migrate(services.database_url)
        tasks = await stack.enter_async_context(Supervisor("bench"))
        pools = await stack.enter_async_context(Pools.open(services.database_url))
        writer = await stack.enter_async_context(LogWriter(pools))
        membership = await stack.enter_async_context(Membership(pools, "bench", "http://here", ""))
        bench = Bench(pools, Lease(pools, "bench", membership), writer, tasks)
        sizes = [int(each) for each in sys.argv[1:]] or [10_000, 100_000]
        print(json.dumps([await measure(bench, length) for length in sizes]))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
