"""Links that let a whole class in, and what somebody is told who opens one."""

from typing import Annotated, Literal

from msgspec import Meta

from protocol.ids import SessionId, ShortText, Timestamp, UserId
from protocol.rest.shapes import Answer, Body, Instant

_CODE = "lcjoin_AZqrAAAAcACAAAAAAAAABxJ0b4lkTq2nRkm1zQ3vWw8"
JoinCode = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        description="What stands behind the `#` of a link.",
        examples=[_CODE],
    ),
]


class NewJoinLink(Body, frozen=True):
    """A link for a class: whoever opens it says a name, and is a student."""

    expires_at: Instant | None = None
    """Until when it lets people in; null: until the class has ended."""
    max_uses: Annotated[int, Meta(ge=1, le=10_000)] = 1000
    """How many people it lets in."""


class JoinLink(Answer, frozen=True):
    """A link for a class. Its address is the same whenever one asks."""

    id: str
    session: SessionId
    url: Annotated[str, Meta(examples=[f"https://class.school.example/join#{_CODE}"])]
    """What the class is given; its code is behind the `#`, so that it reaches no log."""
    user: UserId
    """Who made it."""
    expires_at: Timestamp | None
    max_uses: int
    uses: int
    """How many people it has let in."""
    created_at: Timestamp


class IssuedJoinLink(Answer, frozen=True):
    """A link that was just made; a request that is repeated makes another."""

    join_link: JoinLink


class JoinLinkToOpen(Body, frozen=True):
    """The link that somebody has opened."""

    code: JoinCode


class JoinLinkOpened(Answer, frozen=True):
    """What a link leads to, as far as anybody may know who has it."""

    session: SessionId
    title: str
    status: Literal["scheduled", "live", "ended", "archived"]
    scheduled_at: Timestamp | None
    host: str | None
    """The name of who made the link."""
    is_full: bool
    """Whether it has let in as many people as it may."""


class Join(Body, frozen=True):
    """Who wants to come in, by which link."""

    code: JoinCode
    name: ShortText


class Joined(Answer, frozen=True):
    """A student's token for this session. Who keeps it stays the same person."""

    token: str
    session: SessionId
    url: Annotated[str, Meta(examples=["https://class.school.example/sessions/…/room#token=eyJ…"])]
    """The room, with the token behind the `#`."""
    user: UserId
    name: str
    expires_at: Timestamp
