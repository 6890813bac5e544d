"""What a teacher reads of a class afterwards: its scenes, polls and questions."""

from typing import Any, Literal

import msgspec

from .pool import AcquiredConnection
from .rows import Row


class Scene(Row, frozen=True):
    """An arrangement of the stage; ``layout`` is JSON."""

    id: str
    name: str
    layout: bytes
    shown_at: int | None
    created_at: int


class Poll(Row, frozen=True):
    """A poll; ``votes`` counts each option, ``voters`` the people."""

    id: str
    prompt: str
    options: list[str]
    multiple: bool
    anonymous: bool
    correct: list[int] | None
    votes: list[int]
    voters: int
    closed_at: int | None
    published_at: int | None
    created_at: int


class Question(Row, frozen=True):
    """A question somebody asked, with how many others wish to know."""

    id: str
    user_id: str
    display_name: str
    prompt: str
    status: Literal["open", "answered"]
    answer: str | None
    votes: int
    presented_at: int | None
    answered_at: int | None
    dismissed_at: int | None
    created_at: int


_PAGE = "WHERE session_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3"


async def list_scenes(
    connection: AcquiredConnection, session: str, *, after: str | None, limit: int
) -> list[Scene]:
    """Return a session's scenes by id, from the one that follows ``after``."""
    rows = await connection.fetch(
        f"SELECT id, name, layout, shown_at, created_at FROM studio_scenes {_PAGE}",  # noqa: S608
        session, after, limit,
    )  # fmt: skip
    return [Scene(*row) for row in rows]


async def list_polls(
    connection: AcquiredConnection, session: str, *, after: str | None, limit: int
) -> list[Poll]:
    """Return a session's polls by id, with their results, from the one that follows ``after``."""
    rows = await connection.fetch(
        f"""
        SELECT p.id, p.prompt, p.options, p.multiple, p.anonymous, p.correct,
            ARRAY(
                SELECT (SELECT count(*) FROM poll_votes v
                        WHERE v.poll_id = p.id AND n = ANY (v.choices))::int
                FROM generate_series(0, jsonb_array_length(p.options) - 1) AS n ORDER BY n),
            (SELECT count(*) FROM poll_votes v WHERE v.poll_id = p.id)::int,
            p.closed_at, p.published_at, p.created_at
        FROM (SELECT * FROM polls {_PAGE}) AS p ORDER BY p.id
        """,  # noqa: S608
        session, after, limit,
    )  # fmt: skip
    return [_poll(*row) for row in rows]


def _poll(id: str, prompt: str, options: bytes, *row: Any) -> Poll:
    multiple, anonymous, correct, *more = row
    right = None if correct is None else msgspec.json.decode(correct, type=list[int])
    texts = msgspec.json.decode(options, type=list[str])
    return Poll(id, prompt, texts, multiple, anonymous, right, *more)


async def list_questions(
    connection: AcquiredConnection, session: str, *, after: str | None, limit: int
) -> list[Question]:
    """Return a session's questions by id, from the one that follows ``after``."""
    rows = await connection.fetch(
        f"""
        SELECT q.id, q.user_id, u.display_name, q.prompt, q.status, q.answer,
            (SELECT count(*) FROM question_votes v WHERE v.question_id = q.id)::int,
            q.presented_at, q.answered_at, q.dismissed_at, q.created_at
        FROM (SELECT * FROM questions {_PAGE}) AS q JOIN users u ON u.id = q.user_id
        ORDER BY q.id
        """,  # noqa: S608
        session, after, limit,
    )  # fmt: skip
    return [Question(*row) for row in rows]
