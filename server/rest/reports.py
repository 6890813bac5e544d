"""What staff read of a class: its scenes, polls with their results, and questions."""

from collections.abc import Awaitable
from operator import attrgetter
from typing import Protocol, TypeVar

from aiohttp import web

from protocol.codec import timestamp
from protocol.rest import Page, PageQuery, Poll, Question, Scene
from server.rest import answers
from server.rest.route import Call
from server.rest.tables import table
from server.store import reports as store
from server.store.pool import AcquiredConnection

_PAGE = 200


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


_Item = TypeVar("_Item", bound=_Identified)


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


async def polls_csv(call: Call[None, None]) -> web.Response:
    """Return the polls of a session as a table: a line for each option, with its votes."""
    header = (
        "poll", "opened_at", "closed_at", "prompt", "option", "correct", "votes", "voters",
    )  # fmt: skip
    async with call.database() as connection:
        found = await _all(connection, call["session"], store.list_polls)
    rows = [
        (
            poll.id, timestamp(poll.created_at), _time(poll.closed_at), poll.prompt, option,
            "" if poll.correct is None else "yes" if number in poll.correct else "no",
            votes, poll.voters,
        )
        for poll in found
        for number, (option, votes) in enumerate(zip(poll.options, poll.votes, strict=True))
    ]  # fmt: skip
    return table(f"polls-{call['session']}", header, rows)


async def questions_csv(call: Call[None, None]) -> web.Response:
    """Return the questions of a session as a table, also those that were dismissed."""
    header = (
        "question", "asked_at", "user", "name", "prompt", "votes", "status", "answer",
        "presented_at", "answered_at", "dismissed_at",
    )  # fmt: skip
    async with call.database() as connection:
        found = await _all(connection, call["session"], store.list_questions)
    rows = [
        (
            each.id, timestamp(each.created_at), each.user_id, each.display_name, each.prompt,
            each.votes, "dismissed" if each.dismissed_at is not None else each.status,
            each.answer or "", _time(each.presented_at), _time(each.answered_at),
            _time(each.dismissed_at),
        )
        for each in found
    ]  # fmt: skip
    return table(f"questions-{call['session']}", header, rows)


class _Lister(Protocol[_Item]):
    def __call__(
        self, connection: AcquiredConnection, session: str, *, after: str | None, limit: int
    ) -> Awaitable[list[_Item]]: ...


async def _all(connection: AcquiredConnection, session: str, listed: _Lister[_Item]) -> list[_Item]:
    found: list[_Item] = []
    while True:
        after = found[-1].id if found else None
        page = await listed(connection, session, after=after, limit=_PAGE)
        found += page
        if len(page) < _PAGE:
            return found


def _time(at: int | None) -> str:
    return "" if at is None else timestamp(at)
