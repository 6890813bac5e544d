"""Accounts with streaming platforms, and the destinations that are reached through them.

Of a stream key only a reference is kept here, and no function returns even that to a request.
"""

from typing import Any, Literal

from protocol.codec import timestamp
from protocol.rest import Destination, Integration, Page, SessionDestination
from server.errors import NotFoundError
from server.ids import new_id

from .paging import page
from .pool import AcquiredConnection

_DESTINATION = """
    SELECT d.id, d.integration_id, i.provider, d.destination_name, d.url, d.backup_url, d.profile,
           d.created_at
    FROM multistream_destinations d JOIN integrations i ON i.id = d.integration_id
"""


async def create(connection: AcquiredConnection, tenant: str, provider: str) -> Integration:
    """Register an account with a platform."""
    row = await connection.fetchrow(
        "INSERT INTO integrations (id, tenant_id, provider) VALUES ($1, $2, $3) RETURNING *",
        new_id(),
        tenant,
        provider,
    )
    return _integration(row)


async def integrations(
    connection: AcquiredConnection, *, after: str | None, limit: int
) -> Page[Integration]:
    """Return the tenant's integrations, in the order of their making."""
    rows = await connection.fetch(
        "SELECT * FROM integrations WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2",
        after,
        limit + 1,
    )
    return page(rows, limit, _integration)


async def set_status(
    connection: AcquiredConnection, integration: str, status: Literal["active", "revoked"]
) -> Integration:
    """Revoke an integration, or take that back.

    Raises:
        NotFoundError: If there is none.

    """
    row = await connection.fetchrow(
        "UPDATE integrations SET status = $2 WHERE id = $1 RETURNING *", integration, status
    )
    return _integration(row)


async def create_destination(
    connection: AcquiredConnection,
    tenant: str,
    *,
    integration: str,
    name: str,
    url: str,
    backup_url: str | None,
    profile: str,
    stream_key_ref: str,
) -> Destination:
    """Register a destination of an integration.

    Raises:
        NotFoundError: If there is no such integration.

    """
    destination_id = await connection.fetchval(
        """
        INSERT INTO multistream_destinations
            (id, tenant_id, integration_id, destination_name, url, backup_url, profile,
             stream_key_ref)
        SELECT $1, $2, id, $4, $5, $6, $7, $8 FROM integrations WHERE id = $3
        RETURNING id
        """,
        new_id(),
        tenant,
        integration,
        name,
        url,
        backup_url,
        profile,
        stream_key_ref,
    )
    if destination_id is None:
        raise NotFoundError
    return await destination(connection, destination_id)


async def destination(connection: AcquiredConnection, destination: str) -> Destination:
    """Return a destination.

    Raises:
        NotFoundError: If there is none.

    """
    return _destination(await connection.fetchrow(_DESTINATION + "WHERE d.id = $1", destination))


async def destinations(
    connection: AcquiredConnection, *, after: str | None, limit: int
) -> Page[Destination]:
    """Return the tenant's destinations, in the order of their making."""
    rows = await connection.fetch(
        _DESTINATION + "WHERE $1::uuid IS NULL OR d.id > $1 ORDER BY d.id LIMIT $2",
        after,
        limit + 1,
    )
    return page(rows, limit, _destination)


async def replace_key(connection: AcquiredConnection, destination: str, stream_key_ref: str) -> str:
    """Refer to another stream key, and return the reference that held until now.

    Raises:
        NotFoundError: If there is no such destination.

    """
    former = await connection.fetchval(
        "SELECT stream_key_ref FROM multistream_destinations WHERE id = $1 FOR UPDATE", destination
    )
    if former is None:
        raise NotFoundError
    await connection.execute(
        "UPDATE multistream_destinations SET stream_key_ref = $2 WHERE id = $1",
        destination,
        stream_key_ref,
    )
    return str(former)


async def of_session(
    connection: AcquiredConnection, session: str
) -> tuple[SessionDestination, ...]:
    """Return what the session can stream to, and what of it is enabled.

    That is every destination of an active integration, and whatever the session has used.
    """
    rows = await connection.fetch(
        """
        SELECT d.id, d.destination_name, i.provider, coalesce(s.status, 'disabled') AS status
        FROM multistream_destinations d
        JOIN integrations i ON i.id = d.integration_id
        LEFT JOIN session_destinations s ON s.destination_id = d.id AND s.session_id = $1
        WHERE i.status = 'active' OR s.session_id IS NOT NULL
        ORDER BY d.id
        """,
        session,
    )
    return tuple(
        SessionDestination(row["id"], row["destination_name"], row["provider"], row["status"])
        for row in rows
    )


def _integration(row: Any) -> Integration:
    if row is None:
        raise NotFoundError
    return Integration(row["id"], row["provider"], row["status"], timestamp(row["created_at"]))


def _destination(row: Any) -> Destination:
    if row is None:
        raise NotFoundError
    return Destination(
        id=row["id"],
        integration=row["integration_id"],
        provider=row["provider"],
        name=row["destination_name"],
        url=row["url"],
        backup_url=row["backup_url"],
        profile=row["profile"],
        created_at=timestamp(row["created_at"]),
    )
