"""Sessions, and who comes to them."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from protocol.ids import Role, SessionId, ShortText, Timestamp, UserId
from protocol.rest.shapes import Answer, Body, Instant, Language, LessonId


class NewSession(Body, frozen=True):
    """A session of a lesson to schedule."""

    title: ShortText
    scheduled_at: Instant | None = None
    language: Language = "en"


class SessionChange(Body, frozen=True):
    """What to change of a session; its status changes by commands."""

    title: ShortText | UnsetType = UNSET
    scheduled_at: Instant | UnsetType | None = UNSET


class Session(Answer, frozen=True):
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


class SessionParticipant(Answer, frozen=True):
    """Somebody who came to a session."""

    user: UserId
    name: str
    role: Role
    status: Literal["admitted", "waiting", "denied", "removed", "banned"]
    join_time: Timestamp | None
    leave_time: Timestamp | None


class NewJoinToken(Body, frozen=True):
    """A link to a session for one person; without ``user`` for somebody new."""

    role: Literal["teacher", "assistant", "student"]
    name: ShortText
    user: UserId | None = None
    ttl_seconds: Annotated[int, Meta(ge=60, le=86_400)] = 14_400


class JoinToken(Answer, frozen=True):
    """A token that opens one session, and the page to use it on."""

    token: str
    url: str
    user: UserId
    expires_at: Timestamp
