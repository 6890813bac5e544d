"""The erasure of a person: their words leave the log and everything that was made of it.

One transaction per session: the words, the salts and the digests of commands go from the log; the
session's tables are written anew from what is left; saved folds are deleted and the epoch is
raised, so that a room with the old words in memory is fenced (``server.hub.forgetting`` reloads
it). Between two sessions it can be interrupted: the person stays marked in ``erasures``, and asked
again it goes on. What to take out is ``server.classroom.erasure``'s to say.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import orjson
import structlog

from protocol.events import EVENTS
from server.classroom.erasure import REPEATING, Scrubber
from server.errors import ConflictError, NotFoundError
from server.ids import new_id

from .chain import canonical
from .folding import refold
from .pool import AcquiredConnection, Pools
from .rows import Row, columns

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PAGE = 1000
_SESSIONS_AT_ONCE = 10
LEAVE_SECONDS = 15.0
"""Within this every node has shut out who is inactive (``server.hub.revocation``)."""
CHANNEL = "liveclass_erased"
"""A session's id is notified here when words have been erased from its log."""


class Erasure(Row, frozen=True):
    """The erasure of a person, while it lasts and after."""

    id: str
    user_id: str
    at: int
    finished_at: int | None
    sessions: int
    events: int


class Erased(NamedTuple):
    """How much a person's erasure has changed; a class that went on meanwhile counts twice."""

    sessions: int
    events: int


async def erase(
    pools: Pools, tenant: str, user: str, *, leave_seconds: float = LEAVE_SECONDS
) -> Erased:
    """Erase a person for good: their words in every session, their name and their address.

    They are made inactive first; one who is in a class gets ``leave_seconds`` to be shut out, and
    what they say until then goes too. Once this returns nothing of theirs is left in the database.
    After any error it may be called again, and goes on.

    Raises:
        NotFoundError: If the tenant has no such person.
        ConflictError: If the log holds an event of theirs that this version does not know.
        UnavailableError: If the database is away.

    """
    erasure = await begin(pools, tenant, user)
    await _leave_nothing(pools, erasure, tenant, user)
    if await _is_in_class(pools, user):
        await asyncio.sleep(leave_seconds)
        await _leave_nothing(pools, erasure, tenant, user)
    async with pools.projector() as connection:
        await connection.execute("SELECT finish_erasure($1)", erasure)
        row = await connection.fetchrow(
            "SELECT sessions, events FROM erasures WHERE id = $1", erasure
        )
    assert row is not None, "it is never deleted"
    log.info("person_erased", user=user, sessions=row[0], events=row[1])
    return Erased(*row)


async def begin(pools: Pools, tenant: str, user: str) -> str:
    """Make a person nobody, at once, and return their erasure, which :func:`erase` goes on with.

    Raises:
        NotFoundError: If the tenant has no such person.
        UnavailableError: If the database is away.

    """
    async with pools.projector() as connection:
        erasure: str | None = await connection.fetchval(
            "SELECT begin_erasure($1, $2, $3)", tenant, user, new_id()
        )
    if erasure is None:
        raise NotFoundError("This tenant has no such person.")
    return erasure


async def erase_again(connection: AcquiredConnection, tenant: str, session: str, user: str) -> int:
    """Take the words of somebody who was erased before out of a log that has come back.

    In the caller's transaction, as the projector; the caller folds the log afterwards. Return how
    many events held any.
    """
    erasure = await connection.fetchval("SELECT begin_erasure($1, $2, $3)", tenant, user, new_id())
    erased = await _scrub(connection, erasure, session, user)
    await connection.execute("SELECT forget_session($1, $2)", erasure, session)
    await connection.execute("SELECT finish_erasure($1)", erasure)
    return erased


async def get_of(connection: AcquiredConnection, user: str) -> Erasure:
    """Return the last erasure of a person.

    Raises:
        NotFoundError: If there is none, or they are not the connection's tenant's.

    """
    row = await connection.fetchrow(
        f"SELECT {columns(Erasure)} FROM erasures "  # noqa: S608
        "WHERE user_id = $1 ORDER BY at DESC, id DESC LIMIT 1",
        user,
    )
    if row is None:
        raise NotFoundError
    return Erasure(*row)


