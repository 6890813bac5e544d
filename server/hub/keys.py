"""Which idempotency keys a session has used, for the whole of its life.

Memory holds 64 bits of each key, and the newest ones whole. A miss is certainly new, and costs no
read; a hit that is no longer among the newest is verified in the log's index.
"""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from server.store.log import LogReader

RECENT_KEYS = 4096


class Known(NamedTuple):
    """Where a key was used before, and for what."""

    first: int
    last: int
    digest: bytes


class Keys:
    """The stored keys of one session."""

    def __init__(self, session: str, reader: LogReader) -> None:
        self._session = session
        self._reader = reader
        self._hashes: set[int] = set()
        self._recent: dict[str, Known] = {}

    def saw(self, stored: str) -> None:
        """Note a key that is in the log."""
        self._hashes.add(_hash(stored))

    def remember(self, stored: str, known: Known) -> None:
        """Note a key that has just been committed."""
        self._hashes.add(_hash(stored))
        self._recent[stored] = known
        if len(self._recent) > RECENT_KEYS:
            del self._recent[next(iter(self._recent))]

    async def find(self, wanted: Iterable[str]) -> dict[str, Known]:
        """Return those of the ``wanted`` keys that were used before.

        Raises:
            UnavailableError: If the log is needed and cannot be read.

        """
        found: dict[str, Known] = {}
        for stored in wanted:
            if _hash(stored) not in self._hashes:
                continue
            known = self._recent.get(stored)
            if known is None:
                row = await self._reader.find_key(self._session, stored)
                known = None if row is None else Known(*row)
            if known is not None:
                found[stored] = known
        return found


def _hash(stored: str) -> int:
    return int.from_bytes(hashlib.blake2b(stored.encode(), digest_size=8).digest())
