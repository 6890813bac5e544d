"""Whole units or none, whatever the network does."""

import random

import pytest
from aiortc.codecs import h264 as aiortc_h264

from server.media.ingest.assembler import (
    SLOTS,
    AccessUnit,
    AudioAssembler,
    Unwrapper,
    VideoAssembler,
)
from tests.unit.media.test_h264 import encoded

SPS, PPS = encoded(640, 360, "Baseline")

Packet = tuple[int, int, bool, bytes]


def slice_nal(kind: int, size: int, seed: int, *, first: bool = True) -> bytes:
    body = random.Random(seed).randbytes(size).replace(b"\x00", b"\x01")
    return bytes((kind | 0x60, (0x80 if first else 0x40) | 1)) + body


class Sender:
    """Makes the packets of a stream, as a depacketizer hands them on."""

    def __init__(self, sequence: int = 0, timestamp: int = 0) -> None:
        self.sequence = sequence
        self.timestamp = timestamp
        self.count = 0

    def unit(self, *nals: bytes) -> list[Packet]:
        payloads = aiortc_h264.H264Encoder._packetize(iter(nals))
        packets = []
        for index, payload in enumerate(payloads):
            data = aiortc_h264.h264_depayload(payload)
            last = index == len(payloads) - 1
            packets.append((self.sequence, self.timestamp, last, data))
            self.sequence = (self.sequence + 1) & 0xFFFF
        self.timestamp = (self.timestamp + 3000) & 0xFFFFFFFF
        self.count += 1
        return packets

    def key(self, size: int = 3000) -> list[Packet]:
        return self.unit(SPS, PPS, slice_nal(5, size, self.count))

    def delta(self, size: int = 500) -> list[Packet]:
        return self.unit(slice_nal(1, size, self.count))


def feed(
    assembler: VideoAssembler, packets: list[Packet], now: float = 0.0, step: float = 0.0
) -> list[AccessUnit]:
    units = []
    for packet in packets:
        units += assembler.add(*packet, now)
        now += step
    return units


def test_a_unit_is_complete_with_its_marker() -> None:
    sender, assembler = Sender(), VideoAssembler()
    (unit,) = feed(assembler, sender.key())
    assert unit.key
    assert unit.parameters.geometry == (640, 360)
    assert unit.nals == (slice_nal(5, 3000, 0),)
    (unit,) = feed(assembler, sender.delta())
    assert not unit.key
    assert unit.timestamp == 3000


@pytest.mark.parametrize("count", [1, 127, 128, 129, 160, 400, 1500])
def test_keyframes_of_many_packets_arrive_whole(count: int) -> None:
    sender, assembler = Sender(65_000), VideoAssembler()
    size = 1298 * count - 1200 if count > 1 else 500
    packets = sender.key(size)
    assert abs(len(packets) - count) <= 1
    (unit,) = feed(assembler, packets)
    assert unit.nals == (slice_nal(5, size, 0),)


def test_reordered_packets_make_the_same_units() -> None:
    chance = random.Random(7)
    sender = Sender(65_500, 0xFFFFFFFF - 4000)
    frames = [sender.key()] + [sender.delta(4000) for _ in range(60)]
    assembler = VideoAssembler()
    expected = feed(VideoAssembler(), [p for frame in frames for p in frame])
    packets = [p for frame in frames for p in frame]
    for index in range(0, len(packets) - 6, 6):
        window = packets[index + 1 : index + 6]
        chance.shuffle(window)
        packets[index + 1 : index + 6] = window
    units = feed(assembler, packets)
    assert units == expected
    assert len(units) == 61
    times = [u.timestamp for u in units]
    assert times == [times[0] + 3000 * n for n in range(61)]


def test_a_retransmission_in_time_repairs() -> None:
    sender, assembler = Sender(), VideoAssembler()
    assert len(feed(assembler, sender.key())) == 1
    packets = sender.delta(5000)
    lost = packets.pop(1)
    assert feed(assembler, packets, 1.0) == []
    following = sender.delta()
    assert feed(assembler, following, 1.03) == []
    units = feed(assembler, [lost], 1.06)
    assert len(units) == 2
    assert assembler.statistics.lost == 0


def test_a_hole_breaks_its_unit_and_what_follows_waits_for_a_keyframe() -> None:
    sender, assembler = Sender(), VideoAssembler()
    feed(assembler, sender.key())
    broken = sender.delta(5000)
    del broken[1]
    assert feed(assembler, broken, 1.0) == []
    assert not assembler.wants_keyframe(1.0)
    late = 1.0 + assembler.patience + 0.01
    assert feed(assembler, sender.delta(), late) == []
    assert assembler.wants_keyframe(late)
    assert not assembler.wants_keyframe(late + 0.1)
    assert assembler.wants_keyframe(late + 0.6)
    assert feed(assembler, sender.delta(), late + 0.1) == []
    (unit,) = feed(assembler, sender.key(), late + 0.2)
    assert unit.key
    assert not assembler.wants_keyframe(late + 5)


