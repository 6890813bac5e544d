"""What one connection is sent: headers when they change, timestamps from zero."""

from server.media.codes import Code, DestinationError
from server.media.h264 import VideoParameters
from server.media.rtmp import tags
from server.media.rtmp.client import RtmpPublisher
from server.media.unit import EncodedUnit, Kind


class Publication:
    """Write units to one connection, from a keyframe on, and count them."""

    def __init__(self, connection: RtmpPublisher, *, is_strict: bool) -> None:
        self._connection = connection
        self._is_strict = is_strict
        self._base_ms: int | None = None
        self._last = {Kind.VIDEO: -1, Kind.AUDIO: -1}
        self._parameters: VideoParameters | None = None
        self._key_ms: int | None = None
        self.pictures = 0
        self.gop_ms = 0
        """Between the last two keyframes."""
        self.longest_gop_ms = 0

    @property
    def skew_ms(self) -> int:
        """How far the sound that was sent is ahead of the picture; below zero: behind."""
        if self._last[Kind.AUDIO] < 0 or self._last[Kind.VIDEO] < 0:
            return 0
        return self._last[Kind.AUDIO] - self._last[Kind.VIDEO]

    def send(self, unit: EncodedUnit) -> None:
        """Write one unit; sound from before the first picture is passed over.

        Raises:
            DestinationError: If the picture changed its size and the provider forbids it.

        """
        if self._base_ms is None:
            if unit.kind is not Kind.VIDEO:
                return
            self._base_ms = unit.dts_ms
        time = unit.dts_ms - self._base_ms
        if time < 0:
            return
        time = max(time, self._last[unit.kind] + 1)
        if unit.kind is Kind.VIDEO:
            if unit.key:
                self._begin_group(unit, time)
            self.pictures += 1
        self._last[unit.kind] = time
        self._connection.send(tags.media(unit), time)

    def _begin_group(self, unit: EncodedUnit, time: int) -> None:
        if unit.parameters != self._parameters:
            assert unit.parameters is not None
            self._announce(unit.parameters, time)
        if self._key_ms is not None:
            self.gop_ms = time - self._key_ms
            self.longest_gop_ms = max(self.longest_gop_ms, self.gop_ms)
        self._key_ms = time

    def _announce(self, parameters: VideoParameters, time: int) -> None:
        """Write the headers: all of them at first, then those of the picture when they change."""
        old, self._parameters = self._parameters, parameters
        if old is not None and self._is_strict and old.geometry != parameters.geometry:
            raise DestinationError(Code.PARAMS_CHANGED_STRICT)
        self._connection.send(tags.metadata(parameters), time)
        self._connection.send(tags.video_header(parameters), time)
        if old is None:
            self._connection.send(tags.audio_header(), time)
