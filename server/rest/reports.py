"""What staff read of a class: its scenes, polls with their results, and questions."""

from operator import attrgetter

from protocol.rest import Page, PageQuery, Poll, Question, Scene
from server.rest import answers
from server.rest.route import Call
from server.store import reports as store


async def scenes(call: Call[None, PageQuery]) -> Page[Scene]:
    """List the scenes of a session; they change by commands."""
    query, limit = call.query, call.query.limit
    async with call.database() as connection:
        rows = await store.list_scenes(
            connection, call["session"], after=query.after, limit=limit + 1
        )
    return answers.page(rows, limit, answers.scene, attrgetter("id"))


async def polls(call: Call[None, PageQuery]) -> Page[Poll]:
    """List the polls of a session, with their results."""
    query, limit = call.query, call.query.limit
    async with call.database() as connection:
        rows = await store.list_polls(
            connection, call["session"], after=query.after, limit=limit + 1
        )
    return answers.page(rows, limit, answers.poll, attrgetter("id"))


async def questions(call: Call[None, PageQuery]) -> Page[Question]:
    """List the questions of a session, also those that were dismissed."""
    query, limit = call.query, call.query.limit
    async with call.database() as connection:
        rows = await store.list_questions(
            connection, call["session"], after=query.after, limit=limit + 1
        )
    return answers.page(rows, limit, answers.question, attrgetter("id"))
