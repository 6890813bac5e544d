"""What a teacher reads of a class: attendance, scenes, polls and questions."""

from typing import Literal

from msgspec import Raw

from protocol.ids import PollId, QuestionId, Role, SceneId, Timestamp, UserId
from protocol.rest.shapes import Answer


class Stay(Answer, frozen=True):
    """A time in the class; without an end the person is still there."""

    joined_at: Timestamp
    left_at: Timestamp | None


class SessionAttendance(Answer, frozen=True):
    """Somebody who was in a class, and when.

    ``minutes`` counts while the class was live; its end ends every stay.
    """

    user: UserId
    name: str
    role: Role
    first_joined_at: Timestamp
    last_left_at: Timestamp | None
    minutes: float
    stays: tuple[Stay, ...]


class CourseAttendance(Answer, frozen=True):
    """Somebody who was in classes of a course: in how many, and for how long in all."""

    user: UserId
    name: str
    sessions: int
    minutes: float


class Scene(Answer, frozen=True):
    """A scene of the studio, and when it was last shown."""

    id: SceneId
    name: str
    layout: Raw
    shown_at: Timestamp | None
    created_at: Timestamp


class Poll(Answer, frozen=True):
    """A poll and its results: ``votes`` for each option, by ``voters`` people."""

    id: PollId
    prompt: str
    options: tuple[str, ...]
    multiple: bool
    anonymous: bool
    correct: tuple[int, ...] | None
    votes: tuple[int, ...]
    voters: int
    closed_at: Timestamp | None
    published_at: Timestamp | None
    created_at: Timestamp


class Question(Answer, frozen=True):
    """A question, and how many others wish to know."""

    id: QuestionId
    user: UserId
    name: str
    prompt: str
    status: Literal["open", "answered"]
    answer: str | None
    votes: int
    presented_at: Timestamp | None
    answered_at: Timestamp | None
    dismissed_at: Timestamp | None
    created_at: Timestamp
