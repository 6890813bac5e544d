"""What a client may ask for: one struct per operation, its data as the fields (PROTOCOL §3).

``COMMANDS`` maps the name on the wire to its type. Unknown fields are refused: a misspelt
option that is silently ignored is worse than an error.
"""

from typing import Annotated, ClassVar, Literal, TypeAlias, get_args

from msgspec import Meta, Struct

from protocol.ids import (
    ChatText,
    DestinationId,
    MessageId,
    OptionalText,
    OptionIndex,
    PollId,
    Prompt,
    QuestionId,
    SceneId,
    ShortText,
    UserId,
)


class Command(Struct, frozen=True, forbid_unknown_fields=True):
    """A wish. Whether it comes true is decided by ``server.classroom.decide``."""

    op: ClassVar[str]


class SessionStart(Command, frozen=True):
    """Open the class: students may act from now on."""

    op = "session.start"


class SessionEnd(Command, frozen=True):
    """End the class for everyone."""

    op = "session.end"


class ParticipantRemove(Command, frozen=True):
    """Take a person out of the class. They may come back with a new link only."""

    op = "participant.remove"
    user: UserId
    reason: OptionalText | None = None


class HandRaise(Command, frozen=True):
    """Raise one's own hand; the queue keeps the order of raising."""

    op = "hand.raise"


class HandLower(Command, frozen=True):
    """Lower one's own hand, or (staff) anyone's."""

    op = "hand.lower"
    user: UserId | None = None


class HandLowerAll(Command, frozen=True):
    """Lower every hand."""

    op = "hand.lower_all"


class ChatPost(Command, frozen=True):
    """Say something to everyone, or to staff alone."""

    op = "chat.post"
    text: ChatText
    to: Literal["everyone", "staff"] = "everyone"
    reply_to: MessageId | None = None


class QuestionAsk(Command, frozen=True):
    """Ask the teacher something that others may vote for."""

    op = "question.ask"
    prompt: Prompt


class QuestionUpvote(Command, frozen=True):
    """Say that this question is mine too. Once per person."""

    op = "question.upvote"
    question: QuestionId


class QuestionUnvote(Command, frozen=True):
    """Take one's vote for a question back."""

    op = "question.unvote"
    question: QuestionId


class QuestionAnswer(Command, frozen=True):
    """Mark a question answered, with the answer in words where there is one."""

    op = "question.answer"
    question: QuestionId
    text: OptionalText | None = None


class PollOpen(Command, frozen=True):
    """Put a question with two to ten answers to the class."""

    op = "poll.open"
    prompt: Prompt
    options: Annotated[tuple[ShortText, ...], Meta(min_length=2, max_length=10)]
    multiple: bool = False
    anonymous: bool = False
    results: Literal["live", "published"] = "published"
    correct: Annotated[tuple[OptionIndex, ...], Meta(max_length=10)] | None = None


class PollVote(Command, frozen=True):
    """Vote, or change one's vote while the poll is open."""

    op = "poll.vote"
    poll: PollId
    choices: Annotated[tuple[OptionIndex, ...], Meta(min_length=1, max_length=10)]


class PollClose(Command, frozen=True):
    """Take no more votes."""

    op = "poll.close"
    poll: PollId


class PollPublish(Command, frozen=True):
    """Show the results, and the correct answers, to everybody."""

    op = "poll.publish"
    poll: PollId


class SceneItem(Struct, frozen=True, forbid_unknown_fields=True):
    """One source on the stage; geometry in 1/10,000 of its width and height."""

    source: Literal["camera", "screen", "slide", "board", "title"]
    x: Annotated[int, Meta(ge=0, le=10_000)] = 0
    y: Annotated[int, Meta(ge=0, le=10_000)] = 0
    width: Annotated[int, Meta(ge=1, le=10_000)] = 10_000
    height: Annotated[int, Meta(ge=1, le=10_000)] = 10_000
    text: ShortText | None = None


class SceneLayout(Struct, frozen=True, forbid_unknown_fields=True):
    """What a scene shows, from the back to the front."""

    items: Annotated[tuple[SceneItem, ...], Meta(min_length=1, max_length=8)]


class SceneCreate(Command, frozen=True):
    """Add a scene to the studio."""

    op = "scene.create"
    name: ShortText
    layout: SceneLayout


class SceneSwitch(Command, frozen=True):
    """Put a scene on air."""

    op = "scene.switch"
    scene: SceneId


class DestinationEnable(Command, frozen=True):
    """Stream to this destination while the class is live."""

    op = "destination.enable"
    destination: DestinationId


class DestinationDisable(Command, frozen=True):
    """Stop streaming to this destination."""

    op = "destination.disable"
    destination: DestinationId


class RecordingStart(Command, frozen=True):
    """Record the teacher's picture and sound."""

    op = "recording.start"


class RecordingStop(Command, frozen=True):
    """Stop recording; what was recorded is finalized."""

    op = "recording.stop"


AnyCommand: TypeAlias = (
    SessionStart
    | SessionEnd
    | ParticipantRemove
    | HandRaise
    | HandLower
    | HandLowerAll
    | ChatPost
    | QuestionAsk
    | QuestionUpvote
    | QuestionUnvote
    | QuestionAnswer
    | PollOpen
    | PollVote
    | PollClose
    | PollPublish
    | SceneCreate
    | SceneSwitch
    | DestinationEnable
    | DestinationDisable
    | RecordingStart
    | RecordingStop
)

COMMANDS: dict[str, type[AnyCommand]] = {kind.op: kind for kind in get_args(AnyCommand)}
