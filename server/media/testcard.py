"""A test card: bars that a light crosses and a tone, encoded as a class would be.

It is what a destination is tried with before anybody teaches. Encoding takes a few percent of a
core.
"""

import heapq
import math
from array import array
from collections.abc import Iterator
from fractions import Fraction

import av

from server.media import aac, h264
from server.media.unit import EncodedUnit, Kind

WIDTH, HEIGHT = 1280, 720
FPS = 30
KEYFRAME_SECONDS = 2
BIT_RATE = 2_000_000
TONE_HZ = 1_000
_LOUDNESS = 0.1  # -20 dB
_LIGHT = 16
_SENT = (h264.SLICE, h264.IDR, 12)
"""Slices, and the filler data that keeps the rate."""
# Y, U and V of white, yellow, cyan, green, magenta, red, blue at 75 % (BT.601, EG 1-1990).
_BARS = (
    (180, 128, 128), (162, 44, 142), (131, 156, 44), (112, 72, 58),
    (84, 184, 198), (65, 100, 212), (35, 212, 114),
)  # fmt: skip


def programme() -> Iterator[EncodedUnit]:
    """Yield pictures and sound without end, in the order of their times, from 0 on."""
    return heapq.merge(_pictures(), _sound(), key=lambda unit: unit.dts_ms)


def _pictures() -> Iterator[EncodedUnit]:
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.framerate = Fraction(FPS)
    encoder.time_base = Fraction(1, FPS)
    encoder.bit_rate = BIT_RATE
    encoder.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "g": str(FPS * KEYFRAME_SECONDS),
        "sc_threshold": "0",
        "threads": "1",
        # The rate that a platform sees is that of a class, whatever there is to encode.
        "x264-params": f"nal-hrd=cbr:vbv-maxrate={BIT_RATE // 1000}:vbv-bufsize={BIT_RATE // 1000}",
    }
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    bars, *chroma = (bytes(_bar(x, width)[plane] for x in range(width))
                     for plane, width in enumerate((WIDTH, WIDTH // 2, WIDTH // 2)))  # fmt: skip
    for plane, row in zip(frame.planes[1:], chroma, strict=True):
        plane.update(row.ljust(plane.line_size, b"\x80") * plane.height)
    luma = frame.planes[0]
    parameters: h264.VideoParameters | None = None
    number = 0
    while True:
        at = number * 4 % (WIDTH - _LIGHT)
        row = bars[:at] + b"\xeb" * _LIGHT + bars[at + _LIGHT :]
        luma.update(row.ljust(luma.line_size, b"\x10") * luma.height)
        frame.pts = number
        for packet in encoder.encode(frame):
            nals = h264.split_annexb(bytes(packet))
            if packet.is_keyframe:
                sets = {h264.nal_type(nal): nal for nal in nals}
                parameters = h264.parameters(sets[h264.SPS], sets[h264.PPS])
            slices = (nal for nal in nals if h264.nal_type(nal) in _SENT)
            yield EncodedUnit(
                Kind.VIDEO,
                number * 1000 // FPS,
                packet.is_keyframe,
                h264.join_lengths(slices),
                parameters,
            )
        number += 1


def _bar(x: int, width: int) -> tuple[int, int, int]:
    return _BARS[x * len(_BARS) // width]


def _sound() -> Iterator[EncodedUnit]:
    encoder = av.CodecContext.create("aac", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate = aac.RATE
    encoder.layout = "stereo"
    encoder.format = "fltp"
    encoder.bit_rate = aac.BIT_RATE
    encoder.time_base = Fraction(1, aac.RATE)
    period = aac.RATE // TONE_HZ
    wave = array(
        "f",
        (_LOUDNESS * math.sin(math.tau * at / period) for at in range(aac.FRAME + period)),
    )
    taken = made = 0
    while True:
        frame = av.AudioFrame(format="fltp", layout="stereo", samples=aac.FRAME)
        phase = taken % period
        for plane in frame.planes:
            samples = wave[phase : phase + aac.FRAME].tobytes()
            plane.update(samples.ljust(plane.buffer_size, b"\0"))
        frame.sample_rate = aac.RATE
        frame.pts = taken
        for packet in encoder.encode(frame):
            yield EncodedUnit(Kind.AUDIO, made * 1000 // aac.RATE, True, bytes(packet))
            made += aac.FRAME
        taken += aac.FRAME
