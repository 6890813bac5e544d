"""Of which classes that are over the artifacts were made, and who is about to make them."""

from typing import NamedTuple

from .pool import Pools


class Run(NamedTuple):
    """A class whose artifacts are to be made by whoever holds this."""

    tenant: str
    session: str


async def claim(
    pools: Pools, now_ms: int, *, until_ms: int, session: str | None = None, limit: int = 20
) -> list[Run]:
    """Take classes that are over and of which nothing was made, the longest over first.

    Nobody else gets them before ``until_ms``. With ``session`` only that class is taken, also if
    the tables do not show yet that it is over.
    """
    async with pools.hub() as connection:
        rows = await connection.fetch(
            """
            INSERT INTO artifact_runs (session_id, tenant_id, claimed_until)
            SELECT s.id, s.tenant_id, $2 FROM sessions s
            LEFT JOIN artifact_runs r ON r.session_id = s.id
            WHERE (s.id = $3 OR $3::uuid IS NULL AND s.status = 'ended')
              AND r.sequence IS NULL AND (r.claimed_until IS NULL OR r.claimed_until <= $1)
            ORDER BY s.ended_at LIMIT $4
            ON CONFLICT (session_id) DO UPDATE SET claimed_until = excluded.claimed_until
            WHERE artifact_runs.sequence IS NULL AND artifact_runs.claimed_until <= $1
            RETURNING tenant_id, session_id
            """,
            now_ms, until_ms, session, limit,
        )  # fmt: skip
    return [Run(*row) for row in rows]


async def finish(pools: Pools, run: Run, sequence: int) -> None:
    """Say that the artifacts of a class were made of its log up to ``sequence``."""
    async with pools.hub() as connection:
        await connection.execute(
            "INSERT INTO artifact_runs (session_id, tenant_id, claimed_until, sequence) "
            "VALUES ($1, $2, now(), $3) ON CONFLICT (session_id) DO UPDATE "
            "SET sequence = greatest(artifact_runs.sequence, excluded.sequence)",
            run.session, run.tenant, sequence,
        )  # fmt: skip
