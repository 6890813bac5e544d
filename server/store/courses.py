"""Courses and their lessons."""

from collections.abc import Sequence
from typing import Literal

from server.errors import ConflictError, NotFoundError
from server.ids import new_id

from .errors import refused_while_used
from .pool import AcquiredConnection
from .rows import Row, columns
from .standings import Reach


class Course(Row, frozen=True):
    """A course."""

    id: str
    title: str
    status: Literal["draft", "published"]
    created_at: int


class Lesson(Row, frozen=True):
    """A lesson of a course."""

    id: str
    course_id: str
    title: str
    order_index: int
    created_at: int


_COURSES = f"SELECT {columns(Course)} FROM courses"  # noqa: S608
_LESSONS = f"SELECT {columns(Lesson)} FROM lessons"  # noqa: S608
_AFTER_LESSON = """
WHERE course_id = $1 AND ($2::uuid IS NULL OR (order_index, id) > (
    SELECT last.order_index, last.id FROM lessons last WHERE last.id = $2))
ORDER BY order_index, id LIMIT $3"""


async def create(
    connection: AcquiredConnection, tenant: str, *, title: str, status: str = "draft"
) -> Course:
    """Add a course."""
    course = new_id()
    await connection.execute(
        "INSERT INTO courses (id, tenant_id, title, status) VALUES ($1, $2, $3, $4)",
        course, tenant, title, status,
    )  # fmt: skip
    return await get(connection, course)


async def get(connection: AcquiredConnection, course: str) -> Course:
    """Return a course.

    Raises:
        NotFoundError: If it is not there, or not the connection's tenant's.

    """
    row = await connection.fetchrow(_COURSES + " WHERE id = $1", course)
    if row is None:
        raise NotFoundError
    return Course(*row)


async def list_all(
    connection: AcquiredConnection,
    *,
    reach: Reach | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Course]:
    """Return courses in the order of their creation, from the one that follows ``after``.

    ``reach`` leaves those that it opens.
    """
    shown, parameters = ("true", []) if reach is None else reach.shows_course("id", first=3)
    rows = await connection.fetch(
        f"{_COURSES} WHERE ($1::uuid IS NULL OR id > $1) AND {shown} ORDER BY id LIMIT $2",
        after,
        limit,
        *parameters,
    )
    return [Course(*row) for row in rows]


async def update(
    connection: AcquiredConnection,
    course: str,
    *,
    title: str | None = None,
    status: str | None = None,
) -> Course:
    """Change what is given, and return the course.

    Raises:
        NotFoundError: If it is not there.

    """
    await connection.execute(
        "UPDATE courses SET title = coalesce($2, title), status = coalesce($3, status) "
        "WHERE id = $1",
        course, title, status,
    )  # fmt: skip
    return await get(connection, course)


async def delete(connection: AcquiredConnection, course: str) -> None:
    """Remove a course with its lessons, and the roles that were given in it.

    Raises:
        NotFoundError: If it is not there.
        ConflictError: If it has sessions.

    """
    await get(connection, course)
    await connection.execute(
        "DELETE FROM user_roles WHERE scope = 'course' AND scope_id = $1", course
    )
    with refused_while_used("The course has sessions."):
        await connection.execute("DELETE FROM lessons WHERE course_id = $1", course)
        await connection.execute("DELETE FROM courses WHERE id = $1", course)


async def create_lesson(
    connection: AcquiredConnection, tenant: str, course: str, *, title: str, order_index: int = 0
) -> Lesson:
    """Add a lesson to a course.

    Raises:
        NotFoundError: If there is no such course.

    """
    await get(connection, course)
    lesson = new_id()
    await connection.execute(
        "INSERT INTO lessons (id, tenant_id, course_id, title, order_index) "
        "VALUES ($1, $2, $3, $4, $5)",
        lesson, tenant, course, title, order_index,
    )  # fmt: skip
    return await get_lesson(connection, lesson)


async def get_lesson(connection: AcquiredConnection, lesson: str) -> Lesson:
    """Return a lesson.

    Raises:
        NotFoundError: If it is not there, or not the connection's tenant's.

    """
    row = await connection.fetchrow(_LESSONS + " WHERE id = $1", lesson)
    if row is None:
        raise NotFoundError
    return Lesson(*row)


async def update_lesson(
    connection: AcquiredConnection,
    lesson: str,
    *,
    title: str | None = None,
    order_index: int | None = None,
) -> Lesson:
    """Change what is given, and return the lesson.

    Raises:
        NotFoundError: If it is not there.

    """
    await connection.execute(
        "UPDATE lessons SET title = coalesce($2, title), "
        "order_index = coalesce($3, order_index) WHERE id = $1",
        lesson, title, order_index,
    )  # fmt: skip
    return await get_lesson(connection, lesson)


async def delete_lesson(connection: AcquiredConnection, lesson: str) -> None:
    """Remove a lesson.

    Raises:
        NotFoundError: If it is not there.
        ConflictError: If it has sessions.

    """
    await get_lesson(connection, lesson)
    with refused_while_used("The lesson has sessions."):
        await connection.execute("DELETE FROM lessons WHERE id = $1", lesson)


async def lesson_order(connection: AcquiredConnection, course: str) -> list[str]:
    """Return the ids of all lessons of a course, in their order.

    Raises:
        NotFoundError: If there is no such course.

    """
    await get(connection, course)
    rows = await connection.fetch(
        "SELECT id FROM lessons WHERE course_id = $1 ORDER BY order_index, id", course
    )
    return [row[0] for row in rows]


async def order_lessons(
    connection: AcquiredConnection, course: str, lessons: Sequence[str]
) -> None:
    """Put the lessons of a course into this order: the first gets 0, the next 1, and so on.

    Raises:
        NotFoundError: If there is no such course.
        ConflictError: If ``lessons`` are not all of its lessons, each once.

    """
    # Two orders at once are one after the other, not a mixture.
    await connection.execute("SELECT FROM courses WHERE id = $1 FOR UPDATE", course)
    if sorted(await lesson_order(connection, course)) != sorted(lessons):
        raise ConflictError("An order names each lesson of the course once.")
    await connection.execute(
        "UPDATE lessons SET order_index = place - 1 "
        "FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, place) "
        "WHERE lessons.id = wanted.id",
        [*lessons],
    )


async def list_lessons(
    connection: AcquiredConnection, course: str, *, after: str | None = None, limit: int = 50
) -> list[Lesson]:
    """Return a course's lessons in their order, from the one that follows ``after``.

    Raises:
        NotFoundError: If there is no such course.

    """
    await get(connection, course)
    rows = await connection.fetch(
        _LESSONS + _AFTER_LESSON,
        course, after, limit,
    )  # fmt: skip
    return [Lesson(*row) for row in rows]
