"""The hash chain of a session's log: any later change to it shows.

::

    payload_digest = SHA-256(salt ‖ C(payload))
    digest         = SHA-256(previous ‖ C([session, sequence, id, type, version, actor, at_µs,
                                           key, payload_digest]))
    genesis        = SHA-256("liveclass/1" ‖ session)

C is canonical JSON: keys sorted, no spaces, digests as lower-case hex. Payloads hold no floats,
so what jsonb gives back is C-equal to what went in. The salt is what makes lawful erasure
possible: with it gone, the payload's digest tells nothing about the words that were there, and
the chain still holds.
"""

import hashlib
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class Link(NamedTuple):
    """One event as the chain sees it; without ``salt`` if it was erased."""

    sequence: int
    id: str
    type: str
    version: int
    actor: str | None
    at_ms: int
    key: str | None
    payload: bytes
    salt: bytes | None
    payload_digest: bytes
    digest: bytes


class Verdict(NamedTuple):
    """What verification found.

    ``sequence`` and ``digest`` are of the last event that holds; ``erased`` counts events whose
    words were lawfully removed; ``broken`` is the first sequence that does not hold, or None.
    """

    sequence: int
    digest: bytes
    erased: int
    broken: int | None


def canonical(value: Any) -> bytes:
    """Return the canonical JSON of ``value``."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def genesis(session: str) -> bytes:
    """Return the digest before the first event of a session."""
    return hashlib.sha256(f"liveclass/1{session}".encode()).digest()


def payload_digest(salt: bytes, payload: bytes) -> bytes:
    """Return the digest of a payload that is canonical already."""
    return hashlib.sha256(salt + payload).digest()


def digest(
    previous: bytes,
    *,
    session: str,
    sequence: int,
    id: str,
    type: str,
    version: int,
    actor: str | None,
    at_ms: int,
    key: str | None,
    payload_digest: bytes,
) -> bytes:
    """Return the digest of an event that follows the one whose digest is ``previous``."""
    fields = [
        session, sequence, id, type, version, actor, at_ms * 1000, key, payload_digest.hex(),
    ]  # fmt: skip
    return hashlib.sha256(previous + canonical(fields)).digest()


class Verifier:
    """Verify the log of one session from its beginning, page by page."""

    def __init__(self, session: str) -> None:
        self._session = session
        self.verdict = Verdict(0, genesis(session), 0, None)

    def take(self, links: Iterable[Link]) -> Verdict:
        """Return the verdict on everything taken so far; nothing after a break is looked at."""
        for link in links:
            if self.verdict.broken is not None:
                break
            self.verdict = self._follow(link)
        return self.verdict

    def _follow(self, link: Link) -> Verdict:
        verdict = self.verdict
        expected = verdict.sequence + 1
        holds = link.sequence == expected and link.digest == digest(
            verdict.digest,
            session=self._session,
            sequence=link.sequence,
            id=link.id,
            type=link.type,
            version=link.version,
            actor=link.actor,
            at_ms=link.at_ms,
            key=link.key,
            payload_digest=link.payload_digest,
        )
        if holds and link.salt is not None:
            payload = canonical(orjson.loads(link.payload))
            holds = payload_digest(link.salt, payload) == link.payload_digest
        if not holds:
            return verdict._replace(broken=expected)
        return Verdict(expected, link.digest, verdict.erased + (link.salt is None), None)


def verify(session: str, links: Iterable[Link]) -> Verdict:
    """Return the verdict on a whole log."""
    return Verifier(session).take(links)


def public_key(seed: bytes) -> bytes:
    """Return the installation's public key (32 bytes) to the 32 bytes of its private one."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def sign_head(seed: bytes, *, log: str, session: str, sequence: int, digest: bytes) -> str:
    """Return the signature (base64) under the end of a session's chain."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    return b64encode(key.sign(_head(log, session, sequence, digest))).decode()


def head_is_signed(
    public: bytes, signature: str, *, log: str, session: str, sequence: int, digest: bytes
) -> bool:
    """Say whether ``signature`` is this installation's, under exactly this head."""
    key = Ed25519PublicKey.from_public_bytes(public)
    try:
        key.verify(b64decode(signature, validate=True), _head(log, session, sequence, digest))
    except (InvalidSignature, Base64Error):
        return False
    return True


def _head(log: str, session: str, sequence: int, digest: bytes) -> bytes:
    return canonical(["liveclass/1", log, session, sequence, digest.hex()])
