"""The teacher's picture and sound, as the media worker sees them come and go."""

from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from protocol.ids import UserId
from protocol.messages import Event

DEFECTS: Final = ("stalled", "gop", "picture", "transcoder", "clock", "b_frames")
"""The closed set of codes of a warning; docs/publishing.md says what to do about each."""


class PublisherConnected(Event, frozen=True):
    """The teacher's picture and sound arrive."""

    type = "publisher.connected"
    user: UserId
    width: int
    height: int
    codec: str


class PublisherLost(Event, frozen=True):
    """No media arrives any more."""

    type = "publisher.lost"
    user: UserId
    reason: str


class PublisherResumed(Event, frozen=True):
    """Media arrives again."""

    type = "publisher.resumed"
    user: UserId


class PublisherReplaced(Event, frozen=True):
    """A newer publisher took over (newest wins)."""

    type = "publisher.replaced"
    user: UserId


class PublisherWarning(Event, frozen=True):
    """The teacher's media has a defect that platforms may punish (staff only)."""

    type = "publisher.warning"
    code: Annotated[str, Meta(description=f"One of: {', '.join(DEFECTS)}.")]


PublisherEvent: TypeAlias = (
    PublisherConnected | PublisherLost | PublisherResumed | PublisherReplaced | PublisherWarning
)
