"""Viewers: what is sent of a unit, when a viewer begins and begins again, and who may join."""

import asyncio

import pytest
from aiortc.codecs.h264 import h264_depayload

from server.clock import SystemClock
from server.media import h264
from server.media.bus import Bus
from server.media.h264 import join_annexb, join_lengths
from server.media.ingest.assembler import AccessUnit, VideoAssembler
from server.media.unit import EncodedUnit, Kind
from server.media.viewers import admission
from server.media.viewers.admission import Admission, NotAdmittedError
from server.media.viewers.fanout import Fanout
from server.media.viewers.feed import (
    QUEUE_MS,
    QUEUE_PACKETS,
    REPLAY_AFTER_SECONDS,
    REPLAY_PACKETS,
    STUCK_SECONDS,
    Feed,
    replayable,
)
from server.media.viewers.packetizer import PAYLOAD_BYTES, Frame, frame, packetize
from server.tasks import Supervisor
from tests.unit.media.test_h264 import encoded

SPS, PPS = encoded(640, 360, "Baseline")
PARAMETERS = h264.parameters(SPS, PPS)

# Packets of pictures.


def slices(*sizes: int) -> list[bytes]:
    """Make IDR slices; only the first one starts the picture."""
    return [
        b"\x65" + (b"\x88" if number == 0 else b"\x08") + bytes(n * 7 & 0xFF for n in range(size))
        for number, size in enumerate(sizes)
    ]


@pytest.mark.parametrize(
    "sizes",
    [(10,), (1197, 1198), (1199,), (1200,), (2395,), (2396,), (2397,), (90_000,), (40, 5000, 40)],
)
def test_what_is_packetized_is_assembled_byte_for_byte(sizes: tuple[int, ...]) -> None:
    nals = slices(*sizes)
    unit = EncodedUnit(Kind.VIDEO, 40, True, join_lengths(nals), PARAMETERS)
    made = frame(unit)
    assembler = VideoAssembler()
    units: list[AccessUnit] = []
    for number, payload in enumerate(made.payloads):
        assert len(payload) <= PAYLOAD_BYTES
        is_last = number == len(made.payloads) - 1
        units += assembler.add(number, made.timestamp, is_last, h264_depayload(payload), 0.0)
    (assembled,) = units
    assert join_annexb(assembled.nals) == join_annexb(nals)
    assert assembled.parameters == PARAMETERS
    assert made.timestamp == 40 * 90


def test_pieces_of_a_slice_are_of_one_size_but_for_the_last() -> None:
    sizes = [len(payload) for payload in packetize(slices(30_000))]
    assert set(sizes[:-1]) == {PAYLOAD_BYTES}
    assert sizes[-1] <= PAYLOAD_BYTES


def test_sound_is_one_packet_at_48_khz() -> None:
    made = frame(EncodedUnit(Kind.OPUS, 60, False, b"opus"))
    assert (list(made.payloads), made.timestamp, made.is_video) == ([b"opus"], 2880, False)


# A viewer's feed.


class Socket:
    """An outlet that can be told to take nothing."""

    def __init__(self) -> None:
        self.sent: list[Frame] = []
        self.is_full = False

    def flush(self) -> bool:
        return not self.is_full

    def send(self, frame: Frame) -> None:
        self.sent.append(frame)


def picture(ms: int, *, key: bool = False, packets: int = 3) -> Frame:
    return Frame([b"p"] * packets, ms, is_video=True, is_key=key)


def sound(ms: int) -> Frame:
    return Frame([b"s"], ms, is_video=False)


@pytest.fixture
def socket() -> Socket:
    return Socket()


@pytest.fixture
def feed(socket: Socket) -> Feed:
    return Feed(socket, 0.0)


def test_a_viewer_begins_at_a_keyframe_and_hears_at_once(feed: Feed, socket: Socket) -> None:
    feed.give(picture(0), 0.0)
    feed.give(sound(20), 0.02)
    feed.give(picture(40, key=True), 0.04)
    feed.give(picture(80), 0.08)
    assert [each.ms for each in socket.sent] == [20, 40, 80]


def test_what_a_full_socket_refuses_waits_and_leaves_in_order(feed: Feed, socket: Socket) -> None:
    feed.give(picture(0, key=True), 0.0)
    socket.is_full = True
    assert feed.give(picture(40), 0.04) == 0
    assert feed.give(sound(60), 0.06) == 0
    socket.is_full = False
    assert feed.give(picture(80), 0.08) == 7
    assert [each.ms for each in socket.sent] == [0, 40, 60, 80]
    assert feed.dropped == 0


def test_frames_that_wait_too_long_are_dropped_until_a_keyframe(feed: Feed, socket: Socket) -> None:
    feed.give(picture(0, key=True), 0.0)
    socket.is_full = True
    for ms in range(40, 40 + QUEUE_MS + 41, 40):
        feed.give(picture(ms), ms / 1000)
    assert feed.waits_for_key
    assert feed.dropped == 9
    socket.is_full = False
    assert feed.give(picture(400), 0.4) == 0
    feed.give(picture(440, key=True), 0.44)
    assert [each.ms for each in socket.sent] == [0, 440]


