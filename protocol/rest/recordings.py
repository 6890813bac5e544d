"""Recordings to take away."""

from typing import Annotated, Literal

from msgspec import Meta

from protocol.ids import RecordingId, Timestamp
from protocol.rest.shapes import Answer


class RecordingDownload(Answer, frozen=True):
    """A recording as one MP4 file, and how far the making of it is.

    ``queued`` and ``working``: ask again a little later. ``ready``: ``url`` gives the file until
    ``expires_at``; ask again for another one. ``failed``: for this ``reason``; it may be asked for
    again.
    """

    id: RecordingId
    status: Literal["queued", "working", "ready", "failed"]
    progress: Annotated[int, Meta(ge=0, le=100, description="In percent.")]
    reason: str | None
    bytes: int | None
    url: str | None
    expires_at: Timestamp | None
