"""What was removed is told to nobody who catches up, from wherever they do."""

import pytest

from protocol import commands as cmd
from protocol.frames import Ack
from server.hub import ring
from tests.patience import eventually

from .raw import Raw
from .test_slow_readers import Stalling

SECRET = "the-word-that-was-taken-back"


@pytest.fixture
async def spoken(lesson):
    """A class in which something was said, pinned, answered, and said again."""
    await lesson.bob.say(cmd.ChatPost("first"))
    await lesson.bob.say(cmd.ChatPost(SECRET))
    await lesson.caught_up()
    message = next(m for m in lesson.ann.client.state.messages if m.text == SECRET)
    await lesson.teacher.say(cmd.ChatPin(message.message))
    await lesson.bob.say(cmd.ChatPost("last"))
    lesson.message = message.message
    return lesson


async def heard_from(lesson, position, view="student"):
    who = lesson.ann if view == "student" else lesson.teacher
    raw = await Raw.open(lesson._node, lesson.session)
    role = "student" if view == "student" else "teacher"
    await raw.send(
        {
            "type": "hello",
            "token": lesson.token(role, user=who.client.welcome.me.user),
            "resume": {"log": lesson.room.place.log_id, "sequence": position, "view": view},
        }
    )
    await raw.hear("mine")
    return raw


def texts(raw):
    """Return sequence → text, of every event heard that has one."""
    return {
        event["sequence"]: event["data"]["text"]
        for frame in raw.heard
        if frame["type"] == "events"
        for event in frame["events"]
        if "text" in event["data"]
    }


@pytest.mark.parametrize("view", ["student", "staff"])
@pytest.mark.parametrize("is_reopened", [False, True])
async def test_who_resumes_from_before_a_removal_hears_blanks(spoken, view, is_reopened):
    room = spoken.room
    told = texts(await heard_from(spoken, 0, view))
    assert list(told.values()) == ["first", SECRET, SECRET, "last"]
    blank = [sequence for sequence, text in told.items() if text == SECRET]
    assert isinstance(await spoken.teacher.say(cmd.ChatRemove(spoken.message)), Ack)
    if is_reopened:
        spoken._node.hub._running[spoken.session].cancel()
        await eventually(lambda: spoken.room not in (room, None) and spoken.room.is_loaded)
    for position in (0, blank[0] - 1, blank[1] - 1):
        raw = await heard_from(spoken, position, view)
        assert raw.heard[0]["recovery"] == "replay"
        assert SECRET not in str(raw.heard)
        assert {told for n, told in texts(raw).items() if n in blank} == {""}
    after = texts(await heard_from(spoken, 0, view))
    assert {n: text for n, text in after.items() if n not in blank} == {
        n: text for n, text in told.items() if n not in blank
    }
    # What is restored may be heard again, also where it was said first.
    assert isinstance(await spoken.teacher.say(cmd.ChatRestore(spoken.message)), Ack)
    again = texts(await heard_from(spoken, 0, view))
    assert list(again.values()).count(SECRET) == 3
    assert isinstance(await spoken.teacher.say(cmd.ChatRemove(spoken.message)), Ack)
    assert SECRET not in str((await heard_from(spoken, 0, view)).heard)


@pytest.mark.parametrize("frames", [4096, 4])
async def test_who_lags_while_something_is_removed_never_hears_it(
    lesson, frames, monkeypatch, unlimited
):
    monkeypatch.setattr(ring, "RING_FRAMES", frames)
    slow = await Stalling.join(lesson)
    await lesson.caught_up()
    # Fill its socket, so that it lags, before the word is said.
    while not slow.peer.is_behind:
        for _ in range(10):
            await lesson.teacher.say(cmd.ChatPost("x" * 1900))
    await lesson.bob.say(cmd.ChatPost(SECRET))
    await lesson.caught_up()
    message = lesson.ann.client.state.messages[-1]
    assert message.text == SECRET
    await lesson.bob.say(cmd.ChatPost("after"))
    assert isinstance(await lesson.teacher.say(cmd.ChatRemove(message.message)), Ack)
    await lesson.caught_up()
    assert slow.peer.is_behind
    head = lesson.room.head.sequence
    await slow.read(lambda self: self.client.position >= head)
    assert SECRET not in str(slow.raw.heard)
    assert slow.client.gaps == 0
    assert slow.client.state == lesson.ann.client.state
