"""Webhook endpoints of a tenant, as requests manage them, and what waits for them."""

from collections.abc import Sequence
from typing import Literal

from server.errors import ConflictError, NotFoundError
from server.ids import new_id

from .pool import AcquiredConnection
from .rows import Row, columns


class Endpoint(Row, frozen=True):
    """Where a tenant is told of events. The secrets are in the vault."""

    id: str
    tenant_id: str
    url: str
    events: list[str]
    description: str
    status: Literal["active", "disabled"]
    disabled_reason: Literal["asked", "failing", "gone"] | None
    failing_since: int | None
    secret_ref: str
    previous_secret_ref: str | None
    previous_until: int | None
    created_at: int

    def __repr__(self) -> str:
        return f"Endpoint(id={self.id!r})"


class Delivery(Row, frozen=True):
    """A message to an endpoint: which event, and how far it got. What it says is in the log."""

    id: str
    event_id: str
    event_type: str
    session_id: str | None
    sequence: int | None
    status: Literal["pending", "delivered", "failed"]
    attempts: int
    last_status: int | None
    last_error: str | None
    next_at: int
    created_at: int
    delivered_at: int | None


_ENDPOINTS = f"SELECT {columns(Endpoint)} FROM webhook_endpoints"  # noqa: S608
_DELIVERIES = f"SELECT {columns(Delivery)} FROM webhook_deliveries"  # noqa: S608
PING = "webhook.ping"
REDRIVEN_MOST = 10_000
"""Deliveries that one request may bring back."""


async def create(
    connection: AcquiredConnection,
    tenant: str,
    *,
    url: str,
    events: Sequence[str],
    description: str,
    secret_ref: str,
) -> Endpoint:
    """Add an endpoint: it hears what happens from now on.

    Raises:
        ConflictError: If the tenant has one with this URL.

    """
    endpoint = new_id()
    added = await connection.fetchval(
        "INSERT INTO webhook_endpoints (id, tenant_id, url, events, description, secret_ref) "
        "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, url) DO NOTHING RETURNING id",
        endpoint, tenant, url, list(events), description, secret_ref,
    )  # fmt: skip
    if added is None:
        raise ConflictError("There is an endpoint with this URL.")
    return await get(connection, endpoint)


async def get(connection: AcquiredConnection, endpoint: str, *, lock: bool = False) -> Endpoint:
    """Return an endpoint; with ``lock`` nobody else changes it in this transaction.

    Raises:
        NotFoundError: If it is not there, or not the connection's tenant's.

    """
    row = await connection.fetchrow(
        f"{_ENDPOINTS} WHERE id = $1 {'FOR UPDATE' if lock else ''}", endpoint
    )
    if row is None:
        raise NotFoundError
    return Endpoint(*row)


async def list_all(
    connection: AcquiredConnection, *, after: str | None = None, limit: int = 50
) -> list[Endpoint]:
    """Return endpoints in the order of their creation, from the one that follows ``after``."""
    rows = await connection.fetch(
        _ENDPOINTS + " WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2", after, limit
    )
    return [Endpoint(*row) for row in rows]


async def update(
    connection: AcquiredConnection,
    endpoint: str,
    *,
    url: str | None = None,
    events: Sequence[str] | None = None,
    description: str | None = None,
) -> None:
    """Change what is given."""
    await connection.execute(
        "UPDATE webhook_endpoints SET url = coalesce($2, url), events = coalesce($3, events), "
        "description = coalesce($4, description) WHERE id = $1",
        endpoint, url, None if events is None else list(events), description,
    )  # fmt: skip


async def disable(connection: AcquiredConnection, endpoint: str) -> None:
    """Deliver nothing to it, and note nothing for it; what waits for it goes on waiting."""
    await connection.execute(
        "UPDATE webhook_endpoints SET status = 'disabled', disabled_reason = 'asked' "
        "WHERE id = $1 AND status = 'active'",
        endpoint,
    )


async def enable(connection: AcquiredConnection, endpoint: str) -> None:
    """Deliver to it again: at once what waits for it, and what happens from now on."""
    enabled = await connection.fetchval(
        "UPDATE webhook_endpoints SET status = 'active', disabled_reason = NULL, "
        "failing_since = NULL, since = now() WHERE id = $1 AND status = 'disabled' RETURNING id",
        endpoint,
    )
    if enabled is not None:
        await connection.execute(
            "UPDATE webhook_deliveries SET next_at = now(), attempts = 0 "
            "WHERE endpoint_id = $1 AND status = 'pending'",
            endpoint,
        )


