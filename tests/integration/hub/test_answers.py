"""Answers: in the order of the commands, and never before what they rest on is committed."""

import asyncio
from contextlib import asynccontextmanager

import asyncpg
import pytest

from protocol import commands as cmd
from protocol.frames import Ack
from protocol.limits import ABUSE_FACTOR, IN_FLIGHT
from server.hub.asks import Committed, Perform, Who
from server.store.log import LogReader
from tests.patience import PATIENCE, eventually


@pytest.fixture
def held(database_url):
    @asynccontextmanager
    async def held(session):
        """Let no append of the session end before the block does."""
        connection = await asyncpg.connect(database_url)
        try:
            async with connection.transaction():
                await connection.execute(
                    "SELECT 1 FROM session_hubs WHERE session_id = $1 FOR UPDATE", session
                )
                yield
        finally:
            await connection.close()

    return held


async def test_nothing_is_said_before_it_is_committed(lesson, held, pools):
    raw, other = await lesson.raw(), await lesson.raw("teacher")
    head = (await other.say("chat.post", {"text": "before"}))["sequence"][1]
    await raw.up_to(head)
    if not any(frame.get("to") == head for frame in other.heard):
        await other.up_to(head)
    async with held(lesson.session):
        await raw.command("hand.raise", key="first")
        await raw.command("hand.raise")  # nothing to change once the first is stored
        await raw.command("hand.raise", key="first")  # a duplicate of what is not stored
        await raw.command("session.end")  # refused, but only on the state before it
        await raw.command("nonsense")  # refused whatever the state, but not before the others
        heard = await asyncio.gather(
            raw.hears_nothing_of("ack", "nack", "events", "mine", seconds=0.4),
            other.hears_nothing_of("events", "mine", seconds=0.4),
        )
        assert heard == [True, True]
        assert lesson.room.head.sequence == head
        assert len(await LogReader(pools).read(lesson.session, head)) == 0
    first, unchanged, again, refused, unknown = await raw.answers(5)
    assert first["sequence"] == again["sequence"] == [head + 1, head + 1]
    assert (first["duplicate"], again["duplicate"]) == (False, True)
    assert (unchanged["type"], unchanged["sequence"]) == ("ack", None)
    assert (refused["code"], unknown["code"]) == ("forbidden", "unknown_op")
    assert (await other.hear("events"))["to"] == head + 1
    assert len(await LogReader(pools).read(lesson.session, head)) == 1


async def test_answers_come_in_the_order_of_the_commands(lesson, unlimited):
    raw = await lesson.raw()
    asked = []
    for n in range(10):
        for op, data in [
            ("chat.post", {"text": f"{n}"}),
            ("nonsense", {}),
            ("chat.post", {"text": ""}),
        ]:
            asked.append((await raw.command(op, data), op, data))
    answers = await raw.answers(30)
    assert [answer["id"] for answer in answers] == [number for number, _, _ in asked]
    expected = ["ack", "unknown_op", "bad_request"] * 10
    assert [answer.get("code", answer["type"]) for answer in answers] == expected
    sequences = [answer["sequence"][0] for answer in answers if answer["type"] == "ack"]
    assert sequences == sorted(sequences)


async def test_only_so_many_commands_may_wait_for_their_answers(lesson, held, unlimited):
    raw, worse = await lesson.raw(), await lesson.raw()
    async with held(lesson.session):
        for n in range(IN_FLIGHT + 3):
            await raw.command("chat.post", {"text": f"{n}"})
        for _ in range(IN_FLIGHT * ABUSE_FACTOR + 1):
            await worse.command("nonsense")
            await worse.command("chat.post", {"text": "x"})
        bye, code = await worse.farewell()
        assert (bye["code"], code) == (4513, 4513)
    answers = await raw.answers(IN_FLIGHT + 3)
    assert [answer["type"] for answer in answers[:IN_FLIGHT]] == ["ack"] * IN_FLIGHT
    for answer in answers[IN_FLIGHT:]:
        assert (answer["code"], answer["retryable"]) == ("overloaded", True)
        assert answer["retry_ms"] > 0


async def test_one_poisonous_command_harms_nobody_else(node, school, tasks, pools):
    sessions = [await school.session() for _ in range(50)]
    people = [node.person(session, school.token(session, "teacher"), tasks) for session in sessions]
    assert all([isinstance(await each.say(cmd.SessionStart()), Ack) for each in people])
    connections = [each.client.welcome.connection for each in people]
    room = node.hub.find(sessions[0])
    outcomes = []
    who = Who(people[0].client.welcome.me.user, "Tess", "teacher")

    def ask(key, text):
        # Not through the codec, which would refuse it: this is what a defect would look like.
        room.submit(Perform(who, key, cmd.ChatPost(text), None, outcomes.append))

    for key, text in [("a", "good"), ("b", "bad \0"), ("c", "good, too"), ("d", "\0"), ("e", "!")]:
        ask(key, text)
    answers = await asyncio.gather(*(each.say(cmd.ChatPost("beside")) for each in people))
    assert all(isinstance(answer, Ack) for answer in answers)
    await eventually(lambda: len(outcomes) == 5)
    assert sorted(getattr(each, "code", "stored") for each in outcomes) == [
        "internal", "internal", "stored", "stored", "stored",
    ]  # fmt: skip
    firsts = [each.first for each in outcomes if isinstance(each, Committed)]
    assert firsts == sorted(firsts)
    assert [each.client.welcome.connection for each in people] == connections
    reader = LogReader(pools)
    assert (await reader.verify(sessions[0])).broken is None
    stored = [event for event in await reader.read(sessions[0], 0) if event.type == "chat.posted"]
    assert len(stored) == 4
    assert await people[0].until(lambda client: len(client.state.messages) == 4, PATIENCE)


async def test_a_command_that_our_own_code_fails_on_is_answered_and_forgotten(
    lesson, monkeypatch, pools
):
    import server.hub.draft as draft_module

    sound = draft_module.decide

    def decide(state, actor, command, **more):
        if getattr(command, "text", "") == "bug":
            raise ZeroDivisionError
        return sound(state, actor, command, **more)

    monkeypatch.setattr(draft_module, "decide", decide)
    raw = await lesson.raw()
    for text in ("one", "bug", "two"):
        await raw.command("chat.post", {"text": text})
    one, bug, two = await raw.answers(3)
    assert (one["type"], bug["code"], two["type"]) == ("ack", "internal", "ack")
    assert two["sequence"][0] == one["sequence"][1] + 1


async def test_the_events_of_a_command_are_told_to_the_one_who_asked_with_its_key(lesson):
    raw, other = await lesson.raw(), await lesson.raw()
    await raw.command("chat.post", {"text": "mine"}, key="my-key")
    for each in (raw, other):
        events = []
        while not events:
            events = (await each.hear("events"))["events"]
        assert (events[0]["key"], events[0]["data"]["text"]) == ("my-key", "mine")
