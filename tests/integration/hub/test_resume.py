"""Wherever a client stopped, it gets to where everybody is: the same state, nothing twice."""

import asyncio

import pytest

from protocol import commands as cmd
from protocol.client import Client
from protocol.frames import Ack
from server.hub import ring
from server.hub import seating as seating_module
from server.hub import snapshots as snapshots_module
from server.ids import new_id
from tests.patience import PATIENCE, eventually

from .raw import Raw


@pytest.fixture
async def told(lesson):
    """A class in which a little of everything has happened, and a member of each view."""
    teacher, ann, bob = lesson.everybody
    await teacher.say(cmd.PollOpen("2+2?", ("3", "4"), results="published", correct=(1,)))
    await lesson.caught_up()
    poll = ann.client.state.polls[0].poll
    for command, who in [
        (cmd.ChatPost("one"), teacher),
        (cmd.PollVote(poll, (1,)), ann),
        (cmd.PollVote(poll, (0,)), bob),
        (cmd.HandRaise(), ann),
        (cmd.ChatPost("to staff", to="staff"), ann),
        (cmd.QuestionAsk("why?"), bob),
        (cmd.PollClose(poll), teacher),
        (cmd.PollPublish(poll), teacher),
        (cmd.HandLowerAll(), teacher),
        (cmd.ChatPost("two"), bob),
    ]:
        assert isinstance(await who.say(command), Ack)
    await lesson.caught_up()
    return lesson


async def arrive(lesson, token, resume=None):
    """Enter with a position; return the welcome and what followed, up to ``mine``."""
    raw = await Raw.open(lesson._node, lesson.session)
    hello = {"type": "hello", "token": token}
    await raw.send(hello if resume is None else hello | {"resume": resume})
    welcome = await raw.hear()
    assert welcome["type"] == "welcome"
    await raw.hear("mine")
    return raw, welcome


@pytest.mark.parametrize(("role", "view"), [("student", "student"), ("teacher", "staff")])
@pytest.mark.parametrize("is_trimmed", [False, True])
async def test_every_position_leads_to_the_same_state(told, role, view, is_trimmed, monkeypatch):
    if is_trimmed:  # then most is read from the log
        monkeypatch.setattr(ring, "RING_FRAMES", 4)
        await told.teacher.say(cmd.ChatPost("more"))
        await told.caught_up()
    user = (told.teacher if role == "teacher" else told.ann).client.welcome.me.user
    token = told.token(role, user=user)
    head = told.room.head.sequence
    feed = told.room.seating.views[view].feed
    assert feed._ring.reaches(0) != is_trimmed
    fresh, welcome = await arrive(told, token)
    assert (welcome["recovery"], welcome["head"]) == ("snapshot", head)
    expected = Client(token, new_key=new_id)
    expected.receive(fresh.frames[0])
    expected.receive(fresh.frames[1])
    log = welcome["log"]
    past = None  # who starts at 0 hears everything: each position's past
    for position in range(head + 1):
        raw, welcome = await arrive(told, token, {"log": log, "sequence": position, "view": view})
        assert welcome["recovery"] == ("live" if position == head else "replay")
        kinds = [frame["type"] for frame in raw.heard]
        assert kinds[0] == "welcome"
        assert kinds[-1] == "mine"
        assert set(kinds[1:-1]) <= {"events"}
        following = position
        for frame in raw.heard[1:-1]:
            assert frame["from"] <= following + 1
            following = max(following, frame["to"])
        assert following == head
        past = past or raw
        client = Client(token, new_key=new_id)
        client.state, client.log, client.view = type(expected.state)(), log, view
        for heard in (past.upto(position), raw.frames[1:-1]):
            for frame in heard:
                client.receive(frame)
        assert client.position == head
        assert client.state == expected.state
        assert not client.gaps
        await raw.socket.close()


async def test_a_position_that_cannot_be_honoured_gets_a_snapshot(told, monkeypatch):
    head, log = told.room.head.sequence, told.room.place.log_id
    token = told.token(user=told.ann.client.welcome.me.user)
    for resume in [
        {"log": new_id(), "sequence": head, "view": "student"},
        {"log": log, "sequence": head + 1, "view": "student"},
        {"log": log, "sequence": 2**60, "view": "student"},
        {"log": log, "sequence": 3, "view": "staff"},
        {"log": log, "sequence": 3, "view": "lobby"},
    ]:
        raw, welcome = await arrive(told, token, resume)
        assert (welcome["recovery"], welcome["view"]) == ("snapshot", "student"), resume
        assert raw.heard[1]["type"] == "snapshot"
        assert raw.heard[1]["sequence"] == head
        assert "to staff" not in str(raw.heard[1])
    monkeypatch.setattr(seating_module, "REPLAY_MOST", 5)
    for missed, recovery in [(5, "replay"), (6, "snapshot")]:
        _, welcome = await arrive(
            told, token, {"log": log, "sequence": head - missed, "view": "student"}
        )
        assert welcome["recovery"] == recovery


async def test_nobody_enters_before_the_log_is_read(told, monkeypatch):
    monkeypatch.setattr(snapshots_module, "PAGE", 1)
    await told.caught_up()
    hub, room, log = told._node.hub, told.room, told.room.place.log_id
    position = room.head.sequence
    users = [person.client.welcome.me.user for person in told.everybody[1:]]
    hub._running[told.session].cancel()
    await eventually(lambda: told.room is not room)
    resume = {"log": log, "sequence": position, "view": "student"}
    arrived = await asyncio.gather(
        *(arrive(told, told.token(user=user), resume) for user in users * 5)
    )
    assert {welcome["recovery"] for _, welcome in arrived} <= {"live", "replay"}
    assert told.room.epoch > room.epoch
    for person in told.everybody:
        assert await person.until(lambda client: client.welcome.epoch > room.epoch, PATIENCE)
        assert person.client.welcome.recovery in ("live", "replay")


async def test_a_gap_is_filled_on_demand(told):
    head = told.room.head.sequence
    raw = await told.raw(user=told.ann.client.welcome.me.user)
    for position in (head - 4, head, head + 5):
        raw.heard.clear()
        await raw.send({"type": "resync", "sequence": position})
        await raw.hear("mine")
        heard = [frame for frame in raw.heard if frame["type"] not in ("presence", "counters")]
        first = heard[0]
        if position > head:
            assert (first["type"], first["sequence"]) == ("snapshot", head)
        elif position == head:
            assert first["type"] == "mine"
        else:
            assert first["from"] <= position + 1
            assert heard[-2]["to"] == head
    assert (await raw.say("chat.post", {"text": "and on"}))["type"] == "ack"


async def test_a_page_of_the_roster_goes_on_where_the_last_one_ended(told, monkeypatch):
    from server.hub import roster as roster_module

    monkeypatch.setattr(roster_module, "ROSTER_PAGE", 2)
    raw = await told.raw()
    people, after = [], None
    while True:
        await raw.send({"type": "roster", "after": after})
        page = await raw.hear("roster")
        people += [person["user"] for person in page["people"]]
        after = page["next"]
        if after is None:
            break
    assert people == sorted(people)
    assert len(people) == 4
