"""Recordings of a session, as the log says."""

from typing import Literal

from .pool import AcquiredConnection, Pools
from .rows import Row, columns


class Recording(Row, frozen=True):
    """A recording; ``media_uri`` points into the object store once there is something."""

    id: str
    session_id: str
    status: Literal["recording", "finalized", "failed"]
    media_uri: str | None
    started_at: int | None
    finalized_at: int | None
    duration_ms: int | None
    bytes: int | None
    error: str | None


_SELECT = f"SELECT {columns(Recording)} FROM recordings"  # noqa: S608


async def list_of_session(connection: AcquiredConnection, session: str) -> list[Recording]:
    """Return a session's recordings, the oldest first; none once their time is over.

    The table follows the log, which goes on to say that there were any.
    """
    rows = await connection.fetch(
        _SELECT + " WHERE session_id = $1 AND NOT EXISTS (SELECT FROM erasures e "
        "WHERE e.session_id = $1 AND e.kind IN ('recordings', 'session')) ORDER BY id",
        session,
    )
    return [Recording(*row) for row in rows]


async def list_unfinished(pools: Pools, *, limit: int) -> list[tuple[str, str]]:
    """Return tenant and session of classes, of any tenant, that are over and still recorded."""
    async with pools.hub() as connection:
        rows = await connection.fetch(
            "SELECT DISTINCT r.tenant_id, r.session_id FROM recordings r "
            "JOIN sessions s ON s.id = r.session_id AND s.status IN ('ended', 'archived') "
            "WHERE r.status = 'recording' LIMIT $1",
            limit,
        )
    return [(row[0], row[1]) for row in rows]
