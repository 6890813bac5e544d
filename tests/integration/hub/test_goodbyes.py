"""How a connection ends from our side, where no other file has it: restarts, drains, floods."""

import asyncio
import time
from contextlib import suppress

from protocol import commands as cmd
from protocol.limits import ABUSE_FACTOR, COMMAND_BURST
from server.hub import socket as socket_module
from server.hub.asks import Perform
from server.hub.connection import Connection
from server.ids import new_id
from tests.patience import PATIENCE

from .raw import Raw


async def test_who_has_not_said_hello_is_sent_on_by_a_drain(lesson, node):
    silent = [await Raw.open(node, lesson.session) for _ in range(3)]
    inside = await lesson.raw()
    draining = asyncio.ensure_future(node.hub.drain())
    for raw in (*silent, inside):
        bye, code = await raw.farewell()
        assert (bye["code"], code) == (4101, 4101)
        assert 0 < bye["retry_ms"] <= 1200
    await draining
    late = await Raw.open(node, lesson.session)
    assert (await late.farewell())[1] == 4101  # without a hello


async def test_each_class_of_operations_has_a_bucket_of_its_own(lesson, in_no_time):
    raw = await lesson.raw()
    for _ in range(COMMAND_BURST + 1):
        await raw.command("session.end")
    codes = [answer["code"] for answer in await raw.answers(COMMAND_BURST + 1)]
    assert codes == ["forbidden"] * COMMAND_BURST + ["rate_limited"]
    assert (await raw.say("hand.raise"))["type"] == "ack"
    assert (await raw.say("chat.post", {"text": "heard"}))["type"] == "ack"
    await raw.send({"type": "roster"})
    assert (await raw.hear("roster"))["people"]
    # Whatever is drawn, there is room for three times as much of it.
    for _ in range(3 * COMMAND_BURST + 1):
        await raw.command("board.undo", {"asset": "nonsense"})
    codes = [answer["code"] for answer in await raw.answers(3 * COMMAND_BURST + 1)]
    assert "rate_limited" not in codes[:-1]
    assert codes[-1] == "rate_limited"


async def test_a_flood_is_ended_and_reaches_neither_the_class_nor_anybody_in_it(
    lesson, in_no_time, monkeypatch
):
    user = new_id()
    flooder, talker, watcher = [await lesson.raw(user=each) for each in (user, None, None)]
    reached, submit = [], lesson.room.submit

    def counted(ask):
        if isinstance(ask, Perform):
            reached.append(ask.who.user)
        submit(ask)

    monkeypatch.setattr(lesson.room, "submit", counted)
    heard, receive = [], Connection.receive

    async def heard_too(self, data):
        heard.append(self.id)
        await receive(self, data)

    monkeypatch.setattr(Connection, "receive", heard_too)

    async def flood():
        with suppress(ConnectionError):
            while not flooder.socket.closed:
                await flooder.command("chat.post", {"text": "spam"})
                await asyncio.sleep(0)  # the server is in this loop, too

    flooding = asyncio.ensure_future(flood())
    for n in range(10):
        assert (await talker.say("chat.post", {"text": f"line {n}"}))["type"] == "ack"
    bye, code = await flooder.farewell()
    await flooding
    assert (bye["code"], bye["retry_ms"], code) == (4513, None, 4513)
    again = await Raw.open(lesson._node, lesson.session)
    await again.send({"type": "hello", "token": lesson.token(user=user)})
    assert (await again.farewell())[1] == 4513, "who comes straight back is kept out"
    # What is over the rate is answered at the door: the class decides no more than that.
    me = flooder.heard[0]["connection"]
    assert reached.count(user) == COMMAND_BURST
    # After the goodbye nothing is heard any more, however much comes.
    assert heard.count(me) == ABUSE_FACTOR * COMMAND_BURST + 1
    seen = []
    while len(seen) < 10:
        events = (await watcher.hear("events"))["events"]
        seen += [each["data"]["text"] for each in events if each["data"].get("text") != "spam"]
    assert seen == [f"line {n}" for n in range(10)]


async def test_a_goodbye_reaches_who_is_talking(lesson, unlimited, monkeypatch):
    """Their connection is not reset under what they say: that would take the goodbye from them."""
    monkeypatch.setattr(socket_module, "CLOSE_SECONDS", PATIENCE)
    user = new_id()
    raw = await lesson.raw(user=user)
    wire = raw.socket._response.connection.transport
    wire.pause_reading()  # they do not know yet
    removal = asyncio.ensure_future(lesson.teacher.say(cmd.ParticipantRemove(user)))
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        await raw.send({"type": "signal", "kind": "typing", "data": {"in": "chat" * 60}})
        await asyncio.sleep(0.001)
    await removal
    wire.resume_reading()
    bye, code = await raw.farewell()
    assert (bye["code"], code) == (4503, 4503)
