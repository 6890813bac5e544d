"""VP8 over RTP: whole frames from depayloaded packets (RFC 7741), in their order. Pure.

The payload descriptor is gone when packets arrive here: a frame is what lies between two marker
bits and bears one timestamp. What follows a hole waits for a keyframe, which knows itself by its
start code (RFC 6386 §9.1).
"""

from dataclasses import dataclass

from server.media.ingest.geometry import Geometry
from server.media.ingest.pictures import PictureAssembler

_START_CODE = b"\x9d\x01\x2a"


@dataclass(frozen=True, slots=True)
class Vp8Frame:
    """One whole frame."""

    timestamp: int
    """RTP clock ticks, unwrapped."""
    data: bytes

    @property
    def key(self) -> bool:
        """Whether it needs no frame before it."""
        return is_key(self.data)

    @property
    def geometry(self) -> Geometry | None:
        """Width and height in pixels, of a keyframe."""
        if not self.key:
            return None
        width, height = (int.from_bytes(self.data[at : at + 2], "little") for at in (6, 8))
        # The two highest bits ask for scaling, which nobody does.
        return width & 0x3FFF, height & 0x3FFF


def is_key(data: bytes) -> bool:
    """Say whether ``data`` begins a keyframe."""
    return len(data) >= 10 and not data[0] & 1 and data[3:6] == _START_CODE


class Vp8Assembler(PictureAssembler[Vp8Frame]):
    """Collect packets until a frame is whole; ask for a keyframe when one is needed."""

    def _take(self, timestamp: int, marker: bool, data: bytes) -> list[Vp8Frame]:
        if not data:
            # Padding was received and is nothing.
            return []
        return self._collect(timestamp, marker, data)

    def _interrupt(self) -> None:
        """Wait for a keyframe: what is collected from here on may lack its beginning."""
        self._parts = []
        self._waits_for_key = True
        self.statistics.broken += 1
        assert self._next is not None
        self.nacks.forget(self._next & 0xFFFF)

    def _finish(self) -> list[Vp8Frame]:
        parts, self._parts = self._parts, []
        frame = Vp8Frame(self._time(self._timestamp), b"".join(parts))
        if self._waits_for_key and not frame.key:
            return []
        self._waits_for_key = False
        self.statistics.units += 1
        self.statistics.keyframes += frame.key
        return [frame]
