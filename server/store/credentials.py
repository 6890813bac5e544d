"""What lets somebody in besides a signed token: tokens of encoders, and links to sign in once."""

from typing import Literal, NamedTuple

from server.errors import NotFoundError

from .pool import AcquiredConnection, Pools
from .rows import Row, columns


class PublishToken(Row, frozen=True):
    """A token with which an encoder publishes into a class."""

    id: str
    session_id: str
    user_id: str
    role: Literal["assistant", "teacher", "admin"]
    name: str
    used_at: int | None
    created_at: int


class Publisher(NamedTuple):
    """In whose name a publish token publishes, and where; ``digest`` is its secret's."""

    tenant: str
    session: str
    user: str
    role: Literal["assistant", "teacher", "admin"]
    name: str
    digest: bytes


class SignIn(NamedTuple):
    """Whom a code has signed in."""

    tenant: str
    user: str
    name: str
    expires_at: int


_SELECT = f"SELECT {columns(PublishToken)} FROM publish_tokens"  # noqa: S608


async def add_publish_token(
    connection: AcquiredConnection,
    tenant: str,
    session: str,
    user: str,
    *,
    id: str,
    role: str,
    name: str,
    digest: bytes,
) -> PublishToken:
    """Let an encoder publish into a session in the name of ``user``, who is known.

    Raises:
        InvalidInputError: If there is no such session or person in the tenant.

    """
    await connection.execute(
        "INSERT INTO publish_tokens (id, tenant_id, session_id, user_id, role, name, digest) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7)",
        id, tenant, session, user, role, name, digest,
    )  # fmt: skip
    row = await connection.fetchrow(_SELECT + " WHERE id = $1", id)
    assert row is not None, "it was just put in"
    return PublishToken(*row)


async def list_publish_tokens(
    connection: AcquiredConnection, session: str, *, after: str | None = None, limit: int = 50
) -> list[PublishToken]:
    """Return a session's tokens in the order of their creation, from the one after ``after``."""
    rows = await connection.fetch(
        _SELECT + " WHERE session_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
        session, after, limit,
    )  # fmt: skip
    return [PublishToken(*row) for row in rows]


async def drop_publish_token(
    connection: AcquiredConnection, session: str, token: str
) -> str | None:
    """Forget a token: it opens nothing from the commit on. Return what it published last.

    Raises:
        NotFoundError: If this session has no such token.

    """
    row = await connection.fetchrow(
        "DELETE FROM publish_tokens WHERE id = $1 AND session_id = $2 RETURNING resource",
        token, session,
    )  # fmt: skip
    if row is None:
        raise NotFoundError
    resource: str | None = row[0]
    return resource


async def find_publisher(pools: Pools, token: str) -> Publisher | None:
    """Return what a publish token of whichever tenant is for; None if its class is over."""
    async with pools.hub() as connection:
        row = await connection.fetchrow(
            """
            SELECT t.tenant_id, t.session_id, t.user_id, t.role, u.display_name, t.digest
            FROM publish_tokens t
            JOIN sessions s ON s.id = t.session_id
            JOIN users u ON u.id = t.user_id
            WHERE t.id = $1 AND s.status NOT IN ('ended', 'archived')
            """,
            token,
        )
    return None if row is None else Publisher(*row)


async def note_published(connection: AcquiredConnection, token: str, resource: str) -> bool:
    """Keep what a token publishes now; False if it was revoked meanwhile."""
    known = await connection.fetchval(
        "UPDATE publish_tokens SET resource = $2, used_at = now() WHERE id = $1 RETURNING true",
        token, resource,
    )  # fmt: skip
    return known is not None


async def add_sign_in_code(
    connection: AcquiredConnection, tenant: str, user: str, digest: bytes, *, ttl_seconds: int
) -> None:
    """Let whoever brings the code of this ``digest`` in as ``user``, once.

    Raises:
        InvalidInputError: If there is no such person in the tenant.

    """
    await connection.execute(
        "INSERT INTO sign_in_codes (digest, tenant_id, user_id, expires_at) "
        "VALUES ($1, $2, $3, now() + $4 * interval '1 second')",
        digest, tenant, user, ttl_seconds,
    )  # fmt: skip


async def take_sign_in_code(pools: Pools, digest: bytes, now_ms: int) -> SignIn | None:
    """Return whom a code signs in, and forget it: of any number at once, one gets the answer.

    None if there is no such code, or it has expired. What has expired is forgotten, too.
    """
    async with pools.hub() as connection:
        row = await connection.fetchrow(
            """
            WITH taken AS (
                DELETE FROM sign_in_codes WHERE digest = $1 OR expires_at <= $2
                RETURNING digest, tenant_id, user_id, expires_at)
            SELECT t.tenant_id, t.user_id, u.display_name, t.expires_at
            FROM taken t JOIN users u ON u.id = t.user_id
            WHERE t.digest = $1 AND t.expires_at > $2
            """,
            digest,
            now_ms,
        )
    return None if row is None else SignIn(*row)
