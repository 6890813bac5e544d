"""What a tenant keeps of its classes no longer: what is due, and the words that go.

Words go as in a person's erasure (:mod:`server.store.erasure`): out of the log, with their salts,
and out of everything that was made of it. That there was a class, who was there and how they
voted stays, so that its log verifies.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

import orjson

from protocol.events import EVENTS
from server.classroom.erasure import WORDS, without_words
from server.errors import ConflictError
from server.ids import new_id

from .chain import canonical
from .folding import refold
from .pool import AcquiredConnection, Pools

Kind: TypeAlias = Literal["recordings", "chat", "session"]
PAGE = 1000
_CHAT = frozenset(kind for kind in WORDS if kind.startswith("chat."))
_TYPES: Mapping[Kind, frozenset[str]] = {
    "recordings": frozenset(),
    "chat": _CHAT,
    "session": frozenset(WORDS),
}


class Due(NamedTuple):
    """Something whose time is over since ``since``."""

    tenant: str
    session: str
    kind: Kind
    since: int


async def list_due(
    pools: Pools, now_ms: int, *, after: Due | None = None, limit: int = 100
) -> list[Due]:
    """Return what there is to remove, of any tenant, in the order of sessions and kinds."""
    async with pools.projector() as connection:
        rows = await connection.fetch(
            """
            SELECT s.tenant_id, s.id, k.kind, s.ended_at + k.days * interval '1 day'
            FROM tenants t
            JOIN sessions s ON s.tenant_id = t.id AND s.ended_at IS NOT NULL
            CROSS JOIN LATERAL (VALUES
                ('recordings', t.recordings_days, EXISTS (
                    SELECT FROM recordings r WHERE r.session_id = s.id)),
                ('chat', t.chat_days, EXISTS (
                    SELECT FROM chat_messages m WHERE m.session_id = s.id)),
                ('session', t.sessions_days, true)
            ) AS k (kind, days, is_there)
            WHERE s.status IN ('ended', 'archived') AND k.is_there
              AND s.ended_at + k.days * interval '1 day' <= $1
              AND NOT EXISTS (
                SELECT FROM erasures e WHERE e.session_id = s.id
                AND e.kind IN (k.kind, 'session') AND e.finished_at IS NOT NULL)
              -- What is still being stored could not be deleted for good.
              AND (k.kind = 'chat' OR NOT EXISTS (
                SELECT FROM recordings r
                WHERE r.session_id = s.id AND r.status = 'recording'))
              AND ($2::uuid IS NULL OR (s.id, k.kind) > ($2, $3::text))
            ORDER BY s.id, k.kind LIMIT $4
            """,
            now_ms,
            None if after is None else after.session,
            None if after is None else after.kind,
            limit,
        )
    return [Due(*row) for row in rows]


async def begin(pools: Pools, due: Due) -> str:
    """Return the removal of what is due: from now on its recordings are not shown any more."""
    async with pools.projector() as connection:
        removal: str = await connection.fetchval(
            "SELECT begin_removal($1, $2, $3, $4)", due.tenant, due.session, due.kind, new_id()
        )
        if due.kind != "chat":
            await connection.execute(
                "DELETE FROM recording_downloads WHERE session_id = $1", due.session
            )
    return removal


async def remove_words(pools: Pools, removal: str, due: Due) -> None:
    """Take the words that are due out of the session's log and tables, in one transaction.

    Raises:
        ConflictError: If the log holds an event that this version does not know.
        UnavailableError: If the database is away.

    """
    types = _TYPES[due.kind]
    if not types:
        return
    async with pools.projector() as connection, connection.transaction():
        if due.kind == "session":
            await _require_known(connection, due.session)
        await _scrub(connection, removal, due.session, types)
        await refold(connection, due.session)
        await connection.execute("SELECT forget_session($1, $2)", removal, due.session)


async def finish(pools: Pools, removal: str, *, objects: int) -> None:
    """Put on record that nothing is left, and how many objects there were."""
    async with pools.projector() as connection, connection.transaction():
        await connection.execute("SELECT count_removed($1, $2)", removal, objects)
        await connection.execute("SELECT finish_erasure($1)", removal)


async def _require_known(connection: AcquiredConnection, session: str) -> None:
    unknown = await connection.fetchval(
        "SELECT event_type FROM session_state_events "
        "WHERE session_id = $1 AND event_type <> ALL ($2::text[]) LIMIT 1",
        session, [*EVENTS],
    )  # fmt: skip
    if unknown is not None:
        raise ConflictError(f"Session {session} has events this version does not know: {unknown}.")


async def _scrub(
    connection: AcquiredConnection, removal: str, session: str, types: frozenset[str]
) -> None:
    after = 0
    while True:
        rows = await connection.fetch(
            """
            SELECT sequence, event_type, event_payload FROM session_state_events
            WHERE session_id = $1 AND sequence > $2 AND event_type = ANY ($3::text[])
            ORDER BY sequence LIMIT $4
            """,
            session, after, [*types], PAGE,
        )  # fmt: skip
        left: dict[int, bytes] = {}
        for sequence, kind, payload in rows:
            scrubbed = without_words(kind, orjson.loads(payload))
            if scrubbed is not None:
                left[sequence] = canonical(scrubbed)
        if left:
            await connection.execute(
                "SELECT erase_words($1, $2, $3, $4)",
                removal, session, [*left], [*left.values()],
            )  # fmt: skip
        if len(rows) < PAGE:
            return
        after = rows[-1]["sequence"]
