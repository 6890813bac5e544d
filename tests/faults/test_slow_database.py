"""PostgreSQL is slow: a line that is long enough, an end of it, and an answer for everybody."""

import asyncio
from functools import partial

import asyncpg
import pytest

from protocol import commands as cmd
from protocol.errors import Refusal
from protocol.frames import Ack
from server.errors import UnavailableError
from server.hub.asks import Committed, Perform, Who
from server.hub.inbox import BATCH, INBOX
from server.hub.seating import Place
from server.ids import new_id
from server.ops import metrics
from server.outages import Outage
from server.store import pool
from server.store.lane import Batch, Lane
from server.store.log import LogReader
from server.store.nodes import take_over
from server.store.pool import Pools, connect
from server.tasks import Supervisor
from tests.faults.away import class_on_way_to, event, school, services
from tests.patience import PATIENCE, eventually

__all__ = ["school", "services"]

CROWD = 3000
CLASSES = 100


def shout(lesson, count):
    """Have somebody say so many lines at once; return their outcomes, still to come."""
    who = Who(lesson.ann.client.welcome.me.user, "Ann", "student")
    outcomes = []
    for number in range(count):
        outcome = asyncio.get_running_loop().create_future()
        command = cmd.ChatPost(f"line {number}")
        lesson.room.submit(Perform(who, new_id(), command, None, outcome.set_result))
        outcomes.append(outcome)
    return outcomes


async def test_a_line_is_bounded_and_whoever_is_turned_away_is_told_at_once(services, school):
    async with class_on_way_to(services, school) as (_, lesson, _):
        holder = await asyncpg.connect(services.database_url)
        holding = holder.transaction()
        await holding.start()
        await holder.execute(
            "SELECT 1 FROM session_hubs WHERE session_id = $1 FOR UPDATE", lesson.session
        )
        # One batch is on its way, so many wait, and the rest need not.
        outcomes = shout(lesson, CROWD)
        turned_away = [each.result() for each in outcomes if each.done()]
        assert CROWD - INBOX - BATCH <= len(turned_away) <= CROWD - INBOX
        assert {(each.code, each.retry_ms > 0) for each in turned_away} == {("overloaded", True)}
        assert lesson.room.waiting <= INBOX + BATCH
        await holding.rollback()
        await holder.close()
        done = await asyncio.wait_for(asyncio.gather(*outcomes), PATIENCE)
        kept = [each for each in done if isinstance(each, Committed)]
        assert len(kept) == CROWD - len(turned_away)
        assert sum(isinstance(each, Refusal) for each in done) == len(turned_away)
        sequences = [each.first for each in kept]
        assert sequences == [*range(sequences[0], sequences[0] + len(kept))], "in order, no gap"
        assert lesson.room.waiting == 0


async def test_a_long_way_to_the_database_costs_time_and_little_throughput(services, school):
    async with class_on_way_to(services, school) as (way, lesson, _):
        way.delay_seconds = 0.1
        appends = metrics.append_events._sum.get()
        statements = count_of(metrics.append_events)
        done = await asyncio.wait_for(asyncio.gather(*shout(lesson, INBOX)), PATIENCE)
        assert all(isinstance(each, Committed) for each in done)
        assert metrics.append_events._sum.get() - appends >= INBOX
        # What comes meanwhile is stored together: the delay is paid a few times, not a thousand.
        assert count_of(metrics.append_events) - statements <= INBOX / BATCH + 4
        way.heal()
        assert isinstance(await lesson.bob.say(cmd.ChatPost("quick again")), Ack)


async def test_a_lock_that_is_held_for_too_long_is_not_waited_for(services, school, monkeypatch):
    monkeypatch.setitem(pool.SOON_SECONDS, "hub", 0.8)
    async with class_on_way_to(services, school) as (_, lesson, node):
        holder = await asyncpg.connect(services.database_url)
        holding = holder.transaction()
        await holding.start()
        await holder.execute("SELECT 1 FROM session_hubs FOR UPDATE")
        (outcome,) = shout(lesson, 1)
        refusal = await asyncio.wait_for(outcome, PATIENCE)
        assert (refusal.code, refusal.retry_ms > 0) == ("unavailable", True)
        async with Supervisor("people") as tasks:  # who comes back sees the class as it is
            back = node.person(lesson.session, lesson.ann.client.token, tasks)
            assert await back.until(lambda client: client.state is not None, PATIENCE)
        await holding.rollback()
        await holder.close()
        assert isinstance(await lesson.bob.say(cmd.ChatPost("at last")), Ack)
        await eventually(lambda: lesson.room.is_open.is_set())
        stored = await LogReader(node.pools).read(lesson.session, 0)
        assert not [each for each in stored if b"line 0" in each.payload]


async def test_a_session_that_somebody_holds_does_not_hold_up_the_others(services, school):
    async with Pools.open(services.database_url, size=2) as pools:
        held, free = [await school.session() for _ in range(2)]
        for session in (held, free):
            assert await take_over(pools, session, "a", None) == 1
        holder = await asyncpg.connect(services.database_url)
        lane = Lane(
            partial(connect, pools.url, pools.role("hub"), lock_timeout="200ms"), Outage("log")
        )
        async with holder.transaction(), Supervisor("lane") as tasks:
            await holder.execute(
                "SELECT 1 FROM session_hubs WHERE session_id = $1 FOR UPDATE", held
            )
            batches = [
                Batch(session, 1, [[event(session)]], asyncio.get_running_loop().create_future())
                for session in (held, free)
            ]
            for batch in batches:
                await lane.put(batch)
            tasks.start("lane", lane.run())
            async with asyncio.timeout(PATIENCE):
                await batches[1].done
                with pytest.raises(UnavailableError):
                    await batches[0].done
        await holder.close()
        reader = LogReader(pools)
        assert [(await reader.head(session))[0] for session in (held, free)] == [0, 1]


async def test_many_classes_do_not_wear_the_machine_while_the_database_is_away(services, school):
    async with class_on_way_to(services, school) as (way, lesson, node):
        places = [Place(await school.session(), school.tenant, "log") for _ in range(CLASSES)]
        rooms = await asyncio.gather(*(node.hub.room(place) for place in places))
        target, way._target = way._target, "/nowhere"  # connections are taken, and cut at once
        way.reset()
        for room in rooms:  # what each of them would notice as soon as somebody speaks
            room.doubt()
        await eventually(lambda: not any(room.is_open.is_set() for room in rooms))

        async def is_calm():
            before = len(way.connections)
            await asyncio.sleep(3)
            return 0 < len(way.connections) - before < CLASSES

        # Not once a second for each of them; at first there are those who had begun before.
        await eventually(is_calm)
        way._target = target
        await eventually(lambda: all(room.is_open.is_set() for room in rooms))
        assert isinstance(await lesson.bob.say(cmd.ChatPost("and on")), Ack)


def count_of(histogram):
    return sum(bucket.get() for bucket in histogram._buckets)
