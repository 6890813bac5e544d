"""Whole pictures or none, whatever the network does."""

import random
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import pytest
from aiortc.codecs import h264 as aiortc_h264
from hypothesis import given, settings
from hypothesis import strategies as st

from server.media import h264
from server.media.ingest.assembler import AccessUnit, VideoAssembler
from server.media.ingest.pictures import MAX_PACKETS
from server.media.ingest.reorder import SLOTS
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


def apart(sender: Sender, *nals: bytes) -> list[Packet]:
    """Return the packets of a unit whose NAL units each travel in packets of their own."""
    timestamp = sender.timestamp
    packets: list[Packet] = []
    for nal in nals:
        sender.timestamp = timestamp
        packets += [(s, t, False, data) for s, t, _, data in sender.unit(nal)]
    sequence, timestamp, _, data = packets[-1]
    return [*packets[:-1], (sequence, timestamp, True, data)]


def test_parameter_sets_may_travel_in_packets_of_their_own() -> None:
    sender, assembler = Sender(), VideoAssembler()
    (unit,) = feed(assembler, apart(sender, SPS, PPS, slice_nal(5, 4000, 1)))
    assert unit.key
    # PPS and picture without SPS, as some encoders do.
    (unit,) = feed(assembler, apart(sender, PPS, slice_nal(5, 4000, 2)))
    assert unit.key
    assert unit.nals == (slice_nal(5, 4000, 2),)
    (unit,) = feed(assembler, apart(sender, b"\x09\xf0", SPS, PPS, slice_nal(5, 900, 3)))
    assert unit.key


@pytest.mark.parametrize("lost", [(0,), (1,), (0, 1)])
def test_a_keyframe_never_goes_out_with_the_parameters_of_another(lost: tuple[int, ...]) -> None:
    sender, assembler = Sender(), VideoAssembler()
    feed(assembler, sender.key())
    other = encoded(320, 180, "Baseline")
    packets = apart(sender, *other, slice_nal(5, 2500, 1), slice_nal(5, 2500, 2, first=False))
    feed(assembler, [p for n, p in enumerate(packets) if n not in lost], 1.0)
    units = feed(assembler, sender.delta(), 1.0) + assembler.flush(5.0)
    assert units == []
    (unit,) = feed(assembler, apart(sender, *other, slice_nal(5, 2500, 1)), 6.0)
    assert unit.parameters.geometry == (320, 180)


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


def test_a_first_keyframe_that_is_arriving_is_not_asked_for() -> None:
    sender, assembler = Sender(), VideoAssembler()
    packets = sender.key(200_000)
    for number, packet in enumerate(packets[:-1]):
        assert feed(assembler, [packet], number * 0.01) == []
        assert not assembler.wants_keyframe(number * 0.01)
    assert len(feed(assembler, packets[-1:], 2.0)) == 1


def test_who_joins_in_the_middle_asks_at_once() -> None:
    sender, assembler = Sender(), VideoAssembler()
    assert feed(assembler, sender.key(9000)[3:]) == []
    assert assembler.wants_keyframe(0.0)


def several_slices(sender: Sender, kind: int, count: int) -> tuple[list[Packet], tuple[bytes, ...]]:
    slices = tuple(slice_nal(kind, 2500, n, first=n == 0) for n in range(count))
    parameters = (SPS, PPS) if kind == 5 else ()
    return sender.unit(*parameters, *slices), slices


@pytest.mark.parametrize("kind", [1, 5])
def test_a_picture_of_several_slices_is_one_unit(kind: int) -> None:
    sender, assembler = Sender(), VideoAssembler()
    feed(assembler, sender.key())
    packets, slices = several_slices(sender, kind, 4)
    (unit,) = feed(assembler, packets)
    assert unit.nals == slices
    assert unit.key == (kind == 5)


@pytest.mark.parametrize("kind", [1, 5])
def test_a_picture_that_lost_any_packet_is_not_whole(kind: int) -> None:
    count = len(several_slices(Sender(), kind, 4)[0])
    for lost in range(count):
        sender, assembler = Sender(), VideoAssembler()
        feed(assembler, sender.key())
        packets, _ = several_slices(sender, kind, 4)
        del packets[lost]
        assert feed(assembler, packets, 1.0) == []
        assert feed(assembler, sender.delta(), 1.1) == []
        # Not even what was whole before the hole was given up comes without a keyframe.
        assert feed(assembler, sender.delta(), 1.2 + assembler.patience) == []
        assert assembler.statistics.lost == 1
        (unit,) = feed(assembler, sender.key(), 3.0)
        assert unit.key


