"""Streaming platforms: accounts with them, places to stream to, and which session uses which."""

from typing import Literal

from server.errors import NotFoundError
from server.ids import new_id

from .errors import refused_while_used
from .pool import AcquiredConnection, Pools
from .rows import Row, columns


class Integration(Row, frozen=True):
    """An account with a streaming platform."""

    id: str
    provider: str
    status: Literal["active", "revoked"]
    created_at: int


class Destination(Row, frozen=True):
    """A place to stream to. ``stream_key_ref`` says where its key is; it is never shown."""

    id: str
    tenant_id: str
    integration_id: str
    provider: str
    destination_name: str
    url: str
    backup_url: str | None
    profile: str
    stream_key_ref: str
    is_revoked: bool
    created_at: int

    def __repr__(self) -> str:
        return f"Destination(id={self.id!r})"


class SessionDestination(Row, frozen=True):
    """A destination as a session uses it; status and error are what the log says."""

    destination_id: str
    destination_name: str
    provider: str
    status: Literal["enabled", "disabled", "failed"]
    error: str | None
    created_at: int


_INTEGRATIONS = f"SELECT {columns(Integration)} FROM integrations"  # noqa: S608
_DESTINATIONS = """
SELECT d.id, d.tenant_id, d.integration_id, i.provider, d.destination_name, d.url, d.backup_url,
       d.profile, d.stream_key_ref, i.status = 'revoked', d.created_at
FROM multistream_destinations d JOIN integrations i ON i.id = d.integration_id"""


async def create(connection: AcquiredConnection, tenant: str, *, provider: str) -> Integration:
    """Add an account with a platform."""
    integration = new_id()
    await connection.execute(
        "INSERT INTO integrations (id, tenant_id, provider) VALUES ($1, $2, $3)",
        integration, tenant, provider,
    )  # fmt: skip
    return await get(connection, integration)


async def get(connection: AcquiredConnection, integration: str) -> Integration:
    """Return an account.

    Raises:
        NotFoundError: If it is not there, or not the connection's tenant's.

    """
    row = await connection.fetchrow(_INTEGRATIONS + " WHERE id = $1", integration)
    if row is None:
        raise NotFoundError
    return Integration(*row)


async def list_all(
    connection: AcquiredConnection, *, after: str | None = None, limit: int = 50
) -> list[Integration]:
    """Return accounts in the order of their creation, from the one that follows ``after``."""
    rows = await connection.fetch(
        _INTEGRATIONS + " WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2", after, limit
    )
    return [Integration(*row) for row in rows]


async def set_status(connection: AcquiredConnection, integration: str, status: str) -> Integration:
    """Make an account ``active`` or ``revoked``, and return it.

    Raises:
        NotFoundError: If it is not there.

    """
    await connection.execute(
        "UPDATE integrations SET status = $2 WHERE id = $1", integration, status
    )
    return await get(connection, integration)


async def create_destination(
    connection: AcquiredConnection,
    tenant: str,
    integration: str,
    *,
    name: str,
    url: str,
    stream_key_ref: str,
    backup_url: str | None = None,
    profile: str = "tolerant",
) -> Destination:
    """Add a place to stream to; its key is stored already, ``stream_key_ref`` says where.

    Raises:
        NotFoundError: If there is no such integration.

    """
    await get(connection, integration)
    destination = new_id()
    await connection.execute(
        "INSERT INTO multistream_destinations (id, tenant_id, integration_id, destination_name, "
        "url, backup_url, profile, stream_key_ref) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        destination, tenant, integration, name, url, backup_url, profile, stream_key_ref,
    )  # fmt: skip
    return await get_destination(connection, destination)


async def get_destination(connection: AcquiredConnection, destination: str) -> Destination:
    """Return a place to stream to.

    Raises:
        NotFoundError: If it is not there, or not the connection's tenant's.

    """
    row = await connection.fetchrow(_DESTINATIONS + " WHERE d.id = $1", destination)
    if row is None:
        raise NotFoundError
    return Destination(*row)


