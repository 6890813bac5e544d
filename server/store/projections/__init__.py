"""What each event changes in the tables: the fold of the log into rows, one module per feature.

Pure. Statements are idempotent where the world may repeat itself, and change nothing for what
they do not know: a reference to something unknown is ignored, as in every fold of the log.
"""

from typing import TypeAlias, assert_never

from protocol import events as ev

from . import library, output, people, polls, stage, talk
from .findable import find
from .search import dictionary
from .statement import Occasion, Statement

__all__ = [
    "CLEAR",
    "USERS",
    "LogOnly",
    "Occasion",
    "Statement",
    "dictionary",
    "find",
    "person",
    "project",
]

LogOnly: TypeAlias = (
    ev.SessionLocked
    | ev.SessionUnlocked
    | ev.HandRaised
    | ev.HandLowered
    | ev.HandAllLowered
    | ev.ChatConfigured
    | ev.AssetShown
    | ev.AssetHidden
    | ev.BoardDrawn
    | ev.BoardUndone
    | ev.BoardCleared
    | ev.FeedbackMarked
    | ev.CaptionAdded
    | ev.DestinationConnecting
    | ev.DestinationLive
    | ev.DestinationDegraded
    | ev.DestinationRecovered
    | ev.DestinationSwitched
    | ev.DestinationRetryScheduled
    | ev.DestinationStopped
    | ev.PublisherConnected
    | ev.PublisherLost
    | ev.PublisherResumed
    | ev.PublisherReplaced
    | ev.PublisherWarning
    | ev.RecordingStopped
)
"""What only the moment of the class knows: no table has it, the log keeps it for the replay."""

# Without a target: with one, two inserts at once may meet in the other unique index and raise.
USERS = """
WITH people AS (SELECT person, name FROM unnest($2::uuid[], $3::text[]) AS u (person, name)),
named AS (
    UPDATE users SET display_name = people.name FROM people
    WHERE users.id = person AND users.tenant_id = $1 AND display_name = '' AND people.name <> '')
INSERT INTO users (id, tenant_id, display_name) SELECT person, $1, name FROM people
ON CONFLICT DO NOTHING"""

# Children before parents. Who was put down for a session without having come yet stays.
CLEAR = (
    "DELETE FROM findable WHERE session_id = $1 AND kind <> 'slide'",
    "DELETE FROM class_words WHERE session_id = $1",
    # They are learned again.
    "UPDATE findable SET start_ms = NULL WHERE session_id = $1",
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
    "muted_until = NULL, permissions = '{}' WHERE session_id = $1",
    "UPDATE sessions SET status = 'scheduled', started_at = NULL, ended_at = NULL WHERE id = $1",
    "UPDATE projections SET sequence = 0, error = NULL WHERE session_id = $1",
)
"""What makes a session's tables as if nothing had been folded yet; ``$1`` is the session."""


def person(event: ev.AnyEvent, by: str | None) -> tuple[str, str] | None:
    """Return id and name of the person an event speaks of, whose row others will refer to.

    The name is empty where the event does not carry it.
    """
    match event:
        case (
            ev.ParticipantJoined(user=user, name=name) | ev.ParticipantWaiting(user=user, name=name)
        ):
            return user, name
        case ev.ChatPosted(name=name) | ev.QuestionAsked(name=name) | ev.NoteAdded(name=name) if (
            by is not None
        ):
            return by, name
        case _:
            return None if by is None else (by, "")


def project(event: ev.AnyEvent, on: Occasion) -> Statement | None:
    """Return what ``event`` changes in the tables, None for nothing."""
    if isinstance(event, people.Event):
        return people.project(event, on)
    if isinstance(event, talk.Event):
        return talk.project(event, on)
    if isinstance(event, polls.Event):
        return polls.project(event, on)
    if isinstance(event, stage.Event):
        return stage.project(event, on)
    if isinstance(event, output.Event):
        return output.project(event, on)
    if isinstance(event, library.Event):
        return library.project(event, on)
    if isinstance(event, LogOnly):
        return None
    assert_never(event)
