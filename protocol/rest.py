"""The bodies and answers of the REST interface, one JSON object each (RFC 9457 for refusals).

Unknown fields of a body are refused, and every text is one that PostgreSQL can keep. What a
request sets and what an answer shows are types of their own: a stream key goes in and never out.
"""

from datetime import datetime
from typing import Annotated, Generic, Literal, TypeAlias, TypeVar

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from protocol.errors import ErrorCode
from protocol.ids import (
    DestinationId,
    Key,
    RecordingId,
    Role,
    SessionId,
    ShortText,
    Timestamp,
    UserId,
)

CourseId: TypeAlias = Annotated[SessionId, Meta(description="A course.")]
LessonId: TypeAlias = Annotated[SessionId, Meta(description="A lesson.")]
IntegrationId: TypeAlias = Annotated[
    SessionId, Meta(description="An account with a streaming platform.")
]

Instant: TypeAlias = Annotated[
    datetime, Meta(tz=True, description="RFC 3339 with an offset: 2026-11-22T09:00:00Z")
]
Language: TypeAlias = Annotated[
    str,
    Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*(?!\n)$", max_length=35, description="BCP 47."),
]
_UNBROKEN = r"^[^\x00-\x20\x7f]*(?!\n)$"
Url: TypeAlias = Annotated[str, Meta(min_length=1, max_length=2000, pattern=_UNBROKEN)]

ProblemCode: TypeAlias = ErrorCode | Literal["method_not_allowed", "unsupported_media_type"]


Cursor: TypeAlias = Annotated[SessionId, Meta(description="``next`` of the page before.")]


class _Body(Struct, frozen=True, forbid_unknown_fields=True):
    """What a request carries."""


class _Answer(Struct, frozen=True):
    """What is answered."""


Item = TypeVar("Item")


class Page(_Answer, Generic[Item], frozen=True):
    """A part of a list; ``next`` goes into ``after`` of the next request, null at the end."""

    items: tuple[Item, ...]
    next: str | None


class PageQuery(_Body, frozen=True):
    """Where a page begins and how long it is."""

    after: Cursor | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class Problem(_Answer, frozen=True, omit_defaults=True):
    """Why a request was refused (RFC 9457); a client switches on ``code`` only."""

    code: ProblemCode
    title: str
    status: int
    detail: str
    field: str | None = None
    retry_ms: int | None = None
    touched: int | None = None
    request: str | None = None
    """What to name to the operator when it is our fault (``internal``)."""


# ---------------------------------------------------------------- courses, lessons, sessions


class NewCourse(_Body, frozen=True):
    """A course to create."""

    title: ShortText
    status: Literal["draft", "published"] = "draft"


class CourseChange(_Body, frozen=True):
    """What to change of a course."""

    title: ShortText | UnsetType = UNSET
    status: Literal["draft", "published"] | UnsetType = UNSET


class Course(_Answer, frozen=True):
    """A course."""

    id: CourseId
    title: str
    status: Literal["draft", "published"]
    created_at: Timestamp


class NewLesson(_Body, frozen=True):
    """A lesson to create; lessons are listed by ``order_index``."""

    title: ShortText
    order_index: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class Lesson(_Answer, frozen=True):
    """A lesson of a course."""

    id: LessonId
    course: CourseId
    title: str
    order_index: int
    created_at: Timestamp


class NewSession(_Body, frozen=True):
    """A session of a lesson to schedule."""

    title: ShortText
    scheduled_at: Instant | None = None
    language: Language = "en"


class SessionChange(_Body, frozen=True):
    """What to change of a session; its status changes by commands."""

    title: ShortText | UnsetType = UNSET
    scheduled_at: Instant | UnsetType | None = UNSET


class Session(_Answer, frozen=True):
    """A session: one class, at one time."""

    id: SessionId
    lesson: LessonId | None
    title: str
    language: str
    status: Literal["scheduled", "live", "ended", "archived"]
    scheduled_at: Timestamp | None
    started_at: Timestamp | None
    ended_at: Timestamp | None
    created_at: Timestamp


class SessionParticipant(_Answer, frozen=True):
    """Somebody who came to a session."""

    user: UserId
    name: str
    role: Role
    status: Literal["admitted", "waiting", "denied", "removed", "banned"]
    join_time: Timestamp | None
    leave_time: Timestamp | None