def test_too_many_packets_are_dropped_however_young(feed: Feed, socket: Socket) -> None:
    feed.give(picture(0, key=True), 0.0)
    socket.is_full = True
    feed.give(picture(33, packets=QUEUE_PACKETS), 0.033)
    assert not feed.waits_for_key
    feed.give(picture(66, packets=1), 0.066)
    assert feed.waits_for_key


def test_a_socket_that_takes_nothing_for_ten_seconds_is_given_up(
    feed: Feed, socket: Socket
) -> None:
    socket.is_full = True
    feed.give(sound(0), 0.0)
    assert not feed.is_stuck(STUCK_SECONDS - 0.1)
    assert feed.is_stuck(STUCK_SECONDS)
    socket.is_full = False
    feed.give(sound(20), STUCK_SECONDS)
    assert not feed.is_stuck(STUCK_SECONDS)


def test_the_last_group_is_replayed_only_when_no_keyframe_comes(feed: Feed) -> None:
    assert not feed.is_due_replay(REPLAY_AFTER_SECONDS - 0.1)
    assert feed.is_due_replay(REPLAY_AFTER_SECONDS)
    feed.give(picture(0, key=True), REPLAY_AFTER_SECONDS)
    assert not feed.is_due_replay(REPLAY_AFTER_SECONDS)


def test_a_replay_is_over_when_its_last_picture_is_due(feed: Feed, socket: Socket) -> None:
    group = [picture(ms, key=ms == 1000) for ms in range(1000, 3000, 40)]
    feed.replay(group, group[-1].ms, 1.0)
    feed.give(picture(3000), 1.04)
    times = [each.ms for each in socket.sent]
    assert times == [*range(2911, 2961), 3000]
    assert [each.payloads for each in socket.sent[:-1]] == [each.payloads for each in group]


def test_a_group_too_large_to_be_sent_again_is_not_replayed() -> None:
    assert replayable([picture(0, key=True, packets=REPLAY_PACKETS)])
    assert not replayable([picture(0, key=True, packets=REPLAY_PACKETS), picture(40, packets=1)])


# The door.


async def test_when_the_fan_out_could_not_follow_everybody_waits_for_a_keyframe(
    feed: Feed, socket: Socket
) -> None:
    bus = Bus()
    fanout = Fanout(bus, SystemClock())
    async with Supervisor("test") as tasks:
        tasks.start("fanout", fanout.run())
        fanout.add(feed, on_stuck=lambda: None)

        async def shown(ms: int, *, key: bool) -> int:
            bus.publish(EncodedUnit(Kind.VIDEO, ms, key, join_lengths(slices(50)), PARAMETERS))
            for _ in range(5):
                await asyncio.sleep(0)
            return len(socket.sent)

        await asyncio.sleep(0)
        assert await shown(0, key=True) == 1
        assert await shown(40, key=False) == 2
        subscription = fanout._subscription
        assert subscription is not None
        subscription.queue.overflowed = True
        subscription.wake()
        for _ in range(5):
            await asyncio.sleep(0)
        assert fanout._subscription is not subscription
        assert await shown(80, key=False) == 2
        assert await shown(120, key=True) == 3
        assert await shown(160, key=False) == 4


async def test_two_join_at_a_time_and_those_who_wait_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admission, "SPACE_SECONDS", 0.0)
    monkeypatch.setattr(admission, "VIEWERS", 1000)
    door = Admission(lambda: 0)
    inside = most = 0
    refused: list[int] = []

    async def join() -> None:
        nonlocal inside, most
        try:
            leave = await door.enter()
        except NotAdmittedError as error:
            answer = error.answer()
            assert answer.status == 503
            refused.append(int(answer.headers["Retry-After"]))
            return
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1
        leave()
        leave()

    await asyncio.gather(*(join() for _ in range(100)))
    assert most == admission.AT_ONCE
    assert 0 < len(refused) <= 100 - admission.WAITING
    assert door.waiting == 0


async def test_those_who_join_are_spaced_and_who_never_connects_makes_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admission, "SPACE_SECONDS", 0.02)
    monkeypatch.setattr(admission, "HOLD_SECONDS", 0.1)
    door = Admission(lambda: 0)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(6):
        await door.enter()
        # Two at once: the third and the fifth waited for those before them to be given up.
        least = 0.02 * (number % 2) + 0.1 * (number // 2)
        assert loop.time() - began >= 0.95 * least


async def test_a_full_worker_lets_nobody_in() -> None:
    watching = admission.VIEWERS
    door = Admission(lambda: watching)
    with pytest.raises(NotAdmittedError):
        await door.enter()
    watching -= 1
    (await door.enter())()
