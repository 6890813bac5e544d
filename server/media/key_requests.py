"""Keys that the worker asks a hub for: it has none of its own, and keeps none."""

import asyncio
from collections.abc import Awaitable, Callable

from server.media.codes import Code, DestinationError
from server.media.control import Key, KeyRequest
from server.secrets.secret import Secret

Say = Callable[[str, KeyRequest], Awaitable[bool]]
"""Ask the hub of a session; whether one heard it."""


class KeyRequests:
    """What was asked for and is not answered; it is asked again when another hub comes."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._asked: dict[int, tuple[KeyRequest, asyncio.Future[Secret | None]]] = {}
        self._number = 0

    async def ask(self, session: str, destination: str) -> Secret | None:
        """Return the key of a destination; None if there is none. Set a timeout around this.

        Raises:
            DestinationError: ``integration_revoked``: there may be none any more.

        """
        self._number += 1
        request = KeyRequest(self._number, session, destination)
        answer: asyncio.Future[Secret | None] = asyncio.get_running_loop().create_future()
        self._asked[request.request] = request, answer
        try:
            await self._say(session, request)
            return await answer
        finally:
            del self._asked[request.request]

    async def ask_again(self) -> None:
        """Ask for everything that is not answered."""
        for request, _ in list(self._asked.values()):
            await self._say(request.session, request)

    def answer(self, key: Key) -> None:
        """Take an answer; one that nobody waits for any more is passed over."""
        _, answer = self._asked.get(key.request, (None, None))
        if answer is None or answer.done():
            return
        if key.is_revoked:
            answer.set_exception(DestinationError(Code.INTEGRATION_REVOKED))
        else:
            answer.set_result(None if key.value is None else Secret(key.value))
