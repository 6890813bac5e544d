"""What has happened: one struct per event type.

An event carries all that its views need, so that what a view shows is a function of the event
alone: an author's ``name`` travels with their words, because above 200 people students get no
roster to look it up in, and a replay has none at all.

The structs are in ``protocol.features``, one module per feature. ``EVENTS`` maps the name in the
log to its type. ``version`` is that of the data's shape.
"""

from typing import TypeAlias, get_args

from protocol.features.artifacts import (
    ArtifactCreated,
    ArtifactEdited,
    ArtifactEvent,
    ArtifactRemoved,
)
from protocol.features.assets import AssetAdded, AssetEvent, AssetHidden, AssetRemoved, AssetShown
from protocol.features.board import BoardCleared, BoardDrawn, BoardEvent, BoardUndone
from protocol.features.chat import (
    ChatConfigured,
    ChatEvent,
    ChatPinned,
    ChatPosted,
    ChatRemoved,
    ChatRestored,
    ChatUnpinned,
)
from protocol.features.destinations import (
    DestinationConnecting,
    DestinationDegraded,
    DestinationDisabled,
    DestinationEnabled,
    DestinationEvent,
    DestinationFailed,
    DestinationLive,
    DestinationRecovered,
    DestinationRetryRequested,
    DestinationRetryScheduled,
    DestinationStopped,
    DestinationSwitched,
)
from protocol.features.hands import HandAllLowered, HandEvent, HandLowered, HandRaised
from protocol.features.marks import (
    CaptionAdded,
    ChapterMarked,
    FeedbackMarked,
    HighlightMarked,
    MarkEvent,
    NoteAdded,
)
from protocol.features.participants import (
    ParticipantAdmitted,
    ParticipantBanned,
    ParticipantDenied,
    ParticipantEvent,
    ParticipantGrantsChanged,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantMuted,
    ParticipantRemoved,
    ParticipantRoleChanged,
    ParticipantUnbanned,
    ParticipantUnmuted,
    ParticipantWaiting,
)
from protocol.features.polls import PollClosed, PollEvent, PollOpened, PollPublished, PollVoted
from protocol.features.publisher import (
    PublisherConnected,
    PublisherEvent,
    PublisherLost,
    PublisherReplaced,
    PublisherResumed,
    PublisherWarning,
)
from protocol.features.questions import (
    QuestionAnswered,
    QuestionAsked,
    QuestionDismissed,
    QuestionEvent,
    QuestionPresented,
    QuestionReopened,
    QuestionUnvoted,
    QuestionUpvoted,
)
from protocol.features.recordings import (
    RecordingEvent,
    RecordingFailed,
    RecordingFinalized,
    RecordingStarted,
    RecordingStopped,
)
from protocol.features.replays import (
    ReplayEvent,
    ReplayPublished,
    ReplayScheduled,
    ReplayUnpublished,
)
from protocol.features.scenes import (
    SceneChanged,
    SceneCreated,
    SceneEvent,
    SceneRemoved,
    SceneUpdated,
)
from protocol.features.session import (
    SessionArchived,
    SessionEnded,
    SessionEvent,
    SessionLocked,
    SessionStarted,
    SessionUnlocked,
)
from protocol.messages import Event

__all__ = [
    "EVENTS",
    "FROM_MEDIA",
    "AnyEvent",
    "ArtifactCreated",
    "ArtifactEdited",
    "ArtifactRemoved",
    "AssetAdded",
    "AssetHidden",
    "AssetRemoved",
    "AssetShown",
    "BoardCleared",
    "BoardDrawn",
    "BoardUndone",
    "CaptionAdded",
    "ChapterMarked",
    "ChatConfigured",
    "ChatPinned",
    "ChatPosted",
    "ChatRemoved",
    "ChatRestored",
    "ChatUnpinned",
    "DestinationConnecting",
    "DestinationDegraded",
    "DestinationDisabled",
    "DestinationEnabled",
    "DestinationFailed",
    "DestinationLive",
    "DestinationRecovered",
    "DestinationRetryRequested",
    "DestinationRetryScheduled",
    "DestinationStopped",
    "DestinationSwitched",
    "Event",
    "FeedbackMarked",
    "FromMedia",
    "FromWorkers",
    "HandAllLowered",
    "HandLowered",
    "HandRaised",
    "HighlightMarked",
    "NoteAdded",
    "ParticipantAdmitted",
    "ParticipantBanned",
    "ParticipantDenied",
    "ParticipantGrantsChanged",
    "ParticipantJoined",
    "ParticipantLeft",
    "ParticipantMuted",
    "ParticipantRemoved",
    "ParticipantRoleChanged",
    "ParticipantUnbanned",
    "ParticipantUnmuted",
    "ParticipantWaiting",
    "PollClosed",
    "PollOpened",
    "PollPublished",
    "PollVoted",
    "PublisherConnected",
    "PublisherLost",
    "PublisherReplaced",
    "PublisherResumed",
    "PublisherWarning",
    "QuestionAnswered",
    "QuestionAsked",
    "QuestionDismissed",
    "QuestionPresented",
    "QuestionReopened",
    "QuestionUnvoted",
    "QuestionUpvoted",
    "RecordingFailed",
    "RecordingFinalized",
    "RecordingStarted",
    "RecordingStopped",
    "ReplayPublished",
    "ReplayScheduled",
    "ReplayUnpublished",
    "SceneChanged",
    "SceneCreated",
    "SceneRemoved",
    "SceneUpdated",
    "SessionArchived",
    "SessionEnded",
    "SessionLocked",
    "SessionStarted",
    "SessionUnlocked",
]

AnyEvent: TypeAlias = (
    SessionEvent
    | ParticipantEvent
    | HandEvent
    | ChatEvent
    | QuestionEvent
    | PollEvent
    | SceneEvent
    | AssetEvent
    | BoardEvent
    | MarkEvent
    | DestinationEvent
    | PublisherEvent
    | RecordingEvent
    | ArtifactEvent
    | ReplayEvent
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

FromWorkers: TypeAlias = FromMedia | ArtifactCreated | ArtifactRemoved | ReplayPublished
"""The events that no command makes: also what is made of a class by itself, after it."""

FROM_MEDIA: frozenset[str] = frozenset(kind.type for kind in get_args(FromMedia))
