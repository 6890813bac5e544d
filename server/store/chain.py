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
from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from server.classroom.erasure import is_scrubbed


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
    words were lawfully removed; ``broken`` is the first sequence that does not hold, or None, and
    ``why`` says what is wrong there.
    """

    sequence: int
    digest: bytes
    erased: int
    broken: int | None
    why: str = ""

    def break_at(self, sequence: int, why: str) -> "Verdict":
        """Return this verdict with a break at ``sequence``."""
        return self._replace(broken=sequence, why=why)


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
    """Verify the log of one session from its beginning, page by page.

    ``head`` is a sequence and its digest that are known from elsewhere: a log that was rewritten
    before it, or cut off, is consistent in itself and breaks there all the same.
    """

    def __init__(self, session: str, head: tuple[int, bytes] | None = None) -> None:
        self._session = session
        self._head = head
        self.verdict = Verdict(0, genesis(session), 0, None)

    def take(self, links: Iterable[Link]) -> Verdict:
        """Return the verdict on everything taken so far; nothing after a break is looked at."""
        for link in links:
            if self.verdict.broken is not None:
                break
            self.verdict = self._follow(link)
        return self.verdict

    def end(self) -> Verdict:
        """Return the verdict on the whole: nothing more comes."""
        verdict = self.verdict
        if verdict.broken is None and self._head is not None:
            sequence, digest = self._head
            if verdict.sequence < sequence:
                verdict = verdict.break_at(
                    verdict.sequence + 1, f"missing: the signed head is of event {sequence}"
                )
            elif sequence == 0 and digest != genesis(self._session):
                verdict = verdict.break_at(1, "the signed head is of another session")
        self.verdict = verdict
        return verdict

    def _follow(self, link: Link) -> Verdict:
        verdict = self.verdict
        expected = verdict.sequence + 1
        if link.sequence != expected:
            return verdict.break_at(expected, f"missing: event {link.sequence} is in its place")
        linked = digest(
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
        if linked != link.digest:
            return verdict.break_at(expected, "does not fit what comes before it")
        payload = orjson.loads(link.payload)
        if link.salt is None:
            if not is_scrubbed(link.type, payload):
                return verdict.break_at(expected, "its salt is gone, its words are not")
        elif payload_digest(link.salt, canonical(payload)) != link.payload_digest:
            return verdict.break_at(expected, "holds other data than was written")
        if self._head is not None and self._head[0] == expected and self._head[1] != linked:
            return verdict.break_at(expected, "not the event that the signed head is of")
        return Verdict(expected, link.digest, verdict.erased + (link.salt is None), None)


def verify(session: str, links: Iterable[Link]) -> Verdict:
    """Return the verdict on a whole log."""
    verifier = Verifier(session)
    verifier.take(links)
    return verifier.end()