async def find_destination(pools: Pools, tenant: str, destination: str) -> Destination | None:
    """Return a place to stream to if it is this tenant's, for a live class."""
    async with pools.hub() as connection:
        row = await connection.fetchrow(
            _DESTINATIONS + " WHERE d.id = $1 AND d.tenant_id = $2", destination, tenant
        )
    return None if row is None else Destination(*row)


async def list_destinations(
    connection: AcquiredConnection,
    *,
    integration: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Destination]:
    """Return places in the order of their creation, from the one that follows ``after``."""
    rows = await connection.fetch(
        _DESTINATIONS
        + """ WHERE ($1::uuid IS NULL OR d.id > $1)
                AND ($2::uuid IS NULL OR d.integration_id = $2)
              ORDER BY d.id LIMIT $3""",
        after, integration, limit,
    )  # fmt: skip
    return [Destination(*row) for row in rows]


async def set_stream_key(
    connection: AcquiredConnection, destination: str, stream_key_ref: str
) -> str:
    """Name another place where the key is; return the place it had before.

    Raises:
        NotFoundError: If there is no such destination.

    """
    before = await get_destination(connection, destination)
    await connection.execute(
        "UPDATE multistream_destinations SET stream_key_ref = $2 WHERE id = $1",
        destination, stream_key_ref,
    )  # fmt: skip
    return before.stream_key_ref


async def delete_destination(connection: AcquiredConnection, destination: str) -> str:
    """Remove a place that no session has used; return where its key is.

    Raises:
        NotFoundError: If it is not there.
        ConflictError: If a session has used it: then it is part of that session's record.

    """
    before = await get_destination(connection, destination)
    with refused_while_used("A session has streamed to it: it is part of that record."):
        await connection.execute("DELETE FROM multistream_destinations WHERE id = $1", destination)
    return before.stream_key_ref


async def delete(connection: AcquiredConnection, integration: str) -> None:
    """Remove an account without destinations.

    Raises:
        NotFoundError: If it is not there.
        ConflictError: If it has destinations.

    """
    await get(connection, integration)
    with refused_while_used("It has destinations: revoke it, or delete them first."):
        await connection.execute("DELETE FROM integrations WHERE id = $1", integration)


async def list_enabled(connection: AcquiredConnection, integration: str) -> list[tuple[str, str]]:
    """Return session and destination wherever one of the account is in use, or will be."""
    rows = await connection.fetch(
        """
        SELECT u.session_id, u.destination_id FROM session_destinations u
        JOIN multistream_destinations d ON d.id = u.destination_id
        JOIN sessions s ON s.id = u.session_id
        WHERE d.integration_id = $1 AND u.status <> 'disabled'
          AND s.status IN ('scheduled', 'live')
        ORDER BY u.session_id, u.destination_id
        """,
        integration,
    )
    return [(row[0], row[1]) for row in rows]


async def list_failed(connection: AcquiredConnection, destination: str) -> list[str]:
    """Return the live sessions in which a place was given up."""
    rows = await connection.fetch(
        """
        SELECT u.session_id FROM session_destinations u JOIN sessions s ON s.id = u.session_id
        WHERE u.destination_id = $1 AND u.status = 'failed' AND s.status = 'live'
        ORDER BY u.session_id
        """,
        destination,
    )
    return [row[0] for row in rows]


async def list_of_session(connection: AcquiredConnection, session: str) -> list[SessionDestination]:
    """Return the destinations that a session uses or has used."""
    rows = await connection.fetch(
        """
        SELECT s.destination_id, d.destination_name, i.provider, s.status, s.error, s.created_at
        FROM session_destinations s
        JOIN multistream_destinations d ON d.id = s.destination_id
        JOIN integrations i ON i.id = d.integration_id
        WHERE s.session_id = $1 ORDER BY s.destination_id
        """,
        session,
    )
    return [SessionDestination(*row) for row in rows]
