"""One link for a whole class: who opens it says a name, and is in.

Who comes by a link is somebody new, a student of this class alone, in the server's own name: an
identity provider's people keep the tokens that it gives them. To revoke a link puts out nobody who
is in.
"""

from operator import attrgetter
from typing import Any

import structlog

from protocol.codec import timestamp
from protocol.errors import Refusal
from protocol.rest import (
    IssuedJoinLink,
    Join,
    Joined,
    JoinLink,
    JoinLinkOpened,
    JoinLinkToOpen,
    NewJoinLink,
    Page,
    PageQuery,
)
from server.auth.join_links import join_links_key
from server.auth.tokens import tokens_key
from server.config import settings_key
from server.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from server.hub.bucket import Rate
from server.ids import new_id
from server.rest import answers
from server.rest.ports import clock_key
from server.rest.route import Call
from server.rest.throttle import joins_key
from server.store import join_links as store
from server.store import sessions, users
from server.store.pool import pools_key

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

JOINS = Rate(per_second=20, burst=1000)
"""For each link and address: a whole school may be behind one, and everybody asks twice."""
_DAY_MS = 24 * 3_600_000
_LEAST_MS, _AFTER_MS, _MOST_MS = _DAY_MS, _DAY_MS // 2, 30 * _DAY_MS
_OVER = ("ended", "archived")


async def create(call: Call[NewJoinLink, None]) -> IssuedJoinLink:
    """Make a link for the whole class: whoever opens it and says a name is a student.

    Any number of them hold at once, each until it expires, is revoked, is full, or the class ends.
    """
    session, identity, until = call["session"], call.identity, call.body.expires_at
    expires_at = None if until is None else round(until.timestamp() * 1000)
    if expires_at is not None and expires_at <= call.app[clock_key].now_ms():
        raise InvalidInputError("This time has passed.", field="expires_at")
    async with call.database() as connection:
        if (await sessions.get(connection, session)).status in _OVER:
            raise Refusal("session_ended", "This class is over.")
        await users.ensure(connection, identity.tenant, identity.user, identity.name)
        row = await store.add(
            connection,
            identity.tenant,
            session,
            identity.user,
            id=new_id(),
            expires_at=expires_at,
            max_uses=call.body.max_uses,
        )
    return IssuedJoinLink(_shown(call, row))


async def index(call: Call[None, PageQuery]) -> Page[JoinLink]:
    """List the links of a session; each can be copied again."""
    limit = call.query.limit
    async with call.database() as connection:
        rows = await store.list_of(
            connection, call["session"], after=call.query.after, limit=limit + 1
        )
    return answers.page(rows, limit, lambda row: _shown(call, row), attrgetter("id"))


async def revoke(call: Call[None, None]) -> None:
    """Revoke a link: it lets nobody in any more. Who is in stays."""
    async with call.database() as connection:
        await store.drop(connection, call["session"], call["join_link"])


async def look_up(call: Call[JoinLinkToOpen, None]) -> JoinLinkOpened:
    """Return what a link leads to, for whoever has it."""
    _, found = await _find(call, call.body.code)
    return JoinLinkOpened(
        found.session,
        found.title,
        found.status,
        None if found.scheduled_at is None else timestamp(found.scheduled_at),
        found.maker,
        found.is_full,
    )


async def join(call: Call[Join, None]) -> Joined:
    """Come into a class by its link, as somebody new with this name.

    The token lasts for a day, and until half a day after the time that the class is planned for.
    Whoever comes into a locked class with it waits to be let in.
    """
    link, found = await _find(call, call.body.code)
    if found.status in _OVER:
        raise Refusal("session_ended", "This class is over.")
    if not await store.use(call.app[pools_key], link):
        raise ConflictError("This link has let in as many people as it may: ask for another.")
    tokens, session, name = call.app[tokens_key], found.session, call.body.name.strip()
    token = tokens.issue(
        subject=new_id(),
        tenant=found.tenant,
        session=session,
        role="student",
        name=name,
        ttl_seconds=_lasting_ms(found.scheduled_at, call.app[clock_key].now_ms()) // 1000,
    )
    issued = tokens.verify(token)
    log.info("joined_by_link", session=session, link=link, user=issued.user)
    url = f"{call.app[settings_key].public_url}/sessions/{session}/room#token={token}"
    return Joined(token, session, url, issued.user, name, timestamp(issued.expires_at_ms))


async def _find(call: Call[Any, None], code: str) -> tuple[str, store.Opened]:
    """Return the id of the link with ``code``, and what it leads to.

    Raises:
        NotFoundError: If there is no such link, or not any more.
        ForbiddenError: If its tenant is suspended.
        Refusal: ``rate_limited``.

    """
    link = call.app[join_links_key].read(code)
    if link is None:
        raise NotFoundError("There is no such link.")
    call.app[joins_key].take((link, call.request.remote))
    found = await store.find(call.app[pools_key], link)
    if found is None:
        raise NotFoundError("This link was revoked: ask for another.")
    if found.is_suspended:
        raise ForbiddenError("This school holds no classes at present.")
    if found.expires_at is not None and found.expires_at <= call.app[clock_key].now_ms():
        raise NotFoundError("This link has expired: ask for another.")
    return link, found


def _lasting_ms(scheduled_at: int | None, now_ms: int) -> int:
    until = 0 if scheduled_at is None else scheduled_at - now_ms + _AFTER_MS
    return min(_MOST_MS, max(_LEAST_MS, until))


def _shown(call: Call[Any, Any], row: store.JoinLink) -> JoinLink:
    code = call.app[join_links_key].code(row.id)
    return JoinLink(
        row.id,
        row.session_id,
        # After the #, so that it reaches no server and no log.
        f"{call.app[settings_key].public_url}/join#{code}",
        row.user_id,
        None if row.expires_at is None else timestamp(row.expires_at),
        row.max_uses,
        row.uses,
        timestamp(row.created_at),
    )
