"""What the database knows of those who could own a session, and of sessions without an owner."""

from collections.abc import Sequence
from typing import NamedTuple

from .pool import Pools


class Neighbour(NamedTuple):
    """Another node that lives, as far as the database knows; ``link`` is where its links are."""

    node: str
    link: str


class Glance(NamedTuple):
    """A session as it is in the database at this moment."""

    session: str
    node: str
    """Who owns it, alive or not."""
    epoch: int
    link: str | None
    """Where that node's links are; None if it has left."""
    head: int
    """The last sequence of the session's log."""


async def neighbours(pools: Pools, node: str) -> list[Neighbour]:
    """Return every living node but ``node``."""
    async with pools.hub() as connection:
        rows = await connection.fetch(
            "SELECT node, link FROM nodes "
            "WHERE node <> $1 AND link IS NOT NULL AND expires_at > now() ORDER BY node",
            node,
        )
    return [Neighbour(*row) for row in rows]


async def glance(pools: Pools, sessions: Sequence[str]) -> list[Glance]:
    """Return what there is of each of ``sessions`` that somebody has ever owned."""
    async with pools.hub() as connection:
        rows = await connection.fetch(
            """
            SELECT h.session_id, h.node, h.epoch, n.link, coalesce((
                SELECT sequence FROM session_state_events e
                WHERE e.session_id = h.session_id ORDER BY sequence DESC LIMIT 1), 0)
            FROM session_hubs h LEFT JOIN nodes n USING (node)
            WHERE h.session_id = ANY ($1::uuid[])
            """,
            list(sessions),
        )
    return [Glance(*row) for row in rows]
