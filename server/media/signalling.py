"""What a worker is asked for a session, beside what it is told: WHIP, WHEP, HLS, relays, ends.

A session that somebody wants to publish or watch in is carried from then on, whether a hub has
claimed it yet or not; of one that is not carried there is nothing else to ask.
"""

from collections.abc import Callable

from aiohttp import web

from server.media import relay
from server.media.fabric import Answer
from server.media.peer import Peer
from server.media.sdp import problem
from server.media.session import MediaSession


class Signalling:
    """Answers on the worker's socket; ``find`` and ``carry`` return a session by its name."""

    def __init__(
        self,
        *,
        find: Callable[[str], MediaSession | None],
        carry: Callable[[str], MediaSession],
    ) -> None:
        self._find = find
        self._carry = carry

    def routes(self) -> list[web.RouteDef]:
        """Return what is served."""
        return [
            web.post("/sessions/{session}/whip", self._whip),
            web.post("/sessions/{session}/whep", self._whep),
            web.patch("/sessions/{session}/resources/{resource}", self._patch),
            web.delete("/sessions/{session}/resources/{resource}", self._delete),
            web.get("/sessions/{session}/hls/{file}", self._hls),
            web.get("/sessions/{session}/bus", self._bus),
            web.post("/sessions/{session}/expel", self._expel),
        ]

    async def _whip(self, request: web.Request) -> web.Response:
        session = self._carry(request.match_info["session"])
        return _response(await session.publish(request.query["user"], await _body(request)))

    async def _whep(self, request: web.Request) -> web.Response:
        session = self._carry(request.match_info["session"])
        return _response(await session.watch(request.query["user"], await _body(request)))

    async def _patch(self, request: web.Request) -> web.Response:
        _, peer = self._peer(request)
        if peer is None:
            return _response(_gone())
        return _response(await peer.patch(await _body(request), request.headers.get("If-Match")))

    async def _delete(self, request: web.Request) -> web.Response:
        session, peer = self._peer(request)
        if session is None or peer is None:
            return _response(_gone())
        await session.leave(peer)
        return web.Response(status=200)

    async def _hls(self, request: web.Request) -> web.Response:
        session = self._session(request)
        if session is None:
            return _response(_gone())
        return _response(await session.hls(request.match_info["file"]))

    async def _bus(self, request: web.Request) -> web.StreamResponse:
        session = self._session(request)
        if session is None:
            return _response(_gone())
        return await relay.offer(request, session.bus)

    async def _expel(self, request: web.Request) -> web.Response:
        session = self._session(request)
        if session is not None:
            await session.expel(frozenset({request.query["user"]}))
        return web.Response(status=204)

    def _session(self, request: web.Request) -> MediaSession | None:
        return self._find(request.match_info["session"])

    def _peer(self, request: web.Request) -> tuple[MediaSession | None, Peer | None]:
        session = self._session(request)
        return session, None if session is None else session.peer(request.match_info["resource"])


async def _body(request: web.Request) -> bytes:
    """Return the body; of one that is too long nothing, and nothing is no SDP."""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        return b""


def _gone() -> Answer:
    return problem(404, "not_found", "There is no such resource.")


def _response(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
