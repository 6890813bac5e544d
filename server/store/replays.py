"""Replays: what is left of each class that is over, and what its log says of its publication.

There is one for each class from the second it ends, and it has the id of its class.
"""

from typing import Literal, NamedTuple

import msgspec

from server.errors import NotFoundError

from .pool import AcquiredConnection, Pools
from .rows import Row
from .standings import Reach


class Replay(Row, frozen=True):
    """A class that is over, and what there is of it.

    ``finalized``, ``unfinished`` and ``failed`` count its recordings; ``languages`` are those of
    its transcripts; a note is an artifact of staff and counted by itself; ``deleted_at`` is when
    its recordings were kept no longer.
    """

    session: str
    tenant: str
    course: str | None
    title: str
    language: str
    started_at: int
    ended_at: int
    status: Literal["draft", "published"]
    publish_at: int | None
    finalized: int
    unfinished: int
    failed: int
    deleted_at: int | None
    artifacts: int
    notes: int
    chapters: int
    languages: list[str]


class Recording(NamedTuple):
    """A finalized recording; ``clock`` are its pairs of wall and media time, where it has them."""

    id: str
    media_uri: str
    started_at: int
    duration_ms: int
    clock: tuple[tuple[int, int], ...]


class Artifact(NamedTuple):
    """Something that the class left behind; ``payload`` is its JSON."""

    id: str
    payload: bytes


class Plan(NamedTuple):
    """A replay whose time to be published has come; ``lacks`` is what it needs first."""

    session: str
    tenant: str
    publish_at: int
    lacks: Literal["recording", "artifact"] | None


# What a tenant keeps no longer is gone from here at once (``server.store.removal``).
_REMOVED = """EXISTS (SELECT FROM erasures e
    WHERE e.session_id = s.id AND e.kind IN ('recordings', 'session'))"""
_SELECT = f"""
SELECT s.id, s.tenant_id, l.course_id, s.title, s.language, s.started_at, s.ended_at,
    coalesce(r.status, 'draft'), r.publish_at,
    recorded.finalized, recorded.unfinished, recorded.failed, removed.at,
    left_over.artifacts, left_over.notes, left_over.chapters, left_over.languages
FROM sessions s
LEFT JOIN lessons l ON l.id = s.lesson_id
LEFT JOIN replays r ON r.session_id = s.id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE status = 'finalized') AS finalized,
        count(*) FILTER (WHERE status = 'recording') AS unfinished,
        count(*) FILTER (WHERE status = 'failed') AS failed
    FROM recordings WHERE session_id = s.id AND NOT {_REMOVED}) recorded
CROSS JOIN LATERAL (
    SELECT min(e.at) AS at FROM erasures e
    WHERE e.session_id = s.id AND e.kind IN ('recordings', 'session')
      AND EXISTS (SELECT FROM recordings WHERE session_id = s.id)) removed
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE artifact_type <> 'note') AS artifacts,
        count(*) FILTER (WHERE artifact_type = 'note') AS notes,
        count(*) FILTER (WHERE artifact_type = 'chapter') AS chapters,
        coalesce(array_agg(DISTINCT payload->>'language' ORDER BY payload->>'language')
            FILTER (WHERE artifact_type = 'transcript'), '{{}}') AS languages
    FROM artifacts WHERE session_id = s.id) left_over
WHERE s.ended_at IS NOT NULL"""  # noqa: S608


async def get(connection: AcquiredConnection, session: str) -> Replay:
    """Return the replay of a class.

    Raises:
        NotFoundError: If the class is not there, not the connection's tenant's, or not over.

    """
    row = await connection.fetchrow(_SELECT + " AND s.id = $1", session)
    if row is None:
        raise NotFoundError
    return Replay(*row)