def test_a_picture_whose_slices_each_bear_a_marker_is_not_taken_for_several() -> None:
    sender, assembler = Sender(), VideoAssembler()
    feed(assembler, sender.key())
    packets = sender.unit(slice_nal(1, 1250, 1), slice_nal(1, 1250, 2, first=False))
    marked = [(sequence, timestamp, True, data) for sequence, timestamp, _, data in packets]
    feed(assembler, marked)
    assert assembler.wants_keyframe(0.0)


def test_a_keyframe_behind_a_hole_is_not_waited_for() -> None:
    sender, assembler = Sender(), VideoAssembler()
    feed(assembler, sender.key())
    del (broken := sender.delta(5000))[1]
    feed(assembler, broken, 1.0)
    late = 1.0 + assembler.patience + 0.01
    assert feed(assembler, sender.delta(), late) == []
    # Another hole, and the keyframe that was asked for.
    sender.delta()
    assert feed(assembler, sender.delta(), late + 0.01) == []
    (unit,) = feed(assembler, sender.key(), late + 0.02)
    assert unit.key
    assert assembler.nacks.due(late + 0.02) == []


def test_a_hole_no_sender_can_fill_is_not_waited_for() -> None:
    sender, assembler = Sender(), VideoAssembler()
    feed(assembler, sender.key())
    while sender.sequence < 700:
        sender.delta()
    (unit,) = feed(assembler, sender.key(), 1.0)
    assert unit.key


def test_a_hole_is_given_up_though_nothing_comes() -> None:
    sender, assembler = Sender(), VideoAssembler()
    feed(assembler, sender.key())
    sender.delta()
    assert feed(assembler, sender.key(), 1.0) == []
    assert assembler.flush(1.0 + assembler.patience - 0.01) == []
    (unit,) = assembler.flush(1.0 + assembler.patience + 0.01)
    assert unit.key


def test_a_sender_that_begins_anew_is_followed() -> None:
    sender, assembler = Sender(50_000), VideoAssembler()
    feed(assembler, sender.key())
    sender.sequence, sender.timestamp = 20_000, 7
    units = feed(assembler, [*sender.key(), *sender.delta()], 1.0)
    assert [unit.key for unit in units] == [True, False]


def test_a_unit_without_end_does_not_fill_the_memory() -> None:
    assembler = VideoAssembler()
    feed(assembler, Sender(65_000).key())
    for number in range(65_003, 65_003 + MAX_PACKETS + 10):
        assembler.add(number & 0xFFFF, 3000, False, b"\x01" * 10, 0.0)
    assert assembler.statistics.broken == 1


def test_b_frames_nothing_refers_to_are_dropped_and_counted() -> None:
    sender, assembler = Sender(), VideoAssembler()
    units = feed(assembler, sender.key())
    for number in range(1, 5):
        start = sender.timestamp
        sender.timestamp = start + 6000
        units += feed(assembler, sender.delta())
        for behind in (0, 3000):
            sender.timestamp = start + behind
            b_frame = bytes((0x01, 0x81)) + b"b" * 99
            units += feed(assembler, sender.unit(b_frame))
        sender.timestamp = start + 9000
        assert assembler.statistics.dropped == 2 * number
    times = [unit.timestamp for unit in units]
    assert times == sorted(times)
    assert len(units) == 5
    assert not assembler.wants_keyframe(9.0)


def test_a_timestamp_far_back_is_another_clock_and_no_b_frame() -> None:
    sender, assembler = Sender(0, 1 << 30), VideoAssembler()
    feed(assembler, sender.key())
    sender.timestamp = 5
    assert len(feed(assembler, sender.delta())) == 1
    assert assembler.statistics.dropped == 0


@dataclass
class Chaos:
    """A network that loses, repeats and overtakes, and a sender that repeats what it is asked."""

    loss: float
    repeat: float
    reorder: int
    chance: random.Random

    def carry(self, packets: list[Packet], assembler: VideoAssembler) -> list[AccessUnit]:
        """Deliver 200 packets a second, in 50 ms those that are asked for."""
        units: list[AccessUnit] = []
        chance = self.chance
        queue: list[tuple[float, int, bool, Packet]] = []
        by_sequence = {}
        for place, packet in enumerate(packets):
            at = place * 0.005
            by_sequence[packet[0]] = packet
            if chance.random() >= self.loss:
                late = chance.randrange(self.reorder + 1) * 0.005
                queue.append((at + late, place, False, packet))
                if chance.random() < self.repeat:
                    queue.append((at + chance.random(), place, False, packet))
        heapify(queue)
        while queue:
            now, place, again, packet = heappop(queue)
            assembler.nacks.heard(packet[0], again, now)
            units += assembler.add(*packet, now)
            for sequence in assembler.nacks.due(now):
                # The question and the answer each may be lost.
                if chance.random() >= 2 * self.loss:
                    heappush(queue, (now + 0.05, place, True, by_sequence[sequence]))
        return units + assembler.flush(now + 10)


