"""Recordings as one file each: who asked, and how far the making of it has come.

::

    queued ──▶ working ──▶ ready
      ▲           └──────▶ failed (reason)
      └── asked again ────────┘

What is worked on is claimed for a while by a lease, as uploads are (:mod:`server.store.uploads`).
When a recording's time is over its row is deleted, and whoever works on it finds its lease lost.
"""

from typing import Literal, NamedTuple

from server.errors import NotFoundError
from server.ids import new_id

from .pool import AcquiredConnection, Pools
from .rows import Row, columns

MOST_ATTEMPTS = 5
"""Workers that died of the same recording before it is given up."""
LEASE_SECONDS = 60.0


class Download(Row, frozen=True):
    """How far the file of a recording is."""

    recording_id: str
    tenant_id: str
    session_id: str
    status: Literal["queued", "working", "ready", "failed"]
    progress: int
    reason: str | None
    bytes: int | None


class Job(NamedTuple):
    """A recording that is this worker's until ``lease`` runs out."""

    recording: str
    tenant: str
    session: str
    media_uri: str
    attempts: int
    lease: str


class LeaseLostError(Exception):
    """Somebody else has taken the recording, or nobody may have it any more."""


async def ask(connection: AcquiredConnection, session: str, recording: str) -> Download:
    """Queue the file of a recording, unless it is there or on its way; return how far it is.

    Raises:
        NotFoundError: If the session has no such recording that is finalized.

    """
    await connection.execute(
        """
        INSERT INTO recording_downloads (recording_id, tenant_id, session_id)
        SELECT r.id, r.tenant_id, r.session_id FROM recordings r
        WHERE r.session_id = $1 AND r.id = $2 AND r.status = 'finalized'
          AND NOT EXISTS (SELECT FROM erasures e
            WHERE e.session_id = r.session_id AND e.kind IN ('recordings', 'session'))
        ON CONFLICT (recording_id) DO UPDATE
        SET status = 'queued', progress = 0, reason = NULL, attempts = 0
        WHERE recording_downloads.status = 'failed'
        """,
        session, recording,
    )  # fmt: skip
    return await get(connection, session, recording)


async def get(connection: AcquiredConnection, session: str, recording: str) -> Download:
    """Return how far the file of a recording is.

    Raises:
        NotFoundError: If nobody has asked for it, or there is no such recording.

    """
    row = await connection.fetchrow(
        f"SELECT {columns(Download)} FROM recording_downloads "  # noqa: S608
        "WHERE session_id = $1 AND recording_id = $2",
        session, recording,
    )  # fmt: skip
    if row is None:
        raise NotFoundError
    return Download(*row)


async def claim(pools: Pools) -> Job | None:
    """Take the recording that has waited longest; None if there is nothing to do."""
    async with pools.hub() as connection:
        row = await connection.fetchrow(
            """
            UPDATE recording_downloads d SET status = 'working', progress = 0, lease = $1,
                attempts = d.attempts + 1, leased_until = now() + make_interval(secs => $2)
            FROM recordings r
            WHERE r.id = d.recording_id AND d.recording_id = (
                SELECT recording_id FROM recording_downloads
                WHERE status IN ('queued', 'working')
                  AND (leased_until IS NULL OR leased_until < now())
                ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING d.recording_id, d.tenant_id, d.session_id, r.media_uri, d.attempts, d.lease
            """,
            new_id(), LEASE_SECONDS,
        )  # fmt: skip
    return None if row is None else Job(*row)


async def progress(pools: Pools, job: Job, percent: int) -> None:
    """Say how far a job is, which keeps it from being taken up by others.

    Raises:
        LeaseLostError: If it was, or may not be done any more.

    """
    await _change(
        pools, job, "progress = $3, leased_until = now() + make_interval(secs => $4)",
        percent, LEASE_SECONDS,
    )  # fmt: skip


async def release(pools: Pools, job: Job, *, seconds: float) -> None:
    """Give a job back that cannot be done now; it is tried again after that long."""
    await _change(
        pools, job,
        "status = 'queued', attempts = attempts - 1, lease = NULL, "
        "leased_until = now() + make_interval(secs => $3)",
        seconds,
    )  # fmt: skip


async def fail(pools: Pools, job: Job, reason: str) -> None:
    """End a job that cannot be done at all."""
    await _change(
        pools, job, "status = 'failed', lease = NULL, leased_until = NULL, reason = $3", reason
    )


async def finish(pools: Pools, job: Job, size: int) -> None:
    """End a job whose file is there.

    Raises:
        LeaseLostError: If it should not be: nobody will delete it.

    """
    await _change(pools, job, "status = 'ready', lease = NULL, progress = 100, bytes = $3", size)


async def _change(pools: Pools, job: Job, what: str, *values: object) -> None:
    async with pools.hub() as connection:
        row = await connection.fetchrow(
            f"UPDATE recording_downloads SET {what} "  # noqa: S608
            "WHERE recording_id = $1 AND lease = $2 RETURNING recording_id",
            job.recording, job.lease, *values,
        )  # fmt: skip
    if row is None:
        raise LeaseLostError
