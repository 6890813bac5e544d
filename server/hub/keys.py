"""Which idempotency keys a session has used, for the whole of its life.

Memory holds 64 bits of each key, and the newest ones whole. A miss is certainly new, and costs no
read; a hit that is no longer among the newest is verified in the log's index.

What was refused or changed nothing is in no log, and sent again it is decided afresh. But a copy
of it may still be on its way, in the buffers of a node that stood still, when whoever sent it has
long been answered by a newer connection: that must not happen after all. So the owner remembers the
newest of those answers, too, and by which connections they went.
"""

import hashlib
import struct
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from msgspec import Struct

from protocol.errors import Refusal
from server.hub.asks import Unchanged
from server.store.log import LogReader

RECENT_KEYS = 4096
"""So many of what was stored …"""
RECENT_SETTLED = 1024
"""… and of what was answered without an event: a copy comes late by seconds, not by hours."""
_HASH_BYTES = 8
_PIECE_BYTES = _HASH_BYTES * 4096

T = TypeVar("T")


class Known(Struct, frozen=True, gc=False):
    """Where a key was used before, and for what."""

    first: int
    last: int
    digest: bytes


class Settled(NamedTuple):
    """What was answered to a command that left no event, by ``connection``."""

    outcome: Unchanged | Refusal
    digest: bytes
    connection: str

    def holds_for(self, digest: bytes, connection: str) -> bool:
        """Whether that is the answer for a command which came by ``connection``, too.

        So it is if that is older: their ids are in the order of time.
        """
        return digest == self.digest and "" < connection < self.connection


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
        self._settled: dict[str, Settled] = {}

    def reload(self, hashes: KeyHashes) -> None:
        """Begin again with the keys that the log holds now."""
        self.hashes = hashes
        self._recent.clear()

    def remember(self, stored: str, used: Known | Settled) -> None:
        """Note a key that has just been committed, or what it was answered without an event."""
        if isinstance(used, Settled):
            _keep_newest(self._settled, stored, used, RECENT_SETTLED)
        else:
            self.hashes.add(stored)
            _keep_newest(self._recent, stored, used, RECENT_KEYS)

    async def find(self, wanted: Iterable[str]) -> dict[str, Known | Settled]:
        """Return those of the ``wanted`` keys that were used before, and for what.

        Raises:
            UnavailableError: If the log is needed and cannot be read.

        """
        found: dict[str, Known | Settled] = {}
        for stored in wanted:
            used = await self._known(stored) or self._settled.get(stored)
            if used is not None:
                found[stored] = used
        return found

    async def _known(self, stored: str) -> Known | None:
        if stored not in self.hashes:
            return None
        if known := self._recent.get(stored):
            return known
        row = await self._reader.find_key(self._session, stored)
        return None if row is None else Known(*row)


def _keep_newest(recent: dict[str, T], stored: str, used: T, most: int) -> None:
    recent[stored] = used
    if len(recent) > most:
        del recent[next(iter(recent))]


def _hash(stored: str) -> bytes:
    return hashlib.blake2b(stored.encode(), digest_size=_HASH_BYTES).digest()
