"""What each event changes in the tables: the fold of the log into rows, one case per event.

Pure. Statements are idempotent where the world may repeat itself, and change nothing for what
they do not know: a reference to something unknown is ignored, as in every fold of the log.
"""

from typing import Any, NamedTuple, TypeAlias, assert_never

import msgspec

from protocol.events import (
    AnyEvent,
    ChatPosted,
    DestinationConnecting,
    DestinationDegraded,
    DestinationDisabled,
    DestinationEnabled,
    DestinationFailed,
    DestinationLive,
    DestinationRecovered,
    DestinationRetryScheduled,
    DestinationStopped,
    DestinationSwitched,
    HandAllLowered,
    HandLowered,
    HandRaised,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantRemoved,
    PollClosed,
    PollOpened,
    PollPublished,
    PollVoted,
    PublisherConnected,
    PublisherLost,
    PublisherReplaced,
    PublisherResumed,
    PublisherWarning,
    QuestionAnswered,
    QuestionAsked,
    QuestionUnvoted,
    QuestionUpvoted,
    RecordingFailed,
    RecordingFinalized,
    RecordingStarted,
    RecordingStopped,
    SceneChanged,
    SceneCreated,
    SessionEnded,
    SessionStarted,
)


class Occasion(NamedTuple):
    """Where, when and by whom an event happened."""

    tenant: str
    session: str
    dictionary: str
    at_ms: int
    by: str | None


Statement: TypeAlias = tuple[str, tuple[Any, ...]]
"""SQL and its parameters."""

# PostgreSQL's text search dictionaries, by the language of a session.
_DICTIONARIES = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek",
    "en": "english", "es": "spanish", "eu": "basque", "fi": "finnish", "fr": "french",
    "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "it": "italian", "lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish",
    "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip

USERS = """
INSERT INTO users (id, tenant_id, display_name)
SELECT person, $1, name FROM unnest($2::uuid[], $3::text[]) AS u (person, name)
ON CONFLICT (id) DO UPDATE SET display_name = excluded.display_name
    WHERE users.display_name = '' AND users.tenant_id = excluded.tenant_id"""

_STARTED = """
UPDATE sessions SET status = 'live', started_at = coalesce(started_at, $2) WHERE id = $1"""
_ENDED = "UPDATE sessions SET status = 'ended', ended_at = $2 WHERE id = $1"

_JOINED = """
INSERT INTO session_participants AS p (tenant_id, session_id, user_id, role, join_time)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (session_id, user_id) DO UPDATE SET
    role = $4, status = 'admitted', join_time = coalesce(p.join_time, $5), leave_time = NULL"""
_LEFT = "UPDATE session_participants SET leave_time = $3 WHERE session_id = $1 AND user_id = $2"
_REMOVED = """
UPDATE session_participants SET status = 'removed', leave_time = coalesce(leave_time, $3)
WHERE session_id = $1 AND user_id = $2"""

_POSTED = """
INSERT INTO chat_messages (
    tenant_id, session_id, id, user_id, message, to_staff, reply_to, search, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, to_tsvector($8::text::regconfig, $5), $9)"""

_ASKED = """
INSERT INTO questions (tenant_id, session_id, id, user_id, prompt, search, created_at)
VALUES ($1, $2, $3, $4, $5, to_tsvector($6::text::regconfig, $5), $7)"""
_UPVOTED = """
INSERT INTO question_votes (tenant_id, session_id, question_id, user_id, created_at)
SELECT $1, $2, id, $4, $5 FROM questions WHERE session_id = $2 AND id = $3
ON CONFLICT DO NOTHING"""
_UNVOTED = "DELETE FROM question_votes WHERE session_id = $1 AND question_id = $2 AND user_id = $3"
_ANSWERED = """
UPDATE questions SET status = 'answered', answer = $3, answered_at = $4
WHERE session_id = $1 AND id = $2"""

_OPENED = """
INSERT INTO polls (
    tenant_id, session_id, id, prompt, options, multiple, anonymous, results, correct, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""
_VOTED = """
INSERT INTO poll_votes (tenant_id, session_id, poll_id, user_id, choices, created_at)
SELECT $1, $2, id, $4, $5, $6 FROM polls WHERE session_id = $2 AND id = $3
ON CONFLICT (poll_id, user_id) DO UPDATE SET choices = $5, created_at = $6"""
_CLOSED = "UPDATE polls SET closed_at = coalesce(closed_at, $3) WHERE session_id = $1 AND id = $2"
_PUBLISHED = """
UPDATE polls SET closed_at = coalesce(closed_at, $3), published_at = $3
WHERE session_id = $1 AND id = $2"""

_SCENE = """
INSERT INTO studio_scenes (tenant_id, session_id, id, name, layout, created_at)
VALUES ($1, $2, $3, $4, $5, $6)"""
_SHOWN = "UPDATE studio_scenes SET shown_at = $3 WHERE session_id = $1 AND id = $2"

_DESTINATION = """
INSERT INTO session_destinations (tenant_id, session_id, destination_id, status, created_at)
SELECT $1, $2, id, $4, $5 FROM multistream_destinations WHERE tenant_id = $1 AND id = $3
ON CONFLICT (session_id, destination_id) DO UPDATE SET status = $4, error = NULL"""
_DESTINATION_FAILED = """
UPDATE session_destinations SET status = 'failed', error = $3
WHERE session_id = $1 AND destination_id = $2"""

_RECORDING = """
INSERT INTO recordings (tenant_id, session_id, id, status, started_at, created_at)
VALUES ($1, $2, $3, 'recording', $4, $4)"""
_FINALIZED = """
UPDATE recordings SET status = 'finalized', media_uri = $3, duration_ms = $4, bytes = $5,
    finalized_at = $6, error = NULL
