"""Uploads: what was sent to the object store, and how far its processing has come.

::

    pending ── commit ──▶ processing ──▶ ready
       │ expires               └───────▶ failed (reason)
       ▼
     deleted

What is processing is claimed for a while by a lease; a worker that lets it run out is dead, and
whatever it does afterwards changes nothing. Leases go by the clock of the database, the one that
all nodes have.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from protocol.ids import Role
from server.errors import ConflictError, NotFoundError
from server.ids import new_id

from .pool import AcquiredConnection, Pools
from .projections.search import dictionary
from .rows import Row, columns

MOST_OPEN = 50
"""Uploads of a session that are pending or processing at the same time."""
MOST_ATTEMPTS = 5
"""Workers that died of the same upload before it is given up."""
LEASE_SECONDS = 30.0

Status = Literal["pending", "processing", "ready", "failed"]


class Upload(Row, frozen=True):
    """An upload."""

    id: str
    session_id: str
    name: str
    content_type: str
    bytes: int
    status: Status
    reason: str | None
    pages: int | None
    pages_done: int
    asset_id: str | None
    expires_at: int
    created_at: int


class Job(NamedTuple):
    """An upload that is this worker's until ``lease`` runs out, and in whose name it came."""

    id: str
    tenant: str
    session: str
    user: str
    user_name: str
    role: Role
    name: str
    content_type: str
    bytes: int
    attempts: int
    lease: str


class Place(NamedTuple):
    """An upload whose place in the object store is to be emptied."""

    id: str
    tenant: str
    session: str
    status: Status


class PageText(NamedTuple):
    """The text of a page."""

    page: int
    text: str


class LeaseLostError(ConflictError):
    """Somebody else has taken the upload: this worker was too slow."""


_SELECT = f"SELECT {columns(Upload)} FROM uploads"  # noqa: S608


async def create(
    connection: AcquiredConnection,
    tenant: str,
    session: str,
    *,
    user: str,
    role: Role,
    name: str,
    content_type: str,
    size: int,
    expires_at: int,
) -> Upload:
    """Note an upload that is to come.

    Raises:
        ConflictError: If too many of the session are under way.

    """
    under_way = await connection.fetchval(
        "SELECT count(*) FROM uploads "
        "WHERE session_id = $1 AND status IN ('pending', 'processing')",
        session,
    )
    if under_way >= MOST_OPEN:
        raise ConflictError(f"At most {MOST_OPEN} uploads of a class are under way at once.")
    row = await connection.fetchrow(
        "INSERT INTO uploads "  # noqa: S608
        "(id, tenant_id, session_id, user_id, role, name, content_type, bytes, expires_at) "
        f"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING {columns(Upload)}",
        new_id(), tenant, session, user, role, name, content_type, size, expires_at,
    )  # fmt: skip
    assert row is not None, "INSERT … RETURNING gives the row"
    return Upload(*row)


async def get(connection: AcquiredConnection, session: str, upload: str) -> Upload:
    """Return an upload of a session.

    Raises:
        NotFoundError: If there is none.

    """
    row = await connection.fetchrow(_SELECT + " WHERE session_id = $1 AND id = $2", session, upload)
    if row is None:
        raise NotFoundError
    return Upload(*row)


async def list_of_session(
    connection: AcquiredConnection, session: str, *, after: str | None, limit: int
) -> list[Upload]:
    """Return uploads of a session that follow ``after``, the oldest first."""
    rows = await connection.fetch(
        _SELECT + " WHERE session_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
        session, after, limit,
    )  # fmt: skip
    return [Upload(*row) for row in rows]


async def commit(connection: AcquiredConnection, session: str, upload: str) -> Upload:
    """Hand an upload to the workers; one that is theirs already stays what it is."""
    await connection.execute(
        "UPDATE uploads SET status = 'processing' "
        "WHERE session_id = $1 AND id = $2 AND status = 'pending'",
        session, upload,
    )  # fmt: skip
    return await get(connection, session, upload)


