"""What may be wrong with a publisher: when each code of ``publisher.warning`` is told."""

from enum import StrEnum


class Defect(StrEnum):
    """One defect. The protocol has the same names; docs/publishing.md says what to do."""

    STALLED = "stalled"
    """Nothing arrived for 0.7 s. Told at most every 10 s."""
    GOP = "gop"
    """Requests for keyframes are ignored, and they come less often than every 4 s."""
    PICTURE = "picture"
    """The sound goes on and the picture has stopped for 5 s: a sign takes its place."""
    TRANSCODER = "transcoder"
    """What makes H.264 of VP8 ended by itself, and is started again."""
    CLOCK = "clock"
    """The clocks of sound and picture jumped, and were set anew."""
    B_FRAMES = "b_frames"
    """Pictures come out of order: those that cannot go out at their time are left out."""
