"""What a client may ask for: one struct per operation, its data as the fields.

The structs are in ``protocol.features``, one module per feature. ``COMMANDS`` maps the name on the
wire to its type. Unknown fields are refused: a misspelt option that is silently ignored is worse
than an error.
"""

from typing import TypeAlias, get_args

from protocol.features.artifacts import (
    ArtifactAdd,
    ArtifactCommand,
    ArtifactEdit,
    ArtifactPayload,
    ArtifactRemove,
    Segment,
)
from protocol.features.assets import AssetAdd, AssetCommand, AssetHide, AssetRemove, AssetShow
from protocol.features.board import BoardClear, BoardCommand, BoardDraw, BoardUndo, Stroke
from protocol.features.chat import (
    ChatCommand,
    ChatConfigure,
    ChatPin,
    ChatPost,
    ChatRemove,
    ChatRestore,
    ChatUnpin,
)
from protocol.features.destinations import (
    DestinationCommand,
    DestinationDisable,
    DestinationEnable,
    DestinationRetry,
)
from protocol.features.hands import HandCommand, HandLower, HandLowerAll, HandRaise
from protocol.features.marks import (
    CaptionAdd,
    ChapterMark,
    FeedbackMark,
    HighlightMark,
    MarkCommand,
    NoteAdd,
)
from protocol.features.participants import (
    ParticipantAdmit,
    ParticipantBan,
    ParticipantCommand,
    ParticipantDeny,
    ParticipantMute,
    ParticipantRemove,
    ParticipantSetGrants,
    ParticipantSetRole,
    ParticipantUnban,
    ParticipantUnmute,
)
from protocol.features.polls import PollClose, PollCommand, PollOpen, PollPublish, PollVote
from protocol.features.questions import (
    QuestionAnswer,
    QuestionAsk,
    QuestionCommand,
    QuestionDismiss,
    QuestionPresent,
    QuestionReopen,
    QuestionUnvote,
    QuestionUpvote,
)
from protocol.features.recordings import RecordingCommand, RecordingStart, RecordingStop
from protocol.features.replays import ReplayCommand, ReplayPublish, ReplaySchedule, ReplayUnpublish
from protocol.features.scenes import (
    SceneCommand,
    SceneCreate,
    SceneItem,
    SceneLayout,
    SceneRemove,
    SceneSwitch,
    SceneUpdate,
)
from protocol.features.session import (
    SessionArchive,
    SessionCommand,
    SessionEnd,
    SessionLock,
    SessionStart,
    SessionUnlock,
)
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
    "SessionArchive",
    "SessionEnd",
    "SessionLock",
    "SessionStart",
    "SessionUnlock",
    "Stroke",
]

AnyCommand: TypeAlias = (
    SessionCommand
    | ParticipantCommand
    | HandCommand
    | ChatCommand
    | QuestionCommand
    | PollCommand
    | SceneCommand
    | AssetCommand
    | BoardCommand
    | MarkCommand
    | DestinationCommand
    | RecordingCommand
    | ArtifactCommand
    | ReplayCommand
)

COMMANDS: dict[str, type[AnyCommand]] = {kind.op: kind for kind in get_args(AnyCommand)}
