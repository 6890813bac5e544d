"""Attendance of a class and of a course, as JSON in pages and whole as CSV (RFC 4180)."""

from operator import attrgetter
from typing import TypeVar

from aiohttp import web

from protocol.codec import timestamp
from protocol.rest import CourseAttendance, Page, PageQuery, SessionAttendance
from server.clock import SystemClock
from server.rest import answers
from server.rest.answers import minutes
from server.rest.route import Call
from server.rest.tables import table
from server.store import attendance as store
from server.store import courses

_Row = TypeVar("_Row")
_CLOCK = SystemClock()


async def of_session(call: Call[None, PageQuery]) -> Page[SessionAttendance]:
    """List who was in a class, and when.

    From the log itself: it is never late. In a class that goes on, who is there is counted until
    now.
    """
    rows = await _of_session(call)
    items = [answers.attendance(each) for each in rows]
    return _page(items, call.query)


async def of_session_csv(call: Call[None, None]) -> web.Response:
    """Return who was in a class as a table; each stay is an interval of ISO 8601."""
    header = ("user", "name", "role", "first_joined_at", "last_left_at", "minutes", "stays")
    rows = []
    for attendee in await _of_session(call):
        of = attendee.attendance
        stays = [
            (timestamp(stay.joined_at), "" if stay.left_at is None else timestamp(stay.left_at))
            for stay in of.stays
        ]
        rows.append(
            (
                of.user, attendee.display_name, of.role, stays[0][0], stays[-1][1],
                minutes(of.present_ms), " ".join(map("/".join, stays)),
            )
        )  # fmt: skip
    return table(f"attendance-{call['session']}", header, rows)


async def of_course(call: Call[None, PageQuery]) -> Page[CourseAttendance]:
    """List who was in the classes of a course, in how many, and for how long in all."""
    items = [answers.attended(each) for each in await _of_course(call)]
    return _page(items, call.query)


async def of_course_csv(call: Call[None, None]) -> web.Response:
    """Return who was in the classes of a course as a table."""
    header = ("user", "name", "sessions", "minutes")
    rows = [
        (each.user, each.display_name, each.sessions, minutes(each.present_ms))
        for each in await _of_course(call)
    ]
    return table(f"attendance-{call['course']}", header, rows)


async def _of_session(call: Call[None, PageQuery] | Call[None, None]) -> list[store.Attendee]:
    async with call.database() as connection:
        return await store.of_session(connection, call["session"], _CLOCK.now_ms())


async def _of_course(call: Call[None, PageQuery] | Call[None, None]) -> list[store.Attended]:
    async with call.database() as connection:
        await courses.get(connection, call["course"])
        return await store.of_course(connection, call["course"], _CLOCK.now_ms())


def _page(items: list[_Row], query: PageQuery) -> Page[_Row]:
    after, user = query.after, attrgetter("user")
    rest = [each for each in items if after is None or user(each) > after]
    return answers.page(rest, query.limit, lambda each: each, user)
