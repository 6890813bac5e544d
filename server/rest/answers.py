"""What is stored, as it is answered: without tenant and stream key, times as they go out."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from protocol import rest
from protocol.codec import timestamp
from server.store.courses import Course, Lesson
from server.store.integrations import Destination, Integration
from server.store.participants import Participant
from server.store.recordings import Recording
from server.store.rows import Row
from server.store.sessions import Session

Stored = TypeVar("Stored", bound=Row)
Shown = TypeVar("Shown")


def page(
    rows: Sequence[Stored],
    limit: int,
    show: Callable[[Stored], Shown],
    key: Callable[[Stored], str],
) -> rest.Page[Shown]:
    """Return the first ``limit`` of ``rows``; one row more than that says that there is a next."""
    shown = rows[:limit]
    return rest.Page(tuple(map(show, shown)), key(shown[-1]) if len(rows) > limit else None)


def course(row: Course) -> rest.Course:
    """Show a course."""
    return rest.Course(row.id, row.title, row.status, timestamp(row.created_at))


def lesson(row: Lesson) -> rest.Lesson:
    """Show a lesson."""
    return rest.Lesson(row.id, row.course_id, row.title, row.order_index, timestamp(row.created_at))


def session(row: Session) -> rest.Session:
    """Show a session."""
    return rest.Session(
        id=row.id,
        lesson=row.lesson_id,
        title=row.title,
        language=row.language,
        status=row.status,
        scheduled_at=_moment(row.scheduled_at),
        started_at=_moment(row.started_at),
        ended_at=_moment(row.ended_at),
        created_at=timestamp(row.created_at),
    )


def participant(row: Participant) -> rest.SessionParticipant:
    """Show somebody who has to do with a session."""
    return rest.SessionParticipant(
        user=row.user_id,
        name=row.display_name,
        role=row.role,
        status=row.status,
        join_time=_moment(row.join_time),
        leave_time=_moment(row.leave_time),
    )


def integration(row: Integration) -> rest.Integration:
    """Show an account with a platform."""
    return rest.Integration(row.id, row.provider, row.status, timestamp(row.created_at))


def destination(row: Destination) -> rest.Destination:
    """Show a destination."""
    return rest.Destination(
        id=row.id,
        integration=row.integration_id,
        provider=row.provider,
        name=row.destination_name,
        url=row.url,
        backup_url=row.backup_url,
        profile=row.profile,
        created_at=timestamp(row.created_at),
    )


def recording(row: Recording, url: str | None) -> rest.SessionRecording:
    """Show a recording that can be played at ``url``."""
    return rest.SessionRecording(
        id=row.id,
        status=row.status,
        started_at=_moment(row.started_at),
        finalized_at=_moment(row.finalized_at),
        duration_ms=row.duration_ms,
        bytes=row.bytes,
        url=url,
    )


def _moment(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else timestamp(milliseconds)
