"""The database goes away: nothing acknowledged is lost, nothing happens twice, people stay."""

import asyncio
import itertools
import os
import signal
from contextlib import AsyncExitStack

import asyncpg

from protocol import commands as cmd
from protocol.frames import Ack
from server.auth.tokens import Tokens
from server.clock import SystemClock
from server.embedded import EmbeddedServices
from server.ids import new_id
from server.store.log import LogReader
from server.store.migrate import migrate
from server.store.pool import Pools
from tests.patience import PATIENCE, eventually

from .conftest import SECRET, Lesson, School, started
from .raw import Raw


async def check_log(pools, lesson, acks):
    """Every acknowledged line is in the log exactly once, where the answer says it is."""
    reader = LogReader(pools)
    stored, page = [], True
    while page:
        page = await reader.read(lesson.session, len(stored))
        stored += page
    assert [event.sequence for event in stored] == list(range(1, len(stored) + 1))
    assert (await reader.verify(lesson.session)).broken is None
    lines = [event for event in stored if event.type == "chat.posted"]
    texts = [event.payload for event in lines]
    assert len(lines) == len({event.key for event in lines})
    for text, answer in acks.items():
        assert isinstance(answer, Ack)
        (place,) = [e.sequence for e in lines if f'"{text}"'.encode() in e.payload]
        assert answer.sequence == (place, place), text
    assert len(texts) == len(acks)


async def talk(people, acks, is_over):
    """Have each of them say one line after the other until it ``is_over``, of so many lines."""

    async def one(number, person):
        for n in itertools.takewhile(lambda n: not is_over(n), itertools.count()):
            text = f"{number}-{n}."
            acks[text] = await person.say(cmd.ChatPost(text))

    await asyncio.gather(*(one(number, person) for number, person in enumerate(people)))


async def test_lost_connections_to_the_database_cost_no_command(
    lesson, pools, services, database_url, unlimited
):
    people = [lesson.person(name=f"P{n}") for n in range(4)]
    assert all([await p.until(lambda client: client.state is not None, PATIENCE) for p in people])
    sockets = [each.client.welcome.connection for each in people]
    admin, holder = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    acks, epoch, enough = {}, lesson.room.epoch, asyncio.Event()
    talking = asyncio.ensure_future(talk(people, acks, lambda _: enough.is_set()))
    for _ in range(3):
        said = len(acks)
        await eventually(lambda said=said: len(acks) > said + 10)
        async with holder.transaction():  # an append waits, and is killed in the middle
            await holder.execute("SELECT 1 FROM session_hubs FOR UPDATE")
            while not await admin.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ):
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.1)
        # And wherever it may be just now: after its commit, perhaps before its answer.
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND query ILIKE '%insert into session_state%' "
            "AND pid <> pg_backend_pid()"
        )
    said = len(acks)
    await eventually(lambda: len(acks) > said + 10)
    enough.set()
    await talking
    for each in (admin, holder):
        await each.close()
    assert lesson.room.epoch >= epoch + 3
    await check_log(pools, lesson, acks)
    await lesson.caught_up(*people, *lesson.everybody)
    assert [each.client.welcome.connection for each in people] == sockets
    assert not any(each.client.gaps for each in people)
    views = [each.client.state for each in people]
    assert all(view == views[0] for view in views)


async def test_a_class_outlives_the_death_of_postgresql(data_dir, tasks, unlimited):
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(EmbeddedServices(data_dir))
        url = services.database_url
        await migrate(url)
        owner = await asyncpg.connect(url)
        tenant = new_id()
        await owner.execute("INSERT INTO tenants (id, name) VALUES ($1, 'School')", tenant)
        session = new_id()
        await owner.execute(
            "INSERT INTO sessions (id, tenant_id, title) VALUES ($1, $2, 'Algebra')",
            session, tenant,
        )  # fmt: skip
        owner.terminate()
        school = School(None, tenant, None)
        school.tokens = Tokens(SECRET, "liveclass", SystemClock())
        node = await stack.enter_async_context(started(url, school.tokens))
        lesson = Lesson(node, school, session, tasks)
        await lesson.teacher.say(cmd.SessionStart())
        await lesson.caught_up()
        await lesson.ann.say(cmd.ChatPost("before"))
        raw = await lesson.raw()
        sockets = [each.client.welcome.connection for each in lesson.everybody]

        os.kill(services.postgres.pid, signal.SIGKILL)
        while (answer := await raw.say("chat.post", {"text": "dying"}))["type"] == "ack":
            pass  # its last processes take a moment to notice
        assert (answer["code"], answer["retryable"]) == ("unavailable", True)
        # Who was here comes back meanwhile, and sees the class as it was.
        returned = await Raw.open(node, session)
        await returned.send({"type": "hello", "token": lesson.ann.client.token})
        snapshot = await returned.hear("snapshot")
        before = [message["text"] for message in snapshot["state"]["messages"]]
        assert before[0] == "before"

        acks = {}
        await asyncio.wait_for(talk(lesson.everybody, acks, lambda said: said == 5), PATIENCE)
        await lesson.caught_up()
        assert [each.client.welcome.connection for each in lesson.everybody] == sockets
        texts = [message.text for message in lesson.bob.client.state.messages]
        assert sorted(texts) == sorted([*before, *acks])
        pools = await stack.enter_async_context(Pools.open(url))
        assert (await LogReader(pools).verify(session)).broken is None
