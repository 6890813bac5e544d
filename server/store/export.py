"""The operator's export: a session's whole log as NDJSON that verifies without a database.

::

    {"exported_at":…,"format":"liveclass-export/1","language":…,"log":…,"public_key":…, …}
    {"actor":…,"at":…,"digest":…,"id":…,"key":…,"payload":{…},"payload_digest":…,"salt":…, …}
    …
    {"head":{…},"seal":…}

Every line is canonical JSON (``server.store.chain``) and ends in a newline. The events are the
chain, whole; digests are hex, salts and signatures base64. ``head`` is the signed head
(``server.store.heads``). ``seal`` is the same key's signature under ``[format, SHA-256 of all
lines before]``: it holds what no chain does, the header and what is left of erased events.
docs/operations/record.md tells others how to verify one.
"""

import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator

import orjson
from msgspec import Struct, to_builtins

from protocol import codec
from server.errors import LiveClassError, NotFoundError

from . import heads, installation, sessions
from .chain import Link, Verdict, Verifier, canonical
from .heads import SignedHead
from .log import LogReader
from .pool import Pools

FORMAT = "liveclass-export/1"


class Header(Struct, frozen=True, forbid_unknown_fields=True):
    """The first line: what this is an export of."""

    format: str
    log: str
    session: str
    tenant: str
    public_key: str
    exported_at: str
    title: str = ""
    language: str = "en"


class Seal(Struct, frozen=True, forbid_unknown_fields=True):
    """The last line."""

    head: SignedHead
    seal: str


class BrokenLogError(LiveClassError):
    """The log does not fit its hash chain."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(f"The log is broken at event {verdict.broken}: {verdict.why}")
        self.verdict = verdict


async def lines(pools: Pools, session: str, now_ms: int) -> AsyncIterator[tuple[int, int, bytes]]:
    """Yield the export of a session's log as it is now: ``(sequence, of, line)`` each.

    The header's sequence is 0, the seal's is that of the head. Memory holds one page.

    Raises:
        NotFoundError: If there is no such session.
        BrokenLogError: If the log does not fit its chain: nobody signs that.
        UnavailableError: If the database is away.

    """
    reader = LogReader(pools)
    identity = await installation.read(pools)
    head = await heads.read(pools, session)
    found = await sessions.find(pools, session)
    if found is None:
        raise NotFoundError("There is no such session.")
    header = Header(
        format=FORMAT,
        log=identity.log,
        session=session,
        tenant=found.tenant_id,
        public_key=head.public_key,
        exported_at=codec.timestamp(now_ms),
        title=found.title,
        language=found.language,
    )
    written = hashlib.sha256()

    def line(value: object) -> bytes:
        text = canonical(value) + b"\n"
        written.update(text)
        return text

    yield 0, head.sequence, line(to_builtins(header))
    verifier = Verifier(session, head.position)
    while verifier.verdict.sequence < head.sequence:
        links = await reader.links(session, verifier.verdict.sequence)
        links = links[: head.sequence - verifier.verdict.sequence]
        verifier.take(links)
        verdict = verifier.verdict if links else verifier.end()
        if verdict.broken is not None:
            raise BrokenLogError(verdict)
        for link in links:
            yield link.sequence, head.sequence, line(record(link))
    seal = heads.seal(identity.seed, [FORMAT, written.hexdigest()])
    yield head.sequence, head.sequence, line(to_builtins(Seal(head, seal)))


def record(link: Link) -> dict[str, object]:
    """Return an event as its line says it."""
    return {
        "sequence": link.sequence,
        "id": link.id,
        "type": link.type,
        "version": link.version,
        "actor": link.actor,
        "at": codec.timestamp(link.at_ms),
        "key": link.key,
        "payload": orjson.loads(link.payload),
        "salt": None if link.salt is None else b64encode(link.salt).decode(),
        "payload_digest": link.payload_digest.hex(),
        "digest": link.digest.hex(),
    }
