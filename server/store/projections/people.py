"""The class itself, and the people in it: ``sessions`` and ``session_participants``.

Whoever is in the class, or waits in its lobby, has no ``leave_time``; whoever has not come further
than the lobby has no ``join_time``.
"""

from typing import TypeAlias, assert_never

import msgspec

from protocol import events as ev
from protocol.ids import FOREVER, Role

from .statement import Occasion, Statement

Event: TypeAlias = (
    ev.SessionStarted
    | ev.SessionEnded
    | ev.SessionArchived
    | ev.ParticipantJoined
    | ev.ParticipantLeft
    | ev.ParticipantWaiting
    | ev.ParticipantAdmitted
    | ev.ParticipantDenied
    | ev.ParticipantRemoved
    | ev.ParticipantBanned
    | ev.ParticipantUnbanned
    | ev.ParticipantMuted
    | ev.ParticipantUnmuted
    | ev.ParticipantRoleChanged
    | ev.ParticipantGrantsChanged
)

_STARTED = """
UPDATE sessions SET status = 'live', started_at = coalesce(started_at, $2) WHERE id = $1"""
_ENDED = "UPDATE sessions SET status = 'ended', ended_at = $2 WHERE id = $1"

_ARCHIVED = "UPDATE sessions SET status = 'archived' WHERE id = $1"

_JOINED = """
INSERT INTO session_participants AS p (tenant_id, session_id, user_id, role, join_time)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (session_id, user_id) DO UPDATE SET
    role = $4, status = 'admitted', join_time = coalesce(p.join_time, $5), leave_time = NULL"""
_WAITING = """
INSERT INTO session_participants (tenant_id, session_id, user_id, role, status)
VALUES ($1, $2, $3, $4, 'waiting')
ON CONFLICT (session_id, user_id) DO UPDATE SET role = $4, status = 'waiting', leave_time = NULL"""
_LEFT = "UPDATE session_participants SET leave_time = $3 WHERE session_id = $1 AND user_id = $2"
_OUT = """
UPDATE session_participants SET status = $3, leave_time = coalesce(leave_time, $4)
WHERE session_id = $1 AND user_id = $2"""
_MAY_COME = """
UPDATE session_participants SET status = 'admitted' WHERE session_id = $1 AND user_id = $2"""
# By way of text, so that PostgreSQL judges whether it is a time.
_MUTED = """
UPDATE session_participants SET muted_until = $3::text::timestamptz
WHERE session_id = $1 AND user_id = $2"""
_ROLE = "UPDATE session_participants SET role = $3 WHERE session_id = $1 AND user_id = $2"
_GRANTS = "UPDATE session_participants SET permissions = $3 WHERE session_id = $1 AND user_id = $2"


def project(event: Event, on: Occasion) -> Statement:
    """Return what ``event`` changes; who never came is not known, and nothing happens to them."""
    if isinstance(event, ev.SessionArchived):
        return _ARCHIVED, (on.session,)
    if isinstance(event, ev.SessionStarted | ev.SessionEnded):
        is_start = isinstance(event, ev.SessionStarted)
        return _STARTED if is_start else _ENDED, (on.session, on.at_ms)
    user = event.user
    match event:
        case ev.ParticipantJoined(role=role):
            return _JOINED, (on.tenant, on.session, user, _recorded(role), on.at_ms)
        case ev.ParticipantWaiting(role=role):
            return _WAITING, (on.tenant, on.session, user, _recorded(role))
        case ev.ParticipantLeft():
            return _LEFT, (on.session, user, on.at_ms)
        case ev.ParticipantDenied():
            return _OUT, (on.session, user, "denied", on.at_ms)
        case ev.ParticipantRemoved():
            return _OUT, (on.session, user, "removed", on.at_ms)
        case ev.ParticipantBanned():
            return _OUT, (on.session, user, "banned", on.at_ms)
        case ev.ParticipantAdmitted() | ev.ParticipantUnbanned():
            return _MAY_COME, (on.session, user)
        case ev.ParticipantMuted(until=until):
            return _MUTED, (on.session, user, until or FOREVER)
        case ev.ParticipantUnmuted():
            return _MUTED, (on.session, user, None)
        case ev.ParticipantRoleChanged(role=role):
            return _ROLE, (on.session, user, role)
        case ev.ParticipantGrantsChanged(grants=grants):
            return _GRANTS, (on.session, user, msgspec.json.encode(grants))
        case _:
            assert_never(event)


def _recorded(role: Role) -> str:
    """Return the role as the table has it: an admin is recorded as a teacher."""
    return "teacher" if role == "admin" else role
