"""What the class leaves behind, and its replay: ``artifacts`` and ``replays``.

An artifact belongs to whoever made it, and names the event it comes from and the last one about it;
editing raises its version. The plan to publish is over once it is published.
"""

from typing import TypeAlias, assert_never

import msgspec

from protocol import events as ev
from protocol.features.artifacts import ArtifactPayload, ArtifactType

from .statement import Occasion, Statement

Event: TypeAlias = (
    ev.ChapterMarked
    | ev.HighlightMarked
    | ev.NoteAdded
    | ev.ArtifactCreated
    | ev.ArtifactEdited
    | ev.ArtifactRemoved
    | ev.ReplayScheduled
    | ev.ReplayPublished
    | ev.ReplayUnpublished
)

_CREATED = """
INSERT INTO artifacts (tenant_id, session_id, id, artifact_type, payload, user_id,
    source_sequence, touched, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
_EDITED = """
UPDATE artifacts SET payload = $3, version = version + 1, touched = $4
WHERE session_id = $1 AND id = $2"""
_REMOVED = "DELETE FROM artifacts WHERE session_id = $1 AND id = $2"

# By way of text, so that PostgreSQL judges whether it is a time.
_SCHEDULED = """
INSERT INTO replays (tenant_id, session_id, id, publish_at)
VALUES ($1, $2, $3, $4::text::timestamptz)
ON CONFLICT (session_id) DO UPDATE SET publish_at = excluded.publish_at"""
_PUBLISHED = """
INSERT INTO replays (tenant_id, session_id, id, status) VALUES ($1, $2, $3, 'published')
ON CONFLICT (session_id) DO UPDATE SET status = 'published', publish_at = NULL"""
_UNPUBLISHED = "UPDATE replays SET status = 'draft' WHERE session_id = $1"


def project(event: Event, on: Occasion) -> Statement:
    """Return what ``event`` changes."""
    match event:
        case ev.ChapterMarked() | ev.HighlightMarked():
            payload = ArtifactPayload(title=event.title, start_ms=event.start_ms)
            kind: ArtifactType = "chapter" if isinstance(event, ev.ChapterMarked) else "highlight"
            return _created(event.artifact, kind, payload, on)
        case ev.NoteAdded():
            payload = ArtifactPayload(text=event.text, start_ms=event.start_ms)
            return _created(event.artifact, "note", payload, on)
        case ev.ArtifactCreated():
            return _created(
                event.artifact, event.artifact_type, event.payload, on, source=event.source
            )
        case ev.ArtifactEdited(artifact=artifact, payload=payload):
            return _EDITED, (on.session, artifact, msgspec.json.encode(payload), on.sequence)
        case ev.ArtifactRemoved(artifact=artifact):
            return _REMOVED, (on.session, artifact)
        case ev.ReplayScheduled(replay=replay, publish_at=publish_at):
            return _SCHEDULED, (on.tenant, on.session, replay, publish_at)
        case ev.ReplayPublished(replay=replay):
            return _PUBLISHED, (on.tenant, on.session, replay)
        case ev.ReplayUnpublished():
            return _UNPUBLISHED, (on.session,)
        case _:
            assert_never(event)


def _created(
    artifact: str,
    kind: ArtifactType,
    payload: ArtifactPayload,
    on: Occasion,
    *,
    source: int | None = None,
) -> Statement:
    # What comes from no event before it comes from its own: a log has no gaps.
    cited = source if source is not None and 0 < source < on.sequence else on.sequence
    return _CREATED, (
        on.tenant, on.session, artifact, kind, msgspec.json.encode(payload), on.by, cited,
        on.sequence, on.at_ms,
    )  # fmt: skip
