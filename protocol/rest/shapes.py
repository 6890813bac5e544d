"""What bodies and answers are made of.

Unknown fields of a body are refused, and every text is one that PostgreSQL can keep. What a
request sets and what an answer shows are types of their own: a stream key goes in and never out.
"""

from datetime import datetime
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from protocol.ids import SessionId
from protocol.limits import EMAIL_LENGTH, URL_LENGTH

CourseId: TypeAlias = Annotated[SessionId, Meta(description="A course.")]
LessonId: TypeAlias = Annotated[SessionId, Meta(description="A lesson.")]
DomainId: TypeAlias = Annotated[SessionId, Meta(description="A domain of a tenant.")]
RoleId: TypeAlias = Annotated[SessionId, Meta(description="A role that a tenant can give.")]
AssignmentId: TypeAlias = Annotated[SessionId, Meta(description="A role that somebody was given.")]
ErasureId: TypeAlias = Annotated[SessionId, Meta(description="The erasure of a person.")]
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
Email: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[^\x00-\x20\x7f@]+@[^\x00-\x20\x7f@]+(?!\n)$",
        max_length=EMAIL_LENGTH,
        description="An address of e-mail.",
    ),
]
HostName: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])(?!\n)$",
        max_length=253,
        description="A host name in small letters, others than those of ASCII as punycode.",
    ),
]
FramingOrigin: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^(https://(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])"
        r"|http://(localhost|127\.0\.0\.1))(:[1-9][0-9]{0,4})?(?!\n)$",
        max_length=270,
        description="scheme://host[:port] in small letters: https, with `*.` for all below a name, "
        "or http on one's own machine.",
        examples=["https://lms.school.example"],
    ),
]
Days: TypeAlias = Annotated[int, Meta(ge=1, le=36_500)]
UNBROKEN = r"^[^\x00-\x20\x7f]*(?!\n)$"
Url: TypeAlias = Annotated[str, Meta(min_length=1, max_length=URL_LENGTH, pattern=UNBROKEN)]


class Body(Struct, frozen=True, forbid_unknown_fields=True):
    """What a request carries."""


class Answer(Struct, frozen=True):
    """What is answered."""
