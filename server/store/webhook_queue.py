"""What webhooks are to be delivered: from the log into rows, and rows on their way out.

Safe on several nodes at once. A session's log is looked through under the lock of its cursor. A
delivery is taken with a lease, after which anybody may take it again; the lease's end is also what
its holder must still find to say how it went.
"""

from collections.abc import Mapping
from typing import NamedTuple

from server.ids import new_id

from .pool import AcquiredConnection, Pools

LEASE_MS = 30_000
"""Longer than an attempt takes, with all that belongs to it."""
_PAGE = 5000
_SWEPT_MOST = 1000


class Due(NamedTuple):
    """A delivery that was taken, and what is needed to make it."""

    id: str
    tenant: str
    endpoint: str
    url: str
    secret_ref: str
    previous_secret_ref: str | None
    previous_until: int | None
    is_failing: bool
    """Whether the endpoint took nothing the last time."""
    type: str
    event: str
    session: str | None
    sequence: int | None
    attempts: int
    """With this one."""
    lease: int

    def __repr__(self) -> str:
        return f"Due(id={self.id!r})"


async def find_unread(pools: Pools) -> list[str]:
    """Return sessions whose log goes on beyond what was looked through, where somebody listens."""
    async with pools.hub() as connection:
        rows = await connection.fetch(
            """
            SELECT h.session_id FROM session_hubs h
            LEFT JOIN webhook_cursors c USING (session_id)
            CROSS JOIN LATERAL (
                SELECT e.sequence FROM session_state_events e
                WHERE e.session_id = h.session_id ORDER BY e.sequence DESC LIMIT 1) head
            WHERE head.sequence > coalesce(c.sequence, 0) AND h.tenant_id IN (
                SELECT tenant_id FROM webhook_endpoints WHERE status = 'active')
            LIMIT $1
            """,
            _SWEPT_MOST,
        )
    return [row[0] for row in rows]


async def collect(pools: Pools, session: str, at_ms: int) -> int:
    """Note what the endpoints of its tenant want of a session's log; return how many deliveries.

    The log is looked through from the cursor to its end, page by page, each with the cursor's
    move in one transaction.
    """
    collected = 0
    while True:
        async with pools.hub() as connection, connection.transaction():
            count, is_whole = await _collect_page(connection, session, at_ms)
        collected += count
        if is_whole:
            return collected


async def _collect_page(
    connection: AcquiredConnection, session: str, at_ms: int
) -> tuple[int, bool]:
    tenant = await connection.fetchval(
        "SELECT tenant_id FROM sessions s WHERE id = $1 AND EXISTS (SELECT FROM "
        "webhook_endpoints w WHERE w.tenant_id = s.tenant_id AND w.status = 'active')",
        session,
    )
    if tenant is None:
        return 0, True
    await connection.execute(
        "INSERT INTO webhook_cursors (session_id, tenant_id) VALUES ($1, $2) "
        "ON CONFLICT DO NOTHING",
        session, tenant,
    )  # fmt: skip
    after: int = await connection.fetchval(
        "SELECT sequence FROM webhook_cursors WHERE session_id = $1 FOR UPDATE", session
    )
    last: int | None = await connection.fetchval(
        "SELECT max(sequence) FROM session_state_events "
        "WHERE session_id = $1 AND sequence > $2 AND sequence <= $2 + $3",
        session, after, _PAGE,
    )  # fmt: skip
    if last is None:
        return 0, True
    wanted = await connection.fetch(
        """
        SELECT w.id, e.sequence, e.id, e.event_type FROM session_state_events e
        JOIN webhook_endpoints w ON w.tenant_id = e.tenant_id AND e.event_type = ANY (w.events)
        WHERE e.session_id = $1 AND e.sequence > $2 AND e.sequence <= $3
          AND w.status = 'active' AND e.created_at >= w.since
        ORDER BY e.sequence
        """,
        session, after, last,
    )  # fmt: skip
    await connection.executemany(
        """
        INSERT INTO webhook_deliveries (id, tenant_id, session_id, next_at, created_at,
                                        endpoint_id, sequence, event_id, event_type)
        VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8)
        ON CONFLICT (endpoint_id, session_id, sequence) DO NOTHING
        """,
        [(new_id(), tenant, session, at_ms, *each) for each in wanted],
    )
    await connection.execute(
        "UPDATE webhook_cursors SET sequence = $2 WHERE session_id = $1", session, last
    )
    return len(wanted), last < after + _PAGE


