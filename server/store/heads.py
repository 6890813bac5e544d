"""Signed heads: the end of a chain, under the installation's Ed25519 key.

Whoever keeps a signed head can tell later whether the log it came from still begins with exactly
the same events: a log that was cut off or rewritten is consistent in itself, but does not hold
that head.

::

    signature = Ed25519(C(["liveclass/1", log, session, sequence, digest]))
"""

from base64 import b64decode, b64encode

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from server.errors import InvalidInputError, NotFoundError

from . import installation
from .chain import canonical, genesis
from .installation import Installation
from .pool import Pools

_FORMAT = "liveclass/1"


class SignedHead(Struct, frozen=True, forbid_unknown_fields=True):
    """What a log said at its end; digest in hex, key and signature in base64."""

    log: str
    session: str
    sequence: int
    digest: str
    public_key: str
    signature: str

    @property
    def position(self) -> tuple[int, bytes]:
        """The sequence and its digest, as :class:`~server.store.chain.Verifier` takes them."""
        return self.sequence, bytes.fromhex(self.digest)


def sign(identity: Installation, *, session: str, sequence: int, digest: bytes) -> SignedHead:
    """Return the head under the installation's signature."""
    fields: list[str | int] = [_FORMAT, identity.log, session, sequence, digest.hex()]
    return SignedHead(
        log=identity.log,
        session=session,
        sequence=sequence,
        digest=digest.hex(),
        public_key=public_key(identity.seed),
        signature=seal(identity.seed, fields),
    )


def find_fault(head: SignedHead, key: str) -> str | None:
    """Return why ``head`` is not signed by ``key`` (base64), or None if it is."""
    if head.public_key != key:
        return f"the head is signed by another key: {head.public_key}"
    fields: list[str | int] = [_FORMAT, head.log, head.session, head.sequence, head.digest]
    if not is_sealed(key, head.signature, fields):
        return "the signature of the head does not hold"
    return None


def parse(text: str | bytes) -> SignedHead:
    """Read a head from its JSON.

    Raises:
        InvalidInputError: If it is not one.

    """
    try:
        head = msgspec.json.decode(text, type=SignedHead)
        bytes.fromhex(head.digest)
    except ValueError as error:
        raise InvalidInputError(f"Not a signed head: {error}") from None
    return head


async def read(pools: Pools, session: str) -> SignedHead:
    """Return the present head of a session's log, signed.

    Raises:
        NotFoundError: If there is no such session.
        UnavailableError: If the database is away.

    """
    async with pools.hub() as connection:
        row = await connection.fetchrow(
            """
            SELECT e.sequence, e.digest FROM sessions s LEFT JOIN LATERAL (
                SELECT sequence, digest FROM session_state_events
                WHERE session_id = s.id ORDER BY sequence DESC LIMIT 1) e ON true
            WHERE s.id = $1
            """,
            session,
        )
    if row is None:
        raise NotFoundError("There is no such session.")
    sequence, digest = (0, genesis(session)) if row[0] is None else row
    return sign(await installation.read(pools), session=session, sequence=sequence, digest=digest)


def public_key(seed: bytes) -> str:
    """Return the public key (base64) to the 32 bytes of a private one."""
    key = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return b64encode(key.public_bytes_raw()).decode()


def seal(seed: bytes, fields: list[str | int]) -> str:
    """Return the signature (base64) under the canonical JSON of ``fields``."""
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(canonical(fields))
    return b64encode(signature).decode()


def is_sealed(key: str, signature: str, fields: list[str | int]) -> bool:
    """Say whether ``signature`` is that of ``key`` under exactly these ``fields``."""
    try:
        public = Ed25519PublicKey.from_public_bytes(b64decode(key, validate=True))
        public.verify(b64decode(signature, validate=True), canonical(fields))
    except (InvalidSignature, ValueError):
        return False
    return True