class NewJoinToken(_Body, frozen=True):
    """A link to a session for one person; without ``user`` for somebody new."""

    role: Literal["teacher", "assistant", "student"]
    name: ShortText
    user: UserId | None = None
    ttl_seconds: Annotated[int, Meta(ge=60, le=86_400)] = 14_400


class JoinToken(_Answer, frozen=True):
    """A token that opens one session, and the page to use it on."""

    token: str
    url: str
    user: UserId
    expires_at: Timestamp


# ---------------------------------------------------------------- commands, events, recordings


class CommandRequest(_Body, frozen=True):
    """One command (PROTOCOL §3); the same key from the same user is the same command."""

    key: Key
    op: Annotated[str, Meta(max_length=64)]
    data: Raw = Raw(b"{}")
    expect: Annotated[int, Meta(ge=0)] | None = None


class CommandDone(_Answer, frozen=True):
    """Committed: the range of the command's events, or null if there was nothing to change."""

    key: str
    sequence: tuple[int, int] | None
    duplicate: bool


class EventsQuery(_Body, frozen=True):
    """Which part of the log: what follows ``after``, or the newest of what is before ``before``."""

    after: Annotated[int, Meta(ge=0)] = 0
    before: Annotated[int, Meta(ge=1)] | None = None
    types: (
        Annotated[str, Meta(max_length=2000, description="Event types, separated by commas.")]
        | None
    ) = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 500


class EventsPage(_Answer, frozen=True, rename={"from_": "from"}):
    """The events in ``from``…``to`` that the caller may see, in order; ``head`` is the log's end.

    The range may be shorter than was asked for, and hold no event. The next page is what follows
    ``to``, or, with ``before``, what is before ``from``; an empty range is the end.
    """

    from_: int
    to: int
    head: int
    events: tuple[Raw, ...]


class SessionRecording(_Answer, frozen=True):
    """A recording of a session; ``url`` plays it for a while, once there is something to play."""

    id: RecordingId
    status: Literal["recording", "finalized", "failed"]
    started_at: Timestamp | None
    finalized_at: Timestamp | None
    duration_ms: int | None
    bytes: int | None
    url: str | None


class Playback(_Answer, frozen=True):
    """A way to see and hear a session."""

    kind: Literal["whep", "hls"]
    url: str
    expires_at: Timestamp | None


# ---------------------------------------------------------------- where to stream to


class NewIntegration(_Body, frozen=True):
    """An account with a streaming platform to register."""

    provider: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}(?!\n)$")]


class IntegrationChange(_Body, frozen=True):
    """Revoke an integration: nothing is streamed through it any more."""

    status: Literal["active", "revoked"]


class Integration(_Answer, frozen=True):
    """An account with a streaming platform."""

    id: IntegrationId
    provider: str
    status: Literal["active", "revoked"]
    created_at: Timestamp


StreamKeyText: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1000, pattern=_UNBROKEN)]
StreamKeyRef: TypeAlias = Annotated[
    str,
    Meta(
        max_length=1000,
        pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:/[^\x00\n]+|aws-sm:arn:[^\x00\s]+)(?!\n)$",
        description="env:NAME, file:/path or aws-sm:arn:…, where the operator allows it.",
    ),
]


class NewDestination(_Body, frozen=True):
    """A destination to register, with its key or with where the key is kept. Write-only."""

    integration: IntegrationId
    name: ShortText
    url: Url
    backup_url: Url | None = None
    profile: Literal["tolerant", "strict"] = "tolerant"
    stream_key: StreamKeyText | None = None
    stream_key_ref: StreamKeyRef | None = None

    def __repr__(self) -> str:
        return f"NewDestination(name={self.name!r})"


class NewStreamKey(_Body, frozen=True):
    """Another key for a destination, or another place where it is kept. Write-only."""

    stream_key: StreamKeyText | None = None
    stream_key_ref: StreamKeyRef | None = None

    def __repr__(self) -> str:
        return "NewStreamKey()"


class Destination(_Answer, frozen=True):
    """A place to stream to; its key is never shown."""

    id: DestinationId
    integration: IntegrationId
    provider: str
    name: str
    url: str
    backup_url: str | None
    profile: str
    created_at: Timestamp


class EnableDestination(_Body, frozen=True):
    """Stream a session to this destination: the command ``destination.enable``."""

    destination: DestinationId


class SessionDestination(_Answer, frozen=True):
    """A destination as a session uses it."""

    id: DestinationId
    name: str
    provider: str
    status: Literal["enabled", "disabled", "failed"]
