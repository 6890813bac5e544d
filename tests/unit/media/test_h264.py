"""NAL units, joined both ways, and what an SPS declares."""

from fractions import Fraction

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media import h264

# Annex B knows no NAL unit that ends in zero or holds a start code.
NAL = st.binary(min_size=1, max_size=40).map(
    lambda b: bytes(byte | 1 for byte in b)  # no zero byte at all
)


@given(st.lists(NAL, max_size=8))
def test_both_ways_of_joining_give_the_same_units(nals: list[bytes]) -> None:
    assert h264.split_annexb(h264.join_annexb(nals)) == nals
    assert list(h264.split_lengths(h264.join_lengths(nals))) == nals


def test_start_codes_of_three_and_four_bytes_are_found() -> None:
    data = b"\x00\x00\x01\x67\x01\x00\x00\x00\x01\x68\x02\x00\x00\x01\x65\x03"
    assert h264.split_annexb(data) == [b"\x67\x01", b"\x68\x02", b"\x65\x03"]


def encoded(width: int, height: int, profile: str) -> tuple[bytes, bytes]:
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base = Fraction(1, 30)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency"}
    encoder.profile = profile
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    nals = h264.split_annexb(bytes(encoder.encode(frame)[0]))
    sps = next(n for n in nals if h264.nal_type(n) == h264.SPS)
    pps = next(n for n in nals if h264.nal_type(n) == h264.PPS)
    return sps, pps


@pytest.mark.parametrize("profile", ["Baseline", "Main", "High"])
@pytest.mark.parametrize("size", [(640, 360), (1280, 720), (1920, 1080), (322, 242)])
def test_an_sps_declares_its_geometry(size: tuple[int, int], profile: str) -> None:
    sps, pps = encoded(*size, profile)
    parameters = h264.parameters(sps, pps)
    assert parameters.geometry == size
    assert parameters.avcc[1:4] == sps[1:4]
    assert parameters.avcc.endswith(pps)


@given(st.binary(max_size=40))
def test_a_broken_sps_is_refused_and_nothing_else_happens(data: bytes) -> None:
    try:
        width, height = h264.parameters(b"\x67" + data, b"\x68").geometry
    except h264.MalformedH264Error:
        return
    assert 16 <= width <= 16384
    assert 16 <= height <= 16384
