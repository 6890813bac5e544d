"""Replays: what is left of a class that is over, to be seen again."""

from typing import Annotated, Literal

from msgspec import Meta, Raw

from protocol.ids import RecordingId, SessionId, Timestamp, ViewName
from protocol.rest.paging import Order, PageQuery
from protocol.rest.shapes import Answer, Body, CourseId, Instant

MediaTime = Annotated[
    int, Meta(ge=0, le=2**53 - 1, description="Milliseconds of the replay's media.")
]


class Replay(Answer, frozen=True):
    """The replay of a class. There is one for each class that is over, and it has its id.

    Times of its media count through all recordings, one after the other.
    """

    id: SessionId
    course: CourseId | None
    title: str
    language: str
    status: Literal["draft", "published"]
    publish_at: Timestamp | None
    """When it is to be published; null: no such plan."""
    started_at: Timestamp
    ended_at: Timestamp
    has_media: bool
    """Whether there is a recording to play. What happened can be seen without."""
    is_finalizing: bool
    """Whether a recording is still being finished."""
    recordings_deleted_at: Timestamp | None
    """When its recordings were deleted, because they are kept for a limited time."""
    artifacts: int
    """How many things the class left behind, notes apart: those are not for everybody."""
    chapters: int
    captions: tuple[str, ...]
    """The languages of its transcripts, as tags (BCP 47)."""
    processing: str | None
    """What is still waited for, in words; null: nothing."""


class ReplaysQuery(PageQuery, frozen=True):
    """Which replays: those of a course, drafts or published ones."""

    course: CourseId | None = None
    status: Literal["draft", "published"] | None = None
    order: Order = "oldest"


class ReplayChange(Body, frozen=True):
    """When to publish; null takes the plan back."""

    publish_at: Instant | None


class ReplayMedia(Answer, frozen=True):
    """A recording to play by HLS, until ``expires_at``; ask again for an address that lasts."""

    recording: RecordingId
    url: str
    expires_at: Timestamp
    starts_ms: int
    """Where it begins in the replay's media time."""
    duration_ms: int


class ReplayGap(Answer, frozen=True):
    """Time of the class that no recording has."""

    at_ms: int
    """Where in media time it was cut out."""
    duration_ms: int
    """How long it was."""


class ReplayPlayback(Answer, frozen=True):
    """What there is to play, and the tracks that go with it."""

    duration_ms: int
    media: tuple[ReplayMedia, ...]
    gaps: tuple[ReplayGap, ...]
    captions: tuple[str, ...]
    """The languages that there are captions in: ``captions/{language}.vtt``."""


class ReplayStateQuery(Body, frozen=True):
    """Which moment: since the class started (``at``), or else of the media (``t``)."""

    t: MediaTime | None = None
    at: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None


class ReplayState(Answer, frozen=True):
    """What a view of the class saw at a moment: the fold of its events up to ``sequence``."""

    t: int
    at: Timestamp
    """When that was."""
    sequence: int
    view: ViewName
    state: Raw
    """The same object as in a `snapshot` frame of the live protocol."""


class ReplayEventsQuery(Body, frozen=True):
    """A window of media time, and after which event of it to go on."""

    from_ms: MediaTime = 0
    to_ms: MediaTime = 2**53 - 1
    types: (
        Annotated[str, Meta(max_length=2000, description="Event types, separated by commas.")]
        | None
    ) = None
    after: Annotated[int, Meta(ge=0)] = 0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 500


class ReplayEvent(Answer, frozen=True):
    """An event, and its moment in the media."""

    t: int
    event: Raw


class ReplayEvents(Answer, frozen=True):
    """The events of a window that the caller may see, in order.

    ``next`` goes into ``after`` of the next request; null: there are no more in the window.
    """

    items: tuple[ReplayEvent, ...]
    next: int | None
