"""What is said of a position is said by the log: nobody who knows more gets an older truth."""

import asyncio
import random

import pytest

from protocol import commands as cmd
from protocol.errors import CloseCode
from protocol.frames import Ack
from server.errors import UnavailableError
from server.hub import reach as reach_module
from server.hub import replica as replica_module
from server.hub import ring
from server.hub.asks import Committed
from server.store.log import LogReader, LogWriter
from tests.patience import PATIENCE, eventually

from .classes import Class
from .conftest import started
from .raw import Raw


async def come_back(lesson, position, *, user, log=None, node=None):
    raw = await Raw.open(node or lesson._node, lesson.session)
    resume = {"log": log or lesson.room.place.log_id, "sequence": position, "view": "student"}
    await raw.send({"type": "hello", "token": lesson.token(user=user), "resume": resume})
    return raw


async def follow(raw):
    """Return what of the log followed the welcome."""
    while raw.heard[-1]["type"] != "mine":
        await raw.hear()
    return [frame for frame in raw.heard if frame["type"] in ("snapshot", "events")]


async def test_who_knows_what_the_room_does_not_know_yet_waits_for_it(lesson, monkeypatch):
    """The append is in the log, its answer was lost, and somebody has heard of it elsewhere."""
    monkeypatch.setattr(reach_module, "REACH_SECONDS", PATIENCE)
    room, ann = lesson.room, lesson.ann.client.welcome.me.user
    append, reading = LogWriter.append, asyncio.Event()
    read = LogReader.read

    async def lose_the_answer(self, session, epoch, commands):
        await append(self, session, epoch, commands)
        monkeypatch.setattr(LogWriter, "append", append)
        raise UnavailableError

    async def read_late(self, *more):
        await reading.wait()
        return await read(self, *more)

    monkeypatch.setattr(LogWriter, "append", lose_the_answer)
    monkeypatch.setattr(LogReader, "read", read_late)
    before = room.head.sequence
    said = asyncio.ensure_future(lesson.bob.say(cmd.ChatPost("in the log")))
    await eventually(lambda: not room.is_open.is_set())
    assert room.head.sequence == before
    raw = await come_back(lesson, before + 1, user=ann)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(raw.hear(), 0.2)
    reading.set()
    welcome = await raw.hear("welcome")
    assert welcome["head"] >= before + 1
    assert welcome["recovery"] in ("live", "replay")
    assert all(frame["type"] == "events" for frame in await follow(raw))
    answer = await said
    assert isinstance(answer, Ack)
    assert answer.sequence == (before + 1, before + 1)


async def test_a_room_that_cannot_get_there_sends_them_away_for_a_moment(lesson, monkeypatch):
    monkeypatch.setattr(reach_module, "REACH_SECONDS", 0.1)
    room, ann = lesson.room, lesson.ann.client.welcome.me.user
    room.is_open.clear()
    raw = await come_back(lesson, room.head.sequence + 1, user=ann)
    bye, code = await raw.farewell()
    assert (bye["code"], code) == (CloseCode.OVERLOADED, CloseCode.OVERLOADED)
    # What it knows itself, it tells.
    raw = await come_back(lesson, room.head.sequence, user=ann)
    assert (await raw.hear("welcome"))["recovery"] == "live"
    room.is_open.set()


async def test_an_owner_that_was_deposed_and_does_not_know_it_gives_nobody_an_old_snapshot(
    database_url, school, tasks, lesson, pools, monkeypatch
):
    monkeypatch.setattr(reach_module, "REACH_SECONDS", PATIENCE)
    old, ann = lesson.room, lesson.ann.client.welcome.me.user
    async with started(database_url, school.tokens) as other:
        # This node loses its life, as far as the database can tell, and nobody speaks here.
        await lesson._node.seem_dead([other], monkeypatch)
        there = other.person(lesson.session, lesson.token(name="There"), tasks)
        assert isinstance(await there.say(cmd.ChatPost("there")), Ack)
        position = other.hub.find(lesson.session).head.sequence
        assert old.head.sequence < position
        assert lesson.room is old
        raw = await come_back(lesson, position, user=ann, log=old.place.log_id)
        # By asking, this node has learned that the class is not its own any more: it follows.
        assert (await raw.hear("welcome"))["recovery"] in ("live", "replay")
        assert not [frame for frame in raw.heard if frame["type"] == "snapshot"]
        assert not old.owns
        assert lesson.room is old
        assert (await raw.say("chat.post", {"text": "here"}))["type"] == "ack"
        assert await there.until(lambda client: client.state.messages[-1].text == "here", PATIENCE)


async def test_a_position_ahead_of_the_log_itself_gets_a_snapshot(lesson):
    room, ann = lesson.room, lesson.ann.client.welcome.me.user
    epoch = room.epoch
    for ahead in (1, 1_000, 2**53):
        while True:
            position = min(room.head.sequence + ahead, 2**53 - 1)
            raw = await come_back(lesson, position, user=ann)
            recovery = (await raw.hear("welcome"))["recovery"]
            if room.head.sequence < position:  # or what happened meanwhile has reached it
                break
        assert recovery == "snapshot"
        (frame, *_) = await follow(raw)
        assert (frame["type"], frame["sequence"]) == ("snapshot", room.head.sequence)
    assert room.epoch == epoch