async def list_all(
    connection: AcquiredConnection,
    *,
    seen: Reach,
    kept: Reach,
    course: str | None = None,
    status: str | None = None,
    newest_first: bool = False,
    after: str | None = None,
    limit: int = 50,
) -> list[Replay]:
    """Return replays in the order in which their sessions were made, from ``after`` on.

    They are the published ones of ``seen``, and all of ``kept``; none of a class that the person
    was shut out of.
    """
    as_seen, for_seen = seen.shows_session("s.id", "l.course_id", first=6)
    as_kept, for_kept = kept.shows_session("s.id", "l.course_id", first=6 + len(for_seen))
    follows, order = ("<", "DESC") if newest_first else (">", "ASC")
    rows = await connection.fetch(
        _SELECT
        + f""" AND ($1::uuid IS NULL OR s.id {follows} $1)
                AND ($2::uuid IS NULL OR l.course_id = $2)
                AND ($3::text IS NULL OR coalesce(r.status, 'draft') = $3)
                AND ({as_kept} OR (r.status = 'published' AND {as_seen}))
                AND NOT EXISTS (SELECT FROM session_participants p WHERE p.session_id = s.id
                    AND p.user_id = $5::uuid AND p.status <> 'admitted')
              ORDER BY s.id {order} LIMIT $4""",
        after, course, status, limit, seen.user, *for_seen, *for_kept,
    )  # fmt: skip
    return [Replay(*row) for row in rows]


async def is_published(connection: AcquiredConnection, session: str) -> bool:
    """Say whether the replay of a class can be watched by whoever may see the class."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM replays WHERE session_id = $1 AND status = 'published')",
        session,
    )
    return found


async def recordings(connection: AcquiredConnection, session: str) -> list[Recording]:
    """Return the finalized recordings of a class, the oldest first."""
    rows = await connection.fetch(
        "SELECT id, media_uri, started_at, duration_ms, clock FROM recordings "
        "WHERE session_id = $1 AND status = 'finalized' AND NOT EXISTS (SELECT FROM erasures e "
        "WHERE e.session_id = $1 AND e.kind IN ('recordings', 'session')) ORDER BY id",
        session,
    )
    return [Recording(row[0], row[1], row[2], row[3], _pairs(row[4])) for row in rows]


async def artifacts(
    connection: AcquiredConnection, session: str, kind: Literal["transcript", "chapter"]
) -> list[Artifact]:
    """Return the artifacts of one type, in the order of their ids."""
    rows = await connection.fetch(
        "SELECT id, payload FROM artifacts WHERE session_id = $1 AND artifact_type = $2 "
        "ORDER BY id",
        session, kind,
    )  # fmt: skip
    return [Artifact(*row) for row in rows]


async def captions(connection: AcquiredConnection, session: str) -> list[bytes]:
    """Return what was said live, as the payloads of ``caption.added``, in order."""
    rows = await connection.fetch(
        "SELECT event_payload FROM session_state_events "
        "WHERE session_id = $1 AND event_type = 'caption.added' ORDER BY sequence",
        session,
    )
    return [row[0] for row in rows]


async def sequence_at(connection: AcquiredConnection, session: str, wall_ms: int) -> int:
    """Return the last sequence of what had happened by then, 0 before the first."""
    found: int | None = await connection.fetchval(
        "SELECT sequence FROM session_state_events WHERE session_id = $1 AND created_at <= $2 "
        "ORDER BY sequence DESC LIMIT 1",
        session, wall_ms,
    )  # fmt: skip
    return found or 0


async def epoch(pools: Pools, session: str) -> int:
    """Return what rises whenever a class is taken over, or words are erased from its log."""
    async with pools.hub() as connection:
        found = await connection.fetchval(
            "SELECT epoch FROM session_hubs WHERE session_id = $1", session
        )
    return found or 0


async def list_due(pools: Pools, now_ms: int, *, limit: int) -> list[Plan]:
    """Return the plans, of whatever tenant, whose time has come; first what lacks nothing.

    An archived class publishes nothing any more.
    """
    async with pools.hub() as connection:
        rows = await connection.fetch(
            """
            SELECT * FROM (SELECT r.session_id, r.tenant_id, r.publish_at, CASE
                WHEN NOT EXISTS (SELECT FROM recordings c
                    WHERE c.session_id = r.session_id AND c.status = 'finalized') THEN 'recording'
                WHEN NOT EXISTS (SELECT FROM artifacts a
                    WHERE a.session_id = r.session_id) THEN 'artifact'
                END AS lacks
            FROM replays r JOIN sessions s ON s.id = r.session_id AND s.status = 'ended'
            WHERE r.status = 'draft' AND r.publish_at <= $1) due
            ORDER BY lacks IS NOT NULL, publish_at LIMIT $2
            """,
            now_ms, limit,
        )  # fmt: skip
    return [Plan(*row) for row in rows]


def _pairs(clock: bytes | None) -> tuple[tuple[int, int], ...]:
    return () if clock is None else msgspec.json.decode(clock, type=tuple[tuple[int, int], ...])
