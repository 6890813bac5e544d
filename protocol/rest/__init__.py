"""The bodies and answers of the REST interface, one module per resource.

What others need is named here: ``rest.Course``. The docstrings are the text of the reference
(docs/api.md): a class says what it is, a field that needs words has a docstring of its own.
"""

from protocol.rest.courses import Course, CourseChange, Lesson, NewCourse, NewLesson
from protocol.rest.destinations import (
    Destination,
    EnableDestination,
    Integration,
    IntegrationChange,
    NewDestination,
    NewIntegration,
    NewStreamKey,
    SessionDestination,
    StreamKeyRef,
    StreamKeyText,
)
from protocol.rest.live import CommandDone, CommandRequest, EventsPage, EventsQuery
from protocol.rest.media import Playback, SessionRecording
from protocol.rest.paging import Cursor, Page, PageQuery
from protocol.rest.problems import Problem, ProblemCode
from protocol.rest.sessions import (
    JoinToken,
    NewJoinToken,
    NewSession,
    Session,
    SessionChange,
    SessionParticipant,
)
from protocol.rest.shapes import (
    Answer,
    Body,
    CourseId,
    Instant,
    IntegrationId,
    Language,
    LessonId,
    Url,
)

__all__ = [
    "Answer",
    "Body",
    "CommandDone",
    "CommandRequest",
    "Course",
    "CourseChange",
    "CourseId",
    "Cursor",
    "Destination",
    "EnableDestination",
    "EventsPage",
    "EventsQuery",
    "Instant",
    "Integration",
    "IntegrationChange",
    "IntegrationId",
    "JoinToken",
    "Language",
    "Lesson",
    "LessonId",
    "NewCourse",
    "NewDestination",
    "NewIntegration",
    "NewJoinToken",
    "NewLesson",
    "NewSession",
    "NewStreamKey",
    "Page",
    "PageQuery",
    "Playback",
    "Problem",
    "ProblemCode",
    "Session",
    "SessionChange",
    "SessionDestination",
    "SessionParticipant",
    "SessionRecording",
    "StreamKeyRef",
    "StreamKeyText",
    "Url",
]
