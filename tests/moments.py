"""``python -m tests.moments``: how long the state at a moment of a long class takes; JSON lines.

A class of 5,000 people and 10,000 events in an hour, in a real PostgreSQL, and for each view
random moments of it as ``GET /v1/replays/{replay}/state`` answers them: with what is blank by now
looked up, and as JSON. ``first_ms`` is the first one, the last of the class, with nothing folded
before. ``stall`` is the longest that the event loop was away meanwhile.
"""

import json
import random
import time
from contextlib import AsyncExitStack
from statistics import median, quantiles

import msgspec
import uvloop

from server.embedded import EmbeddedServices
from server.hub.draft import Draft, Head
from server.hub.lease import Lease
from server.hub.pasts import Pasts
from server.ids import new_id
from server.logs import configure
from server.replays.moments import Moments
from server.store import chain
from server.store.log import LogWriter
from server.store.migrate import migrate
from server.store.nodes import Membership
from server.store.pool import Pools
from server.tasks import Supervisor
from tests.directories import reachable_directory
from tests.opening import BATCH, NO_STATE, Bench, Stall, lesson

EVENTS = 10_000
APART_MS = 360
START_MS = 1_795_302_000_000
SEEKS = 200


async def fill(bench):
    """Return a new session whose events are spread over an hour."""
    session = await bench.schedule()
    epoch = await bench.lease.acquire(session)
    head, commands = Head(0, chain.genesis(session), 0), []
    for number, (event, by) in enumerate(lesson(EVENTS, random.Random(1))):
        draft = Draft(session, NO_STATE, head, START_MS + number * APART_MS, {})
        draft._record(None, (event,), by=by, stored=new_id(), digest=b"d" * 32)
        head = draft.head
        commands += draft.commands
        if len(commands) >= BATCH:
            await bench.writer.append(session, epoch, commands)
            commands = []
    if commands:
        await bench.writer.append(session, epoch, commands)
    return session


async def measure(bench, session, view):
    """Return the figures of one view."""
    pasts = Pasts(bench.snapshots)

    async def blanked(session):
        return (await pasts.state(session)).blanked

    moments = Moments(bench.pools, bench.reader, blanked)

    async def seek(wall_ms):
        began = time.perf_counter()
        moment = await moments.at(session, view, wall_ms)
        size = len(msgspec.json.encode(moment.state))
        return (time.perf_counter() - began) * 1000, size

    await blanked(session)
    async with Stall() as stall:
        first, size = await seek(START_MS + EVENTS * APART_MS)
        rng = random.Random(2)
        times = [(await seek(START_MS + rng.randrange(EVENTS * APART_MS)))[0] for _ in range(SEEKS)]
    return {
        "view": view,
        "events": EVENTS,
        "first_ms": round(first),
        "p50_ms": round(median(times), 1),
        "p95_ms": round(quantiles(times, n=20)[-1], 1),
        "max_ms": round(max(times), 1),
        "state_bytes": size,
        "checkpoint_bytes": sum(each.size for each in moments._courses.values()),
        "stall_ms": round(stall.most, 1),
    }


async def main():
    """Print the figures of each view."""
    configure("console", "warning")
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(reachable_directory())
        services = await stack.enter_async_context(EmbeddedServices(directory))
        await migrate(services.database_url)
        tasks = await stack.enter_async_context(Supervisor("bench"))
        pools = await stack.enter_async_context(Pools.open(services.database_url))
        writer = await stack.enter_async_context(LogWriter(pools))
        node = new_id()
        membership = await stack.enter_async_context(Membership(pools, node, "http://here"))
        bench = Bench(pools, Lease(pools, node, membership), writer, tasks)
        session = await fill(bench)
        for view in ("staff", "student"):
            print(json.dumps(await measure(bench, session, view)), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
