"""Secrets in the database: encrypted, written by requests, read only while connecting.

A ciphertext is ``key id (8) ‖ nonce (12) ‖ AES-256-GCM``, bound to its row and tenant by the
additional data, so that a row that was moved does not decrypt. The first key encrypts; the others
still decrypt, until :meth:`Vault.rotate` has written everything with the first.
"""

import hashlib
import os
import uuid
from base64 import b64decode
from collections.abc import Sequence

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from server.ids import new_id
from server.secrets.secret import Secret
from server.store.pool import AcquiredConnection, Pools

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

SCHEME = "vault:"
KEY_BYTES = 32
_ID_BYTES = 8
_NONCE_BYTES = 12


class Vault:
    """The table ``secrets``, and the keys to it."""

    def __init__(self, pools: Pools, keys: Sequence[Secret]) -> None:
        """Take the keys, base64 of 32 bytes each; ValueError if one is not."""
        raw = [_key(key) for key in keys]
        if not raw:
            raise ValueError("the vault needs a key")
        self._pools = pools
        self._first = _key_id(raw[0])
        self._ciphers = {_key_id(key): AESGCM(key) for key in raw}

    async def put(self, connection: AcquiredConnection, tenant: str, secret: Secret) -> str:
        """Keep ``secret`` encrypted, in the connection's transaction; return its reference."""
        row = new_id()
        await connection.execute(
            "INSERT INTO secrets (id, tenant_id, ciphertext) VALUES ($1, $2, $3)",
            row, tenant, self._encrypt(row, tenant, secret.reveal().encode()),
        )  # fmt: skip
        return SCHEME + row

    async def drop(self, connection: AcquiredConnection, reference: str) -> None:
        """Forget what was put under ``reference``, in the connection's transaction."""
        if (row := _row(reference)) is not None:
            await connection.execute("DELETE FROM secrets WHERE id = $1", row)

    async def resolve(self, reference: str, tenant: str) -> Secret | None:
        """Return what the tenant put under ``reference``; None if it is gone or not readable.

        Raises:
            UnavailableError: If the database is away.

        """
        row = _row(reference)
        if row is None:
            return None
        async with self._pools.hub() as connection:
            ciphertext = await connection.fetchval(
                "SELECT ciphertext FROM secrets WHERE id = $1 AND tenant_id = $2", row, tenant
            )
        plain = None if ciphertext is None else self._decrypt(row, tenant, ciphertext)
        return None if plain is None else Secret(plain.decode())

    async def rotate(self) -> int:
        """Encrypt everything with the first key; return how many secrets that changed.

        Safe beside a running server, and again after it was interrupted.
        """
        changed = 0
        async with self._pools.hub() as connection:
            rows = await connection.fetch(
                "SELECT id, tenant_id, ciphertext FROM secrets ORDER BY id"
            )
            for row, tenant, old in rows:
                plain = self._decrypt(row, tenant, old)
                if old[:_ID_BYTES] == self._first or plain is None:
                    continue
                new = self._encrypt(row, tenant, plain)
                await connection.execute(
                    "UPDATE secrets SET ciphertext = $2 WHERE id = $1 AND ciphertext = $3",
                    row, new, old,
                )  # fmt: skip
                changed += 1
        return changed

    async def count(self) -> tuple[int, int]:
        """Return how many secrets can be read with these keys, and how many cannot."""
        async with self._pools.hub() as connection:
            rows = await connection.fetch("SELECT id, tenant_id, ciphertext FROM secrets")
        readable = sum(self._decrypt(*row) is not None for row in rows)
        return readable, len(rows) - readable

    def _encrypt(self, row: str, tenant: str, plain: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        cipher = self._ciphers[self._first]
        return self._first + nonce + cipher.encrypt(nonce, plain, _bound_to(row, tenant))

    def _decrypt(self, row: str, tenant: str, ciphertext: bytes) -> bytes | None:
        cipher = self._ciphers.get(ciphertext[:_ID_BYTES])
        nonce = ciphertext[_ID_BYTES : _ID_BYTES + _NONCE_BYTES]
        sealed = ciphertext[_ID_BYTES + _NONCE_BYTES :]
        try:
            if cipher is not None:
                return cipher.decrypt(nonce, sealed, _bound_to(row, tenant))
        except InvalidTag:
            pass
        log.error("secret_not_readable", secret=row, key_is_known=cipher is not None)
        return None


def _key(key: Secret) -> bytes:
    raw = b64decode(key.reveal(), altchars=b"-_" if {"-", "_"} & set(key.reveal()) else None)
    if len(raw) != KEY_BYTES:
        raise ValueError(f"a key of the vault holds {KEY_BYTES} bytes")
    return raw


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"liveclass/vault/1" + key).digest()[:_ID_BYTES]


def _bound_to(row: str, tenant: str) -> bytes:
    return uuid.UUID(row).bytes + uuid.UUID(tenant).bytes


def _row(reference: str) -> str | None:
    if not reference.startswith(SCHEME):
        return None
    try:
        return str(uuid.UUID(reference.removeprefix(SCHEME)))
    except ValueError:
        return None
