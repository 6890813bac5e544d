"""What has happened: one struct per event type (PROTOCOL §3).

An event carries all that its views need, so that what a view shows is a function of the event
alone: an author's ``name`` travels with their words, because above 200 people students get no
roster to look it up in, and a replay has none at all.

``EVENTS`` maps the name in the log to its type. ``version`` is that of the data's shape.
"""

from typing import ClassVar, Literal, TypeAlias, get_args

from msgspec import Struct

from protocol.commands import SceneLayout
from protocol.ids import (
    DestinationId,
    MessageId,
    PollId,
    QuestionId,
    RecordingId,
    Role,
    SceneId,
    UserId,
)


class Event(Struct, frozen=True):
    """A fact. It is stored before it is told, and never changes."""

    type: ClassVar[str]
    version: ClassVar[int] = 1


class SessionStarted(Event, frozen=True):
    """The class is live."""

    type = "session.started"


class SessionEnded(Event, frozen=True):
    """The class is over."""

    type = "session.ended"


class ParticipantJoined(Event, frozen=True):
    """Somebody came in (attendance: staff only)."""

    type = "participant.joined"
    user: UserId
    name: str
    role: Role


class ParticipantLeft(Event, frozen=True):
    """Somebody has been away for longer than the grace (attendance: staff only)."""

    type = "participant.left"
    user: UserId


class ParticipantRemoved(Event, frozen=True):
    """Somebody was taken out of the class; the reason is for staff."""

    type = "participant.removed"
    user: UserId
    reason: str | None = None


class HandRaised(Event, frozen=True):
    """A hand went up."""

    type = "hand.raised"
    user: UserId
    name: str


class HandLowered(Event, frozen=True):
    """A hand went down."""

    type = "hand.lowered"
    user: UserId


class HandAllLowered(Event, frozen=True):
    """All hands went down."""

    type = "hand.all_lowered"


class ChatPosted(Event, frozen=True):
    """Somebody said something, to everyone or to staff."""

    type = "chat.posted"
    message: MessageId
    name: str
    text: str
    to: Literal["everyone", "staff"]
    reply_to: MessageId | None = None


class QuestionAsked(Event, frozen=True):
    """A question for the teacher."""

    type = "question.asked"
    question: QuestionId
    name: str
    prompt: str


class QuestionUpvoted(Event, frozen=True):
    """One more vote for a question (staff only; everybody sees counts)."""

    type = "question.upvoted"
    question: QuestionId


class QuestionUnvoted(Event, frozen=True):
    """One vote less for a question (staff only; everybody sees counts)."""

    type = "question.unvoted"
    question: QuestionId


class QuestionAnswered(Event, frozen=True):
    """A question was answered, aloud or in words."""

    type = "question.answered"
    question: QuestionId
    text: str | None = None


class PollOpened(Event, frozen=True):
    """A poll is open; ``correct`` is for staff until the results are published."""

    type = "poll.opened"
    poll: PollId
    prompt: str
    options: tuple[str, ...]
    multiple: bool
    anonymous: bool
    results: Literal["live", "published"]
    correct: tuple[int, ...] | None = None


class PollVoted(Event, frozen=True):
    """A vote, replacing that person's earlier one (staff only; without its author if anonymous)."""

    type = "poll.voted"
    poll: PollId
    choices: tuple[int, ...]
    anonymous: bool


class PollClosed(Event, frozen=True):
    """The poll takes no more votes."""

    type = "poll.closed"
    poll: PollId


class PollPublished(Event, frozen=True):
    """The results are out, for all: votes per option, and the correct ones where known."""

    type = "poll.published"
    poll: PollId
    tally: tuple[int, ...]
    correct: tuple[int, ...] | None = None


class SceneCreated(Event, frozen=True):
    """The studio has one more scene."""

    type = "scene.created"
    scene: SceneId
    name: str
    layout: SceneLayout


class SceneChanged(Event, frozen=True):
    """Another scene is on air."""

    type = "scene.changed"
    scene: SceneId