async def list_unfinished(pools: Pools) -> list[tuple[str, str]]:
    """Return tenant and id of everybody whose erasure has begun and not ended."""
    async with pools.projector() as connection:
        rows = await connection.fetch(
            "SELECT tenant_id, user_id FROM erasures "
            "WHERE kind = 'person' AND finished_at IS NULL ORDER BY at"
        )
    return [(row[0], row[1]) for row in rows]


async def _leave_nothing(pools: Pools, erasure: str, tenant: str, user: str) -> None:
    while await _pass(pools, erasure, tenant, user):
        pass  # until nothing was said meanwhile


async def _is_in_class(pools: Pools, user: str) -> bool:
    async with pools.projector() as connection:
        is_in_class: bool = await connection.fetchval(
            "SELECT EXISTS (SELECT FROM session_participants "
            "WHERE user_id = $1 AND join_time IS NOT NULL AND leave_time IS NULL)",
            user,
        )
    return is_in_class


async def _pass(pools: Pools, erasure: str, tenant: str, user: str) -> bool:
    """Look at every session once; say whether there was anything to erase."""
    found = False
    async for session in sessions_with(pools, tenant, user):
        async with pools.projector() as connection, connection.transaction():
            if await _scrub(connection, erasure, session, user):
                found = True
                await refold(connection, session)
                # What was made of their words is made anew of what is left.
                await connection.execute("DELETE FROM artifact_runs WHERE session_id = $1", session)
                await connection.execute("SELECT forget_session($1, $2)", erasure, session)
    return found


async def sessions_with(pools: Pools, tenant: str, user: str) -> AsyncIterator[str]:
    """Yield each session whose log names the person.

    From the logs themselves, not from a table that may be late; so few at once that a statement
    is done in time.
    """
    after = None
    while True:
        async with pools.projector() as connection:
            rows = await connection.fetch(
                """
                SELECT s.id, EXISTS (
                    SELECT FROM session_state_events e WHERE e.session_id = s.id
                    AND (e.actor_id = $2 OR e.event_payload ->> 'user' = $2::uuid::text))
                FROM (
                    SELECT id FROM sessions
                    WHERE tenant_id = $1 AND ($3::uuid IS NULL OR id > $3)
                    ORDER BY id LIMIT $4) s
                ORDER BY s.id
                """,
                tenant, user, after, _SESSIONS_AT_ONCE,
            )  # fmt: skip
        if not rows:
            return
        for session, is_named in rows:
            if is_named:
                yield session
        after = rows[-1][0]


async def _scrub(connection: AcquiredConnection, erasure: str, session: str, user: str) -> int:
    """Take the person's words out of one log; return how many events held any."""
    scrubber = Scrubber(user)
    erased = after = 0
    while True:
        rows = await connection.fetch(
            """
            SELECT sequence, event_type, actor_id, event_payload FROM session_state_events
            WHERE session_id = $1 AND sequence > $2 AND (
                actor_id = $3 OR event_payload ->> 'user' = $3::uuid::text
                OR event_type = ANY ($4::text[]))
            ORDER BY sequence LIMIT $5
            """,
            session, after, user, list(REPEATING), PAGE,
        )  # fmt: skip
        if not rows:
            return erased
        left: dict[int, bytes] = {}
        for sequence, kind, by, payload in rows:
            if kind not in EVENTS:
                raise ConflictError(
                    f"Event {sequence} of session {session} is of a type that this version does "
                    f"not know: {kind}. Erase with the version that wrote it."
                )
            scrubbed = scrubber.scrub(kind, by, orjson.loads(payload))
            if scrubbed is not None:
                left[sequence] = canonical(scrubbed)
        if left:
            await connection.execute(
                "SELECT erase_words($1, $2, $3, $4)",
                erasure, session, list(left), list(left.values()),
            )  # fmt: skip
        erased += len(left)
        after = rows[-1]["sequence"]
