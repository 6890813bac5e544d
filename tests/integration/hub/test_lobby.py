"""A locked class through real sockets: who waits, what they see meanwhile, and how they come in."""

import pytest

from protocol import commands as cmd
from protocol.frames import Ack
from server.hub import lobby as lobby_module
from server.ids import new_id
from tests.patience import PATIENCE, eventually

from .raw import Raw


@pytest.fixture
async def locked(lesson):
    assert isinstance(await lesson.teacher.say(cmd.SessionLock()), Ack)
    await lesson.caught_up()
    return lesson


async def knocks(lesson, node, user, **more):
    """Return the code that a hello is answered with; the view for a welcome."""
    raw = await Raw.open(node, lesson.session)
    await raw.send({"type": "hello", "token": lesson.token(user=user, **more)})
    frame = await raw.hear("welcome", "bye")
    await raw.socket.close()
    return frame.get("view") or frame["code"]


async def test_a_newcomer_waits_and_sees_title_status_and_teacher(locked):
    raw = await locked.raw(name="Cleo")
    welcome, snapshot, mine, presence, counters = raw.heard
    assert (welcome["view"], welcome["recovery"], welcome["me"]["grants"]) == (
        "lobby", "snapshot", [],
    )  # fmt: skip
    state = snapshot["state"]
    assert (state["status"], state["title"], state["teacher"]) == ("live", "Algebra", "Tess")
    assert snapshot["sequence"] == welcome["head"]
    assert (mine["lobby"], mine["grants"]) == (True, [])
    assert (presence["count"], presence["full"]) == (0, [])
    assert (counters["online"], counters["polls"]) == (0, {})
    user = welcome["me"]["user"]
    await eventually(lambda: user in locked.room.state.people)
    assert locked.room.state.people[user].status == "waiting"
    refused = await raw.say("chat.post", {"text": "may I?"})
    assert (refused["code"], refused["retryable"]) == ("forbidden", False)
    await raw.send({"type": "resync", "sequence": 1})
    again = await raw.hear("snapshot")
    assert again["state"] == state


async def test_the_lobbys_position_follows_without_a_word_of_what_is_said(locked):
    raw = await locked.raw()
    for n in range(10):
        await locked.ann.say(cmd.ChatPost(f"secret {n}"))
    head = locked.room.head.sequence
    position = raw.heard[1]["sequence"]
    while position < head:
        frame = await raw.hear("events")
        assert frame["from"] <= position + 1
        assert frame["events"] == []
        position = frame["to"]
    await raw.send({"type": "ping"})
    assert (await raw.hear("pong"))["head"] == position
    assert "secret" not in str(raw.heard)
    assert len([frame for frame in raw.heard if frame["type"] == "events"]) <= 3


async def test_who_is_admitted_is_welcomed_again_on_each_connection(locked):
    user = new_id()
    first, second = await locked.raw(user=user), await locked.raw(user=user)
    await locked.ann.say(cmd.ChatPost("before"))
    done = await locked.teacher.say(cmd.ParticipantAdmit(user))
    for raw in (first, second):
        welcome = await raw.hear("welcome")
        assert welcome["connection"] == raw.heard[0]["connection"]
        assert (welcome["view"], welcome["head"]) == ("student", done.sequence[1])
        assert "chat.post" in welcome["me"]["grants"]
        snapshot = await raw.hear()
        assert (snapshot["type"], snapshot["sequence"]) == ("snapshot", done.sequence[1])
        assert [each["text"] for each in snapshot["state"]["messages"]] == ["before"]
        assert (snapshot["state"]["title"], snapshot["state"]["teacher"]) == (None, None)
        assert [(await raw.hear())["type"] for _ in range(3)] == ["mine", "presence", "counters"]
    assert (await first.say("chat.post", {"text": "thank you"}))["type"] == "ack"
    told = await second.hear("events")
    assert told["from"] <= snapshot["sequence"] + 1 <= told["to"]


async def test_to_unlock_admits_a_whole_lobby(locked):
    people = [await locked.person(name=f"P{n}").until(lambda c: c.mine, PATIENCE) for n in range(3)]
    assert all(people)
    waiting = [await locked.raw() for _ in range(20)]
    assert isinstance(await locked.teacher.say(cmd.SessionUnlock()), Ack)
    for raw in waiting:
        assert (await raw.hear("welcome"))["view"] == "student"
    member = locked.room.state.people.values()
    assert not any(each.status == "waiting" for each in member)


async def test_our_own_client_follows_from_the_lobby_into_the_class(locked, node):
    cleo = locked.person(name="Cleo")
    assert await cleo.until(lambda client: client.mine is not None, PATIENCE)
    assert (cleo.client.view, cleo.client.mine.lobby) == ("lobby", True)
    await locked.teacher.say(cmd.ParticipantAdmit(cleo.client.welcome.me.user))
    assert await cleo.until(lambda client: client.view == "student", PATIENCE)
    await locked.caught_up(locked.ann, cleo)
    assert cleo.client.state == locked.ann.client.state
    assert cleo.client.gaps == 0


async def test_who_is_denied_is_sent_away_and_refused_until_admitted(locked, node):
    user = new_id()
    raw = await locked.raw(user=user)
    await locked.teacher.say(cmd.ParticipantDeny(user))
    bye, code = await raw.farewell()
    assert (bye["code"], bye["reason"], bye["retry_ms"], code) == (4505, "denied", None, 4505)
    assert await knocks(locked, node, user) == 4505
    await locked.teacher.say(cmd.ParticipantAdmit(user))
    assert await knocks(locked, node, user) == "student"


async def test_those_who_came_before_the_lock_and_staff_need_not_wait(locked, node):
    user = locked.ann.client.welcome.me.user
    assert await knocks(locked, node, user) == "student"
    assert await knocks(locked, node, new_id(), role="assistant") == "staff"


async def test_a_renamed_class_and_its_end_are_seen_from_the_lobby(locked, owner, monkeypatch):
    monkeypatch.setattr("server.hub.seating.END_GRACE_SECONDS", 0.2)
    raw = await locked.raw()
    await owner.execute("UPDATE sessions SET title = 'Limits' WHERE id = $1", locked.session)
    second = await locked.raw()
    assert (await raw.hear("snapshot"))["state"]["title"] == "Limits"
    await locked.teacher.say(cmd.SessionEnd())
    for each in (raw, second):
        snapshot = await each.hear("snapshot")
        while snapshot["state"]["status"] != "ended":
            snapshot = await each.hear("snapshot")
        assert (await each.farewell())[1] == 4509


async def test_a_full_lobby_asks_to_come_back(locked, node, monkeypatch):
    monkeypatch.setattr(lobby_module, "LOBBY_CONNECTIONS", 1)
    first = await locked.raw()
    raw = await Raw.open(node, locked.session)
    await raw.send({"type": "hello", "token": locked.token()})
    bye, code = await raw.farewell()
    assert (bye["code"], code) == (4129, 4129)
    assert bye["retry_ms"] > 0
    await first.socket.close()
