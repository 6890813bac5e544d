"""What a class can be shown, as its log says, and what of it has been taken out again."""

from typing import NamedTuple

from protocol.features.assets import AssetType
from server.errors import NotFoundError

from .pool import AcquiredConnection, Pools
from .rows import Row, columns


class Asset(Row, frozen=True):
    """Slides, a whiteboard or media; ``uri`` is an address or the beginning of keys."""

    id: str
    session_id: str
    asset_type: AssetType
    uri: str
    name: str
    pages: int | None
    created_at: int


class Removed(NamedTuple):
    """An asset that was taken out of its class, and the upload that it came from."""

    upload: str
    tenant: str
    session: str
    asset: str
    content_type: str
    was_shown: bool


_SELECT = f"SELECT {columns(Asset)} FROM studio_assets"  # noqa: S608
_WAS_SHOWN = """EXISTS (
    SELECT FROM session_state_events e
    WHERE e.session_id = u.session_id AND e.event_type = 'asset.shown'
      AND e.event_payload ->> 'asset' = u.asset_id::text)"""


async def list_of_session(
    connection: AcquiredConnection, session: str, *, after: str | None, limit: int
) -> list[Asset]:
    """Return assets of a session that follow ``after``, the oldest first."""
    rows = await connection.fetch(
        _SELECT + " WHERE session_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
        session, after, limit,
    )  # fmt: skip
    return [Asset(*row) for row in rows]


async def get(connection: AcquiredConnection, session: str, asset: str) -> Asset:
    """Return an asset of a session.

    Raises:
        NotFoundError: If there is none.

    """
    row = await connection.fetchrow(_SELECT + " WHERE session_id = $1 AND id = $2", session, asset)
    if row is None:
        raise NotFoundError
    return Asset(*row)


async def find_upload_shown(connection: AcquiredConnection, session: str, asset: str) -> str | None:
    """Return the upload of slides that were taken out after the class had seen them.

    Its replay shows them.
    """
    found: str | None = await connection.fetchval(
        "SELECT u.id FROM uploads u "  # noqa: S608  a constant
        f"WHERE u.session_id = $1 AND u.asset_id = $2 AND u.status = 'ready' AND {_WAS_SHOWN}",
        session, asset,
    )  # fmt: skip
    return found


async def list_removed(pools: Pools, before_ms: int, *, limit: int = 100) -> list[Removed]:
    """Return what was taken out of its class before ``before_ms`` and not looked at since."""
    async with pools.hub() as connection:
        rows = await connection.fetch(
            f"""
            SELECT u.id, u.tenant_id, u.session_id, u.asset_id, u.content_type, {_WAS_SHOWN}
            FROM uploads u
            WHERE u.status = 'ready' AND u.settled_at IS NULL AND NOT EXISTS (
                SELECT FROM studio_assets a WHERE a.id = u.asset_id
            ) AND EXISTS (
                SELECT FROM session_state_events e
                WHERE e.session_id = u.session_id AND e.event_type = 'asset.removed'
                  AND e.event_payload ->> 'asset' = u.asset_id::text AND e.created_at < $1
            ) ORDER BY u.id LIMIT $2
            """,  # noqa: S608  a constant
            before_ms, limit,
        )  # fmt: skip
    return [Removed(*row) for row in rows]


async def settle(pools: Pools, removed: Removed) -> None:
    """Note that a removed asset has been dealt with; its text goes if nobody has seen it."""
    async with pools.hub() as connection, connection.transaction():
        await connection.execute(
            "UPDATE uploads SET settled_at = now() WHERE id = $1", removed.upload
        )
        if not removed.was_shown:
            await connection.execute("DELETE FROM asset_pages WHERE asset_id = $1", removed.asset)


async def forget_texts(pools: Pools) -> int:
    """Delete the text of slides of classes that their tenant keeps no longer; return the pages."""
    async with pools.projector() as connection:
        done = await connection.execute(
            "DELETE FROM asset_pages p USING erasures e "
            "WHERE e.session_id = p.session_id AND e.kind = 'session'"
        )
    return int(done.rpartition(" ")[2])
