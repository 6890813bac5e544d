"""What is stored, as it is answered: without tenant and stream key, times as they go out."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import Raw

from protocol import rest
from protocol.codec import timestamp
from protocol.health import StreamWarning
from server.media.destinations.providers import Provider, provider, warnings_of
from server.store.assignments import Assignment, KnownRole
from server.store.attendance import Attended, Attendee
from server.store.courses import Course, Lesson
from server.store.erasure import Erasure
from server.store.integrations import Destination, Integration
from server.store.participants import Participant
from server.store.recordings import Recording
from server.store.reports import Poll, Question, Scene
from server.store.sessions import Session
from server.store.tenants import Domain, Tenant
from server.store.users import User

Stored = TypeVar("Stored")
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
        muted_until=_moment(row.muted_until),
        permissions=Raw(row.permissions),
    )


def tenant(row: Tenant) -> rest.Tenant:
    """Show a tenant."""
    return rest.Tenant(
        id=row.id,
        name=row.name,
        status=row.status,
        recordings_days=row.recordings_days,
        chat_days=row.chat_days,
        sessions_days=row.sessions_days,
        embed_origins=tuple(row.embed_origins),
        created_at=timestamp(row.created_at),
        updated_at=timestamp(row.updated_at),
    )


def domain(row: Domain) -> rest.Domain:
    """Show a domain."""
    return rest.Domain(row.id, row.domain, timestamp(row.created_at))


def user(row: User) -> rest.User:
    """Show a person."""
    return rest.User(
        id=row.id,
        name=row.display_name,
        email=row.email,
        status=row.status,
        role=row.role,
        created_at=timestamp(row.created_at),
        updated_at=timestamp(row.updated_at),
    )


def role(row: KnownRole) -> rest.KnownRole:
    """Show a role."""
    return rest.KnownRole(row.id, row.name)


def assignment(row: Assignment) -> rest.Assignment:
    """Show a role that somebody was given."""
    return rest.Assignment(row.id, row.user_id, row.role, row.scope, row.scope_id)


def erasure(row: Erasure) -> rest.Erasure:
    """Show the erasure of a person."""
    return rest.Erasure(
        id=row.id,
        user=row.user_id,
        began_at=timestamp(row.at),
        finished_at=_moment(row.finished_at),
        sessions=row.sessions,
        events=row.events,
    )


def attendance(row: Attendee) -> rest.SessionAttendance:
    """Show when somebody was in a class."""
    stays = row.attendance.stays
    return rest.SessionAttendance(
        user=row.attendance.user,
        name=row.display_name,
        role=row.attendance.role,
        first_joined_at=timestamp(stays[0].joined_at),
        last_left_at=_moment(stays[-1].left_at),
        minutes=minutes(row.attendance.present_ms),
        stays=tuple(rest.Stay(timestamp(each.joined_at), _moment(each.left_at)) for each in stays),
    )


def attended(row: Attended) -> rest.CourseAttendance:
    """Show how much of a course somebody was in."""
    return rest.CourseAttendance(row.user, row.display_name, row.sessions, minutes(row.present_ms))


def minutes(milliseconds: int) -> float:
    """Return minutes with one decimal: nobody counts attendance in milliseconds."""
    return round(milliseconds / 60_000, 1)


def scene(row: Scene) -> rest.Scene:
    """Show a scene."""
    layout = Raw(row.layout)
    return rest.Scene(row.id, row.name, layout, _moment(row.shown_at), timestamp(row.created_at))


def poll(row: Poll) -> rest.Poll:
    """Show a poll with its results."""
    return rest.Poll(
        id=row.id,
        prompt=row.prompt,
        options=tuple(row.options),
        multiple=row.multiple,
        anonymous=row.anonymous,
        correct=None if row.correct is None else tuple(row.correct),
        votes=tuple(row.votes),
        voters=row.voters,
        closed_at=_moment(row.closed_at),
        published_at=_moment(row.published_at),
        created_at=timestamp(row.created_at),
    )


def question(row: Question) -> rest.Question:
    """Show a question."""
    return rest.Question(
        id=row.id,
        user=row.user_id,
        name=row.display_name,
        prompt=row.prompt,
        status=row.status,
        answer=row.answer,
        votes=row.votes,
        presented_at=_moment(row.presented_at),
        answered_at=_moment(row.answered_at),
        dismissed_at=_moment(row.dismissed_at),
        created_at=timestamp(row.created_at),
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
        warnings=warnings(row),
    )


def warnings(row: Destination) -> tuple[StreamWarning, ...]:
    """Return what to know of a destination before it is streamed to."""
    known = provider(row.provider)
    return tuple(warnings_of(known, url=row.url, profile=row.profile))


def profile(known: Provider) -> rest.Provider:
    """Show what a platform takes."""
    return rest.Provider(
        name=known.name,
        title=known.title,
        ingest=known.ingest,
        backup=known.backup,
        hosts=known.hosts,
        video_kbps=known.video_kbps,
        audio_kbps=known.audio_kbps,
        height=known.height,
        fps=known.fps,
        gop_seconds=known.gop_seconds,
        is_strict=known.is_strict,
        hold_seconds=known.hold_seconds,
        hours=known.hours,
        key_page=known.key_page,
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
