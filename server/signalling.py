"""WHIP, WHEP and live HLS on any node: answered by the engine of the node that owns the class.

Packets go straight between a peer and that engine; only what is negotiated comes through here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

from server.errors import LiveClassError, UnavailableError
from server.hub.hub import Hub
from server.hub.links import authorization, is_authorized
from server.hub.seating import Place
from server.media.fabric import Answer
from server.media.pool import WorkerPool
from server.secrets.secret import Secret

CALL_SECONDS = 10.0
_PATH = "/internal/sessions/{session}/{call}"
_USER, _RESOURCE, _IF_MATCH = "X-User", "X-Resource", "If-Match"

FindPlace = Callable[[str], Awaitable[Place | None]]


class Signalling:
    """The engine of every class, wherever it is owned. Use as an async context manager."""

    def __init__(self, hub: Hub, engine: WorkerPool, find_place: FindPlace, secret: Secret) -> None:
        self._hub = hub
        self._engine = engine
        self._find_place = find_place
        self._secret = secret

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(headers=authorization(self._secret))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.close()

    async def whip(self, session: str, user: str, sdp: bytes) -> Answer:
        """Start publishing. Raises UnavailableError if the engine is not reached."""
        owner = await self._owner(session)
        if owner is None:
            return await self._engine.whip(session, user, sdp)
        return await self._call(owner, session, "whip", sdp, {_USER: user})

    async def whep(self, session: str, user: str, sdp: bytes) -> Answer:
        """Start watching. Raises UnavailableError if the engine is not reached."""
        owner = await self._owner(session)
        if owner is None:
            return await self._engine.whep(session, user, sdp)
        return await self._call(owner, session, "whep", sdp, {_USER: user})

    async def patch(
        self, session: str, resource: str, fragment: bytes, headers: dict[str, str]
    ) -> Answer:
        """Add ICE candidates. Raises UnavailableError if the engine is not reached."""
        owner = await self._owner(session)
        if owner is None:
            return await self._engine.patch(session, resource, fragment, headers)
        given = {name: value for name, value in headers.items() if name.lower() == "if-match"}
        return await self._call(owner, session, "patch", fragment, {_RESOURCE: resource} | given)

    async def delete(self, session: str, resource: str) -> Answer:
        """End a resource. Raises UnavailableError if the engine is not reached."""
        owner = await self._owner(session)
        if owner is None:
            return await self._engine.delete(session, resource)
        return await self._call(owner, session, "delete", b"", {_RESOURCE: resource})

    async def hls(self, session: str, file: str) -> Answer:
        """Return a file of the live HLS. Raises UnavailableError if the engine is not reached."""
        owner = await self._owner(session)
        if owner is None:
            return await self._engine.hls(session, file)
        return await self._call(owner, session, "hls", b"", {_RESOURCE: file})

    def has_room(self) -> bool:
        """Say whether one more viewer could watch by WebRTC now, as far as this node knows."""
        return self._engine.has_room()

    def routes(self) -> list[web.RouteDef]:
        """Return what the internal listener serves to the other nodes."""
        return [web.post(_PATH, self._serve)]

    async def _owner(self, session: str) -> str | None:
        """Return where the owner is, or None if that is this node.

        Raises:
            UnavailableError: If the class cannot be opened here.

        """
        room = self._hub.find(session)
        if room is None:
            place = await self._find_place(session)
            if place is None:
                return None
            room = await self._hub.room(place)
        if not room.owns and room.owner is None:
            raise UnavailableError("The class has no owner at this moment.")
        return None if room.owner is None else room.owner.link

    async def _call(
        self, owner: str, session: str, call: str, body: bytes, headers: dict[str, str]
    ) -> Answer:
        url = owner + _PATH.format(session=session, call=call)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                async with self._http.post(url, data=body, headers=headers) as response:
                    if response.headers.get(_USER) is None:
                        raise UnavailableError("The class's node cannot answer now.")
                    passed = {
                        name: value
                        for name, value in response.headers.items()
                        if name.lower() not in _OF_THE_HOP
                    }
                    return Answer(response.status, passed, await response.read())
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise UnavailableError("The class's node is not reached.") from error

    async def _serve(self, request: web.Request) -> web.Response:
        """Answer another node; what it is not to pass on lacks a mark."""
        if not is_authorized(request, self._secret):
            raise web.HTTPUnauthorized
        session, call = request.match_info["session"], request.match_info["call"]
        room = self._hub.find(session)
        if room is None or not room.owns:
            raise web.HTTPServiceUnavailable
        user, resource = request.headers.get(_USER, ""), request.headers.get(_RESOURCE, "")
        body, engine = await request.read(), self._engine
        try:
            match call:
                case "whip":
                    answer = await engine.whip(session, user, body)
                case "whep":
                    answer = await engine.whep(session, user, body)
                case "patch":
                    given = request.headers.get(_IF_MATCH)
                    headers = {} if given is None else {_IF_MATCH: given}
                    answer = await engine.patch(session, resource, body, headers)
                case "delete":
                    answer = await engine.delete(session, resource)
                case "hls":
                    answer = await engine.hls(session, resource)
                case _:
                    raise web.HTTPNotFound
        except LiveClassError:
            raise web.HTTPServiceUnavailable from None
        return web.Response(
            status=answer.status, headers={**answer.headers, _USER: user}, body=answer.body
        )


_OF_THE_HOP = frozenset(
    ("connection", "content-length", "date", "server", "transfer-encoding", _USER.lower())
)