WHERE session_id = $1 AND id = $2"""
_RECORDING_FAILED = """
UPDATE recordings SET status = 'failed', error = $3 WHERE session_id = $1 AND id = $2"""

# Children before parents. Who was put down for a session without having come yet stays.
CLEAR = (
    "DELETE FROM replays WHERE session_id = $1",
    "DELETE FROM artifacts WHERE session_id = $1",
    "DELETE FROM recordings WHERE session_id = $1",
    "DELETE FROM session_destinations WHERE session_id = $1",
    "DELETE FROM studio_scenes WHERE session_id = $1",
    "DELETE FROM studio_assets WHERE session_id = $1",
    "DELETE FROM polls WHERE session_id = $1",
    "DELETE FROM questions WHERE session_id = $1",
    "DELETE FROM chat_messages WHERE session_id = $1",
    "UPDATE session_participants SET status = 'admitted', join_time = NULL, leave_time = NULL, "
    "muted_until = NULL WHERE session_id = $1",
    "UPDATE sessions SET status = 'scheduled', started_at = NULL, ended_at = NULL WHERE id = $1",
    "UPDATE projections SET sequence = 0, error = NULL WHERE session_id = $1",
)
"""What makes a session's tables as if nothing had been folded yet; ``$1`` is the session."""


def dictionary(language: str) -> str:
    """Return the text search dictionary for a BCP 47 language tag."""
    return _DICTIONARIES.get(language.partition("-")[0].lower(), "simple")


def person(event: AnyEvent, by: str | None) -> tuple[str, str] | None:
    """Return id and name of the person an event speaks of, whose row others will refer to.

    The name is empty where the event does not carry it.
    """
    match event:
        case ParticipantJoined(user=user, name=name):
            return user, name
        case ChatPosted(name=name) | QuestionAsked(name=name) if by is not None:
            return by, name
        case _:
            return None if by is None else (by, "")


def project(event: AnyEvent, on: Occasion) -> Statement | None:
    """Return what ``event`` changes in the tables, None for nothing."""
    of, both = (on.session,), (on.tenant, on.session)
    match event:
        case SessionStarted():
            return _STARTED, (*of, on.at_ms)
        case SessionEnded():
            return _ENDED, (*of, on.at_ms)
        case ParticipantJoined(user=user, role=role):
            recorded = "teacher" if role == "admin" else role
            return _JOINED, (*both, user, recorded, on.at_ms)
        case ParticipantLeft(user=user):
            return _LEFT, (*of, user, on.at_ms)
        case ParticipantRemoved(user=user):
            return _REMOVED, (*of, user, on.at_ms)
        case ChatPosted(message=message, text=text, to=to, reply_to=reply_to):
            return _POSTED, (
                *both, message, on.by, text, to == "staff", reply_to, on.dictionary, on.at_ms,
            )  # fmt: skip
        case QuestionAsked(question=question, prompt=prompt):
            return _ASKED, (*both, question, on.by, prompt, on.dictionary, on.at_ms)
        case QuestionUpvoted(question=question):
            return _UPVOTED, (*both, question, on.by, on.at_ms)
        case QuestionUnvoted(question=question):
            return _UNVOTED, (*of, question, on.by)
        case QuestionAnswered(question=question, text=answer):
            return _ANSWERED, (*of, question, answer, on.at_ms)
        case PollOpened():
            correct = None if event.correct is None else msgspec.json.encode(event.correct)
            return _OPENED, (
                *both, event.poll, event.prompt, msgspec.json.encode(event.options),
                event.multiple, event.anonymous, event.results, correct, on.at_ms,
            )  # fmt: skip
        case PollVoted(poll=poll, choices=choices):
            return _VOTED, (*both, poll, on.by, choices, on.at_ms)
        case PollClosed(poll=poll):
            return _CLOSED, (*of, poll, on.at_ms)
        case PollPublished(poll=poll):
            return _PUBLISHED, (*of, poll, on.at_ms)
        case SceneCreated(scene=scene, name=name, layout=layout):
            return _SCENE, (*both, scene, name, msgspec.json.encode(layout), on.at_ms)
        case SceneChanged(scene=scene):
            return _SHOWN, (*of, scene, on.at_ms)
        case DestinationEnabled(destination=destination):
            return _DESTINATION, (*both, destination, "enabled", on.at_ms)
        case DestinationDisabled(destination=destination):
            return _DESTINATION, (*both, destination, "disabled", on.at_ms)
        case DestinationFailed(destination=destination, code=code):
            return _DESTINATION_FAILED, (*of, destination, code)
        case RecordingStarted(recording=recording):
            return _RECORDING, (*both, recording, on.at_ms)
        case RecordingFinalized(recording=recording, media_uri=uri):
            return _FINALIZED, (
                *of, recording, uri, event.duration_ms, event.bytes, on.at_ms,
            )  # fmt: skip
        case RecordingFailed(recording=recording, code=code):
            return _RECORDING_FAILED, (*of, recording, code)
        case (
            HandRaised() | HandLowered() | HandAllLowered() | RecordingStopped()
            | DestinationConnecting() | DestinationLive() | DestinationDegraded()
            | DestinationRecovered() | DestinationSwitched() | DestinationRetryScheduled()
            | DestinationStopped() | PublisherConnected() | PublisherLost() | PublisherResumed()
            | PublisherReplaced() | PublisherWarning()
        ):  # fmt: skip
            # What only the moment of the class knows; the log keeps it for the replay.
            return None
        case _:
            assert_never(event)
