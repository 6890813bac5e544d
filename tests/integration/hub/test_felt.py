"""What is felt and not kept: presence, signals, counters; the end of a class and of a node."""

import asyncio

from redis.asyncio import Redis

from protocol import commands as cmd
from protocol.limits import SIGNAL_COALESCE_MS
from server.hub import bucket
from server.hub import presence as presence_module
from server.hub import roster as roster_module
from server.hub import seating as seating_module
from server.hub.asks import Perform, Who
from server.hub.presence import Presence
from server.ids import new_id
from server.store.log import LogReader
from tests.patience import PATIENCE, eventually

from .raw import Raw


async def test_presence_is_told_in_full_then_by_differences(lesson, monkeypatch):
    monkeypatch.setattr(roster_module, "DROPPED_SECONDS", PATIENCE)
    watcher = await lesson.raw()
    order = [frame["type"] for frame in watcher.heard]
    assert order == ["welcome", "snapshot", "mine", "presence", "counters"]
    assert len(watcher.heard[3]["full"]) == watcher.heard[3]["count"] == 4
    user = new_id()
    first, second = await lesson.raw(user=user), await lesson.raw(user=user)
    seen = await presence_of(watcher, user, "joined")
    while seen["connections"] == 1:  # the second came later than was waited for others
        seen = await presence_of(watcher, user, "changed")
    assert (seen["status"], seen["connections"]) == ("online", 2)
    await first.socket.close()
    assert (await presence_of(watcher, user, "changed"))["connections"] == 1
    await second.socket.close()
    assert (await presence_of(watcher, user, "changed"))["status"] == "dropped"
    lesson.room.seating.roster._people[user].leaves_at = 0  # the grace is over
    frame = await watcher.hear("presence")
    assert (frame["left"], frame["count"]) == ([user], 4)
    revisions = [frame["revision"] for frame in watcher.heard if frame["type"] == "presence"]
    assert revisions == list(range(revisions[0], revisions[0] + len(revisions)))
    while (await watcher.hear("counters"))["online"] != 4:
        pass


async def presence_of(watcher, user, how):
    while True:
        frame = await watcher.hear("presence")
        for person in frame.get(how, ()):
            if person["user"] == user:
                return person


async def test_signals_are_gathered_and_reactions_counted(lesson, in_no_time):
    typist, fan, watcher = await lesson.raw(), await lesson.raw(), await lesson.raw("teacher")
    head = lesson.room.head.sequence
    loop = asyncio.get_running_loop()
    began = loop.time()
    for n in range(10):
        await typist.send({"type": "signal", "kind": "typing", "data": {"in": f"chat {n}"}})
        await fan.send({"type": "signal", "kind": "reaction", "data": {"emoji": "👍"}})
    await fan.send({"type": "signal", "kind": "reaction", "data": {"emoji": "👩‍🏫"}})
    while (signal := await watcher.hear("signal"))["data"] != {"in": "chat 9"}:
        pass
    assert (signal["kind"], signal["by"]) == ("typing", typist.heard[0]["me"]["user"])
    # Which of the two is told first is nobody's promise.
    while newest(watcher, "counters")["reactions"] != {"👍": 10, "👩‍🏫": 1}:
        await watcher.hear("counters")
    signals = [frame for frame in watcher.heard if frame["type"] == "signal"]
    assert len(signals) <= 1 + (loop.time() - began) / (SIGNAL_COALESCE_MS / 1000)
    # Too many are dropped, without an answer and without harm.
    for _ in range(60):
        await fan.send({"type": "signal", "kind": "reaction", "data": {"emoji": "🎉"}})
    assert (await fan.say("hand.raise"))["type"] == "ack"
    while (counters := await watcher.hear("counters"))["hands"] != 1:
        pass
    assert counters["reactions"]["🎉"] == bucket.RATES["signal"].burst - 11
    reader = LogReader(lesson._node.pools)
    kinds = [event.type for event in await reader.read(lesson.session, head)]
    assert set(kinds) <= {"hand.raised", "participant.joined"}


def newest(raw, kind):
    """Return the last frame of a kind that was heard, whatever was waited for."""
    return [frame for frame in raw.heard if frame["type"] == kind][-1]


async def test_a_poll_is_counted_for_those_who_may_see_it(lesson):
    staff, student = await lesson.raw("teacher"), await lesson.raw()
    await staff.say("poll.open", {"prompt": "?", "options": ["a", "b"], "results": "published"})
    poll = lesson.room.seating.views["student"]._state.polls[-1].poll
    assert (await student.say("poll.vote", {"poll": poll, "choices": [1]}))["type"] == "ack"
    while (await staff.hear("counters"))["polls"].get(poll) != [0, 1]:
        pass
    await staff.say("poll.publish", {"poll": poll})
    while poll not in (counters := await student.hear("counters"))["polls"]:
        pass
    assert counters["polls"][poll] == [0, 1]
    earlier = [frame["polls"] for frame in student.heard if frame["type"] == "counters"]
    assert all(poll not in polls for polls in earlier[:-1])


