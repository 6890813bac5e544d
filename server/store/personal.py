"""Everything that is kept about one person, as lines of JSON: their right to a copy of it.

First who they are and what they were given, then what they did, class by class: their place in
it, and every event of its log that is by them or about them, as the log has it. What they wrote to
staff and how they voted is theirs, so it is there; what others wrote is not.
"""

from collections.abc import AsyncIterator
from typing import Any

import orjson

from protocol.codec import timestamp

from . import assignments, participants, users
from .erasure import sessions_with
from .pool import Pools

PAGE = 500


async def lines(pools: Pools, tenant: str, user: str) -> AsyncIterator[bytes]:
    """Yield the export of a person, line by line: an object each, with its ``kind``.

    No transaction stays open between two pages, however slowly it is read.

    Raises:
        NotFoundError: If the tenant has no such person, before the first line.
        UnavailableError: If the database is away.

    """
    async with pools.tenant(tenant) as connection:
        person = await users.get(connection, user)
        given = await assignments.list_of(connection, user, limit=1000)
        rows = await connection.fetch(
            "SELECT session_id FROM session_participants WHERE user_id = $1 ORDER BY session_id",
            user,
        )
    yield _line(
        "profile",
        id=person.id,
        display_name=person.display_name,
        email=person.email,
        status=person.status,
        created_at=timestamp(person.created_at),
        updated_at=timestamp(person.updated_at),
    )
    for each in given:
        yield _line("role", role=each.role, scope=each.scope, scope_id=each.scope_id)
    # Who was only put down for a class is in no log; who only acted in it may be on no list.
    places = dict.fromkeys(row[0] for row in rows)
    async for session in sessions_with(pools, tenant, user):
        places.setdefault(session)
    for session in sorted(places):
        async for line in _of_session(pools, tenant, session, user):
            yield line


async def _of_session(pools: Pools, tenant: str, session: str, user: str) -> AsyncIterator[bytes]:
    async with pools.tenant(tenant) as connection:
        title = await connection.fetchval("SELECT title FROM sessions WHERE id = $1", session)
        listed = await participants.find(connection, session, user)
    yield _line(
        "session",
        id=session,
        title=title,
        role=None if listed is None else listed.role,
        status=None if listed is None else listed.status,
        join_time=None if listed is None else _moment(listed.join_time),
        leave_time=None if listed is None else _moment(listed.leave_time),
    )
    after = 0
    while True:
        async with pools.tenant(tenant) as connection:
            rows = await connection.fetch(
                """
                SELECT sequence, event_type, created_at, event_payload FROM session_state_events
                WHERE session_id = $1 AND sequence > $2
                  AND (actor_id = $3 OR event_payload ->> 'user' = $3::uuid::text)
                ORDER BY sequence LIMIT $4
                """,
                session, after, user, PAGE,
            )  # fmt: skip
        for sequence, kind, at_ms, payload in rows:
            yield _line(
                "event",
                session=session,
                sequence=sequence,
                type=kind,
                at=timestamp(at_ms),
                data=orjson.Fragment(payload),
            )
        if len(rows) < PAGE:
            return
        after = rows[-1]["sequence"]


def _line(kind: str, **fields: Any) -> bytes:
    return orjson.dumps({"kind": kind, **fields}, option=orjson.OPT_APPEND_NEWLINE)


def _moment(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else timestamp(milliseconds)