class DestinationEnabled(Event, frozen=True):
    """Stream there while the class is live."""

    type = "destination.enabled"
    destination: DestinationId


class DestinationDisabled(Event, frozen=True):
    """Stream there no more."""

    type = "destination.disabled"
    destination: DestinationId


class DestinationConnecting(Event, frozen=True):
    """A connection to the platform is being made."""

    type = "destination.connecting"
    destination: DestinationId
    attempt: int


class DestinationLive(Event, frozen=True):
    """The platform takes our media. ``ttff_ms``: from enabling to the first keyframe sent."""

    type = "destination.live"
    destination: DestinationId
    ttff_ms: int


class DestinationDegraded(Event, frozen=True):
    """The platform takes our media too slowly."""

    type = "destination.degraded"
    destination: DestinationId
    code: str


class DestinationRecovered(Event, frozen=True):
    """All media reaches the platform again."""

    type = "destination.recovered"
    destination: DestinationId


class DestinationSwitched(Event, frozen=True):
    """The other of the primary and the backup address is in use."""

    type = "destination.switched"
    destination: DestinationId
    to: Literal["primary", "backup"]


class DestinationRetryScheduled(Event, frozen=True):
    """The connection was lost or refused; the next attempt comes after ``delay_ms``."""

    type = "destination.retry_scheduled"
    destination: DestinationId
    attempt: int
    code: str
    delay_ms: int


class DestinationFailed(Event, frozen=True):
    """Given up: only a person can start it again."""

    type = "destination.failed"
    destination: DestinationId
    code: str
    attempts: int


class DestinationStopped(Event, frozen=True):
    """The stream to the platform ended as wished."""

    type = "destination.stopped"
    destination: DestinationId


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
    code: str


class RecordingStarted(Event, frozen=True):
    """The class is being recorded."""

    type = "recording.started"
    recording: RecordingId


class RecordingStopped(Event, frozen=True):
    """No more is recorded; finalizing follows."""

    type = "recording.stopped"
    recording: RecordingId


class RecordingFinalized(Event, frozen=True):
    """The recording is whole and can be played (staff only until the replay is published)."""

    type = "recording.finalized"
    recording: RecordingId
    media_uri: str
    duration_ms: int
    bytes: int


class RecordingFailed(Event, frozen=True):
    """The recording could not be kept."""

    type = "recording.failed"
    recording: RecordingId
    code: str


AnyEvent: TypeAlias = (
    SessionStarted
    | SessionEnded
    | ParticipantJoined
    | ParticipantLeft
    | ParticipantRemoved
    | HandRaised
    | HandLowered
    | HandAllLowered
    | ChatPosted
    | QuestionAsked
    | QuestionUpvoted
    | QuestionUnvoted
    | QuestionAnswered
    | PollOpened
    | PollVoted
    | PollClosed
    | PollPublished
    | SceneCreated
    | SceneChanged
    | DestinationEnabled
    | DestinationDisabled
    | DestinationConnecting
    | DestinationLive
    | DestinationDegraded
    | DestinationRecovered
    | DestinationSwitched
    | DestinationRetryScheduled
    | DestinationFailed
    | DestinationStopped
    | PublisherConnected
    | PublisherLost
    | PublisherResumed
    | PublisherReplaced
    | PublisherWarning
    | RecordingStarted
    | RecordingStopped
    | RecordingFinalized
    | RecordingFailed
)

EVENTS: dict[str, type[AnyEvent]] = {kind.type: kind for kind in get_args(AnyEvent)}

FromMedia: TypeAlias = (
    DestinationConnecting
    | DestinationLive
    | DestinationDegraded
    | DestinationRecovered
    | DestinationSwitched
    | DestinationRetryScheduled
    | DestinationFailed
    | DestinationStopped
    | PublisherConnected
    | PublisherLost
    | PublisherResumed
    | PublisherReplaced
    | PublisherWarning
    | RecordingFinalized
    | RecordingFailed
)
"""The events that the media worker reports, under an id of its own as their key."""

FROM_MEDIA: frozenset[str] = frozenset(kind.type for kind in get_args(FromMedia))
