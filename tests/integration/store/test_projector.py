"""The tables follow the log: in order, again and again the same, and one bad event stops one."""

import asyncio

import pytest

from server.errors import NotFoundError
from server.ids import new_id
from server.store import projections
from server.store.projector import Projector
from tests.integration.store.whole_class import WholeClass, dump
from tests.patience import PATIENCE, eventually


async def a_class(pools, room, writer):
    """A whole class, in the log."""
    whole = await WholeClass.of(pools, room.tenant)
    await writer.append(room.session, room.epoch, whole.commands(room))
    return whole


async def test_rebuilding_gives_the_same_tables(pools, room, writer, projector, owner):
    await a_class(pools, room, writer)
    projector.notify(room.session)
    assert await projector.wait_for(room.session, room.sequence, timeout=PATIENCE)
    before = await dump(owner)
    assert all(before.values())
    # What no event says goes.
    await owner.execute("UPDATE sessions SET status = 'live'")
    await owner.execute("UPDATE session_participants SET leave_time = now()")
    await owner.execute("DELETE FROM chat_messages")
    await owner.execute("UPDATE polls SET prompt = 'x'")
    await owner.execute("UPDATE artifacts SET version = 9")
    await projector.rebuild(room.session)
    assert await projector.wait_for(room.session, room.sequence, timeout=PATIENCE)
    assert await dump(owner) == before


async def test_a_rebuild_begins_as_if_nothing_had_happened(pools, room, writer, projector, owner):
    before = await dump(owner)
    await a_class(pools, room, writer)
    assert await projector.wait_for(room.session, room.sequence, timeout=PATIENCE)
    for statement in projections.CLEAR:
        await owner.execute(statement, room.session)
    after = await dump(owner)
    people, users = after.pop("session_participants"), after.pop("users")
    assert after == {table: before[table] for table in after}
    # Who was put down for the class would be among them.
    assert len(people) == len(users) == 3
    rows = await owner.fetch(
        "SELECT DISTINCT status, join_time, leave_time, muted_until, permissions "
        "FROM session_participants"
    )
    assert [tuple(row) for row in rows] == [("admitted", None, None, None, "{}")]
    assert await owner.fetchval("SELECT sequence FROM projections") == 0


async def test_telling_it_twice_changes_nothing(pools, room, writer, projector, owner):
    await a_class(pools, room, writer)
    async with Projector(pools) as other:
        for _ in range(5):
            projector.notify(room.session)
            other.notify(room.session)
            await asyncio.sleep(0)
        assert await projector.wait_for(room.session, room.sequence, timeout=PATIENCE)
        assert await other.wait_for(room.session, room.sequence, timeout=PATIENCE)
    assert await owner.fetchval("SELECT count(*) FROM chat_messages") == 2


async def test_a_log_longer_than_a_page_is_shown_whole(pools, room, writer, projector, owner):
    for _ in range(5):
        ann = new_id()
        await writer.append(room.session, room.epoch, [room.chat(actor=ann) for _ in range(500)])
    assert await projector.wait_for(room.session, room.sequence, timeout=PATIENCE)
    assert await owner.fetchval("SELECT count(*) FROM chat_messages") == 2500
    assert await owner.fetchval("SELECT sequence FROM projections") == 2500


@pytest.mark.parametrize(
    ("kind", "data", "reason"),
    [
        ("chat.posted", {"text": "hello"}, "is not of its type"),
        # Its id is there already: a defect of ours, caught by the database.
        ("scene.created", "twice", "23505 studio_scenes_pkey"),
    ],
)
async def test_a_poison_event_stops_its_session_alone(
    pools, room, rooms, writer, projector, owner, kind, data, reason
):
    other, ann, scene = await rooms.open(pools), new_id(), new_id()
    if data == "twice":
        data = {"scene": scene, "name": "a", "layout": {"items": [{"source": "camera"}]}}
        first = room.command((kind, data))
    else:
        first = room.chat(actor=ann)
    await writer.append(
        room.session, room.epoch,
        [first, room.chat("before", actor=ann), room.command((kind, data)),
         room.chat("after", actor=ann)],
    )  # fmt: skip
    await writer.append(other.session, other.epoch, [other.chat(actor=ann)])
    assert not await projector.wait_for(room.session, 4, timeout=0.3)
    assert await projector.wait_for(room.session, 2, timeout=PATIENCE)
    sequence, error = await eventually(
        lambda: owner.fetchrow(
            "SELECT sequence, error FROM projections WHERE session_id = $1 AND error IS NOT NULL",
            room.session,
        )
    )
    assert (sequence, error.startswith("event 3"), reason in error) == (2, True, True)
    assert "hello" not in error
    # The log goes on, and nobody else notices.
    await writer.append(room.session, room.epoch, [room.chat(actor=ann)])
    await writer.append(other.session, other.epoch, [other.chat(actor=new_id())])
    projector.notify(room.session)
    assert await owner.fetchval("SELECT count(*) FROM chat_messages WHERE message = 'after'") == 0


