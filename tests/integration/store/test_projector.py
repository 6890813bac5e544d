"""The tables follow the log: in order, again and again the same, and one bad event stops one."""

import asyncio

import orjson
import pytest

from protocol.events import EVENTS
from server.errors import NotFoundError
from server.ids import new_id
from server.store import integrations, participants, projections, recordings, sessions
from server.store.projector import Projector

TABLES = (
    "sessions", "session_participants", "chat_messages", "questions", "question_votes", "polls",
    "poll_votes", "studio_scenes", "session_destinations", "recordings", "users",
)  # fmt: skip


@pytest.fixture
async def projector(pools):
    async with Projector(pools) as projector:
        yield projector


async def dump(owner):
    return {
        table: [tuple(row) for row in await owner.fetch(f"SELECT * FROM {table} ORDER BY 1, 2, 3")]
        for table in TABLES
    }


async def a_class(pools, room, writer):
    """A whole class with every type of event, and things that nobody knows."""
    ann, bob, tenant = new_id(), new_id(), room.tenant
    async with pools.tenant(tenant) as connection:
        account = await integrations.create(connection, tenant, provider="youtube")
        place = await integrations.create_destination(
            connection, tenant, account.id, name="x", url="rtmp://a/b", stream_key_ref="env:A"
        )
    message, question, poll, scene, recording, failed = (new_id() for _ in range(6))
    where, layout = {"destination": place.id}, {"items": [{"source": "camera"}]}
    unknown = new_id()
    told = [
        (None, "participant.joined", {"user": ann, "name": "Ann", "role": "admin"}),
        (None, "participant.joined", {"user": bob, "name": "Bob", "role": "student"}),
        (ann, "session.started", {}),
        (ann, "scene.created", {"scene": scene, "name": "Desk", "layout": layout}),
        (ann, "scene.changed", {"scene": scene}),
        (ann, "scene.changed", {"scene": unknown}),
        (None, "publisher.connected",
         {"user": ann, "width": 1280, "height": 720, "codec": "h264"}),
        (None, "publisher.warning", {"code": "gop"}),
        (None, "publisher.lost", {"user": ann, "reason": "ice"}),
        (None, "publisher.resumed", {"user": ann}),
        (None, "publisher.replaced", {"user": ann}),
        (bob, "hand.raised", {"user": bob, "name": "Bob"}),
        (bob, "hand.lowered", {"user": bob}),
        (ann, "hand.all_lowered", {}),
        (bob, "chat.posted",
         {"message": message, "name": "Bob", "text": "two lessons", "to": "everyone"}),
        (ann, "chat.posted",
         {"message": new_id(), "name": "Ann", "text": "hm", "to": "staff", "reply_to": message}),
        (bob, "question.asked", {"question": question, "name": "Bob", "prompt": "why?"}),
        (ann, "question.upvoted", {"question": question}),
        (bob, "question.upvoted", {"question": question}),
        (bob, "question.unvoted", {"question": question}),
        (bob, "question.upvoted", {"question": unknown}),
        (ann, "question.answered", {"question": question, "text": "because"}),
        (ann, "poll.opened", {"poll": poll, "prompt": "?", "options": ["a", "b"],
                              "multiple": False, "anonymous": True, "results": "live",
                              "correct": [1]}),
        (bob, "poll.voted", {"poll": poll, "choices": [0], "anonymous": True}),
        (bob, "poll.voted", {"poll": poll, "choices": [1], "anonymous": True}),
        (bob, "poll.voted", {"poll": unknown, "choices": [1], "anonymous": True}),
        (ann, "poll.closed", {"poll": poll}),
        (ann, "poll.published", {"poll": poll, "tally": [0, 1], "correct": [1]}),
        (ann, "destination.enabled", where),
        (ann, "destination.enabled", {"destination": unknown}),
        (None, "destination.connecting", {**where, "attempt": 1}),
        (None, "destination.live", {**where, "ttff_ms": 400}),
        (None, "destination.degraded", {**where, "code": "slow"}),
        (None, "destination.recovered", where),
        (None, "destination.switched", {**where, "to": "backup"}),
        (None, "destination.retry_scheduled",
         {**where, "attempt": 2, "code": "refused", "delay_ms": 1000}),
        (None, "destination.stopped", where),
        (ann, "destination.disabled", where),
        (ann, "destination.enabled", where),
        (None, "destination.failed", {**where, "code": "bad_key", "attempts": 3}),
        (ann, "recording.started", {"recording": recording}),
        (ann, "recording.stopped", {"recording": recording}),
        (None, "recording.finalized",
         {"recording": recording, "media_uri": "a/b", "duration_ms": 9000, "bytes": 77}),
        (ann, "recording.started", {"recording": failed}),
        (None, "recording.failed", {"recording": failed, "code": "disk"}),
        (ann, "participant.removed", {"user": bob, "reason": "noise"}),
        (None, "participant.left", {"user": ann}),
        (ann, "session.ended", {}),
        (ann, "of.the.future", {"anything": [1]}),
    ]  # fmt: skip
    commands = [
        room.command((kind, data), actor=by, at_ms=1_795_302_000_000 + n)
        for n, (by, kind, data) in enumerate(told)
    ]
    assert {kind for _, kind, _ in told} == {*EVENTS, "of.the.future"}
    await writer.append(room.session, room.epoch, commands)
    return ann, bob, poll, question, recording


