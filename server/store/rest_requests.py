"""Answers to requests that carried an ``Idempotency-Key``, kept for a day.

The key is claimed, the work done and the answer kept in one transaction: a request that fails
leaves no trace, and a repetition that comes meanwhile waits in :func:`claim` for its outcome.
"""

from typing import NamedTuple

from server.errors import UnavailableError

from .pool import AcquiredConnection


class Kept(NamedTuple):
    """The answer that was given, and the digest of the request it was given to."""

    digest: bytes
    status: int
    body: bytes


async def claim(
    connection: AcquiredConnection, tenant: str, user: str, key: str, digest: bytes
) -> Kept | None:
    """Return None if this is the first request of that key, else what the first was answered.

    Raises:
        UnavailableError: If the answer grew too old while it was asked for.

    """
    await connection.execute(
        "DELETE FROM rest_requests WHERE tenant_id = $1 AND created_at < now() - interval '1 day'",
        tenant,
    )
    is_first = await connection.fetchval(
        "INSERT INTO rest_requests (tenant_id, user_id, key, digest) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT DO NOTHING RETURNING true",
        tenant,
        user,
        key,
        digest,
    )
    if is_first:
        return None
    row = await connection.fetchrow(
        "SELECT digest, status, body FROM rest_requests "
        "WHERE tenant_id = $1 AND user_id = $2 AND key = $3",
        tenant,
        user,
        key,
    )
    if row is None:  # the first one's answer was dropped at this very moment
        raise UnavailableError
    return Kept(row["digest"], row["status"], row["body"] or b"")


async def keep(
    connection: AcquiredConnection, tenant: str, user: str, key: str, status: int, body: bytes
) -> None:
    """Keep the answer of the request that claimed ``key`` in this transaction."""
    await connection.execute(
        "UPDATE rest_requests SET status = $4, body = $5 "
        "WHERE tenant_id = $1 AND user_id = $2 AND key = $3",
        tenant,
        user,
        key,
        status,
        body,
    )
