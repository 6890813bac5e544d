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


class IceServer(Answer, frozen=True):
    """A STUN or TURN server, as `RTCPeerConnection` takes it."""

    urls: tuple[str, ...]
    username: str | None
    credential: str | None


class IceServers(Answer, frozen=True):
    """What helps a peer connection through firewalls; it may be nothing."""

    ice_servers: tuple[IceServer, ...]
    expires_at: Timestamp | None
    """When the credentials end; `null` if there are none."""
