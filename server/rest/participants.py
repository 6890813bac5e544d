"""Who has to do with a session: those who came, and those who are expected."""

from operator import attrgetter

from protocol.rest import Page, ParticipantRole, ParticipantsQuery, SessionParticipant
from server.auth.policy import RANK
from server.errors import ForbiddenError
from server.rest import answers
from server.rest.route import Call
from server.store import participants as store
from server.store import users


async def index(call: Call[None, ParticipantsQuery]) -> Page[SessionParticipant]:
    """List who has to do with a session."""
    query, limit = call.query, call.query.limit
    async with call.database() as connection:
        rows = await store.list_all(
            connection,
            call["session"],
            role=query.role,
            status=query.status,
            after=query.after,
            limit=limit + 1,
        )
    return answers.page(rows, limit, answers.participant, attrgetter("user_id"))


async def show(call: Call[None, None]) -> SessionParticipant:
    """Return somebody who has to do with a session."""
    async with call.database() as connection:
        return answers.participant(await store.get(connection, call["session"], call["user"]))


async def put_down(call: Call[ParticipantRole, None]) -> SessionParticipant:
    """Expect somebody in a session, in a role that is not above one's own.

    Of who has come already the role changes by the command ``participant.set_role``.
    """
    session, user, role = call["session"], call["user"], call.body.role
    if RANK[role] > RANK[call.role]:
        raise ForbiddenError("You may not give a role above your own.")
    async with call.database() as connection:
        await users.get(connection, user)
        await store.put_down(connection, call.identity.tenant, session, user, role)
        known = await store.get(connection, session, user)
        if known.role != role:
            if RANK[known.role] > RANK[call.role]:
                raise ForbiddenError("They are expected in a role above your own.")
            await store.set_role(connection, session, user, role)
        return answers.participant(await store.get(connection, session, user))


async def strike(call: Call[None, None]) -> None:
    """Expect somebody in a session no more, who has not come."""
    async with call.database() as connection:
        known = await store.get(connection, call["session"], call["user"])
        if RANK[known.role] > RANK[call.role]:
            raise ForbiddenError("They are expected in a role above your own.")
        await store.strike(connection, call["session"], call["user"])
