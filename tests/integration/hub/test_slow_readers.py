"""Who reads slowly, or not at all, is not felt by anybody else, and loses nothing."""

import asyncio
import fcntl
import socket
import sys
import termios

import pytest

from protocol import commands as cmd
from protocol.client import Client
from server.hub import peer, ring, welcome
from server.hub.asks import Perform, Who
from server.ids import new_id
from tests.patience import PATIENCE, Stopwatch, eventually

from .raw import Raw

LINES = 2_000


@pytest.fixture
def chatter(lesson):
    """Tell 2,000 large lines, as fast as the log takes them."""
    me = lesson.teacher.client.welcome.me

    async def chatter(lines=LINES):
        told, done = 0, asyncio.Event()

        def answered(outcome):
            nonlocal told
            assert hasattr(outcome, "first"), outcome
            told += 1
            done.set()

        who = Who(me.user, me.name, "teacher")
        for number in range(lines):
            line = f"{number} ".ljust(1900, "x")
            lesson.room.submit(Perform(who, new_id(), cmd.ChatPost(line), None, answered))
            while number - told > 500:
                done.clear()
                await done.wait()
        while told < lines:
            done.clear()
            await done.wait()

    return chatter


class Stalling:
    """A reader on a plain socket with a small buffer, so that not reading is felt at once."""

    def __init__(self, raw):
        self.raw = raw
        self.client = Client("", new_key=new_id)
        self.client.phase = "live"

    @classmethod
    async def join(cls, lesson, **more):
        raw = await lesson.raw(**more)
        await raw.say("hand.raise")
        self = cls(raw)
        for frame in raw.frames:
            self.client.receive(frame)
        self.user = raw.heard[0]["me"]["user"]
        self.transport = raw.socket._response.connection.transport
        # Nothing is read until somebody asks for it, and the kernel holds little meanwhile.
        self.transport.pause_reading()
        ours = self.transport.get_extra_info("socket")
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        (seat,) = lesson.room.seating._seats[self.user]
        self.peer = seat.peer
        return self

    @property
    def held(self):
        """How many bytes the server and its kernel hold for it."""
        theirs = self.peer.wire.get_extra_info("socket")
        unsent = fcntl.ioctl(theirs.fileno(), termios.TIOCOUTQ, bytes(4))
        waiting = self.peer.wire.get_write_buffer_size() + sum(map(len, self.peer.outbox))
        return waiting + int.from_bytes(unsent, sys.byteorder)

    async def read(self, until, seconds=PATIENCE):
        self.transport.resume_reading()
        async with asyncio.timeout(seconds):
            while not until(self):
                frame = await self.raw.hear()
                if frame is None:
                    return
                self.client.receive(self.raw.frames[-1])
                for reply in self.client.data_to_send():
                    await self.raw.send(reply.decode())

    async def drip(self, enough):
        """Read a little at a time."""
        while not enough.is_set():
            before = len(self.raw.heard)
            await self.read(lambda self, before=before: len(self.raw.heard) > before)
            self.transport.pause_reading()
            await asyncio.sleep(0.02)


async def test_a_reader_that_stops_is_not_felt_and_catches_up(lesson, chatter, monkeypatch):
    slow, second = await Stalling.join(lesson), await Stalling.join(lesson)
    room = lesson.room
    await lesson.caught_up()
    watch = Stopwatch()
    await chatter()
    spent = watch.seconds
    await lesson.caught_up()
    # The others have everything in the time that the log needs, and a moment.
    assert watch.seconds < spent + 5
    assert not any(person.client.gaps for person in lesson.everybody)
    feed = room.seating.views["student"].feed
    assert feed.behind == 2
    for reader in (slow, second):
        assert reader.held < 1_000_000  # 4 MB were told: what it missed is not held for it
    # What is in every greeting does not wait for it, either.
    for _ in range(5):
        await lesson.ann.say(cmd.HandRaise())
        await lesson.ann.say(cmd.HandLower())  # moves everybody else in the queue
    await lesson.caught_up()
    assert slow.peer.outbox == []
    # Its pong may be on the way behind all this: that it reads is for the feed to judge.
    (connection,) = [each for each in lesson._node.hub.connections if each.seat.peer is slow.peer]
    connection._no_pong()
    head = room.head.sequence
    slow.raw.heard.clear()
    await slow.read(lambda self: self.client.position >= head)
    assert slow.client.gaps == 0
    assert slow.client.state == lesson.ann.client.state
    await slow.read(lambda self: self.raw.heard[-1]["type"] == "counters")
    after = [frame["type"] for frame in slow.raw.heard[-3:]]
    assert after == ["mine", "presence", "counters"]
    assert "full" in slow.raw.heard[-2]
    answer = await slow.raw.say("chat.post", {"text": "back"})
    assert answer["type"] == "ack"
    # What is shorter than the log since then is a snapshot.
    monkeypatch.setattr("server.hub.seating.REPLAY_MOST", 50)
    monkeypatch.setattr(ring, "RING_FRAMES", 4)
    await chatter(20)
    second.raw.heard.clear()
    await second.read(lambda self: self.client.position >= room.head.sequence)
    assert second.client.gaps == 0
    await lesson.caught_up()
    assert second.client.state == lesson.ann.client.state
    assert any(frame["type"] == "snapshot" for frame in second.raw.heard)


async def test_who_never_reads_is_closed_and_who_reads_slowly_is_not(lesson, chatter, monkeypatch):
    monkeypatch.setattr(peer, "STALLED_SECONDS", 2.0)
    goodbyes = []

    def goodbye(code, spread):
        goodbyes.append(code)
        return welcome.goodbye(code, spread)

    monkeypatch.setattr("server.hub.socket.goodbye", goodbye)
    never, slow = await Stalling.join(lesson), await Stalling.join(lesson)
    feed = lesson.room.seating.views["student"].feed
    before = len(feed)
    talking = asyncio.ensure_future(chatter())
    enough = asyncio.Event()
    await eventually(lambda: slow.peer.is_behind)
    # A ping would wait behind all this for longer than its pong may take: none is sent.
    (connection,) = [each for each in lesson._node.hub.connections if each.seat.peer is slow.peer]
    connection._ping()
    assert "pong" not in connection._timers
    dripping = asyncio.ensure_future(slow.drip(enough))
    await eventually(lambda: goodbyes)
    await talking
    assert goodbyes == [4108]
    await eventually(lambda: len(feed) == before - 1)
    enough.set()
    await dripping
    await lesson.caught_up()
    await slow.read(lambda self: self.client.position >= lesson.room.head.sequence)
    assert slow.client.state == lesson.ann.client.state
    assert (goodbyes, slow.client.gaps) == ([4108], 0)
    await never.read(lambda self: False)
    assert (never.client.bye.code, never.client.gaps) == (4108, 0)
    assert never.client.position < lesson.room.head.sequence
    # It comes back, with the position that it has, and nothing is missing.
    resume = {"log": lesson.room.place.log_id, "view": "student"}
    back = await Raw.open(lesson._node, lesson.session)
    await back.send(
        {
            "type": "hello",
            "token": lesson.token(user=never.user),
            "resume": resume | {"sequence": never.client.position},
        }
    )
    assert (await back.hear("welcome"))["recovery"] in ("replay", "live")
    position = never.client.position
    while position < lesson.room.head.sequence:
        frame = await back.hear("events")
        assert frame["from"] <= position + 1
        position = max(position, frame["to"])
