"""A session from its export: into the installation it came from, or into another one.

The log is taken as it is: ids, times, salts and digests, so that the chain goes on to verify. The
tables are folded from it, as the projector does. All of that is one transaction: a session is
there whole or not at all, and nobody has seen half of it.

Who is named in the log must be somebody: people who are not known become people who have only ever
come in with a token, under their ids and names. Nobody can be given another id, which is part of
the chain. Who was erased here since stays erased: their words go before the session is there.
"""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO, NamedTuple

import orjson

from server.errors import ConflictError, InvalidInputError, NotFoundError

from . import erasure, export_check
from .chain import Link, Verdict, Verifier
from .errors import translated
from .export import Header
from .folding import PAGE, refold
from .heads import SignedHead
from .pool import Connection, Pools, connect

_INSERT = """
INSERT INTO session_state_events (
    tenant_id, session_id, sequence, id, event_type, event_version, actor_id, created_at,
    idempotency_key, event_payload, salt, payload_digest, digest)
SELECT $1, $2, e.* FROM unnest(
    $3::bigint[], $4::uuid[], $5::text[], $6::smallint[], $7::uuid[], $8::timestamptz[],
    $9::text[], $10::jsonb[], $11::bytea[], $12::bytea[], $13::bytea[]
) AS e
"""
STATEMENT_SECONDS = 60.0
"""Nobody waits for it but the operator: a page of a long class may take its time."""
_NAMED_MOST = 5
"""People that a message names; that there are more is said."""


