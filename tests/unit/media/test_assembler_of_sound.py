"""Sound once and in order, whatever the network does, and no later than it must be."""

from hypothesis import given
from hypothesis import strategies as st

from server.media.ingest.assembler import AudioAssembler


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


def test_sound_behind_a_hole_comes_though_nothing_follows() -> None:
    assembler = AudioAssembler()
    assembler.add(1, 0, False, b"a", 0.0)
    assert assembler.add(3, 1920, False, b"c", 0.04) == []
    assert assembler.flush(0.11) == []
    assert [p.data for p in assembler.flush(0.13)] == [b"c"]
    assert assembler.flush(9.0) == []


def test_pauses_that_are_not_sent_are_no_holes() -> None:
    """DTX: sequence numbers go on, timestamps jump."""
    assembler = AudioAssembler()
    times = []
    for number in range(20):
        times += [
            packet.timestamp
            for packet in assembler.add(number, number * 19_200, True, b"x", number * 0.4)
        ]
    assert times == [19_200 * n for n in range(20)]
    assert assembler.statistics.lost == 0


@given(
    st.lists(st.tuples(st.integers(0, 40), st.floats(0, 0.2)), max_size=80),
    st.integers(0, 65_535),
)
def test_whatever_the_network_does_sound_comes_once_and_in_order(
    arrivals: list[tuple[int, float]], first: int
) -> None:
    assembler = AudioAssembler()
    now = 0.0
    got = []
    for number, pause in arrivals:
        now += pause
        sequence = (first + number) & 0xFFFF
        got += assembler.add(sequence, number * 960, False, b"%d" % number, now)
    got += assembler.flush(now + 1)
    numbers = [int(packet.data) for packet in got]
    assert numbers == sorted(set(numbers))
    if arrivals:
        came = {number for number, _ in arrivals}
        assert len(numbers) + assembler.statistics.late == len(arrivals)
        assert set(numbers) <= came
