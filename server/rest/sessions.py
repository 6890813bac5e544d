"""Sessions: scheduling them, who came, and links that let people in."""

from datetime import datetime
from operator import attrgetter

from msgspec import UNSET

from protocol.codec import timestamp
from protocol.ids import STAFF
from protocol.rest import (
    JoinToken,
    NewJoinToken,
    NewSession,
    Page,
    PageQuery,
    Session,
    SessionChange,
    SessionsQuery,
)
from server.auth.policy import RANK
from server.auth.tokens import tokens_key
from server.config import settings_key
from server.errors import ForbiddenError
from server.ids import new_id
from server.rest import answers
from server.rest.route import Call
from server.store import sessions as store
from server.store import standings
from server.store.courses import get_lesson


async def create(call: Call[NewSession, None]) -> Session:
    """Schedule a session of a lesson."""
    return await _create(call, lesson=call["lesson"])


async def create_alone(call: Call[NewSession, None]) -> Session:
    """Schedule a session outside any course."""
    return await _create(call, lesson=None)


async def _create(call: Call[NewSession, None], lesson: str | None) -> Session:
    body = call.body
    async with call.database() as connection:
        row = await store.create(
            connection,
            call.identity.tenant,
            lesson=lesson,
            title=body.title,
            language=body.language,
            scheduled_at=_milliseconds(body.scheduled_at),
        )
    return answers.session(row)


async def index(call: Call[None, SessionsQuery]) -> Page[Session]:
    """List sessions, those that the caller's roles open."""
    query, limit = call.query, call.query.limit
    async with call.database() as connection:
        rows = await store.list_all(
            connection,
            course=query.course,
            lesson=query.lesson,
            status=query.status,
            scheduled_from=_milliseconds(query.from_),
            scheduled_to=_milliseconds(query.to),
            reach=call.reach,
            newest_first=query.order == "newest",
            after=query.after,
            limit=limit + 1,
        )
    return answers.page(rows, limit, answers.session, attrgetter("id"))


async def of_lesson(call: Call[None, PageQuery]) -> Page[Session]:
    """List the sessions of a lesson."""
    limit = call.query.limit
    async with call.database() as connection:
        lesson = await get_lesson(connection, call["lesson"])
        rows = await store.list_all(
            connection, lesson=lesson.id, after=call.query.after, limit=limit + 1
        )
    return answers.page(rows, limit, answers.session, attrgetter("id"))


async def show(call: Call[None, None]) -> Session:
    """Return a session."""
    async with call.database() as connection:
        return answers.session(await store.get(connection, call["session"]))


async def change(call: Call[SessionChange, None]) -> Session:
    """Change when a session takes place, or what it is called."""
    title, moment = call.body.title, call.body.scheduled_at
    async with call.database() as connection:
        row = await store.update(
            connection,
            call["session"],
            title=None if title is UNSET else title,
            scheduled_at=UNSET if moment is UNSET else _milliseconds(moment),
        )
    return answers.session(row)


async def delete(call: Call[None, None]) -> None:
    """Delete a session in which nothing has happened yet."""
    async with call.database() as connection:
        await store.delete(connection, call["session"])


async def join_token(call: Call[NewJoinToken, None]) -> JoinToken:
    """Make a link for one person. Nobody gets more from it than its maker has."""
    body, session, identity = call.body, call["session"], call.identity
    if RANK[body.role] > RANK[call.role]:
        raise ForbiddenError("You may not let in somebody above your own rank.")
    if body.user is not None and body.user != identity.user:
        async with call.database() as connection:
            standing = await standings.find(connection, "session", session, body.user)
        ranks = [RANK[role] for role in (*standing.roles, standing.role) if role is not None]
        # Their role in the log would win over this token's: it would be a way to become them.
        if max(ranks, default=0) >= RANK[call.role]:
            raise ForbiddenError("You may not make a link for a person of your rank or above.")
    tokens = call.app[tokens_key]
    token = tokens.issue(
        subject=body.user or new_id(),
        tenant=identity.tenant,
        session=session,
        role=body.role,
        name=body.name,
        ttl_seconds=body.ttl_seconds,
    )
    issued = tokens.verify(token)
    page = "studio" if body.role in STAFF else "room"
    # After the #, so that it reaches no server and no log.
    url = f"{call.app[settings_key].public_url}/sessions/{session}/{page}#token={token}"
    return JoinToken(token, url, issued.user, timestamp(issued.expires_at_ms))


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)