async def test_a_class_is_shown_as_it_happened(pools, room, writer, projector, owner):
    ann, bob, poll, question, recording = await a_class(pools, room, writer)
    projector.notify(room.session)
    assert await projector.wait_for(room.session, room.sequence)
    async with pools.tenant(room.tenant) as connection:
        session = await sessions.get(connection, room.session)
        assert session.status == "ended"
        assert session.started_at < session.ended_at
        people = {p.user_id: p for p in await participants.list_all(connection, room.session)}
        assert (people[ann].role, people[ann].status) == ("teacher", "admitted")
        assert (people[bob].role, people[bob].status) == ("student", "removed")
        assert people[ann].join_time < people[bob].leave_time < people[ann].leave_time
        (place,) = await integrations.list_of_session(connection, room.session)
        assert (place.status, place.error) == ("failed", "bad_key")
        one, two = await recordings.list_of_session(connection, room.session)
        assert (one.id, one.status, one.media_uri, one.duration_ms, one.bytes) == (
            recording, "finalized", "a/b", 9000, 77,
        )  # fmt: skip
        assert (two.status, two.error) == ("failed", "disk")
        chat = await connection.fetch(
            "SELECT message, to_staff, search::text FROM chat_messages ORDER BY created_at"
        )
        assert [tuple(row) for row in chat] == [
            ("two lessons", False, "'lesson':2 'two':1"), ("hm", True, "'hm':1"),
        ]  # fmt: skip
        row = await connection.fetchrow("SELECT id, status, answer FROM questions")
        assert tuple(row) == (question, "answered", "because")
        assert await connection.fetch("SELECT user_id FROM question_votes") == [(ann,)]
        assert await connection.fetch("SELECT user_id, choices FROM poll_votes") == [(bob, [1])]
        options, correct, closed, published = await connection.fetchrow(
            "SELECT options, correct, closed_at, published_at FROM polls WHERE id = $1", poll
        )
        assert (orjson.loads(options), orjson.loads(correct)) == (["a", "b"], [1])
        assert closed < published
        assert await connection.fetchval("SELECT count(shown_at) FROM studio_scenes") == 1


async def test_rebuilding_gives_the_same_tables(pools, room, writer, projector, owner):
    await a_class(pools, room, writer)
    projector.notify(room.session)
    assert await projector.wait_for(room.session, room.sequence)
    before = await dump(owner)
    assert all(before.values())
    # What no event says goes.
    await owner.execute("UPDATE sessions SET status = 'live'")
    await owner.execute("UPDATE session_participants SET leave_time = now()")
    await owner.execute("DELETE FROM chat_messages")
    await owner.execute("UPDATE polls SET prompt = 'x'")
    await projector.rebuild(room.session)
    assert await projector.wait_for(room.session, room.sequence)
    assert await dump(owner) == before


async def test_every_table_of_a_class_is_emptied_by_a_rebuild():
    cleared = " ".join(projections.CLEAR)
    assert all(table in cleared for table in TABLES if "votes" not in table and table != "users")


async def test_telling_it_twice_changes_nothing(pools, room, writer, projector, owner):
    await a_class(pools, room, writer)
    async with Projector(pools) as other:
        for _ in range(5):
            projector.notify(room.session)
            other.notify(room.session)
            await asyncio.sleep(0)
        assert await projector.wait_for(room.session, room.sequence)
        assert await other.wait_for(room.session, room.sequence)
    assert await owner.fetchval("SELECT count(*) FROM chat_messages") == 2


async def test_a_log_longer_than_a_page_is_shown_whole(pools, room, writer, projector, owner):
    for _ in range(5):
        ann = new_id()
        await writer.append(room.session, room.epoch, [room.chat(actor=ann) for _ in range(500)])
    assert await projector.wait_for(room.session, room.sequence, timeout=20)
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
    assert await projector.wait_for(room.session, 2)
    sequence, error = await owner.fetchrow(
        "SELECT sequence, error FROM projections WHERE session_id = $1", room.session
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
    assert await projector.wait_for(room.session, 1)
    await writer.append(other.session, other.epoch, [other.command(join)])
    assert not await projector.wait_for(other.session, 1, timeout=0.3)
    assert "session_participants_tenant_id_user_id_fkey" in await owner.fetchval(
        "SELECT error FROM projections WHERE session_id = $1", other.session
    )


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
    assert await projector.wait_for(room.session, 1)
    with pytest.raises(NotFoundError):
        await projector.rebuild(new_id())


async def test_what_was_left_behind_is_taken_up(pools, room, writer, owner):
    await writer.append(room.session, room.epoch, [room.chat(actor=new_id())])
    async with Projector(pools), asyncio.timeout(5):
        while not await owner.fetchval("SELECT count(*) FROM chat_messages"):
            await asyncio.sleep(0.01)


async def test_waiting_ends_at_its_time(pools, room, projector):
    assert await projector.wait_for(room.session, 0)
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
    async with asyncio.timeout(5):
        while not await owner.fetchval("SELECT count(*) FROM chat_messages"):
            await asyncio.sleep(0.01)
