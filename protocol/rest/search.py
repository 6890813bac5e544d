"""What is found, and where it leads."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from protocol.ids import SessionId, Timestamp, UserId
from protocol.limits import SHORT_TEXT_LENGTH
from protocol.rest.shapes import Answer, Body, CourseId, Instant, Language, LessonId

Findable: TypeAlias = Literal[
    "transcript",
    "caption",
    "chapter",
    "highlight",
    "note",
    "chat",
    "question",
    "answer",
    "slide",
    "session",
    "lesson",
    "course",
]
"""What can be found: a text of a class, or (the last three) a title."""


class SearchQuery(Body, frozen=True, rename={"from_": "from"}):
    """What to look for, and where."""

    q: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=SHORT_TEXT_LENGTH,
            pattern=r"^[^\x00-\x1f\x7f]*(?!\n)$",
            examples=["fraction"],
        ),
    ]
    """Words: ``"a phrase"``, ``this or that``, ``-without``."""
    kind: Findable | None = None
    course: CourseId | None = None
    teacher: UserId | None = None
    """Of classes that this person teaches."""
    session: SessionId | None = None
    language: Language | None = None
    """Of classes in this language: ``de`` is ``de-AT``, too."""
    from_: Instant | None = None
    """Of classes at this moment or later."""
    to: Instant | None = None
    """Of classes before this moment."""
    limit: Annotated[int, Meta(ge=1, le=50)] = 20
    after: (
        Annotated[str, Meta(max_length=400, description="``next`` of the page before.")] | None
    ) = None


class SearchHit(Answer, frozen=True):
    """Something that matches, and the moment it belongs to."""

    kind: Findable
    id: str
    """The artifact, message, question or asset; a caption's session; whose title it is."""
    ordinal: int
    """Which segment of a transcript or page of slides; of a caption, its event's sequence."""
    session: SessionId
    """For a lesson or course, its newest class."""
    session_title: str
    lesson: LessonId | None
    lesson_title: str | None
    course: CourseId | None
    course_title: str | None
    teacher: UserId | None
    teacher_name: str | None
    at: Timestamp
    """When it was said or written; for a title, when the class is."""
    start_ms: int | None
    """The moment of the class in milliseconds since it started, if it has one."""
    url: str
    """The replay, at that moment: ``at`` is ``start_ms``, as in ``GET /v1/replays/…/state``."""
    snippet: str
    """Plain text, not HTML."""
    highlights: tuple[tuple[int, int], ...]
    """What matched in ``snippet``: from which character (a code point) up to which."""


class FacetCount(Answer, frozen=True):
    """How many hits there are of one value."""

    value: str
    name: str | None
    count: int


class SearchFacets(Answer, frozen=True):
    """How the hits divide. Months are those of the classes: ``2026-11``."""

    kinds: tuple[FacetCount, ...]
    courses: tuple[FacetCount, ...]
    teachers: tuple[FacetCount, ...]
    months: tuple[FacetCount, ...]


class SearchResults(Answer, frozen=True):
    """A page of what was found, the best first; ``next`` is null at the end."""

    items: tuple[SearchHit, ...]
    next: str | None
    total: int
    total_is_exact: bool
    """If not, there is more: what is counted and ranked is that of the newest classes."""
    corrected: str | None
    """What was looked for instead, because ``q`` was not found."""
    facets: SearchFacets