async def claim(pools: Pools) -> Job | None:
    """Take the upload that has waited longest; None if there is nothing to do."""
    async with pools.hub() as connection:
        row = await connection.fetchrow(
            """
            UPDATE uploads u SET lease = $1, attempts = u.attempts + 1, pages_done = 0,
                leased_until = now() + make_interval(secs => $2)
            FROM users p
            WHERE p.id = u.user_id AND u.id = (
                SELECT id FROM uploads
                WHERE status = 'processing' AND (leased_until IS NULL OR leased_until < now())
                ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING u.id, u.tenant_id, u.session_id, u.user_id, p.display_name, u.role, u.name,
                u.content_type, u.bytes, u.attempts, u.lease
            """,
            new_id(), LEASE_SECONDS,
        )  # fmt: skip
    return None if row is None else Job(*row)


async def progress(pools: Pools, job: Job, done: int, pages: int | None) -> None:
    """Say how far a job is, which keeps it from being taken up by others.

    Raises:
        LeaseLostError: If it was.

    """
    await _change(
        pools, job,
        "pages_done = $3, pages = $4, leased_until = now() + make_interval(secs => $5)",
        done, pages, LEASE_SECONDS,
    )  # fmt: skip


async def release(pools: Pools, job: Job, *, seconds: float) -> None:
    """Give a job back that cannot be done now; it is tried again after that long."""
    await _change(
        pools, job,
        "attempts = attempts - 1, lease = NULL, "
        "leased_until = now() + make_interval(secs => $3)",
        seconds,
    )  # fmt: skip


async def fail(pools: Pools, job: Job, reason: str) -> None:
    """End a job that cannot be done at all."""
    await _change(pools, job, "status = 'failed', lease = NULL, reason = $3", reason[:500])


async def finish(
    pools: Pools, job: Job, asset: str, pages: int | None, texts: Sequence[PageText]
) -> None:
    """End a job whose ``asset`` is in the class, and keep the text of its pages.

    Raises:
        LeaseLostError: If somebody else has taken it meanwhile.

    """
    async with pools.hub() as connection, connection.transaction():
        row = await connection.fetchrow(
            "UPDATE uploads SET status = 'ready', lease = NULL, asset_id = $3, "
            "pages = $4, pages_done = coalesce($4, 0) WHERE id = $1 AND lease = $2 RETURNING id",
            job.id, job.lease, asset, pages,
        )  # fmt: skip
        if row is None:
            raise LeaseLostError
        language = await connection.fetchval(
            "SELECT language FROM sessions WHERE id = $1", job.session
        )
        await connection.execute(
            """
            INSERT INTO asset_pages (
                tenant_id, session_id, asset_id, page, text, dictionary)
            SELECT $1, $2, $3, page, text, $4
            FROM unnest($5::int[], $6::text[]) AS t (page, text)
            ON CONFLICT (asset_id, page) DO NOTHING
            """,
            job.tenant, job.session, asset, dictionary(language),
            [each.page for each in texts], [each.text for each in texts],
        )  # fmt: skip


async def list_to_empty(pools: Pools, before_ms: int, *, limit: int = 100) -> list[Place]:
    """Return uploads whose URL has expired before ``before_ms`` and that nobody works on."""
    async with pools.hub() as connection:
        rows = await connection.fetch(
            "SELECT id, tenant_id, session_id, status FROM uploads "
            "WHERE expires_at < $1 AND emptied_at IS NULL AND status <> 'processing' "
            "ORDER BY expires_at LIMIT $2",
            before_ms, limit,
        )  # fmt: skip
    return [Place(*row) for row in rows]


async def emptied(pools: Pools, place: Place) -> None:
    """Note that nothing is left where an upload was sent; one that never came is forgotten."""
    async with pools.hub() as connection:
        await connection.execute(
            "DELETE FROM uploads WHERE id = $1 AND status = 'pending'"
            if place.status == "pending"
            else "UPDATE uploads SET emptied_at = now() WHERE id = $1",
            place.id,
        )


async def _change(pools: Pools, job: Job, what: str, *values: object) -> None:
    async with pools.hub() as connection:
        row = await connection.fetchrow(
            f"UPDATE uploads SET {what} WHERE id = $1 AND lease = $2 RETURNING id",  # noqa: S608
            job.id, job.lease, *values,
        )  # fmt: skip
    if row is None:
        raise LeaseLostError
