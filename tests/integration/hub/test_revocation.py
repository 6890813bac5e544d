"""Somebody who is deactivated, or whose school is suspended, is out: at the door and in class."""

import pytest

from server.hub import revocation as revocation_module
from server.ids import new_id
from server.store.pool import Pools
from tests.patience import eventually

from .conftest import started
from .raw import Raw

DEACTIVATE = "UPDATE users SET status = 'inactive' WHERE id = $1"
REACTIVATE = "UPDATE users SET status = 'active' WHERE id = $1"
SUSPEND = "UPDATE tenants SET status = 'suspended' WHERE id = $1"
RESUME = "UPDATE tenants SET status = 'active' WHERE id = $1"


@pytest.fixture
def knock(school, lesson, node):
    """The code that a hello is answered with, 0 for a welcome."""

    async def knock(user, *, session=lesson.session, role="student"):
        raw = await Raw.open(node, session)
        await raw.send({"type": "hello", "token": school.token(session, role, user=user)})
        frame = await raw.hear("welcome", "bye")
        await raw.socket.close()
        return frame.get("code", 0)

    return knock


async def test_a_deactivated_person_is_closed_and_refused_until_active_again(
    lesson, node, owner, knock
):
    user, other = new_id(), new_id()
    first, second = await lesson.raw(user=user), await lesson.raw(user=user)
    beside = await lesson.raw(user=other)
    await eventually(lambda: {user, other} <= lesson.room.state.people.keys())
    await node.revocation.sweep()
    assert (node.hub.revoked, node.expelled) == (frozenset(), [])
    await owner.execute(DEACTIVATE, user)
    await node.revocation.sweep()
    for raw in (first, second):
        bye, code = await raw.farewell()
        assert (bye["code"], bye["retry_ms"], code) == (4500, None, 4500)
    assert node.expelled == [(lesson.session, user)]
    # Known to the room, and refused nevertheless, here and where nobody knows them.
    assert await knock(user) == 4500
    assert await knock(user, session=new_id()) == 4500
    assert (await beside.say("chat.post", {"text": "still here"}))["type"] == "ack"
    await owner.execute(REACTIVATE, user)
    assert await knock(user) == 0
    await node.revocation.sweep()
    assert node.hub.revoked == frozenset()


async def test_a_suspended_tenants_classes_end_and_no_other(lesson, node, school, owner, knock):
    theirs = new_id()
    await owner.execute("INSERT INTO tenants (id, name) VALUES ($1, 'Other')", theirs)
    session = new_id()
    await owner.execute(
        "INSERT INTO sessions (id, tenant_id, title) VALUES ($1, $2, 'Botany')", session, theirs
    )
    neighbour = await Raw.join(node, session, school.token(session, "teacher", tenant=theirs))
    gone = new_id()
    away = await lesson.raw(user=gone)
    staff = await lesson.raw("teacher")
    await eventually(lambda: gone in lesson.room.state.people)
    await away.socket.close()
    await owner.execute(SUSPEND, school.tenant)
    await node.revocation.sweep()
    assert (await staff.farewell())[1] == 4500
    # Who was known but away is refused, and so is who never came.
    assert await knock(gone) == await knock(new_id(), role="teacher") == 4500
    assert (await neighbour.say("chat.post", {"text": "undisturbed"}))["type"] == "ack"
    await owner.execute(RESUME, school.tenant)
    assert await knock(gone) == 0


async def test_it_happens_by_itself_within_the_period_and_again_after_an_outage(
    database_url, school, owner, monkeypatch
):
    monkeypatch.setattr(revocation_module, "PERIOD_SECONDS", 0.2)
    async with started(database_url, school.tokens) as node:
        sweeping = node.hub.tasks.start("revocation", node.revocation.run())
        session, user = await school.session(), new_id()
        raw = await Raw.join(node, session, school.token(session, user=user))
        async with Pools.open(database_url, size=1) as busy:
            node.revocation._pools, pools = busy, node.revocation._pools
        assert await raw.hears_nothing_of("bye", seconds=0.6)  # its pools are closed: no answer
        assert not sweeping.done()
        node.revocation._pools = pools
        await owner.execute(DEACTIVATE, user)
        assert (await raw.farewell())[1] == 4500
