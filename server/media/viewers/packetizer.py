"""RTP payloads of one unit, made once for every viewer (RFC 6184 §5, RFC 7587).

Pieces are as large as they may be and only the last is smaller, never evenly sized: then the kernel
can cut one datagram after the other from one call (UDP segmentation offload).
"""

from collections.abc import Iterator, Sequence

from server.media import h264
from server.media.unit import EncodedUnit, Kind

PAYLOAD_BYTES = 1_200
"""What browsers send themselves: it fits the tunnels that a 1,500 byte path hides."""
VIDEO_RATE = 90
"""RTP timestamps per millisecond."""
SOUND_RATE = 48

_STAP_A = 24
_FU_A = 28
_START, _END = 0x80, 0x40


class Frame:
    """One picture or Opus packet as RTP payloads, shared by all viewers and never changed."""

    __slots__ = ("is_key", "is_video", "ms", "payloads", "timestamp")

    def __init__(
        self, payloads: Sequence[bytes], ms: int, *, is_video: bool, is_key: bool = False
    ) -> None:
        self.payloads = payloads
        self.ms = ms
        """On the session's time line."""
        self.timestamp = ms * (VIDEO_RATE if is_video else SOUND_RATE)
        """In the clock of its RTP stream, before a viewer's offset."""
        self.is_video = is_video
        self.is_key = is_key

    def at(self, ms: int) -> "Frame":
        """Return the same payloads at another time."""
        return Frame(self.payloads, ms, is_video=self.is_video, is_key=self.is_key)


def frame(unit: EncodedUnit) -> Frame:
    """Return what carries ``unit`` to viewers; parameter sets go in band with every keyframe."""
    if unit.kind is Kind.OPUS:
        return Frame((unit.data,), unit.dts_ms, is_video=False)
    nals = list(h264.split_lengths(unit.data))
    if unit.key and unit.parameters is not None:
        # A viewer may join at any keyframe.
        nals = [unit.parameters.sps, unit.parameters.pps, *nals]
    return Frame(tuple(packetize(nals)), unit.dts_ms, is_video=True, is_key=unit.key)


def packetize(nals: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the payloads of an access unit: single NAL units, STAP-A, FU-A."""
    small: list[bytes] = []
    size = 1
    for nal in nals:
        if size + 2 + len(nal) > PAYLOAD_BYTES:
            yield from _together(small)
            small, size = [], 1
        if len(nal) > PAYLOAD_BYTES:
            yield from _fragments(nal)
        else:
            small.append(nal)
            size += 2 + len(nal)
    yield from _together(small)


def _together(nals: list[bytes]) -> Iterator[bytes]:
    if len(nals) == 1:
        yield nals[0]
    elif nals:
        importance = max(nal[0] & 0x60 for nal in nals)
        yield bytes((importance | _STAP_A,)) + b"".join(
            len(nal).to_bytes(2, "big") + nal for nal in nals
        )


def _fragments(nal: bytes) -> Iterator[bytes]:
    indicator, kind = nal[0] & 0xE0 | _FU_A, nal[0] & 0x1F
    step = PAYLOAD_BYTES - 2
    last = 1 + (len(nal) - 2) // step * step
    for at in range(1, len(nal), step):
        flags = (_START if at == 1 else 0) | (_END if at == last else 0)
        yield bytes((indicator, flags | kind)) + nal[at : at + step]
