"""Courses and their lessons."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from protocol.ids import ShortText, Timestamp
from protocol.rest.shapes import Answer, Body, CourseId, LessonId


class NewCourse(Body, frozen=True):
    """A course to create."""

    title: ShortText
    status: Literal["draft", "published"] = "draft"


class CourseChange(Body, frozen=True):
    """What to change of a course."""

    title: ShortText | UnsetType = UNSET
    status: Literal["draft", "published"] | UnsetType = UNSET


class Course(Answer, frozen=True):
    """A course."""

    id: CourseId
    title: str
    status: Literal["draft", "published"]
    created_at: Timestamp


class NewLesson(Body, frozen=True):
    """A lesson to create; lessons are listed by ``order_index``."""

    title: ShortText
    order_index: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class LessonChange(Body, frozen=True):
    """What to change of a lesson."""

    title: ShortText | UnsetType = UNSET
    order_index: Annotated[int, Meta(ge=0, le=1_000_000)] | UnsetType = UNSET


class LessonOrder(Body, frozen=True):
    """The lessons of a course, each once, in their order: it is set as a whole."""

    lessons: Annotated[tuple[LessonId, ...], Meta(max_length=1500)]


class Lesson(Answer, frozen=True):
    """A lesson of a course."""

    id: LessonId
    course: CourseId
    title: str
    order_index: int
    created_at: Timestamp
