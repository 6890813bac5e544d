"""Opus in, AAC out, counted in samples."""

import asyncio
from array import array
from fractions import Fraction
from itertools import pairwise

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.media.aac import SPECIFIC_CONFIG
from server.media.ingest.audio import FRAME, MAX_SILENCE, AacTranscoder, AudioThread
from server.media.ingest.concealment import LIMIT
from tests.patience import PATIENCE


def opus_packets(count: int, *, layout: str = "stereo", samples: int = 960) -> list[bytes]:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate = 48_000
    encoder.layout = layout
    encoder.format = "s16"
    encoder.time_base = Fraction(1, 48_000)
    encoder.options = {"frame_duration": str(samples // 48)}
    packets: list[bytes] = []
    for number in range(count):
        frame = av.AudioFrame(format="s16", layout=layout, samples=samples)
        size = frame.planes[0].buffer_size
        frame.planes[0].update(((b"\x00\x10" * 48 + b"\x00\xf0" * 48) * size)[:size])
        frame.sample_rate = 48_000
        frame.pts = number * samples
        frame.time_base = Fraction(1, 48_000)
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


PACKETS = opus_packets(150)
START = 480_000


def test_frames_are_counted_from_the_first_sample() -> None:
    transcoder = AacTranscoder()
    frames = []
    for number, packet in enumerate(PACKETS):
        frames += transcoder.feed(packet, START + number * 960)
    positions = [at for at, _ in frames]
    assert positions == [START + FRAME * n for n in range(len(frames))]
    assert len(frames) >= 150 * 960 // FRAME - 3


def test_what_is_missing_becomes_silence_and_nothing_moves() -> None:
    transcoder = AacTranscoder()
    frames = []
    for number, packet in enumerate(PACKETS):
        if number in (10, 30, 31, 32, 33, 34, 35, 80):
            continue
        frames += transcoder.feed(packet, START + number * 960)
    positions = [at for at, _ in frames]
    assert positions == [START + FRAME * n for n in range(len(frames))]
    assert len(frames) >= 150 * 960 // FRAME - 3


def test_a_long_hole_is_jumped_over() -> None:
    transcoder = AacTranscoder()
    for number in range(20):
        transcoder.feed(PACKETS[number], START + number * 960)
    after = START + 20 * 960 + MAX_SILENCE + 960
    frames = []
    for number in range(20, 40):
        frames += transcoder.feed(PACKETS[number], after + (number - 20) * 960)
    assert [at for at, _ in frames] == [after + FRAME * n for n in range(len(frames))]


def test_silence_takes_the_place_of_sound_that_never_came() -> None:
    transcoder = AacTranscoder()
    assert transcoder.fill(START) == []
    frames = transcoder.fill(START + 47_000)
    assert [at for at, _ in frames][:2] == [START, START + FRAME]
    # Sound that comes after all is dropped as far as silence was heard in its place.
    assert transcoder.feed(PACKETS[0], START + 24_000) == []
    more = [f for n in range(2) for f in transcoder.feed(PACKETS[n], START + 47_000 + 960 * n)]
    assert [at for at, _ in frames + more] == [
        START + FRAME * n for n in range(len(frames) + len(more))
    ]


@pytest.mark.parametrize("damage", [b"", b"\xff", b"\x00" * 3, b"\xfc\xff\xff\xff\xff"])
def test_a_damaged_packet_stops_nothing(damage: bytes) -> None:
    transcoder = AacTranscoder()
    transcoder.feed(PACKETS[0], START)
    transcoder.feed(damage, START + 960)
    frames = []
    for number in range(2, 30):
        frames += transcoder.feed(PACKETS[number], START + number * 960)
    positions = [at for at, _ in frames]
    assert all(b - a == FRAME for a, b in pairwise(positions))


def test_what_comes_out_decodes_as_48_khz_stereo() -> None:
    transcoder = AacTranscoder()
    frames = []
    for number, packet in enumerate(PACKETS):
        frames += transcoder.feed(packet, START + number * 960)
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = b"\x11\x90"
    decoded = [f for _, data in frames for f in decoder.decode(av.Packet(data))]
    assert len(decoded) >= len(frames) - 2
    assert decoded[0].sample_rate == 48_000
    assert decoded[0].layout.name == "stereo"


def positions(frames: list[tuple[int, bytes]]) -> list[int]:
    return [at for at, _ in frames]


def loudness(frames: list[tuple[int, bytes]]) -> list[float]:
    """Return of each AAC frame how loud its loudest sample is."""
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = SPECIFIC_CONFIG
    out = []
    for _, data in frames:
        for frame in decoder.decode(av.Packet(data)):
            samples = array("f", bytes(frame.planes[0])[: frame.samples * 4])
            out.append(max(map(abs, samples)))
    return out


@pytest.mark.parametrize("layout", ["mono", "stereo"])
@pytest.mark.parametrize("milliseconds", [10, 20, 40, 60])
def test_packets_of_any_length_and_one_channel_are_heard(layout: str, milliseconds: int) -> None:
    samples = milliseconds * 48
    transcoder = AacTranscoder()
    frames = []
    for number, packet in enumerate(
        opus_packets(1200 // milliseconds, layout=layout, samples=samples)
    ):
        frames += transcoder.feed(packet, START + number * samples)
    assert positions(frames) == [START + FRAME * n for n in range(len(frames))]
    assert len(frames) >= 1200 * 48 // FRAME - 3
    assert min(loudness(frames)[3:]) > 0.05


def test_packets_of_changing_length_are_counted_on() -> None:
    transcoder = AacTranscoder()
    frames, at = [], START
    for samples in (960, 2880, 480, 1920, 960):
        for packet in opus_packets(10, samples=samples):
            frames += transcoder.feed(packet, at)
            at += samples
    assert positions(frames) == [START + FRAME * n for n in range(len(frames))]
    assert len(frames) >= (at - START) // FRAME - 3


def test_a_lost_packet_is_not_heard_and_a_long_hole_is_silent() -> None:
    transcoder = AacTranscoder()
    frames = []
    for number, packet in enumerate(PACKETS):
        if number not in (20, 21) and not 60 <= number < 80:
            frames += transcoder.feed(packet, START + number * 960)
    loud = loudness(frames)
    hole = range(20 * 960 // FRAME, 22 * 960 // FRAME + 2)
    assert min(loud[n] for n in hole) > 0.02
    long = range((60 * 960 + LIMIT) // FRAME + 3, 80 * 960 // FRAME - 3)
    assert max(loud[n] for n in long) < 0.01
    assert min(loud[85 * 960 // FRAME :]) > 0.05


def test_pauses_that_are_not_sent_are_quiet_and_counted() -> None:
    """DTX: a packet each 400 ms while nobody speaks."""
    transcoder = AacTranscoder()
    frames = []
    for number, packet in enumerate(PACKETS[:120]):
        if number < 20 or number >= 100 or number % 20 == 0:
            frames += transcoder.feed(packet, START + number * 960)
    assert positions(frames) == [START + FRAME * n for n in range(len(frames))]
    assert len(frames) >= 120 * 960 // FRAME - 3


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["sound", "lost", "damaged", "repeated", "silence", "late", "gone"]),
            st.integers(0, 40),
        ),
        max_size=60,
    )
)
def test_whatever_comes_positions_are_counted(plan: list[tuple[str, int]]) -> None:
    transcoder = AacTranscoder()
    frames: list[tuple[int, bytes]] = []
    at = START
    jumps = 0
    for number, (what, amount) in enumerate(plan):
        packet = PACKETS[number % len(PACKETS)]
        match what:
            case "damaged":
                frames += transcoder.feed(packet[: amount % 7] or b"\xff", at)
            case "repeated":
                frames += transcoder.feed(packet, at) + transcoder.feed(packet, at)
            case "silence":
                frames += transcoder.fill(at + 960)
            case "late":
                frames += transcoder.feed(packet, at - amount * 960)
            case "gone":
                at += 2 * MAX_SILENCE
                jumps += 1
            case "sound":
                frames += transcoder.feed(packet, at)
        at += 960
    steps = [b - a for a, b in pairwise(positions(frames))]
    assert all(step >= FRAME for step in steps)
    assert sum(step > FRAME for step in steps) <= jumps + 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_thread_that_broke_can_be_closed() -> None:
    thread = AudioThread(lambda at, frame: None)
    # No position on any time line.
    thread.put(PACKETS[0], 1 << 70)
    thread._thread.join(PATIENCE)
    assert not thread._thread.is_alive()
    for number in range(130):
        thread.put(PACKETS[0], number * 960)
    async with asyncio.timeout(PATIENCE):
        await thread.close()
