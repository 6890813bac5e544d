"""Courses and lessons."""

from operator import attrgetter

from msgspec import UNSET

from protocol.rest import (
    Course,
    CourseChange,
    Lesson,
    LessonChange,
    LessonOrder,
    NewCourse,
    NewLesson,
    Page,
    PageQuery,
)
from server.rest import answers
from server.rest.route import Call
from server.store import courses as store


async def create(call: Call[NewCourse, None]) -> Course:
    """Create a course."""
    body = call.body
    async with call.database() as connection:
        row = await store.create(
            connection, call.identity.tenant, title=body.title, status=body.status
        )
    return answers.course(row)


async def index(call: Call[None, PageQuery]) -> Page[Course]:
    """List the tenant's courses."""
    limit = call.query.limit
    async with call.database() as connection:
        rows = await store.list_all(
            connection, reach=call.reach, after=call.query.after, limit=limit + 1
        )
    return answers.page(rows, limit, answers.course, attrgetter("id"))


async def show(call: Call[None, None]) -> Course:
    """Return a course."""
    async with call.database() as connection:
        return answers.course(await store.get(connection, call["course"]))


async def change(call: Call[CourseChange, None]) -> Course:
    """Change a course."""
    title, status = call.body.title, call.body.status
    async with call.database() as connection:
        row = await store.update(
            connection,
            call["course"],
            title=None if title is UNSET else title,
            status=None if status is UNSET else status,
        )
    return answers.course(row)


async def delete(call: Call[None, None]) -> None:
    """Delete a course without sessions, with its lessons and the roles given in it."""
    async with call.database() as connection:
        await store.delete(connection, call["course"])


async def create_lesson(call: Call[NewLesson, None]) -> Lesson:
    """Add a lesson to a course."""
    body = call.body
    async with call.database() as connection:
        row = await store.create_lesson(
            connection,
            call.identity.tenant,
            call["course"],
            title=body.title,
            order_index=body.order_index,
        )
    return answers.lesson(row)


async def lessons(call: Call[None, PageQuery]) -> Page[Lesson]:
    """List the lessons of a course."""
    limit = call.query.limit
    async with call.database() as connection:
        rows = await store.list_lessons(
            connection, call["course"], after=call.query.after, limit=limit + 1
        )
    return answers.page(rows, limit, answers.lesson, attrgetter("id"))


async def show_lesson(call: Call[None, None]) -> Lesson:
    """Return a lesson."""
    async with call.database() as connection:
        return answers.lesson(await store.get_lesson(connection, call["lesson"]))


async def change_lesson(call: Call[LessonChange, None]) -> Lesson:
    """Change a lesson."""
    title, order_index = call.body.title, call.body.order_index
    async with call.database() as connection:
        row = await store.update_lesson(
            connection,
            call["lesson"],
            title=None if title is UNSET else title,
            order_index=None if order_index is UNSET else order_index,
        )
    return answers.lesson(row)


async def delete_lesson(call: Call[None, None]) -> None:
    """Delete a lesson without sessions."""
    async with call.database() as connection:
        await store.delete_lesson(connection, call["lesson"])


async def lesson_order(call: Call[None, None]) -> LessonOrder:
    """Return the order of a course's lessons."""
    async with call.database() as connection:
        return LessonOrder(tuple(await store.lesson_order(connection, call["course"])))


async def order_lessons(call: Call[LessonOrder, None]) -> LessonOrder:
    """Put the lessons of a course into an order, all at once."""
    async with call.database() as connection:
        await store.order_lessons(connection, call["course"], call.body.lessons)
        return LessonOrder(tuple(await store.lesson_order(connection, call["course"])))
