"""From RTP packets to whole access units, and Opus packets in their order.

Pure: time comes in with each packet. Packets arrive depayloaded (Annex B pieces), after
retransmissions were unwrapped. A video unit is complete with its marker bit, not with the next
packet; a unit that is not whole is never passed on, and what follows waits for the next IDR.
"""

from dataclasses import dataclass

from server.media import h264
from server.media.ingest.nack import Nacks
from server.media.ingest.pictures import PictureAssembler
from server.media.ingest.reorder import PacketAssembler, Unwrapper

AUDIO_REORDER_SECONDS = 0.08
# A timestamp that is less than this before the last one is of a B-frame, not of another clock.
MAX_BACKWARDS = 90_000

_START_CODE = b"\x00\x00\x00\x01"
# Of the first NAL unit of a packet: what only the beginning of an access unit can be (§7.4.1.2.3
# of ITU-T H.264), and what belongs to a keyframe.
_BEGINNINGS = frozenset({h264.SPS, h264.AUD})
_OF_KEYFRAMES = frozenset({h264.SPS, h264.PPS, h264.IDR})
_PICTURES = frozenset({h264.SLICE, h264.IDR})


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One whole picture: NAL units without parameter sets and delimiters, in their order."""

    timestamp: int
    """RTP clock ticks, unwrapped."""
    nals: tuple[bytes, ...]
    key: bool
    parameters: h264.VideoParameters


@dataclass(frozen=True, slots=True)
class AudioPacket:
    """One Opus packet."""

    timestamp: int
    """RTP clock ticks, unwrapped."""
    data: bytes


class VideoAssembler(PictureAssembler[AccessUnit]):
    """Collect packets until a picture is whole; ask for a keyframe when one is needed."""

    def __init__(self, nacks: Nacks | None = None) -> None:
        """``nacks`` know how long a hole is worth waiting for."""
        super().__init__(nacks)
        self._latest: int | None = None
        """The timestamp that no picture should come before."""
        self._is_lost = True
        """Whether the unit that the next packet belongs to has lost its beginning."""
        self._lost_timestamp: int | None = None
        self._sps: bytes | None = None
        self._pps: bytes | None = None
        self._parameters: h264.VideoParameters | None = None

    @property
    def _has_keyframe(self) -> bool:
        """Whether the unit that is being collected is a keyframe."""
        return bool(self._parts) and _first_nal(self._parts[0]) in _OF_KEYFRAMES

    def _take(self, timestamp: int, marker: bool, data: bytes) -> list[AccessUnit]:
        if not data or (self._is_lost and self._is_remnant(timestamp, marker, data)):
            # Padding was received and is nothing.
            return []
        return self._collect(timestamp, marker, data)

    def _is_remnant(self, timestamp: int, marker: bool, data: bytes) -> bool:
        """Say whether this packet is still of the unit that the last hole touched."""
        if _first_nal(data) in _BEGINNINGS:
            self._is_lost = False
        elif self._lost_timestamp is not None and timestamp != self._lost_timestamp:
            # Nothing is missing between the packet before and this one: it begins a unit.
            self._is_lost = False
        else:
            self._lost_timestamp = timestamp
            self._is_lost = not marker
            return True
        return False

    def _interrupt(self) -> None:
        self._parts = []
        self._is_lost = True
        self._lost_timestamp = None
        assert self._next is not None
        self.nacks.forget(self._next & 0xFFFF)
        self._break()

    def _resume(self) -> int:
        # What follows a hole waits for a keyframe: go on with one, if it is here already.
        keys = [number for number, held in self._held.items() if _first_nal(held.data) == h264.SPS]
        return min(keys or self._held)

    def _may_skip_to(self, data: bytes) -> bool:
        # Nothing before a keyframe can be shown, for want of a keyframe.
        return self._waits_for_key and not self._has_keyframe and _first_nal(data) == h264.SPS

    def _finish(self) -> list[AccessUnit]:
        """Return the unit that has been collected, if it may be shown."""
        data = b"".join(self._parts)
        self._parts = []
        unit = self._picture(self._time(self._timestamp), data)
        if unit is None:
            return []
        self.statistics.units += 1
        self.statistics.keyframes += unit.key
        return [unit]

    def _picture(self, timestamp: int, data: bytes) -> AccessUnit | None:
        kept = []
        first = None
        key = False
        for nal in h264.split_annexb(data):
            kind = nal[0] & 0x1F
            if kind in _PICTURES:
                first = first or nal
                key = key or kind == h264.IDR
                kept.append(nal)
            elif kind == h264.SEI:
                kept.append(nal)
            elif kind == h264.SPS:
                self._sps = nal
            elif kind == h264.PPS:
                self._pps = nal
        if first is None:
            return None
        # What begins in the middle: a fragment without its head, a slice that is not the first.
        if not data.startswith(_START_CODE) or not h264.starts_picture(first):
            self._break()
            return None
        if self._waits_for_key and not key:
            return None
        if key and not self._refresh_parameters():
            self._break()
            return None
        if self._is_out_of_order(timestamp, first):
            return None
        assert self._parameters is not None
        self._waits_for_key = False
        return AccessUnit(timestamp, tuple(kept), key, self._parameters)

    def _is_out_of_order(self, timestamp: int, first: bytes) -> bool:
        """Drop B-frames, which cannot go out at their time, as far as nothing refers to them."""
        if self._latest is None or not 0 < self._latest - timestamp < MAX_BACKWARDS:
            self._latest = timestamp
            return False
        self.statistics.dropped += 1
        is_reference = first[0] & 0x60 != 0
        return not is_reference

    def _refresh_parameters(self) -> bool:
        """Make the last SPS and PPS the current ones; say whether there are any that hold."""
        if self._sps is None or self._pps is None:
            return False
        old = self._parameters
        if old is None or (old.sps, old.pps) != (self._sps, self._pps):
            try:
                self._parameters = h264.parameters(self._sps, self._pps)
            except h264.MalformedH264Error:
                return False
        return True

    def _break(self) -> None:
        self.statistics.broken += 1
        self._waits_for_key = True


class AudioAssembler(PacketAssembler[AudioPacket]):
    """Put Opus packets in order, waiting at most 80 ms for a missing one."""

    patience = AUDIO_REORDER_SECONDS

    def __init__(self) -> None:
        super().__init__()
        self._time = Unwrapper(32)

    def _take(self, timestamp: int, _marker: bool, data: bytes) -> list[AudioPacket]:
        if not data:
            return []
        self.statistics.units += 1
        return [AudioPacket(self._time(timestamp), data)]

    def _interrupt(self) -> None:
        """Sound goes on after a hole as it comes."""


def _first_nal(data: bytes) -> int:
    """Return the type of the NAL unit that ``data`` begins with, 0 for the rest of one."""
    return data[4] & 0x1F if len(data) > 4 and data.startswith(_START_CODE) else 0
