"""Live classes for the generator, and students' tokens for them."""

import asyncio
import uuid

import aiohttp
import msgspec

from load.place import Place, Ready, post
from protocol.commands import ChatPost, SessionStart
from protocol.rest import (
    CommandDone,
    CommandRequest,
    Course,
    Lesson,
    NewCourse,
    NewLesson,
    NewSession,
    Session,
)

_AT_ONCE = 16
_LINE = "I think it is forty-two, because six times seven makes forty-two."


class School:
    """Makes classes, as an admin does, on the server of ``ready``."""

    def __init__(self, http: aiohttp.ClientSession, ready: Ready) -> None:
        self._http = http
        self._ready = ready
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def classes(self, count: int) -> list[Place]:
        """Return so many live classes, which nobody is in.

        Raises:
            RefusedError: If the server does not make them.

        """
        url, admin = self._ready.url, self._ready.tokens.admin
        course = await post(self._http, f"{url}/v1/courses", admin, NewCourse("Bench"), Course)
        lessons = f"{url}/v1/courses/{course.id}/lessons"
        lesson = await post(self._http, lessons, admin, NewLesson("Bench"), Lesson)
        sessions = f"{url}/v1/lessons/{lesson.id}/sessions"

        async def one(number: int) -> Place:
            async with self._slots:
                wanted = NewSession(f"Bench {number}")
                session = await post(self._http, sessions, admin, wanted, Session)
                place = Place(url, session.id)
                await self._command(place, CommandRequest("start", SessionStart.op))
                return place

        return list(await asyncio.gather(*(one(number) for number in range(count))))

    async def students(self, places: list[Place], each: int) -> list[str]:
        """Return a ``person`` line for each of so many new students of every class.

        One student of each class first, then the next: neighbours in time are far apart.

        Raises:
            RefusedError: If the server does not let them in.

        """

        async def one(place: Place, number: int) -> str:
            async with self._slots:
                name = f"Student {number + 1}"
                token = await place.join_token(self._http, self._ready.tokens.admin, name)
                return f"person /v1/sessions/{place.session}/live {token}"

        return list(
            await asyncio.gather(
                *(one(place, number) for number in range(each) for place in places)
            )
        )

    async def talk(self, place: Place, lines: int) -> None:
        """Write so many lines into a class, over REST.

        Raises:
            RefusedError: If one is not taken.

        """
        data = msgspec.Raw(msgspec.json.encode(ChatPost(_LINE)))
        for _ in range(lines):
            await self._command(place, CommandRequest(uuid.uuid4().hex, ChatPost.op, data))

    async def _command(self, place: Place, request: CommandRequest) -> None:
        url = f"{place.url}/v1/sessions/{place.session}/commands"
        await post(self._http, url, self._ready.tokens.admin, request, CommandDone)
