"""Requests that carry an Idempotency-Key: each has its effect once, and its answer is kept.

Claim the key, do the work and keep the answer in one transaction: then effect and answer commit
together, and a repetition that comes meanwhile waits for that commit.
"""

from typing import NamedTuple

from .pool import AcquiredConnection

KEPT_HOURS = 24


class Kept(NamedTuple):
    """The answer to an earlier request; ``digest`` tells whether it was the same request."""

    digest: bytes
    status: int
    headers: bytes
    body: bytes


async def claim(
    connection: AcquiredConnection, tenant: str, user: str, key: str, digest: bytes
) -> Kept | None:
    """Return the answer that is kept under ``key``, or None: then the key is this request's."""
    is_ours = await connection.fetchval(
        """
        INSERT INTO rest_requests AS kept (tenant_id, user_id, key, digest)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (tenant_id, user_id, key) DO UPDATE
            SET digest = $4, status = NULL, headers = NULL, body = NULL, created_at = now()
            WHERE kept.created_at < now() - $5 * interval '1 hour'
        RETURNING true
        """,
        tenant, user, key, digest, KEPT_HOURS,
    )  # fmt: skip
    if is_ours:
        return None
    row = await connection.fetchrow(
        "SELECT digest, status, headers, body FROM rest_requests "
        "WHERE tenant_id = $1 AND user_id = $2 AND key = $3",
        tenant, user, key,
    )  # fmt: skip
    assert row is not None, "the conflict was with a committed row"
    return Kept(*row)


async def keep(
    connection: AcquiredConnection, tenant: str, user: str, key: str, kept: Kept
) -> None:
    """Keep the answer to the request that has claimed ``key``; ``headers`` is JSON."""
    await connection.execute(
        "UPDATE rest_requests SET digest = $4, status = $5, headers = $6, body = $7 "
        "WHERE tenant_id = $1 AND user_id = $2 AND key = $3",
        tenant, user, key, *kept,
    )  # fmt: skip
