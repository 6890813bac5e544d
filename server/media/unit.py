"""What a bus carries: one encoded picture or sound."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from server.media.h264 import VideoParameters

T = TypeVar("T")


class Kind(Enum):
    """What an encoded unit holds."""

    VIDEO = "video"
    """One H.264 picture in AVCC form, without parameter sets."""
    AUDIO = "audio"
    """One raw AAC-LC frame of 1,024 samples, 48 kHz stereo."""
    OPUS = "opus"
    """One Opus packet, as the publisher sent it."""


@dataclass(eq=False, slots=True)
class EncodedUnit:
    """One encoded picture or sound, shared by every consumer and never changed."""

    kind: Kind
    dts_ms: int
    """Milliseconds on the session's time line. There are no B-frames: it is the pts too."""
    key: bool
    data: bytes
    parameters: VideoParameters | None = None
    """Of a picture: what decodes it."""
    read_at: float | None = None
    """When the packet that made it whole was read, by the monotonic clock; of pictures as they
    came only."""
    _made: dict[Callable[["EncodedUnit"], Any], Any] = field(default_factory=dict, repr=False)

    def once(self, make: Callable[["EncodedUnit"], T]) -> T:
        """Return ``make(self)``, computed once however many consumers ask."""
        try:
            made: T = self._made[make]
        except KeyError:
            made = self._made[make] = make(self)
        return made
