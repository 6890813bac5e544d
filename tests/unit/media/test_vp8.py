"""VP8 frames out of depayloaded packets."""

import itertools
import random
from fractions import Fraction

import av
import pytest
from aiortc.codecs.vpx import Vp8Encoder, VpxPayloadDescriptor
from av.video.frame import PictureType
from hypothesis import given
from hypothesis import strategies as st

from server.media.ingest.pictures import MAX_PACKETS
from server.media.ingest.vp8 import Vp8Assembler, Vp8Frame

Packet = tuple[int, int, bool, bytes]


def encoded(
    count: int, *, size: tuple[int, int] = (320, 180), key_every: int = 10, is_noise: bool = False
) -> list[bytes]:
    """Real VP8 of a bar that moves, or of noise."""
    noise = random.Random(2028)
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = *size, "yuv420p"
    encoder.time_base, encoder.bit_rate = Fraction(1, 30), 2_000_000
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "threads": "1"}
    out = []
    for number in range(count):
        frame = av.VideoFrame(*size, "yuv420p")
        luma = frame.planes[0]
        row = bytes((x * 7 + number * 5) % 256 for x in range(luma.line_size))
        luma.update(noise.randbytes(luma.buffer_size) if is_noise else row * size[1])
        for plane in frame.planes[1:]:
            plane.update(b"\x80" * plane.buffer_size)
        frame.pts = number
        frame.pict_type = PictureType.NONE if number % key_every else PictureType.I
        out += [bytes(packet) for packet in encoder.encode(frame)]
    return out


FRAMES = encoded(30)


def packets(frames: list[bytes], *, first: int = 65_500, size: int = 300) -> list[Packet]:
    """Return what aiortc hands over: the payload behind the descriptor."""
    out: list[Packet] = []
    for number, data in enumerate(frames):
        parts = [data[at : at + size] for at in range(0, len(data), size)]
        for index, part in enumerate(parts):
            sequence = (first + len(out)) & 0xFFFF
            timestamp = (0xFFFFFFFF - 20_000 + number * 3000) & 0xFFFFFFFF
            out.append((sequence, timestamp, index == len(parts) - 1, part))
    return out


def fed(assembler: Vp8Assembler, arriving: list[Packet], *, step: float = 0.001) -> list[Vp8Frame]:
    out = []
    for number, packet in enumerate(arriving):
        out += assembler.add(*packet, number * step)
    return out


def test_frames_are_byte_for_byte_what_was_sent_over_both_wraps() -> None:
    frames = fed(Vp8Assembler(), packets(FRAMES))
    assert [frame.data for frame in frames] == FRAMES
    assert {b.timestamp - a.timestamp for a, b in itertools.pairwise(frames)} == {3000}
    assert [frame.key for frame in frames] == [n % 10 == 0 for n in range(30)]


def test_a_keyframe_tells_its_size() -> None:
    frames = fed(Vp8Assembler(), packets(FRAMES))
    assert {frame.geometry for frame in frames if frame.key} == {(320, 180)}
    assert {frame.geometry for frame in frames if not frame.key} == {None}


def test_the_packets_of_a_real_sender_are_understood() -> None:
    encoder = Vp8Encoder()
    picture = av.VideoFrame(640, 360, "yuv420p")
    picture.pts, picture.time_base = 0, Fraction(1, 90_000)
    payloads, _ = encoder.encode(picture, force_keyframe=True)
    arriving = [
        (number, 0, number == len(payloads) - 1, VpxPayloadDescriptor.parse(payload)[1])
        for number, payload in enumerate(payloads)
    ]
    (frame,) = fed(Vp8Assembler(), arriving)
    assert frame.geometry == (640, 360)


@given(st.randoms(use_true_random=False))
def test_a_little_disorder_changes_nothing(random: object) -> None:
    arriving = packets(FRAMES)
    # The first one says where counting begins.
    for at in range(1, len(arriving) - 4, 4):
        window = arriving[at : at + 4]
        random.shuffle(window)
        arriving[at : at + 4] = window
    frames = fed(Vp8Assembler(), arriving)
    assert [frame.data for frame in frames] == FRAMES


def test_nothing_is_shown_between_a_hole_and_the_next_keyframe() -> None:
    arriving = packets(FRAMES)
    lost = next(n for n, (_, ts, _, _) in enumerate(arriving) if ts == arriving[-1][1]) - 1
    middle = next(n for n, p in enumerate(arriving) if p[3] == FRAMES[12][:300])
    assembler = Vp8Assembler()
    assert lost > middle
    del arriving[middle]
    frames = fed(assembler, arriving, step=0.05)
    assert [frame.data for frame in frames] == FRAMES[:12] + FRAMES[20:]
    assert assembler.statistics.lost == 1


def test_a_keyframe_is_asked_for_while_nothing_can_be_shown() -> None:
    assembler = Vp8Assembler()
    assert assembler.wants_keyframe(0.0)
    assert not assembler.wants_keyframe(0.4)
    assert assembler.wants_keyframe(0.5)
    fed(assembler, packets(FRAMES[:3]))
    assert not assembler.wants_keyframe(10.0)


def test_what_begins_in_the_middle_waits_for_a_keyframe() -> None:
    frames = fed(Vp8Assembler(), packets(FRAMES)[1:])
    assert [frame.data for frame in frames] == FRAMES[10:]


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x10\x02\x00\x9d\x01\x2a"])
def test_what_is_too_short_is_no_keyframe(data: bytes) -> None:
    assert not Vp8Frame(0, data).key
    assert Vp8Frame(0, data).geometry is None


def test_a_frame_without_end_is_given_up() -> None:
    assembler = Vp8Assembler()
    for number in range(MAX_PACKETS + 10):
        assert not assembler.add(number & 0xFFFF, 90_000, False, b"x" * 20, number * 0.001)
    assert len(assembler._parts) <= 10
    assert assembler.statistics.broken == 1