async def take(
    pools: Pools,
    at_ms: int,
    *,
    busy: Mapping[str, int],
    each_most: int,
    limit: int,
    is_failing: bool,
) -> list[Due]:
    """Take up to ``limit`` due deliveries: no more than ``each_most`` per endpoint.

    ``busy`` counts what is on its way to an endpoint already. Only endpoints that took the last
    message, or only those that did not, are looked at. Of a session's deliveries to an endpoint
    only the first that waits is ever due.
    """
    async with pools.hub() as connection:
        rows = await connection.fetch(
            """
            UPDATE webhook_deliveries d
            SET next_at = $2, attempts = d.attempts + 1, tried_at = $1
            FROM (
                SELECT due.id, w.url, w.secret_ref, w.previous_secret_ref, w.previous_until,
                       w.failing_since IS NOT NULL AS is_failing
                FROM webhook_endpoints w
                LEFT JOIN unnest($3::uuid[], $4::int[]) AS busy (id, count) ON busy.id = w.id
                CROSS JOIN LATERAL (
                    SELECT p.id FROM webhook_deliveries p
                    WHERE p.endpoint_id = w.id AND p.status = 'pending' AND p.next_at <= $1
                      AND NOT EXISTS (
                        SELECT FROM webhook_deliveries earlier
                        WHERE earlier.endpoint_id = p.endpoint_id AND earlier.status = 'pending'
                          AND earlier.session_id = p.session_id AND earlier.sequence < p.sequence)
                    ORDER BY p.next_at
                    LIMIT greatest(0, $5 - coalesce(busy.count, 0))
                    FOR UPDATE SKIP LOCKED) due
                WHERE w.status = 'active' AND (w.failing_since IS NOT NULL) = $6
                LIMIT $7
            ) taken
            WHERE d.id = taken.id
            RETURNING d.id, d.tenant_id, d.endpoint_id, taken.url, taken.secret_ref,
                      taken.previous_secret_ref, taken.previous_until, taken.is_failing,
                      d.event_type, d.event_id, d.session_id, d.sequence, d.attempts,
                      d.next_at
            """,
            at_ms, at_ms + LEASE_MS, list(busy), list(busy.values()), each_most, is_failing, limit,
        )  # fmt: skip
    return [Due(*row) for row in rows]


async def delivered(pools: Pools, due: Due, at_ms: int, status: int | None) -> None:
    """Note that the endpoint took it."""
    async with pools.hub() as connection:
        await connection.execute(
            "UPDATE webhook_deliveries SET status = 'delivered', delivered_at = $3, "
            "last_status = $4, last_error = NULL "
            "WHERE id = $1 AND next_at = $2 AND status = 'pending'",
            due.id, due.lease, at_ms, status,
        )  # fmt: skip
        await connection.execute(
            "UPDATE webhook_endpoints SET failing_since = NULL "
            "WHERE id = $1 AND failing_since IS NOT NULL",
            due.endpoint,
        )


async def failed(
    pools: Pools, due: Due, *, status: int | None, error: str, next_ms: int | None
) -> None:
    """Note that it was not taken, and when to try again; None: it is given up."""
    async with pools.hub() as connection:
        await connection.execute(
            "UPDATE webhook_deliveries SET last_status = $3, last_error = $4, "
            "next_at = coalesce($5, next_at), "
            "status = CASE WHEN $5::timestamptz IS NULL THEN 'failed' ELSE status END "
            "WHERE id = $1 AND next_at = $2 AND status = 'pending'",
            due.id, due.lease, status, error, next_ms,
        )  # fmt: skip


async def mark_failing(pools: Pools, endpoint: str, at_ms: int) -> None:
    """Note that an endpoint does not take what is sent to it."""
    async with pools.hub() as connection:
        await connection.execute(
            "UPDATE webhook_endpoints SET failing_since = $2 "
            "WHERE id = $1 AND failing_since IS NULL",
            endpoint, at_ms,
        )  # fmt: skip


async def disable(pools: Pools, endpoint: str, reason: str, failing_before_ms: int) -> bool:
    """Disable an endpoint that has taken nothing since ``failing_before_ms``; say if it was so."""
    async with pools.hub() as connection:
        found = await connection.fetchval(
            "UPDATE webhook_endpoints SET status = 'disabled', disabled_reason = $2 "
            "WHERE id = $1 AND status = 'active' AND failing_since <= $3 RETURNING true",
            endpoint, reason, failing_before_ms,
        )  # fmt: skip
    return bool(found)


async def forget_before(pools: Pools, at_ms: int) -> None:
    """Remove deliveries made before ``at_ms`` that wait for nothing."""
    async with pools.hub() as connection:
        await connection.execute(
            "DELETE FROM webhook_deliveries WHERE status <> 'pending' AND created_at < $1", at_ms
        )


async def take_old_secrets(connection: AcquiredConnection, at_ms: int) -> list[str]:
    """Return where secrets are that sign no more, and forget that they were there."""
    rows = await connection.fetch(
        """
        UPDATE webhook_endpoints w SET previous_secret_ref = NULL, previous_until = NULL
        FROM (SELECT id, previous_secret_ref AS reference FROM webhook_endpoints
              WHERE previous_until <= $1 FOR UPDATE) old
        WHERE w.id = old.id RETURNING old.reference
        """,
        at_ms,
    )
    return [row[0] for row in rows]