async def test_presence_in_redis_heals_and_forgets_the_dead(redis_url, monkeypatch):
    session, other = new_id(), new_id()
    monkeypatch.setattr(presence_module, "BEAT_SECONDS", PATIENCE)
    monkeypatch.setattr(presence_module, "CALL_SECONDS", PATIENCE)
    here = {session: {"c1": "ann", "c2": "ann", "c3": "bob"}, other: {"c4": "cleo"}}
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        node = Presence(redis, "node-a", lambda: here)
        dying = Presence(redis, "node-b", lambda: {session: {"c9": "dan"}})
        key = f"presence:{{{session}}}"

        async def counts():
            return {n: int(v.split("|")[0]) for n, v in (await redis.hgetall(key)).items()}

        await node.beat()
        await dying.beat()
        assert await counts() == {"node-a": 3, "node-b": 1}
        assert await redis.hgetall(f"{key}:node-a") == here[session]
        del here[session]["c2"]
        await node.beat()
        assert await redis.hgetall(f"{key}:node-a") == {"c1": "ann", "c3": "bob"}
        await redis.flushall()
        await redis.script_flush()
        await node.beat()
        assert await counts() == {"node-a": 2}
        await dying.beat()
        assert await counts() == {"node-a": 2, "node-b": 1}
        assert 0 < await redis.pttl(f"{key}:node-b") <= 2_000 * PATIENCE
        await redis.delete(f"{key}:node-b")
        await redis.hset(key, "node-b", "1|0")  # it has not beaten for very long
        await node.beat()
        assert await counts() == {"node-a": 2}
        here[session] = {}
        del here[other]
        await node.beat()
        assert await redis.keys("presence:*") == []
        assert (node.errors, dying.errors) == (0, 0)


async def test_a_beat_without_redis_is_counted_and_made_good(redis_url, monkeypatch):
    async with Redis.from_url("redis://127.0.0.1:1", decode_responses=True) as away:
        node = Presence(away, "node-a", lambda: {new_id(): {"c": "ann"}})
        await node.beat()
        await node.beat()
        assert node.errors == 2


async def test_after_the_end_students_go_and_staff_stay(lesson, monkeypatch):
    monkeypatch.setattr(seating_module, "END_GRACE_SECONDS", 0.3)
    staff, student = await lesson.raw("teacher"), await lesson.raw()
    end = await staff.say("session.end")
    bye, code = await student.farewell()
    assert (bye["code"], bye["retry_ms"], code) == (4509, None, 4509)
    last = [frame for frame in student.heard if frame["type"] == "events"][-1]
    assert last["to"] >= end["sequence"][1]
    assert (await staff.say("hand.lower"))["code"] == "session_ended"
    late = await Raw.open(lesson._node, lesson.session)
    await late.send({"type": "hello", "token": lesson.token()})
    snapshot = await late.hear("snapshot")
    assert snapshot["state"]["status"] == "ended"
    assert (await late.farewell())[1] == 4509
    returned = await lesson.raw("teacher")
    assert await returned.hears_nothing_of("bye", seconds=0.6)
    await returned.say("session.archive")
    for each in (staff, returned, await lesson.raw("teacher")):
        assert (await each.farewell())[1] == 4509, "nobody stays in a class that is put away"


async def test_a_node_that_drains_sends_everybody_on_and_stores_what_it_took(lesson, pools, node):
    crowd = [await lesson.raw() for _ in range(20)]
    for number, each in enumerate(crowd):
        await each.command("chat.post", {"text": f"last words {number}"})
    draining = asyncio.ensure_future(node.hub.drain())
    byes = []
    for each in crowd:
        bye, code = await each.farewell()
        assert (bye["code"], code) == (4101, 4101)
        byes.append(bye["retry_ms"])
    assert len(set(byes)) > 10
    assert all(0 < each <= 1200 for each in byes)
    await draining
    assert node.hub.rooms == []
    acked = [f["sequence"][0] for each in crowd for f in each.heard if f["type"] == "ack"]
    reader = LogReader(pools)
    stored = await reader.read(lesson.session, 0)
    kinds = {event.sequence: event.type for event in stored}
    assert all(kinds[sequence] == "chat.posted" for sequence in acked)
    assert (await reader.verify(lesson.session)).broken is None
    refused = await Raw.open(node, lesson.session)
    bye, code = await refused.farewell()
    assert (bye["code"], code) == (4101, 4101)


async def test_what_was_taken_before_the_drain_is_finished(lesson, node, pools):
    room, who, outcomes = lesson.room, lesson.teacher.client.welcome.me, []
    await lesson.caught_up()
    head = room.head.sequence
    for n in range(300):  # more than one turn takes
        asked = Who(who.user, who.name, "teacher")
        room.submit(Perform(asked, f"{n}", cmd.ChatPost(f"{n}"), None, outcomes.append))
    await node.hub.drain()
    assert [outcome.first for outcome in outcomes] == list(range(head + 1, head + 301))
    assert len(await LogReader(pools).read(lesson.session, head)) == 300


async def test_an_empty_room_is_closed_and_opens_again(school, node, monkeypatch):
    monkeypatch.setattr("server.hub.hub.IDLE_TICKS", 1)
    monkeypatch.setattr(roster_module, "DROPPED_SECONDS", 0.1)
    session = await school.session()
    token = school.token(session, "teacher")
    raw = await Raw.join(node, session, token)
    assert (await raw.say("chat.post", {"text": "kept"}))["type"] == "ack"
    await raw.socket.close()
    await eventually(lambda: node.hub.find(session) is None)
    raw = await Raw.join(node, session, token)
    assert raw.heard[1]["state"]["messages"][0]["text"] == "kept"