def test_a_lost_beginning_of_a_keyframe_never_passes_for_a_whole_one() -> None:
    for lost in range(3):
        sender, assembler = Sender(), VideoAssembler()
        feed(assembler, sender.key())
        # Several slices: the tail of the picture begins with a NAL unit of its own.
        packets = sender.unit(
            SPS,
            PPS,
            slice_nal(5, 2000, 1),
            slice_nal(5, 2000, 2, first=False),
            slice_nal(5, 2000, 3, first=False),
        )
        del packets[: lost + 1]
        # Packet by packet, so late that the hole is given up in the middle of the unit.
        assert feed(assembler, packets, 1.0, step=assembler.patience) == []
        assert feed(assembler, sender.delta(), 5.0) == []
        assert len(feed(assembler, sender.key(), 6.0)) == 1


def test_a_hole_that_holds_too_much_back_is_given_up() -> None:
    sender, assembler = Sender(), VideoAssembler()
    feed(assembler, sender.key())
    sender.delta()
    for _ in range(SLOTS + 5):
        assert feed(assembler, sender.delta(), 1.0) == []
    assert assembler.wants_keyframe(1.0)
    assert len(feed(assembler, sender.key(), 1.0)) == 1


def test_parameter_sets_of_earlier_units_serve_a_keyframe_without() -> None:
    sender, assembler = Sender(), VideoAssembler()
    assert feed(assembler, sender.unit(SPS, PPS)) == []
    (unit,) = feed(assembler, sender.unit(slice_nal(5, 900, 1)))
    assert unit.key
    assert unit.parameters.sps == SPS


def test_a_keyframe_without_any_parameter_set_is_nothing() -> None:
    sender, assembler = Sender(), VideoAssembler()
    assert feed(assembler, sender.unit(slice_nal(5, 900, 1))) == []
    assert assembler.wants_keyframe(0.0)


def test_padding_is_received_and_nothing() -> None:
    sender, assembler = Sender(), VideoAssembler()
    feed(assembler, sender.key())
    old = sender.timestamp - 3000
    padding = []
    for _ in range(3):
        padding.append((sender.sequence, old, False, b""))
        sender.sequence += 1
    assert feed(assembler, padding) == []
    assert len(feed(assembler, sender.delta())) == 1
    assert len(feed(assembler, sender.delta())) == 1


def test_a_unit_without_marker_ends_with_the_next_timestamp() -> None:
    sender, assembler = Sender(), VideoAssembler()
    packets = [(s, t, False, d) for s, t, _, d in sender.key()]
    assert feed(assembler, packets) == []
    units = feed(assembler, sender.delta())
    assert [unit.key for unit in units] == [True, False]


@pytest.mark.parametrize("seed", range(20))
def test_random_loss_never_lets_a_damaged_unit_through(seed: int) -> None:
    chance = random.Random(seed)
    sender, assembler = (
        Sender(chance.randrange(65_536), chance.randrange(1 << 32)),
        VideoAssembler(),
    )
    sent: dict[int, tuple[bytes, ...]] = {}
    unwrap = Unwrapper(32)
    now = 0.0
    got: list[AccessUnit] = []
    for number in range(300):
        key = number % 30 == 0
        timestamp = unwrap(sender.timestamp)
        packets = sender.key(6000) if key else sender.delta(2500)
        sent[timestamp] = (slice_nal(5 if key else 1, 6000 if key else 2500, sender.count - 1),)
        got += feed(assembler, [p for p in packets if chance.random() > 0.02], now)
        now += 1 / 30
    assert len(got) > 50
    waits = False
    numbers = sorted(sent)
    seen = {unit.timestamp: unit for unit in got}
    for timestamp in numbers:
        unit = seen.get(timestamp)
        if unit is None:
            waits = True
        else:
            # After a missing unit only a keyframe may follow.
            assert unit.key or not waits
            assert unit.nals == sent[timestamp]
            waits = False


def test_sound_waits_for_a_late_packet_and_no_longer_than_80_ms() -> None:
    assembler = AudioAssembler()
    assert [p.data for p in assembler.add(10, 0, False, b"a", 0.0)] == [b"a"]
    assert assembler.add(12, 1920, False, b"c", 0.040) == []
    assert [p.data for p in assembler.add(11, 960, False, b"b", 0.050)] == [b"b", b"c"]
    assert assembler.add(14, 3840, False, b"e", 0.080) == []
    assert assembler.add(15, 4800, False, b"f", 0.100) == []
    assert [p.data for p in assembler.add(16, 5760, False, b"g", 0.161)] == [b"e", b"f", b"g"]
    assert assembler.add(13, 2880, False, b"d", 0.170) == []
    assert assembler.statistics.lost == 1
    assert assembler.statistics.late == 1


def test_sound_goes_on_across_both_wraps() -> None:
    assembler = AudioAssembler()
    times = []
    for number in range(200):
        sequence = (65_500 + number) & 0xFFFF
        timestamp = (0xFFFFFFFF - 50 * 960 + number * 960) & 0xFFFFFFFF
        times += [
            p.timestamp for p in assembler.add(sequence, timestamp, False, b"x", number * 0.02)
        ]
    assert times == [times[0] + 960 * n for n in range(200)]
