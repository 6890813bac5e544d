"""Which log this is, and the key that signs it."""

from typing import NamedTuple

from .pool import Pools


class Installation(NamedTuple):
    """The identity of a log; ``seed`` is the private half of its Ed25519 key."""

    log: str
    seed: bytes

    def __repr__(self) -> str:
        return f"Installation(log={self.log!r})"


async def read(pools: Pools) -> Installation:
    """Return this database's identity, made by the migration that made its log."""
    async with pools.hub() as connection:
        row = await connection.fetchrow("SELECT log_id, key FROM installation")
    assert row is not None, "made by a migration"
    return Installation(*row)
