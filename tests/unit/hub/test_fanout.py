"""The fan-out on sockets made of bytes: what is written, to whom, in which order."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import CloseCode
from server.errors import UnavailableError
from server.hub import fanout, peer, ring
from server.hub.fanout import Feed
from server.hub.peer import Peer
from server.hub.wire import Frame, websocket_frame
from server.tasks import Supervisor
from tests.patience import PATIENCE
from tests.unit.hub.hall import settled

ENDLESS = 10**9


class Reader:
    """A peer and its transport, which pauses above ``high`` bytes that were not taken.

    As with aiohttp's, all who wait for it to drain share one future.
    """

    def __init__(self, high=ENDLESS):
        self.high, self.is_lost = high, False
        self.taken, self.buffer = b"", b""
        self.writes, self.goodbyes, self.greetings = 0, [], 0
        self._waiter = None
        self.peer = Peer(
            self, is_paused=lambda: self.is_paused, drain=self.drain, close=self.say_goodbye
        )
        self.peer.on_current = self.greet

    def write(self, data):
        assert not self.is_lost, "written after the end"
        self.writes += 1
        self.buffer += data

    def is_closing(self):
        return self.is_lost

    def get_write_buffer_size(self):
        return len(self.buffer)

    @property
    def is_paused(self):
        return len(self.buffer) > self.high

    async def drain(self):
        if self.is_paused and not self.is_lost:
            self._waiter = self._waiter or asyncio.get_running_loop().create_future()
            await self._waiter

    def take(self, size=ENDLESS):
        self.taken, self.buffer = self.taken + self.buffer[:size], self.buffer[size:]
        if not self.is_paused:
            self._wake()

    def lose(self):
        self.is_lost = True
        self._wake()

    def say_goodbye(self, code):
        self.goodbyes.append(code)
        self.peer.finish(b"bye")

    def greet(self):
        self.greetings += 1

    @property
    def payloads(self):
        """Every frame written so far."""
        data, place, found = self.taken + self.buffer, 0, []
        while place < len(data):
            size, start = data[place + 1], place + 2
            if size >= 126:
                width = 2 if size == 126 else 8
                size, start = int.from_bytes(data[start : start + width], "big"), start + width
            found.append(data[start : start + size])
            place = start + size
        assert place == len(data), "a frame is cut"
        return found

    def position(self, position=0):
        """Where a client is that has read everything from ``position``; fails on a gap."""
        for payload in self.payloads:
            if payload[:1].isdigit():
                first, last = map(int, payload.partition(b";")[0].split(b"-"))
                assert first <= position + 1, f"gap: {first} after {position}"
                position = max(position, last)
        return position

    def _wake(self):
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


class Log:
    """The frames of one feed, readable as the log is."""

    def __init__(self, tasks):
        self.frames, self.reads, self.error = [], 0, None
        self.feed = Feed(head=0, read=self.read, tasks=tasks)

    def publish(self, size=1, width=1):
        first = self.feed.head + 1
        payload = b"%d-%d;" % (first, first + width - 1) + b"x" * size
        self.frames.append(Frame(first, first + width - 1, websocket_frame(payload)))
        self.feed.publish(first, first + width - 1, payload)

    async def read(self, after, head):
        await asyncio.sleep(0)
        self.reads += 1
        if self.error is not None:
            raise self.error
        return next(each for each in self.frames if each.last > after)

    def reader(self, position=0, high=ENDLESS):
        reader = Reader(high)
        self.feed.attach(reader.peer, position)
        return reader


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    """However busy this machine is: no flush counts as long."""
    monkeypatch.setattr(fanout, "LONG_SECONDS", 3600.0)


@pytest.fixture
async def tasks():
    async with Supervisor("test") as tasks:
        yield tasks


@pytest.fixture
def log(tasks):
    return Log(tasks)


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_frame_is_one_that_a_reader_understands(size):
    reader = Reader()
    reader.write(websocket_frame(b"x" * size))
    assert reader.payloads == [b"x" * size]


async def test_what_is_published_in_one_tick_is_one_write_per_peer(log):
    readers = [log.reader() for _ in range(3)]
    for _ in range(5):
        log.publish()
    log.feed.tell(b"counters")
    readers[0].peer.send(b"answer")
    await settled()
    assert [reader.writes for reader in readers] == [1, 1, 1]
    assert [reader.position() for reader in readers] == [5, 5, 5]
    assert readers[0].payloads[0] == b"answer"
    assert readers[1].payloads[-1] == b"counters"


async def test_a_big_class_is_written_to_in_slices(log, monkeypatch):
    monkeypatch.setattr(fanout, "SLICE", 2)
    readers = [log.reader() for _ in range(5)]
    log.publish()
    written = []
    for _ in range(4):
        await asyncio.sleep(0)
        written.append(sum(reader.writes for reader in readers))
    assert written == [2, 4, 5, 5]
    log.publish()
    await asyncio.sleep(0)
    log.publish()  # in mid-flush
    await settled()
    assert [reader.position() for reader in readers] == [3] * 5


async def test_who_leaves_in_mid_flush_is_told_nothing_more(log, tasks, monkeypatch):
    monkeypatch.setattr(fanout, "SLICE", 1)
    readers = [log.reader() for _ in range(4)]
    other = Log(tasks)
    log.publish()
    await asyncio.sleep(0)
    pending = [reader for reader in readers if not reader.writes]
    gone, moved, finished = pending
    log.feed.detach(gone.peer)
    log.feed.detach(moved.peer)
    other.feed.attach(moved.peer, 0)
    finished.peer.finish(b"bye")
    finished.peer.send(b"late")
    await settled()
    assert (gone.payloads, moved.payloads, finished.payloads) == ([], [], [b"bye"])
    other.publish()
    log.feed.attach(finished.peer, 0)
    log.publish()
    await settled()
    assert (gone.writes, moved.position(), finished.payloads) == (0, 1, [b"bye"])


async def test_a_slow_peer_is_left_alone_until_it_drains(log):
    slow, quick = log.reader(high=100), log.reader()
    log.publish(size=200)
    await settled()
    assert (log.feed.behind, len(log.feed)) == (1, 2)
    for _ in range(10):
        log.publish(size=50)
        log.feed.tell(b"felt")
        await settled()
    slow.peer.send(b"answer")
    await settled()
    assert (slow.writes, quick.position()) == (1, 11)
    slow.take()
    await settled()
    slow.take()
    await settled()
    assert (slow.position(), log.feed.behind, log.reads) == (11, 0, 0)
    assert b"answer" in slow.payloads
    assert b"felt" not in slow.payloads
    assert slow.greetings == 2  # on joining, and now


async def test_an_answer_that_fills_the_socket_costs_no_frame(log, monkeypatch):
    monkeypatch.setattr(fanout, "SLICE", 1)
    for is_mid_flush in (False, True):
        readers = [log.reader(log.feed.head, high=100) for _ in range(3)]
        starts = log.feed.head
        if is_mid_flush:
            log.publish()
            await asyncio.sleep(0)
        for reader in readers:
            reader.peer.send(b"x" * 200)
        if not is_mid_flush:
            log.publish()
        await settled()
        assert log.feed.behind >= 2
        for reader in readers:
            reader.take()
        await settled()
        assert [reader.position(starts) for reader in readers] == [log.feed.head] * 3
        for reader in readers:
            log.feed.detach(reader.peer)


async def test_catching_up_goes_at_the_pace_of_the_socket(log, monkeypatch):
    monkeypatch.setattr(ring, "CATCH_UP_BYTES", 300)
    slow = log.reader(high=400)
    for _ in range(20):
        log.publish(size=100)
        await settled(3)
    while slow.position() < 20:
        assert len(slow.buffer) <= 400 + 300 + 100
        slow.take()
        await settled()
    slow.take()
    await settled()
    assert log.feed.behind == 0


async def test_what_the_ring_has_dropped_is_read_from_the_log(log, monkeypatch):
    monkeypatch.setattr(ring, "RING_FRAMES", 8)
    for _ in range(30):
        log.publish()
    assert len(log.feed._ring._frames) <= 8
    new = log.reader(position=2)
    await settled(80)
    assert (new.position(2), log.feed.behind) == (30, 0)
    assert log.reads > 0
    monkeypatch.setattr(ring, "RING_BYTES", 1000)
    for _ in range(10):
        log.publish(size=5_000)
    await settled()
    assert log.feed._ring._bytes <= 1000
    assert new.position(2) == 40


async def test_what_is_to_be_forgotten_is_read_from_the_log(log):
    for _ in range(6):
        log.publish(width=2)
    log.feed.forget(7)  # in the middle of the fourth frame
    for position, reads in [(8, 0), (11, 0), (12, 0), (7, 1), (6, 1), (0, 4)]:
        log.reads = 0
        reader = log.reader(position)
        await settled()
        assert (log.reads, reader.position(position)) == (reads, 12)
    log.feed.forget(12)
    log.publish()
    reader = log.reader(12)
    assert reader.position(12) == 13
    assert reader.greetings == 1


async def test_a_log_that_is_away_is_waited_for(log, monkeypatch):
    monkeypatch.setattr(ring, "RING_FRAMES", 2)
    log.error = UnavailableError(retry_seconds=0.001)
    for _ in range(9):
        log.publish()
    late = log.reader()
    await asyncio.sleep(0.01)
    assert (late.goodbyes, late.payloads, log.feed.behind) == ([], [], 1)
    log.error = None
    await asyncio.sleep(0.01)
    await settled(80)
    assert late.position() == 9


async def test_who_cannot_be_caught_up_is_closed_and_not_forgotten(log, monkeypatch):
    monkeypatch.setattr(ring, "RING_FRAMES", 2)
    log.error = ZeroDivisionError()
    for _ in range(9):
        log.publish()
    late = log.reader()
    await settled()
    assert (late.goodbyes, len(log.feed)) == ([CloseCode.TOO_SLOW], 0)


async def test_only_who_takes_nothing_at_all_is_closed(log, monkeypatch):
    monkeypatch.setattr(peer, "STALLED_SECONDS", 0.3)
    stalled, slow = log.reader(high=100), log.reader(high=100)
    log.publish(size=10_000)
    log.publish(size=10_000)
    async with asyncio.timeout(PATIENCE):
        while not stalled.goodbyes:
            await asyncio.sleep(0.02)
            slow.take(100)  # never enough to resume, always more than nothing
    assert stalled.goodbyes == [CloseCode.TOO_SLOW]
    assert stalled.payloads[-1] == b"bye"
    assert (slow.goodbyes, log.feed.behind) == ([], 1)
    slow.take()
    await settled()
    assert (slow.position(), log.feed.behind) == (2, 0)


async def test_a_peer_that_asks_again_while_behind_catches_up_all_the_same(log):
    slow = log.reader(high=100)
    log.publish(size=200)
    await settled()
    log.publish(size=200)
    for _ in range(3):
        log.feed.attach(slow.peer, 0)
        await settled()
    slow.take()
    await settled()
    slow.take()
    await settled()
    assert (slow.position(), log.feed.behind) == (2, 0)


async def test_a_lost_connection_ends_its_catching_up(log):
    lost = log.reader(high=10)
    log.publish(size=200)
    await settled()
    lost.lose()
    await settled()
    assert (log.feed.behind, lost.goodbyes) == (0, [CloseCode.TOO_SLOW])
    late = Reader(high=0)
    late.buffer, late.is_lost = b"xx", True
    log.feed.attach(late.peer, 0)
    await asyncio.wait_for(settled(), PATIENCE)


async def test_what_waits_for_one_peer_alone_is_bounded(log, monkeypatch):
    for bound, value in (("OUTBOX_FRAMES", 10), ("OUTBOX_BYTES", 500)):
        monkeypatch.setattr(peer, bound, value)
        slow = log.reader(high=100)
        log.publish(size=200)
        await settled()
        for _ in range(11):
            slow.peer.send(b"x" * 60 if bound == "OUTBOX_BYTES" else b"x")
        assert slow.goodbyes == [CloseCode.TOO_SLOW]
        monkeypatch.setattr(peer, bound, ENDLESS)


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(0, 60), st.integers(1, 3)),
        st.tuples(st.just("tell")),
        st.tuples(st.just("turn"), st.integers(1, 4)),
        st.tuples(st.just("take"), st.integers(0, 4), st.integers(1, 200)),
        st.tuples(st.just("send"), st.integers(0, 4), st.sampled_from((1, 100))),
        st.tuples(st.just("resync"), st.integers(0, 4), st.integers(0, 50)),
        st.tuples(st.just("leave"), st.integers(0, 4)),
        st.tuples(st.just("join"), st.integers(0, 4), st.integers(0, 50)),
        st.tuples(st.just("log"), st.booleans()),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(_STEPS)
def test_no_interleaving_loses_a_frame_or_an_answer(steps):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fanout, "SLICE", 2)
        patch.setattr(ring, "RING_FRAMES", 6)
        patch.setattr(ring, "CATCH_UP_BYTES", 80)
        asyncio.run(_interleave(steps))


async def _interleave(steps):
    async with Supervisor("test") as tasks:
        log = Log(tasks)
        seats = [log.reader(high=60 if number % 2 else ENDLESS) for number in range(5)]
        starts, sent = [0] * 5, [0] * 5
        for step in steps:
            match step:
                case "publish", size, width:
                    log.publish(size, width)
                case ("tell",):
                    log.feed.tell(b"felt")
                case "turn", turns:
                    await settled(turns)
                case "take", number, size:
                    seats[number].take(size)
                case "send", number, size:
                    sent[number] += 1
                    seats[number].peer.send(b"to you".ljust(size))
                case "resync", number, back:
                    log.feed.attach(
                        seats[number].peer, max(0, seats[number].position(starts[number]) - back)
                    )
                case "leave", number:
                    log.feed.detach(seats[number].peer)
                case "join", number, back:
                    log.feed.detach(seats[number].peer)
                    starts[number], sent[number] = max(0, log.feed.head - back), 0
                    seats[number] = log.reader(starts[number], seats[number].high)
                case "log", is_away:
                    log.error = UnavailableError(retry_seconds=0) if is_away else None
        log.error = None
        for number, seat in enumerate(seats):
            log.feed.attach(seat.peer, seat.position(starts[number]))
        log.publish()
        for _ in range(300):
            await settled(4)
            for seat in seats:
                seat.take()
            if not log.feed.behind and all(
                seat.position(start) == log.feed.head
                for seat, start in zip(seats, starts, strict=True)
            ):
                break
        await settled(6)
        assert [seat.position(start) for seat, start in zip(seats, starts, strict=True)] == [
            log.feed.head
        ] * 5
        heard = [[each.strip() for each in seat.payloads] for seat in seats]
        assert [each.count(b"to you") for each in heard] == sent
        assert log.feed.behind == 0
        assert not any(seat.goodbyes for seat in seats)
