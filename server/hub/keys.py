"""Which idempotency keys a session has used, for the whole of its life.

Memory holds 64 bits of each key, and the newest ones whole. A miss is certainly new, and costs no
read; a hit that is no longer among the newest is verified in the log's index.
"""

import hashlib
import struct
from collections.abc import Iterable

from msgspec import Struct

from server.store.log import LogReader

RECENT_KEYS = 4096
_HASH_BYTES = 8
_PIECE_BYTES = _HASH_BYTES * 4096


class Known(Struct, frozen=True, gc=False):
    """Where a key was used before, and for what."""

    first: int
    last: int
    digest: bytes


class KeyHashes:
    """64 bits of every key, to ask and to keep.

    ``packed`` is what :meth:`pack` of another returned.

    Raises:
        ValueError: If it is not.

    """

    def __init__(self, packed: bytes = b"") -> None:
        if len(packed) % _HASH_BYTES:
            raise ValueError(f"a hash has {_HASH_BYTES} bytes")
        self._packed = bytearray(packed)
        self._known: set[int] = set()
        # In pieces: in a thread of its own, it lets the event loop have its turn in between.
        for start in range(0, len(packed), _PIECE_BYTES):
            piece = packed[start : start + _PIECE_BYTES]
            self._known.update(struct.unpack(f"<{len(piece) // _HASH_BYTES}Q", piece))

    def add(self, stored: str) -> None:
        """Note a key."""
        data = _hash(stored)
        number = int.from_bytes(data, "little")
        if number not in self._known:
            self._known.add(number)
            self._packed += data

    def __contains__(self, stored: str) -> bool:
        """Return whether the key may have been noted; False is certain."""
        return int.from_bytes(_hash(stored), "little") in self._known

    def pack(self) -> bytes:
        """Return all of them, 8 bytes each: a copy, made in no time."""
        return bytes(self._packed)


class Keys:
    """The stored keys of one session. ``hashes`` are those that its log holds already."""

    def __init__(self, session: str, reader: LogReader, hashes: KeyHashes) -> None:
        self.hashes = hashes
        self._session = session
        self._reader = reader
        self._recent: dict[str, Known] = {}

    def remember(self, stored: str, known: Known) -> None:
        """Note a key that has just been committed."""
        self.hashes.add(stored)
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
            if stored not in self.hashes:
                continue
            known = self._recent.get(stored)
            if known is None:
                row = await self._reader.find_key(self._session, stored)
                known = None if row is None else Known(*row)
            if known is not None:
                found[stored] = known
        return found


def _hash(stored: str) -> bytes:
    return hashlib.blake2b(stored.encode(), digest_size=_HASH_BYTES).digest()