@pytest.mark.parametrize("of", ["student", "staff"])
async def test_any_position_of_a_long_class_leads_to_the_head(node, school, tasks, monkeypatch, of):
    monkeypatch.setattr(replica_module, "SAVE_LEAST", 1)
    monkeypatch.setattr(ring, "RING_FRAMES", 8)
    rng = random.Random(of)
    lesson = await Class.start(node, school)
    await lesson.does_a_little_of_everything()
    await lesson.chats(700, at_once=50)
    (message, *_) = lesson.room.state.messages
    await lesson.does(lesson.tess, cmd.ChatRemove(message))
    await lesson.close()
    who = lesson.ann if of == "student" else lesson.tess
    token = school.token(lesson.session, who.role, who.name, user=who.user)

    async def heard_from(position):
        """Return the events heard, and whether there was no gap."""
        raw = await Raw.open(node, lesson.session)
        resume = {"log": lesson.place.log_id, "sequence": position, "view": of}
        await raw.send({"type": "hello", "token": token, "resume": resume})
        welcome = await raw.hear("welcome")
        await follow(raw)
        frames = [frame for frame in raw.heard if frame["type"] == "events"]
        assert not [frame for frame in raw.heard if frame["type"] == "snapshot"]
        following = position
        for frame in frames:
            assert frame["from"] <= following + 1
            following = max(following, frame["to"])
        assert following >= welcome["head"]
        await raw.socket.close()
        # The key that an author chose is told live alone.
        events = [{**each, "key": None} for frame in frames for each in frame["events"]]
        return {each["sequence"]: each for each in events}

    # Who starts at 0 hears everything; the room was opened from what it saved just now.
    everything = await heard_from(0)
    head = lesson.room.head.sequence
    for _ in range(3):
        await lesson.chats(20, at_once=5)  # the newest are in the ring again
        everything = await heard_from(0)
        newest = lesson.room.head.sequence
        for position in [*rng.sample(range(1, newest), 12), head, newest]:
            heard = await heard_from(position)
            upto = max(everything)
            assert {n: e for n, e in heard.items() if position < n <= upto} == {
                n: e for n, e in everything.items() if n > position
            }


async def test_a_reload_gives_everybody_a_snapshot_and_keeps_their_sockets(lesson, monkeypatch):
    room, reads, read = lesson.room, [], LogReader.read

    async def noted(self, session, after, *more):
        reads.append(after)
        return await read(self, session, after, *more)

    monkeypatch.setattr(LogReader, "read", noted)
    raw = await lesson.raw()
    sockets = [person.client.welcome.connection for person in lesson.everybody]
    first = await lesson.ann.say(cmd.ChatPost("before"))
    await lesson.caught_up()
    before = room.head.sequence, room.epoch
    raw.heard.clear()
    room.reload()
    # Who speaks meanwhile is heard, sooner or later, once.
    said = [asyncio.ensure_future(lesson.bob.say(cmd.ChatPost(f"{n}"))) for n in range(5)]
    snapshot = await raw.hear("snapshot")
    assert snapshot["sequence"] >= before[0]
    assert 0 in reads
    assert room.epoch > before[1]
    assert lesson.room is room
    assert all([isinstance(await each, Ack) for each in said])
    await lesson.caught_up()
    assert [person.client.welcome.connection for person in lesson.everybody] == sockets
    texts = [message.text for message in lesson.ann.client.state.messages]
    assert sorted(texts) == ["0", "1", "2", "3", "4", "before"]
    assert lesson.ann.client.state == lesson.bob.client.state
    assert not any(person.client.gaps for person in lesson.everybody)
    lesson.ann.client.command(cmd.ChatPost("before"), key=first.key)
    again = asyncio.get_running_loop().create_future()
    lesson.ann._asked[first.key] = cmd.ChatPost("before"), again
    lesson.ann._to_send.set()
    assert (await asyncio.wait_for(again, PATIENCE)).duplicate


async def test_a_log_that_was_changed_under_a_room_is_read_anew(node, school, owner, pools):
    """As an erasure does: words changed, the epoch raised, what was saved deleted."""
    lesson = await Class.start(node, school)
    said = await lesson.does(lesson.ann, cmd.ChatPost("my secret"))
    room, epoch = lesson.room, lesson.room.epoch
    async with owner.transaction():
        await owner.execute("ALTER TABLE session_state_events DISABLE TRIGGER USER")
        await owner.execute(
            "UPDATE session_state_events SET event_payload = "
            "jsonb_set(event_payload, '{text}', '\"\"') WHERE session_id = $1 AND sequence = $2",
            lesson.session, said.first,
        )  # fmt: skip
        await owner.execute("ALTER TABLE session_state_events ENABLE TRIGGER USER")
        await owner.execute(
            "UPDATE session_hubs SET epoch = epoch + 1 WHERE session_id = $1", lesson.session
        )
    # The next append is fenced; but nobody else owns the class.
    assert (await lesson.does(lesson.bob, cmd.ChatPost("next"))).code == "unavailable"
    await asyncio.wait_for(room.is_open.wait(), PATIENCE)
    assert (lesson.room, room.epoch) == (room, epoch + 2)
    assert "my secret" not in str(room.state)
    assert all(b"my secret" not in view.snapshot for view in room.seating.views.values())
    assert isinstance(await lesson.does(lesson.bob, cmd.ChatPost("next")), Committed)
