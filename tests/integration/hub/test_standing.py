"""Removed, banned, demoted: at once on every connection, and for good, whatever the token says."""

import asyncio
import json

import pytest

from protocol import commands as cmd
from protocol.frames import Ack
from server.hub import ring
from server.ids import new_id
from tests.strategies import FOR_STAFF

from .conftest import started
from .raw import Raw


async def hello(node, session, token, **more):
    """Return the answer to a hello."""
    raw = await Raw.open(node, session)
    await raw.send({"type": "hello", "token": token, **more})
    frame = await raw.hear("welcome", "bye")
    await raw.socket.close()
    return frame


@pytest.mark.parametrize(
    ("kind", "code"), [(cmd.ParticipantRemove, 4503), (cmd.ParticipantBan, 4504)]
)
async def test_who_is_put_out_hears_no_word_of_it_and_stays_out(lesson, node, kind, code):
    user = new_id()
    raws = [await lesson.raw(user=user) for _ in range(3)]
    assert isinstance(await lesson.teacher.say(kind(user, "noise")), Ack)
    for raw in raws:
        bye, closed = await raw.farewell()
        assert (bye["code"], bye["retry_ms"], closed) == (code, None, code)
        frames = [frame for frame in raw.heard if frame["type"] == "events"]
        assert not any(frame["events"] for frame in frames)
    # Nor does a token help that was made since, and says more.
    fresh = lesson.token("teacher", user=user)
    assert (await hello(node, lesson.session, fresh))["code"] == code


async def test_a_ban_outlives_a_restart_of_the_server(database_url, school):
    session, user = await school.session(), new_id()
    async with started(database_url, school.tokens) as node:
        teacher = await Raw.join(node, session, school.token(session, "teacher"))
        raw = await Raw.join(node, session, school.token(session, user=user))
        assert (await teacher.say("participant.ban", {"user": user}))["type"] == "ack"
        assert (await raw.farewell())[1] == 4504
    async with started(database_url, school.tokens) as node:
        for role in ("student", "assistant"):
            token = school.token(session, role, user=user)
            assert (await hello(node, session, token))["code"] == 4504


async def test_a_ban_ends_by_being_lifted_and_a_removal_by_letting_in_again(lesson, node):
    user = new_id()
    raw = await lesson.raw(user=user)
    await lesson.teacher.say(cmd.ParticipantBan(user))
    await raw.farewell()
    refused = await lesson.teacher.say(cmd.ParticipantAdmit(user))
    assert refused.code == "conflict"
    await lesson.teacher.say(cmd.ParticipantUnban(user))
    back = await lesson.raw(user=user)
    assert (await back.say("chat.post", {"text": "sorry"}))["type"] == "ack"
    await lesson.teacher.say(cmd.ParticipantRemove(user))
    assert (await back.farewell())[1] == 4503
    await lesson.teacher.say(cmd.ParticipantAdmit(user))
    assert (await lesson.raw(user=user)).heard[0]["view"] == "student"


async def test_the_doors_of_the_database_know_who_is_out_before_the_class_is_opened(
    node, school, owner
):
    session = await school.session()
    for status, code in (("denied", 4505), ("removed", 4503), ("banned", 4504)):
        user = new_id()
        await owner.execute(
            "INSERT INTO users (id, tenant_id, display_name) VALUES ($1, $2, 'Ann')",
            user, school.tenant,
        )  # fmt: skip
        await owner.execute(
            "INSERT INTO session_participants (tenant_id, session_id, user_id, role, status) "
            "VALUES ($1, $2, $3, 'student', $4)",
            school.tenant, session, user, status,
        )  # fmt: skip
        answer = await hello(node, session, school.token(session, user=user))
        assert answer["code"] == code
    assert node.hub.find(session) is None


async def test_the_logs_role_wins_over_every_token(lesson, node):
    user = new_id()
    raw = await lesson.raw(user=user)
    await lesson.teacher.say(cmd.ParticipantSetRole(user, "assistant"))
    welcome = await raw.hear("welcome")
    assert (welcome["view"], welcome["me"]["role"]) == ("staff", "assistant")
    assert (await raw.hear())["type"] == "snapshot"
    for role in ("student", "teacher"):
        answer = await hello(node, lesson.session, lesson.token(role, user=user))
        assert (answer["view"], answer["me"]["role"]) == ("staff", "assistant")
    await raw.send({"type": "token", "token": lesson.token("teacher", user=user)})
    await raw.hear("token")
    refused = await raw.say("session.end")
    assert refused["code"] == "forbidden"
    # And what it says is shown to everybody.
    await raw.send({"type": "roster", "after": None})
    people = (await raw.hear("roster"))["people"]
    assert next(each for each in people if each["user"] == user)["role"] == "assistant"


async def test_a_demoted_assistant_hears_nothing_of_staff_any_more(lesson, monkeypatch):
    """Commands keep coming from all sides while roles go back and forth."""
    monkeypatch.setattr(ring, "RING_FRAMES", 8)
    user = new_id()
    raw = await lesson.raw(user=user)

    async def talks():
        for _ in range(30):
            await lesson.bob.say(cmd.ChatPost(FOR_STAFF, to="staff"))
            await lesson.ann.say(cmd.ChatPost("to all"))

    async def moves():
        for n in range(12):
            role = ("assistant", "student")[n % 2]
            await lesson.teacher.say(cmd.ParticipantSetRole(user, role))
            await asyncio.sleep(0.03)

    await asyncio.gather(talks(), moves())
    head = lesson.room.head.sequence
    view, position, views = None, 0, []
    while position < head:
        await raw.hear("events", "snapshot")
        position = max(raw.heard[-1].get("to", 0), raw.heard[-1].get("sequence", 0))
    for frame in raw.heard:
        match frame["type"]:
            case "welcome":
                view = frame["view"]
                views.append(view)
            case "snapshot":
                position = frame["sequence"]
            case "events":
                assert frame["from"] <= position + 1
                position = max(position, frame["to"])
        if view == "student" and frame["type"] in ("snapshot", "events"):
            assert FOR_STAFF not in json.dumps(frame)
            assert "role_changed" not in json.dumps(frame)
    assert views == ["student"] + ["staff", "student"] * 6
    assert (await raw.say("poll.open", {"prompt": "?", "options": ["a", "b"]}))["code"] == (
        "forbidden"
    )
