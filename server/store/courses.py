"""Courses and their lessons."""

from typing import Any

from msgspec import UNSET, UnsetType

from protocol.codec import timestamp
from protocol.rest import Course, Lesson, Page
from server.errors import NotFoundError
from server.ids import new_id

from .paging import page
from .pool import AcquiredConnection


async def create_course(
    connection: AcquiredConnection, tenant: str, *, title: str, status: str
) -> Course:
    """Create a course."""
    row = await connection.fetchrow(
        "INSERT INTO courses (id, tenant_id, title, status) VALUES ($1, $2, $3, $4) RETURNING *",
        new_id(),
        tenant,
        title,
        status,
    )
    return _course(row)


async def course(connection: AcquiredConnection, course: str) -> Course:
    """Return a course.

    Raises:
        NotFoundError: If there is none.

    """
    return _course(await connection.fetchrow("SELECT * FROM courses WHERE id = $1", course))


async def courses(connection: AcquiredConnection, *, after: str | None, limit: int) -> Page[Course]:
    """Return the tenant's courses, in the order of their making."""
    rows = await connection.fetch(
        "SELECT * FROM courses WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2",
        after,
        limit + 1,
    )
    return page(rows, limit, _course)


async def change_course(
    connection: AcquiredConnection,
    course: str,
    *,
    title: str | UnsetType = UNSET,
    status: str | UnsetType = UNSET,
) -> Course:
    """Change what is given, and return the course.

    Raises:
        NotFoundError: If there is none.

    """
    row = await connection.fetchrow(
        "UPDATE courses SET title = coalesce($2, title), status = coalesce($3, status) "
        "WHERE id = $1 RETURNING *",
        course,
        None if title is UNSET else title,
        None if status is UNSET else status,
    )
    return _course(row)


async def create_lesson(
    connection: AcquiredConnection, tenant: str, course: str, *, title: str, order_index: int
) -> Lesson:
    """Add a lesson to a course.

    Raises:
        NotFoundError: If there is no such course.

    """
    row = await connection.fetchrow(
        """
        INSERT INTO lessons (id, tenant_id, course_id, title, order_index)
        SELECT $1, $2, id, $4, $5 FROM courses WHERE id = $3
        RETURNING *
        """,
        new_id(),
        tenant,
        course,
        title,
        order_index,
    )
    return _lesson(row)


async def lessons(
    connection: AcquiredConnection, course_id: str, *, after: str | None, limit: int
) -> Page[Lesson]:
    """Return the lessons of a course, in their order.

    Raises:
        NotFoundError: If there is no such course.

    """
    await course(connection, course_id)
    rows = await connection.fetch(
        """
        SELECT * FROM lessons
        WHERE course_id = $1
          AND ($2::uuid IS NULL
               OR (order_index, id) > (SELECT order_index, id FROM lessons WHERE id = $2))
        ORDER BY order_index, id LIMIT $3
        """,
        course_id,
        after,
        limit + 1,
    )
    return page(rows, limit, _lesson)


def _course(row: Any) -> Course:
    if row is None:
        raise NotFoundError
    return Course(row["id"], row["title"], row["status"], timestamp(row["created_at"]))


def _lesson(row: Any) -> Lesson:
    if row is None:
        raise NotFoundError
    return Lesson(
        row["id"],
        row["course_id"],
        row["title"],
        row["order_index"],
        timestamp(row["created_at"]),
    )
