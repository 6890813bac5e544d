"""Ways to see and hear a session, now and afterwards."""

from typing import Literal

from protocol.ids import RecordingId, Timestamp
from protocol.rest.shapes import Answer


class SessionRecording(Answer, frozen=True):
    """A recording of a session; ``url`` plays it for a while, once there is something to play."""

    id: RecordingId
    status: Literal["recording", "finalized", "failed"]
    started_at: Timestamp | None
    finalized_at: Timestamp | None
    duration_ms: int | None
    bytes: int | None
    url: str | None


class Playback(Answer, frozen=True):
    """A way to see and hear a session."""

    kind: Literal["whep", "hls"]
    url: str
    expires_at: Timestamp | None
