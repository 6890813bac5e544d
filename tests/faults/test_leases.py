"""Who owns a class when the database fails its owner, or every node at once."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial

import asyncpg

from protocol import commands as cmd
from protocol.frames import Ack
from server.errors import FencedError, UnavailableError
from server.hub import lease
from server.hub.lease import Elsewhere
from server.ops import metrics
from server.outages import Outage
from server.store import nodes
from server.store.lane import Batch, Lane
from server.store.log import LogReader, LogWriter
from server.store.pool import Pools, connect
from server.tasks import Supervisor
from tests.faults.away import event, school, services, way_to
from tests.integration.hub.conftest import Lesson, started
from tests.patience import PATIENCE, eventually

__all__ = ["school", "services"]

LIFE_SECONDS = 3.0


async def test_nobody_is_dead_because_the_database_was_away(services, school, monkeypatch):
    monkeypatch.setattr(nodes, "LIFE_SECONDS", LIFE_SECONDS)
    monkeypatch.setattr(lease, "BEAT_SECONDS", 0.2)
    async with AsyncExitStack() as stack:
        way_a, url_a = await stack.enter_async_context(way_to(services))
        way_b, url_b = await stack.enter_async_context(way_to(services))
        b = await stack.enter_async_context(started(url_b, school.tokens))
        a = await stack.enter_async_context(started(url_a, school.tokens))
        tasks = await stack.enter_async_context(Supervisor("people"))
        lesson = Lesson(a, school, await school.session(), tasks)
        assert isinstance(await lesson.teacher.say(cmd.SessionStart()), Ack)
        far = b.person(lesson.session, lesson.token(name="Far"), tasks)
        assert isinstance(await far.say(cmd.ChatPost("from afar")), Ack)
        people = (*lesson.everybody, far)
        sockets = [each.client.welcome.connection for each in people]
        await asyncio.sleep(LIFE_SECONDS + 0.5)  # or b would be too young to judge
        lost = metrics.lease_lost._value.get()

        for way in (way_a, way_b):
            way.refuse()
            way.reset()
        await asyncio.sleep(LIFE_SECONDS * 1.5)  # until the life of each of them is over
        # b is back first, and finds every lock free, and everybody's time past.
        await way_b.listen()

        async def claimed():
            try:
                return await b.lease.acquire(lesson.session)
            except UnavailableError:
                return None

        await eventually(lambda: b.lease._membership._held_for() > 0)
        claim = await claimed()
        # A machine that is so busy that a life passes meanwhile proves nothing.
        is_too_late = b.lease._membership._held_for() > LIFE_SECONDS
        assert isinstance(claim, Elsewhere) or is_too_late, claim
        await way_a.listen()
        answers = await asyncio.gather(*(each.say(cmd.ChatPost("still here")) for each in people))
        assert all(isinstance(each, Ack) for each in answers)
        await asyncio.sleep(LIFE_SECONDS + 0.5)
        assert isinstance(await claimed(), Elsewhere)
        assert lesson.room.owns
        assert metrics.lease_lost._value.get() == lost
        assert [each.client.welcome.connection for each in people] == sockets


async def takes(node, session):
    """Have ``node`` own a session, whoever does."""
    seen = await nodes.find_owner(node.pools, session)
    name = node.lease._membership._node
    assert await nodes.take_over(node.pools, session, name, seen) is not None


async def test_who_may_have_been_taken_for_dead_makes_sure_of_what_it_owns(
    services, school, monkeypatch
):
    """Also where nobody asks anything of it: its people would hear nothing for ever."""
    monkeypatch.setattr(lease, "BEAT_SECONDS", 0.2)
    url = services.database_url
    async with (
        started(url, school.tokens) as a,
        started(url, school.tokens) as b,
        Supervisor("people") as tasks,
    ):
        lesson = Lesson(a, school, await school.session(), tasks)
        assert isinstance(await lesson.teacher.say(cmd.SessionStart()), Ack)
        await lesson.caught_up()
        sockets = [each.client.welcome.connection for each in lesson.everybody]
        # While a lost its lock b took the class, and somebody speaks there.
        await takes(b, lesson.session)
        far = b.person(lesson.session, lesson.token(name="Far"), tasks)
        said = await far.say(cmd.ChatPost("elsewhere"))
        assert isinstance(said, Ack)
        assert lesson.room.owns, "it cannot know"
        a.lease._membership._connection.terminate()
        for each in lesson.everybody:
            assert await each.until(lambda client: client.position >= said.sequence[1], PATIENCE)
        assert not lesson.room.owns
        assert [each.client.welcome.connection for each in lesson.everybody] == sockets


async def test_nothing_to_change_is_not_said_by_an_owner_of_the_past(services, school, monkeypatch):
    """It is true of what it knows; what holds is what the log says."""
    monkeypatch.setattr(lease, "BEAT_SECONDS", 60.0)
    url = services.database_url
    async with (
        started(url, school.tokens) as a,
        started(url, school.tokens) as b,
        Supervisor("people") as tasks,
    ):
        lesson = Lesson(a, school, await school.session(), tasks)
        assert isinstance(await lesson.teacher.say(cmd.SessionStart()), Ack)
        assert (await lesson.teacher.say(cmd.SessionUnlock())).sequence is None
        await takes(b, lesson.session)
        elsewhere = b.person(lesson.session, lesson.token("teacher", "Tess there"), tasks)
        locked = await elsewhere.say(cmd.SessionLock())
        assert lesson.room.owns, "it cannot know"
        assert not lesson.room.state.locked
        unlocked = await lesson.teacher.say(cmd.SessionUnlock())
        assert unlocked.sequence is not None
        assert unlocked.sequence > locked.sequence


async def test_appends_lock_in_the_order_of_whoever_renews_leases_in_bulk(services, school):
    """Two orders would be a deadlock, and an append killed for it costs everybody in it."""
    url = services.database_url
    async with Pools.open(url, size=3) as pools:
        first, second = sorted([await school.session(), await school.session()])
        for session in (first, second):
            assert await nodes.take_over(pools, session, "a", None) == 1
        loop = asyncio.get_running_loop()
        for batch_order in ((first, second), (second, first)):
            holder, bulk, watcher = [await asyncpg.connect(url) for _ in range(3)]
            holding = holder.transaction()
            await holding.start()
            # The first in the order is free, the second is not: whoever locks that one first waits
            # there with nothing in its hands …
            await holder.execute(
                "SELECT 1 FROM session_hubs WHERE session_id = $1 FOR UPDATE", second
            )
            join = partial(connect, pools.url, pools.role("hub"), enable_seqscan="off")
            lane = Lane(join, Outage("log"))
            head = (await LogReader(pools).head(first))[0]
            batches = [
                Batch(session, 1, [[event(session, head + 1)]], loop.create_future())
                for session in batch_order
            ]
            for batch in batches:
                await lane.put(batch)
            async with Supervisor("lane") as tasks:
                tasks.start("lane", lane.run())
                await waits_for_lock(watcher, "INSERT INTO session_state_events")
                # … and whoever renews all of a node's leases meets it there.
                renewal = asyncio.ensure_future(
                    bulk.execute(
                        "UPDATE session_hubs SET node = node WHERE session_id IN "
                        "(SELECT session_id FROM session_hubs WHERE session_id = ANY ($1) "
                        "ORDER BY session_id FOR UPDATE)",
                        [first, second],
                    )
                )
                await waits_for_lock(watcher, "UPDATE session_hubs")
                await holding.rollback()
                await asyncio.wait_for(renewal, PATIENCE)
                await asyncio.wait_for(asyncio.gather(*(each.done for each in batches)), PATIENCE)
            count = await watcher.fetchval(
                "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
            )
            assert count == 0
            for each in (holder, bulk, watcher):
                await each.close()


async def waits_for_lock(connection, statement):
    async with asyncio.timeout(PATIENCE):
        while not await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            "AND query LIKE '%' || $1 || '%'",
            statement,
        ):
            await asyncio.sleep(0.01)


async def test_leases_are_renewed_taken_over_and_written_under_at_once_without_deadlock(
    services, school
):
    """Everything that writes where appends lock, at once, on the same sessions."""
    async with Pools.open(services.database_url, size=6) as pools, LogWriter(pools) as writer:
        sessions = [await school.session() for _ in range(12)]
        epochs = {session: await nodes.take_over(pools, session, "a", None) for session in sessions}
        stored = dict.fromkeys(sessions, 0)

        async def append(session):
            for _ in range(100):
                try:
                    number = stored[session] + 1
                    await writer.append(session, epochs[session], [[event(session, number)]])
                    stored[session] = number
                except FencedError:
                    seen = await nodes.find_owner(pools, session)
                    epochs[session] = await nodes.take_over(pools, session, "a", seen)

        async def renew():
            async with nodes.Membership(pools, "a", "http://a", "http://a:1") as membership:
                for _ in range(30):
                    await membership.beat()

        async def raise_epochs():
            for _ in range(20):
                for session in reversed(sessions):  # as an erasure of somebody in all of them does
                    seen = await nodes.find_owner(pools, session)
                    await nodes.take_over(pools, session, "b", seen)

        await asyncio.wait_for(
            asyncio.gather(renew(), raise_epochs(), *(append(session) for session in sessions)),
            PATIENCE,
        )
        async with pools.hub() as connection:
            deadlocks = await connection.fetchval(
                "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
            )
        assert deadlocks == 0
        assert sum(stored.values()) > 12 * 50
