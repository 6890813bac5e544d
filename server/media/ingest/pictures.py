"""What collecting pictures out of packets has in common, whatever the codec. Pure."""

from abc import abstractmethod

from server.media.ingest.nack import Nacks
from server.media.ingest.reorder import PacketAssembler, Unit, Unwrapper

KEYFRAME_WISH_SECONDS = 0.5
MAX_PACKETS = 8192
"""No picture has more packets: it would be 10 MB."""


class PictureAssembler(PacketAssembler[Unit]):
    """Collect packets until a picture is whole; ask for a keyframe when one is needed."""

    def __init__(self, nacks: Nacks | None = None) -> None:
        """``nacks`` know how long a hole is worth waiting for."""
        super().__init__()
        self.nacks = Nacks() if nacks is None else nacks
        self._time = Unwrapper(32)
        self._parts: list[bytes] = []
        """Of the picture that is being collected, from its beginning and without a hole."""
        self._timestamp = 0
        """Of that picture, as it is in its packets."""
        self._waits_for_key = True
        self._wished_at: float | None = None

    @property
    def patience(self) -> float:
        """Seconds that a hole is worth waiting for."""
        return self.nacks.patience

    def wants_keyframe(self, now: float) -> bool:
        """Say whether to ask for a keyframe now; at most once per half second.

        One that is arriving is not asked for.
        """
        if not self._waits_for_key or self._has_keyframe:
            return False
        if self._wished_at is not None and now - self._wished_at < KEYFRAME_WISH_SECONDS:
            return False
        self._wished_at = now
        return True

    @property
    def _has_keyframe(self) -> bool:
        """Whether the picture that is being collected is a keyframe."""
        return False

    def _collect(self, timestamp: int, marker: bool, data: bytes) -> list[Unit]:
        """Take the next packet of a picture and return what is whole."""
        units: list[Unit] = []
        if self._parts and timestamp != self._timestamp:
            # The picture ended without its marker.
            units = self._finish()
        if not self._parts:
            self._timestamp = timestamp
        elif len(self._parts) == MAX_PACKETS:
            self._interrupt()
            return units
        self._parts.append(data)
        return units + self._finish() if marker else units

    @abstractmethod
    def _finish(self) -> list[Unit]:
        """Return the picture that has been collected, if it may be shown."""
