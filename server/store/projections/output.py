"""Where the class goes, live and kept: ``session_destinations`` and ``recordings``."""

from typing import TypeAlias, assert_never

import msgspec

from protocol import events as ev

from .statement import Occasion, Statement

Event: TypeAlias = (
    ev.DestinationEnabled
    | ev.DestinationDisabled
    | ev.DestinationRetryRequested
    | ev.DestinationFailed
    | ev.RecordingStarted
    | ev.RecordingFinalized
    | ev.RecordingFailed
)

_ENABLED = """
INSERT INTO session_destinations (tenant_id, session_id, destination_id, status, created_at)
SELECT $1, $2, id, 'enabled', $4 FROM multistream_destinations WHERE tenant_id = $1 AND id = $3
ON CONFLICT (session_id, destination_id) DO UPDATE SET status = 'enabled', error = NULL"""
_SWITCHED = """
UPDATE session_destinations SET status = $3, error = $4
WHERE session_id = $1 AND destination_id = $2"""

_STARTED = """
INSERT INTO recordings (tenant_id, session_id, id, status, started_at, created_at)
VALUES ($1, $2, $3, 'recording', $4, $4)"""
_FINALIZED = """
UPDATE recordings SET status = 'finalized', media_uri = $3, duration_ms = $4, bytes = $5,
    finalized_at = $6, clock = $7, error = NULL
WHERE session_id = $1 AND id = $2"""
# What is whole stays so, whatever is reported of it later: a replay may rest on it.
_FAILED = """
UPDATE recordings SET status = 'failed', error = $3
WHERE session_id = $1 AND id = $2 AND status <> 'finalized'"""


def project(event: Event, on: Occasion) -> Statement:
    """Return what ``event`` changes."""
    of, both = (on.session,), (on.tenant, on.session)
    match event:
        case ev.DestinationEnabled(destination=destination):
            return _ENABLED, (*both, destination, on.at_ms)
        case ev.DestinationDisabled(destination=destination):
            return _SWITCHED, (*of, destination, "disabled", None)
        case ev.DestinationRetryRequested(destination=destination):
            return _SWITCHED, (*of, destination, "enabled", None)
        case ev.DestinationFailed(destination=destination, code=code):
            return _SWITCHED, (*of, destination, "failed", code)
        case ev.RecordingStarted(recording=recording):
            return _STARTED, (*both, recording, on.at_ms)
        case ev.RecordingFinalized(recording=recording, media_uri=uri):
            pairs = [(each.wall_ms, each.media_ms) for each in event.clock]
            clock = msgspec.json.encode(pairs) if pairs else None
            about = (uri, event.duration_ms, event.bytes, on.at_ms, clock)
            return _FINALIZED, (*of, recording, *about)
        case ev.RecordingFailed(recording=recording, code=code):
            return _FAILED, (*of, recording, code)
        case _:
            assert_never(event)
