"""Links that let a whole class in: whose they are, until when, and how many they have let in."""

from typing import Literal, NamedTuple

from server.errors import NotFoundError

from .pool import AcquiredConnection, Pools
from .rows import Row, columns


class JoinLink(Row, frozen=True):
    """A link into a class; ``expires_at`` None: it ends with the class."""

    id: str
    session_id: str
    user_id: str
    expires_at: int | None
    max_uses: int
    uses: int
    created_at: int


class Opened(NamedTuple):
    """A link as somebody finds it who opens it, of whichever tenant it is.

    ``maker`` is the name of who made it; None for one who is not active any more.
    """

    tenant: str
    session: str
    title: str
    status: Literal["scheduled", "live", "ended", "archived"]
    scheduled_at: int | None
    maker: str | None
    is_suspended: bool
    expires_at: int | None
    is_full: bool


_SELECT = f"SELECT {columns(JoinLink)} FROM join_links"  # noqa: S608


async def add(
    connection: AcquiredConnection,
    tenant: str,
    session: str,
    user: str,
    *,
    id: str,
    expires_at: int | None,
    max_uses: int,
) -> JoinLink:
    """Let ``max_uses`` people into a session by a link of ``user``, who is known.

    Raises:
        InvalidInputError: If there is no such session or person in the tenant.

    """
    await connection.execute(
        "INSERT INTO join_links (id, tenant_id, session_id, user_id, expires_at, max_uses) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        id, tenant, session, user, expires_at, max_uses,
    )  # fmt: skip
    row = await connection.fetchrow(_SELECT + " WHERE id = $1", id)
    assert row is not None, "it was just put in"
    return JoinLink(*row)


async def list_of(
    connection: AcquiredConnection, session: str, *, after: str | None = None, limit: int = 50
) -> list[JoinLink]:
    """Return a session's links in the order of their creation, from the one after ``after``."""
    rows = await connection.fetch(
        _SELECT + " WHERE session_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
        session, after, limit,
    )  # fmt: skip
    return [JoinLink(*row) for row in rows]


async def drop(connection: AcquiredConnection, session: str, link: str) -> None:
    """Forget a link: it lets nobody in from the commit on.

    Raises:
        NotFoundError: If this session has no such link.

    """
    known = await connection.fetchval(
        "DELETE FROM join_links WHERE id = $1 AND session_id = $2 RETURNING true", link, session
    )
    if known is None:
        raise NotFoundError


async def find(pools: Pools, link: str) -> Opened | None:
    """Return what a link of whichever tenant leads to; None if it was revoked."""
    async with pools.hub() as connection:
        row = await connection.fetchrow(
            """
            SELECT l.tenant_id, l.session_id, s.title, s.status, s.scheduled_at,
                CASE WHEN u.status = 'active' THEN u.display_name END,
                t.status = 'suspended', l.expires_at, l.uses >= l.max_uses
            FROM join_links l
            JOIN sessions s ON s.id = l.session_id
            JOIN tenants t ON t.id = l.tenant_id
            JOIN users u ON u.id = l.user_id
            WHERE l.id = $1
            """,
            link,
        )
    return None if row is None else Opened(*row)


async def use(pools: Pools, link: str) -> bool:
    """Count one more whom a link lets in; False if it is full, or was revoked meanwhile."""
    async with pools.hub() as connection:
        counted = await connection.fetchval(
            "UPDATE join_links SET uses = uses + 1 WHERE id = $1 AND uses < max_uses "
            "RETURNING true",
            link,
        )
    return counted is not None
