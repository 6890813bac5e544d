"""Saved folds of sessions: opening a room reads one of these and the events after it."""

from typing import NamedTuple

from .pool import Pools


class Snapshot(NamedTuple):
    """A fold of the log up to ``sequence``, in the shape that ``version`` names."""

    sequence: int
    version: int
    state: bytes


async def load(pools: Pools, session: str, version: int) -> Snapshot | None:
    """Return the saved fold, or None if there is none of this ``version``."""
    async with pools.hub() as connection:
        row = await connection.fetchrow(
            "SELECT sequence, version, state FROM session_snapshots "
            "WHERE session_id = $1 AND version = $2",
            session,
            version,
        )
    return None if row is None else Snapshot(*row)


async def save(pools: Pools, session: str, snapshot: Snapshot) -> None:
    """Keep ``snapshot`` unless a later one of the same version is kept already."""
    async with pools.hub() as connection:
        await connection.execute(
            """
            INSERT INTO session_snapshots AS kept (session_id, tenant_id, sequence, version, state)
            SELECT id, tenant_id, $2, $3, $4 FROM sessions WHERE id = $1
            ON CONFLICT (session_id) DO UPDATE
                SET sequence = $2, version = $3, state = $4
                WHERE kept.version <> $3 OR kept.sequence < $2
            """,
            session, *snapshot,
        )  # fmt: skip