class UnverifiedError(ConflictError):
    """The export is not what was written."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(f"The export is broken at event {verdict.broken}: {verdict.why}")
        self.verdict = verdict


class Restored(NamedTuple):
    """What was written: the session, how many events, and how many of them were erased again.

    If this version cannot fold an event, nothing ``is_shown``: the log is whole all the same, and
    the projector will say what is wrong when the session is opened.
    """

    session: str
    tenant: str
    events: int
    erased: int
    digest: bytes
    is_shown: bool


async def restore(
    pools: Pools,
    file: BinaryIO,
    *,
    tenant: str | None = None,
    public_key: str | None = None,
    head: SignedHead | None = None,
) -> Restored:
    """Write the session that ``file`` is an export of, for ``tenant`` or the one it was of.

    ``public_key`` and ``head`` are as :func:`~server.store.export_check.check` takes them.

    Raises:
        UnverifiedError: If the export does not verify.
        NotFoundError: If there is no such tenant here.
        ConflictError: If the session is here already, or what it needs cannot be.
        InvalidInputError: If the file changes meanwhile.
        UnavailableError: If the database is away.

    """
    before = _digest(file)
    checked = export_check.check(file, public_key=public_key, head=head)
    if checked.header is None or checked.verdict.broken is not None:
        raise UnverifiedError(checked.verdict)
    file.seek(0)
    header = checked.header
    tenant = tenant or header.tenant
    with translated():
        connection = await connect(pools.url, pools.role("hub"), command_seconds=STATEMENT_SECONDS)
        try:
            async with connection.transaction():
                verifier = Verifier(header.session, checked.verdict[:2])
                await _open(connection, pools, header, tenant)
                people = await _write(connection, header, tenant, verifier, file)
                if verifier.end().broken is not None or _digest(file) != before:
                    raise InvalidInputError("The file changed while it was read.")
                await _expect_free(connection, tenant, people)
                await _tell_nobody(connection, header.session, tenant, checked.verdict.sequence)
                await _act_as(connection, pools, "projector")
                erased = await _erase_again(connection, tenant, header.session, people)
                is_shown = await _is_folded(connection, header.session, checked.verdict.sequence)
        finally:
            connection.terminate()
    verdict = checked.verdict
    return Restored(header.session, tenant, verdict.sequence, erased, verdict.digest, is_shown)


async def _open(connection: Connection, pools: Pools, header: Header, tenant: str) -> None:
    """Make the session, without anything in it."""
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM tenants WHERE id = $1)", tenant):
        raise NotFoundError(f"There is no tenant {tenant} here: name the one it shall belong to.")
    if await connection.fetchval(
        "SELECT EXISTS (SELECT FROM sessions WHERE id = $1)", header.session
    ):
        raise ConflictError(f"Session {header.session} is here already: nothing was changed.")
    await _act_as(connection, pools, "app")
    await connection.execute("SELECT set_config('app.tenant_id', $1, true)", tenant)
    await connection.execute(
        "INSERT INTO sessions (id, tenant_id, title, language) VALUES ($1, $2, $3, $4)",
        header.session, tenant, header.title, header.language,
    )  # fmt: skip
    await _act_as(connection, pools, "hub")


async def _act_as(connection: Connection, pools: Pools, role: str) -> None:
    # Roles of ours: nothing of it comes from outside.
    await connection.execute(f'SET LOCAL ROLE "{pools.role(role)}"')


async def _write(
    connection: Connection, header: Header, tenant: str, verifier: Verifier, file: BinaryIO
) -> set[str]:
    """Write the events; return everybody who is named in them."""
    people: set[str] = set()
    events = export_check.events(file)
    while page := list(islice(events, PAGE)):
        verifier.take(page)
        people.update(_named(page))
        columns = zip(*(_row(link) for link in page), strict=True)
        await connection.execute(_INSERT, tenant, header.session, *map(list, columns))
    return people


def _row(link: Link) -> tuple[object, ...]:
    return (
        link.sequence, link.id, link.type, link.version, link.actor, link.at_ms, link.key,
        link.payload, link.salt, link.payload_digest, link.digest,
    )  # fmt: skip


def _named(page: Iterable[Link]) -> Iterator[str]:
    """Yield the ids of the people that events are of."""
    for link in page:
        if link.actor is not None:
            yield link.actor
        user = orjson.loads(link.payload).get("user")
        if isinstance(user, str):
            yield user


async def _expect_free(connection: Connection, tenant: str, people: set[str]) -> None:
    """Refuse people who are another tenant's: they cannot be two tenants'."""
    rows = await connection.fetch(
        "SELECT id FROM users WHERE id = ANY ($1) AND tenant_id <> $2 LIMIT $3",
        list(people), tenant, _NAMED_MOST,
    )  # fmt: skip
    if rows:
        names = ", ".join(row[0] for row in rows)
        raise ConflictError(f"People of this session belong to another tenant here: {names}.")


async def _tell_nobody(connection: Connection, session: str, tenant: str, sequence: int) -> None:
    """Have no webhook sent for what happened elsewhere."""
    await connection.execute(
        "INSERT INTO webhook_cursors (session_id, tenant_id, sequence) VALUES ($1, $2, $3)",
        session, tenant, sequence,
    )  # fmt: skip


async def _erase_again(connection: Connection, tenant: str, session: str, people: set[str]) -> int:
    """Take out the words of those who were erased here; return how many events held any."""
    rows = await connection.fetch(
        "SELECT DISTINCT user_id FROM erasures "
        "WHERE tenant_id = $1 AND kind = 'person' AND user_id = ANY ($2)",
        tenant, list(people),
    )  # fmt: skip
    return sum([await erasure.erase_again(connection, tenant, session, row[0]) for row in rows])


async def _is_folded(connection: Connection, session: str, sequence: int) -> bool:
    """Write the tables as the projector does; say whether they show everything."""
    await refold(connection, session)
    shown: int = await connection.fetchval(
        "SELECT sequence FROM projections WHERE session_id = $1", session
    )
    return shown == sequence


def _digest(file: BinaryIO) -> bytes:
    """Return the digest of the whole file, and go back to its beginning."""
    file.seek(0)
    digest = hashlib.sha256()
    while part := file.read(1 << 20):
        digest.update(part)
    file.seek(0)
    return digest.digest()
