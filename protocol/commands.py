"""What a client may ask for: one struct per operation, its data as the fields (PROTOCOL §3).

The structs are in ``protocol.features``, one module per feature. ``COMMANDS`` maps the name on the
wire to its type. Unknown fields are refused: a misspelt option that is silently ignored is worse
than an error.
"""

from typing import TypeAlias, get_args

from protocol.features.artifacts import (
    ArtifactAdd,
    ArtifactEdit,
    ArtifactPayload,
    ArtifactRemove,
    Segment,
)
from protocol.features.assets import AssetAdd, AssetHide, AssetRemove, AssetShow
from protocol.features.board import BoardClear, BoardDraw, BoardUndo, Stroke
from protocol.features.captions import CaptionAdd
from protocol.features.chat import (
    ChatConfigure,
    ChatPin,
    ChatPost,
    ChatRemove,
    ChatRestore,
    ChatUnpin,
)
from protocol.features.destinations import DestinationDisable, DestinationEnable, DestinationRetry
from protocol.features.feedback import FeedbackMark
from protocol.features.hands import HandLower, HandLowerAll, HandRaise
from protocol.features.marks import ChapterMark, HighlightMark, NoteAdd
from protocol.features.participants import (
    ParticipantAdmit,
    ParticipantBan,
    ParticipantDeny,
    ParticipantMute,
    ParticipantRemove,
    ParticipantSetGrants,
    ParticipantSetRole,
    ParticipantUnban,
    ParticipantUnmute,
)
from protocol.features.polls import PollClose, PollOpen, PollPublish, PollVote
from protocol.features.questions import (
    QuestionAnswer,
    QuestionAsk,
    QuestionDismiss,
    QuestionPresent,
    QuestionReopen,
    QuestionUnvote,
    QuestionUpvote,
)
from protocol.features.recordings import RecordingStart, RecordingStop
from protocol.features.replays import ReplayPublish, ReplaySchedule, ReplayUnpublish
from protocol.features.scenes import (
    SceneCreate,
    SceneItem,
    SceneLayout,
    SceneRemove,
    SceneSwitch,
    SceneUpdate,
)
from protocol.features.session import SessionEnd, SessionLock, SessionStart, SessionUnlock
from protocol.messages import Command

__all__ = [
    "COMMANDS",
    "AnyCommand",
    "ArtifactAdd",
    "ArtifactEdit",
    "ArtifactPayload",
    "ArtifactRemove",
    "AssetAdd",
    "AssetHide",
    "AssetRemove",
    "AssetShow",
    "BoardClear",
    "BoardDraw",
    "BoardUndo",
    "CaptionAdd",
    "ChapterMark",
    "ChatConfigure",
    "ChatPin",
    "ChatPost",
    "ChatRemove",
    "ChatRestore",
    "ChatUnpin",
    "Command",
    "DestinationDisable",
    "DestinationEnable",
    "DestinationRetry",
    "FeedbackMark",
    "HandLower",
    "HandLowerAll",
    "HandRaise",
    "HighlightMark",
    "NoteAdd",
    "ParticipantAdmit",
    "ParticipantBan",
    "ParticipantDeny",
    "ParticipantMute",
    "ParticipantRemove",
    "ParticipantSetGrants",
    "ParticipantSetRole",
    "ParticipantUnban",
    "ParticipantUnmute",
    "PollClose",
    "PollOpen",
    "PollPublish",
    "PollVote",
    "QuestionAnswer",
    "QuestionAsk",
    "QuestionDismiss",
    "QuestionPresent",
    "QuestionReopen",
    "QuestionUnvote",
    "QuestionUpvote",
    "RecordingStart",
    "RecordingStop",
    "ReplayPublish",
    "ReplaySchedule",
    "ReplayUnpublish",
    "SceneCreate",
    "SceneItem",
    "SceneLayout",
    "SceneRemove",
    "SceneSwitch",
    "SceneUpdate",
    "Segment",
    "SessionEnd",
    "SessionLock",
    "SessionStart",
    "SessionUnlock",
    "Stroke",
]

AnyCommand: TypeAlias = (
    SessionStart
    | SessionEnd
    | SessionLock
    | SessionUnlock
    | ParticipantAdmit
    | ParticipantDeny
    | ParticipantRemove
    | ParticipantBan
    | ParticipantUnban
    | ParticipantMute
    | ParticipantUnmute
    | ParticipantSetRole
    | ParticipantSetGrants
    | HandRaise
    | HandLower
    | HandLowerAll
    | ChatPost
    | ChatRemove
    | ChatRestore
    | ChatPin
    | ChatUnpin
    | ChatConfigure
    | QuestionAsk
    | QuestionUpvote
    | QuestionUnvote
    | QuestionPresent
    | QuestionAnswer
    | QuestionDismiss
    | QuestionReopen
    | PollOpen
    | PollVote
    | PollClose
    | PollPublish
    | SceneCreate
    | SceneUpdate
    | SceneRemove
    | SceneSwitch
    | AssetAdd
    | AssetRemove
    | AssetShow
    | AssetHide
    | BoardDraw
    | BoardUndo
    | BoardClear
    | FeedbackMark
    | CaptionAdd
    | ChapterMark
    | HighlightMark
    | NoteAdd
    | DestinationEnable
    | DestinationDisable
    | DestinationRetry
    | RecordingStart
    | RecordingStop
    | ArtifactAdd
    | ArtifactEdit
    | ArtifactRemove
    | ReplaySchedule
    | ReplayPublish
    | ReplayUnpublish
)

COMMANDS: dict[str, type[AnyCommand]] = {kind.op: kind for kind in get_args(AnyCommand)}