def stream(
    sender: Sender, count: int, chance: random.Random
) -> tuple[list[Packet], dict[int, tuple[bytes, ...]]]:
    """Return the packets of ``count`` pictures, and what the units of their times must be."""
    packets: list[Packet] = []
    sent = {}
    for number in range(count):
        at = sender.timestamp
        if number % 20 == 0:
            unit, slices = several_slices(sender, 5, chance.randrange(1, 4))
        elif chance.random() < 0.3:
            unit, slices = several_slices(sender, 1, chance.randrange(2, 4))
        else:
            unit = sender.delta(chance.randrange(20, 4000))
            nals = h264.split_annexb(b"".join(data for *_, data in unit))
            slices = tuple(nals)
        if number % 7 == 3:
            unit += [(sender.sequence, unit[-1][1], False, b"")]
            sender.sequence = (sender.sequence + 1) & 0xFFFF
        sent[at] = slices
        packets += unit
    return packets, sent


def check_whole(units: list[AccessUnit], sent: dict[int, tuple[bytes, ...]]) -> None:
    """Whole units only, in order, byte for byte, and after a gap none but a keyframe."""
    order = list(sent)
    places = [order.index(unit.timestamp & 0xFFFFFFFF) for unit in units]
    assert places == sorted(set(places))
    for before, place, unit in zip([-1, *places], places, units, strict=False):
        assert unit.nals == sent[unit.timestamp & 0xFFFFFFFF]
        assert unit.key or place == before + 1


@settings(max_examples=60, deadline=None)
@given(
    loss=st.sampled_from([0.0, 0.01, 0.05, 0.3]),
    repeat=st.sampled_from([0.0, 0.1]),
    reorder=st.integers(0, 30),
    sequence=st.sampled_from([0, 65_400]) | st.integers(0, 65_535),
    timestamp=st.sampled_from([0, (1 << 32) - 60_000]) | st.integers(0, (1 << 32) - 1),
    seed=st.integers(0, 1 << 32),
)
def test_whatever_the_network_does_only_whole_units_come_out_in_order(
    loss: float, repeat: float, reorder: int, sequence: int, timestamp: int, seed: int
) -> None:
    chance = random.Random(seed)
    sender, assembler = Sender(sequence, timestamp), VideoAssembler()
    packets, sent = stream(sender, 60, chance)
    units = Chaos(loss, repeat, reorder, chance).carry(packets, assembler)
    check_whole(units, sent)
    if not loss and reorder < 5:
        # Who overtakes the very first packet is the first.
        first = list(sent).index(units[0].timestamp & 0xFFFFFFFF)
        assert len(units) == 60 - first
        assert not first or reorder
    # Nothing is kept that nobody needs.
    assert not assembler._held


@pytest.mark.parametrize(("loss", "allowed"), [(0.01, 0), (0.03, 3), (0.05, 12)])
def test_hardly_a_picture_is_lost_where_packets_are(loss: float, allowed: int) -> None:
    chance = random.Random(11)
    sender, assembler = Sender(65_000, 0xFFFFFFFF - 90_000), VideoAssembler()
    packets, sent = stream(sender, 600, chance)
    units = Chaos(loss, 0.01, 2, chance).carry(packets, assembler)
    check_whole(units, sent)
    assert len(units) >= 600 - allowed
    assert assembler.nacks.repaired >= len(packets) * loss * 0.8


@pytest.mark.parametrize("count", [128, 160, 400, 1500])
def test_large_keyframes_are_repaired(count: int) -> None:
    chance = random.Random(count)
    sender, assembler = Sender(65_000), VideoAssembler()
    packets, sent = [], {}
    for _ in range(3):
        at = sender.timestamp
        size = 1298 * count - 1200
        sent[at] = (slice_nal(5, size, sender.count),)
        packets += sender.key(size)
    units = Chaos(0.01, 0.0, 2, chance).carry(packets, assembler)
    check_whole(units, sent)
    assert len(units) == 3
