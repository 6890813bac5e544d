"""What has happened: one struct per event type (PROTOCOL §3).

An event carries all that its views need, so that what a view shows is a function of the event
alone: an author's ``name`` travels with their words, because above 200 people students get no
roster to look it up in, and a replay has none at all.

The structs are in ``protocol.features``, one module per feature. ``EVENTS`` maps the name in the
log to its type. ``version`` is that of the data's shape.
"""

from typing import TypeAlias, get_args

from protocol.features.artifacts import ArtifactCreated, ArtifactEdited, ArtifactRemoved
from protocol.features.assets import AssetAdded, AssetHidden, AssetRemoved, AssetShown
from protocol.features.board import BoardCleared, BoardDrawn, BoardUndone
from protocol.features.captions import CaptionAdded
from protocol.features.chat import (
    ChatConfigured,
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
    DestinationFailed,
    DestinationLive,
    DestinationRecovered,
    DestinationRetryRequested,
    DestinationRetryScheduled,
    DestinationStopped,
    DestinationSwitched,
)
from protocol.features.feedback import FeedbackMarked
from protocol.features.hands import HandAllLowered, HandLowered, HandRaised
from protocol.features.marks import ChapterMarked, HighlightMarked, NoteAdded
from protocol.features.participants import (
    ParticipantAdmitted,
    ParticipantBanned,
    ParticipantDenied,
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
from protocol.features.polls import PollClosed, PollOpened, PollPublished, PollVoted
from protocol.features.publisher import (
    PublisherConnected,
    PublisherLost,
    PublisherReplaced,
    PublisherResumed,
    PublisherWarning,
)
from protocol.features.questions import (
    QuestionAnswered,
    QuestionAsked,
    QuestionDismissed,
    QuestionPresented,
    QuestionReopened,
    QuestionUnvoted,
    QuestionUpvoted,
)
from protocol.features.recordings import (
    RecordingFailed,
    RecordingFinalized,
    RecordingStarted,
    RecordingStopped,
)
from protocol.features.replays import ReplayPublished, ReplayScheduled, ReplayUnpublished
from protocol.features.scenes import SceneChanged, SceneCreated, SceneRemoved, SceneUpdated
from protocol.features.session import SessionEnded, SessionLocked, SessionStarted, SessionUnlocked
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
    "SessionEnded",
    "SessionLocked",
    "SessionStarted",
    "SessionUnlocked",
]

AnyEvent: TypeAlias = (
    SessionStarted
    | SessionEnded
    | SessionLocked
    | SessionUnlocked
    | ParticipantJoined
    | ParticipantLeft
    | ParticipantWaiting
    | ParticipantAdmitted
    | ParticipantDenied
    | ParticipantRemoved
    | ParticipantBanned
    | ParticipantUnbanned
    | ParticipantMuted
    | ParticipantUnmuted
    | ParticipantRoleChanged
    | ParticipantGrantsChanged
    | HandRaised
    | HandLowered
    | HandAllLowered
    | ChatPosted
    | ChatRemoved
    | ChatRestored
    | ChatPinned
    | ChatUnpinned
    | ChatConfigured
    | QuestionAsked
    | QuestionUpvoted
    | QuestionUnvoted
    | QuestionPresented
    | QuestionAnswered
    | QuestionDismissed
    | QuestionReopened
    | PollOpened
    | PollVoted
    | PollClosed
    | PollPublished
    | SceneCreated
    | SceneUpdated
    | SceneRemoved
    | SceneChanged
    | AssetAdded
    | AssetRemoved
    | AssetShown
    | AssetHidden
    | BoardDrawn
    | BoardUndone
    | BoardCleared
    | FeedbackMarked
    | CaptionAdded
    | ChapterMarked
    | HighlightMarked
    | NoteAdded
    | DestinationEnabled
    | DestinationDisabled
    | DestinationRetryRequested
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
    | ArtifactCreated
    | ArtifactEdited
    | ArtifactRemoved
    | ReplayScheduled
    | ReplayPublished
    | ReplayUnpublished
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
