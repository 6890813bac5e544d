"""Saved folds of sessions: opening a room reads one of these and the events after it.

They are a cache of the log: any of them may be dropped at any time.
"""

from typing import NamedTuple

from .pool import Pools


class Snapshot(NamedTuple):
    """A fold of the log up to ``sequence``, in the shape that ``version`` names."""

    sequence: int
    version: int
    state: bytes


async def load(pools: Pools, session: str, version: int) -> tuple[Snapshot, bytes | None] | None:
    """Return the saved fold of this ``version`` and the log's digest at its sequence.

    The digest is None where the log does not go that far; all is None without such a fold.
    """
    async with pools.hub() as connection:
        row = await connection.fetchrow(
            "SELECT s.sequence, s.version, s.state, e.digest FROM session_snapshots s "
            "LEFT JOIN session_state_events e USING (session_id, sequence) "
            "WHERE s.session_id = $1 AND s.version = $2",
            session,
            version,
        )
    return None if row is None else (Snapshot(*row[:3]), row[3])


async def save(pools: Pools, session: str, epoch: int, snapshot: Snapshot) -> None:
    """Keep ``snapshot`` unless a later one of the same version is kept already.

    Nothing is kept either once the session's epoch is not ``epoch`` any more: what was folded
    under an earlier one may hold words that have been erased since.
    """
    async with pools.hub() as connection:
        await connection.execute(
            """
            INSERT INTO session_snapshots AS kept (session_id, tenant_id, sequence, version, state)
            SELECT session_id, tenant_id, $3, $4, $5 FROM session_hubs
            WHERE session_id = $1 AND epoch = $2 FOR SHARE
            ON CONFLICT (session_id) DO UPDATE
                SET sequence = $3, version = $4, state = $5
                WHERE kept.version <> $4 OR kept.sequence < $3
            """,
            session, epoch, *snapshot,
        )  # fmt: skip


async def drop(pools: Pools, session: str) -> None:
    """Keep nothing for ``session``."""
    async with pools.hub() as connection:
        await connection.execute("DELETE FROM session_snapshots WHERE session_id = $1", session)
