"""Opus in, AAC out, counted in samples."""

from fractions import Fraction
from itertools import pairwise

import av
import pytest

from server.media.ingest.audio import FRAME, MAX_SILENCE, AacTranscoder


def opus_packets(count: int) -> list[bytes]:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate = 48_000
    encoder.layout = "stereo"
    encoder.format = "s16"
    encoder.time_base = Fraction(1, 48_000)
    packets: list[bytes] = []
    for number in range(count):
        frame = av.AudioFrame(format="s16", layout="stereo", samples=960)
        frame.planes[0].update(b"\x00\x10" * 960 + b"\x00\xf0" * 960)
        frame.sample_rate = 48_000
        frame.pts = number * 960
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
    assert transcoder.overlaps(START + 24_000)
    assert not transcoder.overlaps(START + 47_000)


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