async def delete(connection: AcquiredConnection, endpoint: str) -> list[str]:
    """Remove an endpoint and its deliveries; return where its secrets are.

    Raises:
        NotFoundError: If it is not there.

    """
    before = await get(connection, endpoint, lock=True)
    await connection.execute("DELETE FROM webhook_endpoints WHERE id = $1", endpoint)
    return [each for each in (before.secret_ref, before.previous_secret_ref) if each is not None]


async def rotate_secret(
    connection: AcquiredConnection, endpoint: str, secret_ref: str, *, overlap_seconds: int
) -> str | None:
    """Name another secret; the present one signs too for a while.

    Returns where the one before that is, which signs no more.

    Raises:
        NotFoundError: If there is no such endpoint.

    """
    before = await get(connection, endpoint, lock=True)
    await connection.execute(
        "UPDATE webhook_endpoints SET secret_ref = $2, previous_secret_ref = secret_ref, "
        "previous_until = now() + $3 * interval '1 second' WHERE id = $1",
        endpoint, secret_ref, overlap_seconds,
    )  # fmt: skip
    return before.previous_secret_ref


async def ping(connection: AcquiredConnection, endpoint: str) -> Delivery:
    """Deliver a message that says nothing.

    Raises:
        NotFoundError: If there is no such endpoint.
        ConflictError: If it is disabled.

    """
    found = await get(connection, endpoint)
    if found.status == "disabled":
        raise ConflictError("The endpoint is disabled: enable it first.")
    delivery = new_id()
    await connection.execute(
        "INSERT INTO webhook_deliveries (id, tenant_id, endpoint_id, event_type, event_id) "
        "VALUES ($1, $2, $3, $4, $1)",
        delivery, found.tenant_id, endpoint, PING,
    )  # fmt: skip
    row = await connection.fetchrow(_DELIVERIES + " WHERE id = $1", delivery)
    assert row is not None, "just made"
    return Delivery(*row)


async def list_deliveries(
    connection: AcquiredConnection,
    endpoint: str,
    *,
    status: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Delivery]:
    """Return deliveries, the newest first, from the one that follows ``after``."""
    rows = await connection.fetch(
        _DELIVERIES + " WHERE endpoint_id = $1 AND ($2::text IS NULL OR status = $2) "
        "AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4",
        endpoint, status, after, limit,
    )  # fmt: skip
    return [Delivery(*row) for row in rows]


async def redrive_failed(connection: AcquiredConnection, endpoint: str) -> int:
    """Deliver what has failed, the oldest first; return how many deliveries that are.

    Raises:
        NotFoundError: If there is no such endpoint.

    """
    await get(connection, endpoint)
    rows = await connection.fetch(
        "UPDATE webhook_deliveries SET status = 'pending', attempts = 0, next_at = now() "
        "WHERE id IN (SELECT id FROM webhook_deliveries WHERE endpoint_id = $1 "
        "AND status = 'failed' ORDER BY id LIMIT $2) RETURNING 1",
        endpoint, REDRIVEN_MOST,
    )  # fmt: skip
    return len(rows)


async def redrive(
    connection: AcquiredConnection, endpoint: str, session: str, from_sequence: int
) -> int:
    """Deliver a session's events again from ``from_sequence`` on, whether they were or not.

    They are those that the endpoint is told of now. Returns how many.

    Raises:
        NotFoundError: If there is no such endpoint, or no such session.

    """
    found = await get(connection, endpoint)
    if not await connection.fetchval("SELECT true FROM sessions WHERE id = $1", session):
        raise NotFoundError
    events = await connection.fetch(
        "SELECT sequence, id, event_type FROM session_state_events WHERE session_id = $1 "
        "AND sequence >= $2 AND event_type = ANY ($3) ORDER BY sequence LIMIT $4",
        session, from_sequence, found.events, REDRIVEN_MOST,
    )  # fmt: skip
    await connection.executemany(
        """
        INSERT INTO webhook_deliveries
            (id, tenant_id, endpoint_id, session_id, sequence, event_id, event_type)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (endpoint_id, session_id, sequence) DO UPDATE
            SET status = 'pending', attempts = 0, next_at = now(), delivered_at = NULL
        """,
        [(new_id(), found.tenant_id, endpoint, session, *event) for event in events],
    )
    return len(events)
