"""Sessions, and who comes to them."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, UnsetType

from protocol.ids import Role, SessionId, ShortText, Timestamp, UserId
from protocol.rest.paging import Order, PageQuery
from protocol.rest.shapes import Answer, Body, CourseId, Instant, Language, LessonId


class NewSession(Body, frozen=True):
    """A session of a lesson to schedule."""

    title: ShortText
    scheduled_at: Instant | None = None
    language: Language = "en"


class SessionChange(Body, frozen=True):
    """What to change of a session; its status changes by commands."""

    title: ShortText | UnsetType = UNSET
    scheduled_at: Instant | UnsetType | None = UNSET


class SessionsQuery(PageQuery, frozen=True, rename={"from_": "from"}):
    """Which sessions, and which page of them."""

    status: Literal["scheduled", "live", "ended", "archived"] | None = None
    course: CourseId | None = None
    lesson: LessonId | None = None
    from_: Instant | None = None
    """Scheduled at this moment or later."""
    to: Instant | None = None
    """Scheduled before this moment."""
    order: Order = "oldest"


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
    muted_until: Timestamp | None
    permissions: Raw
    """What this person may, or may not, other than their role says."""


class ParticipantsQuery(PageQuery, frozen=True):
    """Which people of a session, and which page of them."""

    role: Literal["teacher", "assistant", "student"] | None = None
    status: Literal["admitted", "waiting", "denied", "removed", "banned"] | None = None


class ParticipantRole(Body, frozen=True):
    """As what somebody is expected in a session."""

    role: Literal["teacher", "assistant", "student"]


class NewJoinToken(Body, frozen=True):
    """A link to a session for one person; without ``user`` for somebody new."""

    role: Literal["teacher", "assistant", "student"]
    name: ShortText
    user: UserId | None = None
    ttl_seconds: Annotated[int, Meta(ge=60, le=2_592_000)] = 14_400


class JoinToken(Answer, frozen=True):
    """A token that opens one session, and the page to use it on."""

    token: str
    url: str
    user: UserId
    expires_at: Timestamp
