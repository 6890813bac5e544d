"""What the class was asked, and everybody's one vote: ``polls`` and ``poll_votes``."""

from typing import TypeAlias, assert_never

import msgspec

from protocol import events as ev

from .statement import Occasion, Statement

Event: TypeAlias = ev.PollOpened | ev.PollVoted | ev.PollClosed | ev.PollPublished

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


def project(event: Event, on: Occasion) -> Statement:
    """Return what ``event`` changes."""
    match event:
        case ev.PollOpened():
            correct = None if event.correct is None else msgspec.json.encode(event.correct)
            return _OPENED, (
                on.tenant, on.session, event.poll, event.prompt,
                msgspec.json.encode(event.options), event.multiple, event.anonymous,
                event.results, correct, on.at_ms,
            )  # fmt: skip
        case ev.PollVoted(poll=poll, choices=choices):
            return _VOTED, (on.tenant, on.session, poll, on.by, choices, on.at_ms)
        case ev.PollClosed(poll=poll):
            return _CLOSED, (on.session, poll, on.at_ms)
        case ev.PollPublished(poll=poll):
            return _PUBLISHED, (on.session, poll, on.at_ms)
        case _:
            assert_never(event)
