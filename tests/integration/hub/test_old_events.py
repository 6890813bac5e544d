"""An event that an old version stored: everybody reads it in today's shape."""

from protocol import commands as cmd
from protocol import upcast
from protocol.events import ChatPosted
from server.store import snapshots
from server.store.projector import Projector
from tests.patience import PATIENCE

from .classes import Class, snapshots_of
from .raw import Raw


async def test_an_old_event_is_told_as_todays(node, school, owner, monkeypatch):
    lesson = await Class.start(node, school)
    said = await lesson.does(lesson.ann, cmd.ChatPost("hello"))
    await lesson.close()
    # As if version 1 had called it so.
    async with owner.transaction():
        await owner.execute("ALTER TABLE session_state_events DISABLE TRIGGER USER")
        await owner.execute(
            "UPDATE session_state_events SET event_payload = "
            "event_payload - 'text' || '{\"words\": \"hello\"}' "
            "WHERE session_id = $1 AND sequence = $2",
            lesson.session, said.first,
        )  # fmt: skip
        await owner.execute("ALTER TABLE session_state_events ENABLE TRIGGER USER")
    await snapshots.drop(node.pools, lesson.session)
    monkeypatch.setattr(ChatPosted, "version", 2)
    monkeypatch.setitem(
        upcast.STEPS,
        ("chat.posted", 1),
        lambda data: {"text": data["words"]} | {k: v for k, v in data.items() if k != "words"},
    )

    room = await lesson.open()
    (message,) = room.state.messages.values()
    assert message.text == "hello"
    assert all(b'"text":"hello"' in frame for frame in snapshots_of(room).values())
    raw = await Raw.open(node, lesson.session)
    await raw.send(
        {
            "type": "hello",
            "token": school.token(lesson.session, user=lesson.bob.user),
            "resume": {"log": lesson.place.log_id, "sequence": said.first - 1, "view": "student"},
        }
    )
    (event, *_) = (await raw.hear("events"))["events"]
    assert (event["sequence"], event["version"]) == (said.first, 2)
    assert event["data"]["text"] == "hello"
    assert "words" not in event["data"]

    async with Projector(node.pools) as projector:
        assert await projector.wait_for(lesson.session, said.first, timeout=PATIENCE)
    text = await owner.fetchval(
        "SELECT message FROM chat_messages WHERE session_id = $1", lesson.session
    )
    assert text == "hello"
    # What is said today is stored as today's, and the chain holds over both.
    now = await lesson.does(lesson.ann, cmd.ChatPost("again"))
    version = await owner.fetchval(
        "SELECT event_version FROM session_state_events WHERE session_id = $1 AND sequence = $2",
        lesson.session, now.first,
    )  # fmt: skip
    assert version == 2
