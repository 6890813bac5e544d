"""A person is erased while their class goes on: everybody sees it at once, and nothing stops."""

import msgspec
import pytest

from protocol import commands as cmd
from protocol.frames import Ack
from server.hub.forgetting import Forgetting
from server.store.erasure import CHANNEL, erase
from server.store.log import LogReader
from tests.patience import PATIENCE, eventually

SECRET = "plugh"


@pytest.fixture
async def told(lesson, node):
    """A class in which Ann has said and asked something that all have seen."""
    assert isinstance(await lesson.ann.say(cmd.ChatPost(f"{SECRET} hello")), Ack)
    assert isinstance(await lesson.ann.say(cmd.QuestionAsk(f"{SECRET}?")), Ack)
    assert isinstance(await lesson.bob.say(cmd.ChatPost("welcome")), Ack)
    await lesson.caught_up()
    assert all(SECRET in seen(person) for person in lesson.everybody)
    return lesson


def seen(person):
    return msgspec.json.encode(person.client.state).decode()


async def forget(lesson, node):
    """Erase Ann, without waiting for her to be shut out."""
    place = lesson.room.place
    await erase(node.pools, place.tenant, lesson.ann.client.welcome.me.user, leave_seconds=0)


async def everybody_forgets(lesson):
    await eventually(lambda: not any(SECRET in seen(person) for person in lesson.everybody))


async def test_a_live_class_forgets_at_once_and_goes_on(told, node, tasks, owner):
    tasks.keep("forgetting", Forgetting(node.hub, node.pools).run)
    await listening(owner)
    room, epoch = told.room, told.room.epoch
    await forget(told, node)
    await everybody_forgets(told)
    assert told.room is room, "nobody was sent away"
    assert room.epoch > epoch
    assert isinstance(await told.bob.say(cmd.ChatPost("and on")), Ack)
    await told.caught_up()
    late = told.person(name="Late")
    assert await late.until(lambda client: client.welcome is not None, PATIENCE)
    await eventually(lambda: late.client.welcome.me.user in room.state.people)
    await told.caught_up(*told.everybody[1:], late)
    assert SECRET not in seen(late)
    assert "and on" in seen(late)
    saved = await owner.fetchval("SELECT count(*) FROM session_snapshots "
                                 "WHERE encode(state, 'escape') LIKE '%plugh%'")  # fmt: skip
    assert saved == 0
    verdict = await LogReader(node.pools).verify(told.session)
    assert (verdict.sequence, verdict.broken) == (room.head.sequence, None)
    assert verdict.erased == 3, "that she came, what she said, what she asked"


async def test_a_room_that_heard_nothing_stores_nothing_before_it_has_forgotten(told, node):
    """No notice arrives here: the epoch alone does it, at the next word."""
    await forget(told, node)
    assert SECRET in seen(told.bob)
    assert isinstance(await told.bob.say(cmd.ChatPost("and on")), Ack)
    await everybody_forgets(told)


async def test_it_listens_again_when_its_connection_was_lost(told, node, tasks, owner):
    tasks.keep("forgetting", Forgetting(node.hub, node.pools).run)
    first = await listening(owner)
    await owner.execute("SELECT pg_terminate_backend($1)", first)

    async def listens_again():
        return await listening(owner) != first

    await eventually(listens_again)
    await forget(told, node)
    await everybody_forgets(told)


async def listening(owner):
    """Return the process of the database that serves who listens, once it has looked around."""
    return await eventually(
        lambda: owner.fetchval(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name = $1 AND state = 'idle' AND query LIKE '%known%'",
            CHANNEL,
        )
    )
