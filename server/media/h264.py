"""H.264 as it travels: NAL units, the two ways of joining them, and what an SPS says.

WebRTC carries NAL units behind start codes (Annex B), FLV and MP4 behind their length (AVCC).
References are to ITU-T H.264 (08/2021) and ISO/IEC 14496-15.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SLICE = 1
IDR = 5
SEI = 6
SPS = 7
PPS = 8
AUD = 9

_START = b"\x00\x00\x00\x01"
# Profiles whose SPS carries a chroma format (H.264 §7.3.2.1.1).
_WITH_CHROMA = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})


class MalformedH264Error(ValueError):
    """The bytes are not the H.264 they claim to be."""


@dataclass(frozen=True, slots=True)
class VideoParameters:
    """What a decoder must know before the first picture; equal when the bytes are equal."""

    sps: bytes
    pps: bytes
    width: int
    height: int

    @property
    def geometry(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.width, self.height

    @property
    def avcc(self) -> bytes:
        """The AVCDecoderConfigurationRecord (ISO/IEC 14496-15 §5.3.3.1)."""
        return b"".join(
            (
                b"\x01",
                self.sps[1:4],
                b"\xff\xe1",
                len(self.sps).to_bytes(2, "big"),
                self.sps,
                b"\x01",
                len(self.pps).to_bytes(2, "big"),
                self.pps,
            )
        )


def nal_type(nal: bytes) -> int:
    """Return the nal_unit_type of a non-empty NAL unit."""
    return nal[0] & 0x1F


def split_annexb(data: bytes) -> list[bytes]:
    """Return the NAL units behind start codes of three or four bytes, none of them empty."""
    nals = []
    start = data.find(b"\x00\x00\x01")
    while start >= 0:
        start += 3
        end = data.find(b"\x00\x00\x01", start)
        nal = data[start:] if end < 0 else data[start:end]
        # A zero before a start code belongs to it (four bytes), never to the NAL unit.
        if end > 0:
            nal = nal.rstrip(b"\x00")
        if nal:
            nals.append(nal)
        start = end
    return nals


def join_annexb(nals: Iterable[bytes]) -> bytes:
    """Return ``nals`` each behind a start code of four bytes."""
    return b"".join(part for nal in nals for part in (_START, nal))


def join_lengths(nals: Iterable[bytes]) -> bytes:
    """Return ``nals`` each behind its length in four bytes (AVCC)."""
    return b"".join(part for nal in nals for part in (len(nal).to_bytes(4, "big"), nal))


def split_lengths(data: bytes) -> Iterator[bytes]:
    """Yield the NAL units of AVCC data that :func:`join_lengths` made."""
    at = 0
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : end]
        at = end


def starts_picture(nal: bytes) -> bool:
    """Say whether this slice is the first of its picture: first_mb_in_slice is 0."""
    return len(nal) > 1 and nal[1] & 0x80 != 0


def parameters(sps: bytes, pps: bytes) -> VideoParameters:
    """Return the parameters with the geometry that ``sps`` declares, after cropping.

    Raises:
        MalformedH264Error: If ``sps`` ends early or declares no picture.

    """
    width, height = _geometry(sps)
    if not (16 <= width <= 16384 and 16 <= height <= 16384):
        raise MalformedH264Error("the sequence parameter set declares no usable picture size")
    return VideoParameters(sps, pps, width, height)


class _Bits:
    """Read bits and Exp-Golomb numbers from an RBSP."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    def take(self, count: int) -> int:
        if count > self._left:
            raise MalformedH264Error("the parameter set ends early")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def unsigned(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise MalformedH264Error("the parameter set holds a number without end")
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        number = self.unsigned()
        return (number + 1) // 2 if number % 2 else -(number // 2)


def _geometry(sps: bytes) -> tuple[int, int]:
    """Follow H.264 §7.3.2.1.1 as far as the cropping rectangle."""
    if len(sps) < 4 or nal_type(sps) != SPS:
        raise MalformedH264Error("this is not a sequence parameter set")
    # Emulation prevention bytes are not part of the RBSP (§7.4.1).
    bits = _Bits(sps[1:].replace(b"\x00\x00\x03", b"\x00\x00"))
    profile = bits.take(8)
    bits.take(16)
    bits.unsigned()
    chroma = 1
    if profile in _WITH_CHROMA:
        chroma = bits.unsigned()
        if chroma == 3:
            bits.take(1)
        bits.unsigned()
        bits.unsigned()
        bits.take(1)
        if bits.take(1):
            _skip_scaling_lists(bits, 12 if chroma == 3 else 8)
    bits.unsigned()
    order = bits.unsigned()
    if order == 0:
        bits.unsigned()
    elif order == 1:
        bits.take(1)
        bits.signed()
        bits.signed()
        for _ in range(min(bits.unsigned(), 255)):
            bits.signed()
    bits.unsigned()
    bits.take(1)
    width_mbs = bits.unsigned() + 1
    height_units = bits.unsigned() + 1
    frames_only = bits.take(1)
    if not frames_only:
        bits.take(1)
    bits.take(1)
    left = right = top = bottom = 0
    if bits.take(1):
        left, right, top, bottom = (bits.unsigned() for _ in range(4))
    unit_x = 2 if chroma in (1, 2) else 1
    unit_y = (2 if chroma == 1 else 1) * (2 - frames_only)
    return (
        width_mbs * 16 - unit_x * (left + right),
        height_units * 16 * (2 - frames_only) - unit_y * (top + bottom),
    )


def _skip_scaling_lists(bits: _Bits, count: int) -> None:
    for index in range(count):
        if not bits.take(1):
            continue
        last = following = 8
        for _ in range(16 if index < 6 else 64):
            if following:
                following = (last + bits.signed()) % 256
            last = following or last
