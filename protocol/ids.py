"""Identifiers and small value types, with the limits that hold wherever they appear."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from protocol.limits import PROMPT_LENGTH, SHORT_TEXT_LENGTH, TEXT_LENGTH

# ``(?!\n)``: in Python ``$`` also matches before a last newline, in JSON Schema it does not.
_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?!\n)$"

SessionId: TypeAlias = Annotated[str, Meta(pattern=_UUID, description="A session.")]
TenantId: TypeAlias = Annotated[str, Meta(pattern=_UUID, description="A tenant.")]
UserId: TypeAlias = Annotated[str, Meta(pattern=_UUID, description="A person.")]
MessageId: TypeAlias = Annotated[str, Meta(pattern=_UUID, description="A chat message.")]
QuestionId: TypeAlias = Annotated[str, Meta(pattern=_UUID, description="A question.")]
PollId: TypeAlias = Annotated[str, Meta(pattern=_UUID, description="A poll.")]
SceneId: TypeAlias = Annotated[str, Meta(pattern=_UUID, description="A studio scene.")]
DestinationId: TypeAlias = Annotated[str, Meta(pattern=_UUID, description="Where to stream to.")]
RecordingId: TypeAlias = Annotated[str, Meta(pattern=_UUID, description="A recording.")]
AssetId: TypeAlias = Annotated[str, Meta(pattern=_UUID, description="Slides, a board or media.")]
StrokeId: TypeAlias = Annotated[str, Meta(pattern=_UUID, description="A stroke on a board.")]
ArtifactId: TypeAlias = Annotated[str, Meta(pattern=_UUID, description="Something a class leaves.")]
ReplayId: TypeAlias = Annotated[str, Meta(pattern=_UUID, description="The replay of a class.")]

Key: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_.:-]{1,64}(?!\n)$",
        description="Idempotency key: the same key from the same user is the same command.",
    ),
]
Timestamp: TypeAlias = Annotated[
    str, Meta(description="RFC 3339 in UTC with milliseconds: 2026-11-22T09:00:00.123Z")
]
Moment: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z(?!\n)$",
        description="A time that a client names, in the one form that the server uses too.",
    ),
]
Role: TypeAlias = Literal["teacher", "assistant", "student", "admin"]
ViewName: TypeAlias = Literal["staff", "student", "lobby"]

# At least one character that shows, and never U+0000, which PostgreSQL cannot keep. The parts
# exclude each other: matching takes linear time, whatever the text.
_VISIBLE = r"^\s*[^\s\x00][^\x00]*$"

ChatText: TypeAlias = Annotated[str, Meta(min_length=1, max_length=TEXT_LENGTH, pattern=_VISIBLE)]
Prompt: TypeAlias = Annotated[str, Meta(min_length=1, max_length=PROMPT_LENGTH, pattern=_VISIBLE)]
ShortText: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=SHORT_TEXT_LENGTH, pattern=_VISIBLE)
]
OptionalText: TypeAlias = Annotated[str, Meta(max_length=TEXT_LENGTH, pattern=r"^[^\x00]*$")]
CaptionText: TypeAlias = Annotated[str, Meta(min_length=1, max_length=500, pattern=_VISIBLE)]
Milliseconds: TypeAlias = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Language: TypeAlias = Annotated[
    str,
    Meta(
        max_length=35,
        pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}(?!\n)$",
        description="A BCP 47 language tag: en, pt-BR.",
    ),
]
OptionIndex: TypeAlias = Annotated[int, Meta(ge=0, le=9)]

FOREVER = "9999-12-31T23:59:59.999Z"
"""The ``muted_until`` of a mute without an end."""

STAFF: frozenset[str] = frozenset(("teacher", "assistant", "admin"))


def view_of(role: Role) -> ViewName:
    """Return the view that a person of this role has of a class that admitted them."""
    return "staff" if role in STAFF else "student"