async def test_people_are_of_one_tenant(pools, room, rooms, writer, projector, owner):
    """An id that another tenant's person has is nobody here: the tables refuse, not mix."""
    other, ann = await rooms.open(pools), new_id()
    join = ("participant.joined", {"user": ann, "name": "Ann", "role": "student"})
    await writer.append(room.session, room.epoch, [room.command(join)])
    assert await projector.wait_for(room.session, 1, timeout=PATIENCE)
    await writer.append(other.session, other.epoch, [other.command(join)])
    assert not await projector.wait_for(other.session, 1, timeout=0.3)
    error = await eventually(
        lambda: owner.fetchval("SELECT error FROM projections WHERE session_id = $1", other.session)
    )
    assert "session_participants_tenant_id_user_id_fkey" in error


async def test_a_stopped_session_goes_on_after_a_rebuild(pools, room, writer, projector, owner):
    ann = new_id()
    join = {"user": ann, "name": "Ann", "role": "student"}
    await owner.execute(
        "ALTER TABLE session_participants ADD CONSTRAINT bug CHECK (role <> 'student')"
    )
    await writer.append(room.session, room.epoch, [room.command(("participant.joined", join))])
    assert not await projector.wait_for(room.session, 1, timeout=0.2)
    await owner.execute("ALTER TABLE session_participants DROP CONSTRAINT bug")
    await projector.rebuild(room.session)
    assert await projector.wait_for(room.session, 1, timeout=PATIENCE)
    with pytest.raises(NotFoundError):
        await projector.rebuild(new_id())


async def test_what_was_left_behind_is_taken_up(pools, room, writer, owner):
    await writer.append(room.session, room.epoch, [room.chat(actor=new_id())])
    async with Projector(pools):
        await eventually(lambda: owner.fetchval("SELECT count(*) FROM chat_messages"))


async def test_waiting_ends_at_its_time(pools, room, projector):
    assert await projector.wait_for(room.session, 0, timeout=PATIENCE)
    assert not await projector.wait_for(room.session, 1, timeout=0.05)
    assert not await projector.wait_for(new_id(), 1, timeout=0.05)


async def test_the_tables_follow_a_restart_of_the_connection(pools, room, writer, projector, owner):
    async def lose_connections():
        await owner.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE application_name = 'liveclass_projector' AND datname = current_database()"
        )

    await writer.append(room.session, room.epoch, [room.chat(actor=new_id())])
    await lose_connections()
    projector.notify(room.session)
    await eventually(lambda: owner.fetchval("SELECT count(*) FROM chat_messages"))


async def test_many_sessions_share_one_transaction(pools, rooms, writer, projector, owner):
    several = [await rooms.open(pools) for _ in range(20)]
    for room in several:
        await writer.append(room.session, room.epoch, [room.chat(actor=new_id())])
    for room in several:
        projector.notify(room.session)
    for room in several:
        assert await projector.wait_for(room.session, 1, timeout=PATIENCE)
    assert await owner.fetchval("SELECT count(*) FROM chat_messages") == 20
    # The sweep with which it starts may have found some of them before it was told.
    assert await owner.fetchval("SELECT count(DISTINCT xmin::text) FROM projections") <= 2


async def test_a_session_that_somebody_else_is_at_holds_up_nobody(
    pools, room, rooms, writer, projector, owner
):
    other = await rooms.open(pools)
    for each in (room, other):
        ann = new_id()
        await writer.append(each.session, each.epoch, [each.chat(actor=ann)])
        assert await projector.wait_for(each.session, 1, timeout=PATIENCE)
        await writer.append(each.session, each.epoch, [each.chat(actor=ann)])
    async with owner.transaction():
        await owner.execute(
            "SELECT FROM projections WHERE session_id = $1 FOR UPDATE", room.session
        )
        projector.notify(room.session)
        projector.notify(other.session)
        assert await projector.wait_for(other.session, 2, timeout=PATIENCE)
        assert not await projector.wait_for(room.session, 2, timeout=0.05)
    assert await projector.wait_for(room.session, 2, timeout=PATIENCE)


async def test_the_order_within_each_session_is_kept_where_many_are_folded(
    pools, rooms, writer, projector, owner
):
    """A message is posted, removed and restored; statements of the same kind are run together."""
    several = [await rooms.open(pools) for _ in range(8)]
    for number, room in enumerate(several):
        ann, message = new_id(), new_id()
        posted = {
            "message": message,
            "name": "Ann",
            "text": "x",
            "to": "everyone",
            "reply_to": None,
        }
        removed = ("chat.removed", {"message": message, "to": "everyone"})
        restored = ("chat.restored", {"message": message, "text": "x", "to": "everyone"})
        # Each class is somewhere else when the others are.
        course = [("chat.posted", posted), *[removed, restored] * number, removed]
        for fact in course:
            await writer.append(room.session, room.epoch, [room.command(fact, actor=ann)])
    for room in several:
        projector.notify(room.session)
    for room in several:
        assert await projector.wait_for(room.session, room.sequence, timeout=PATIENCE)
    rows = await owner.fetch("SELECT removed_at IS NOT NULL FROM chat_messages")
    assert [row[0] for row in rows] == [True] * 8
