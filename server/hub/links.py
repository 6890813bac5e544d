"""Links between nodes: one WebSocket for each pair that needs it, by which one follows the other.

The internal listener is for nodes alone: who connects shows a key that all nodes of an
installation derive from its token secret.
"""

import asyncio
import base64
import hashlib
import hmac
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import aiohttp
import msgspec
import structlog
from aiohttp import WSMsgType, web

from server.clock import Clock
from server.hub.link_messages import Follow, ToOwner, Unfollow, encode, to_follower
from server.hub.seating import Place
from server.hub.upstream import Upstream
from server.ops import metrics
from server.secrets.secret import Secret
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PATH = "/internal/link"
NODE = "X-Node"
"""Who follows."""
HEARTBEAT_SECONDS = 5.0
CONNECT_SECONDS = 2.0
SEND_SECONDS = 2.0
MOST_BYTES = 64 << 20
"""What may wait for another node: beyond it the link is cut, and both begin anew."""
MESSAGE_BYTES = 32 << 20


class Outgoing:
    """Messages on their way to the other node, in order."""

    def __init__(self, socket: web.WebSocketResponse | aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._news = asyncio.Event()

    def say(self, data: bytes) -> None:
        """Send an encoded message, soon."""
        self._waiting.append(data)
        self._bytes += len(data)
        self._news.set()

    async def run(self) -> None:
        """Send until the other node takes too little; then cut the link."""
        try:
            while self._bytes <= MOST_BYTES:
                while self._waiting:
                    data = self._waiting.popleft()
                    self._bytes -= len(data)
                    async with asyncio.timeout(SEND_SECONDS):
                        await self._socket.send_bytes(data)
                self._news.clear()
                await self._news.wait()
        except (OSError, TimeoutError, aiohttp.ClientError):
            log.warning("link_takes_nothing")
        await self._socket.close()


def link_key(secret: Secret) -> str:
    """Return what the nodes of one installation show each other."""
    digest = hmac.digest(secret.reveal().encode(), b"liveclass link 1", hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def authorization(secret: Secret) -> dict[str, str]:
    """Return the header that says that a node of the installation asks."""
    return {"Authorization": f"Bearer {link_key(secret)}"}


def is_authorized(request: web.Request, secret: Secret) -> bool:
    """Say whether a node of the installation asks."""
    shown = request.headers.get("Authorization", "").encode()
    return hmac.compare_digest(shown, f"Bearer {link_key(secret)}".encode())


class _Link:
    """The way to one node: everything of its sessions that is followed here."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.followed: dict[str, tuple[Follow, Upstream]] = {}
        self._outgoing: Outgoing | None = None

    def say(self, message: ToOwner) -> None:
        """Send a message; before the link is there it is lost, and who said it is told so."""
        if self._outgoing is not None:
            self._outgoing.say(encode(message))

    def follow(self, place: Place, upstream: Upstream, *, is_yours: bool) -> None:
        """Begin to follow a session, at once or when the link is there."""
        follow = Follow(place.session, place.tenant, is_yours)
        self.followed[place.session] = follow, upstream
        self.say(follow)

    async def run(self, http: aiohttp.ClientSession, headers: dict[str, str]) -> None:
        """Carry messages until the link is lost."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                socket = await http.ws_connect(
                    self.url + PATH,
                    headers=headers,
                    heartbeat=HEARTBEAT_SECONDS,
                    max_msg_size=MESSAGE_BYTES,
                )
            with metrics.links.labels("connected").track_inprogress():
                await self._carry(socket)
        except (OSError, TimeoutError, aiohttp.ClientError, msgspec.MsgspecError) as error:
            log.warning("link_lost", url=self.url, error=repr(error))

    async def _carry(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async with socket, Supervisor("link") as tasks:
            self._outgoing = Outgoing(socket)
            tasks.start("outgoing", self._outgoing.run())
            for follow, _ in self.followed.values():
                self.say(follow)
            async for frame in socket:
                if frame.type is not WSMsgType.BINARY:
                    break
                message = to_follower.decode(frame.data)
                found = self.followed.get(message.session)
                if found is not None:
                    found[1].hear(message)


class Links:
    """The ways of ``node`` to others, each made when needed. Use as an async context manager."""

    def __init__(self, secret: Secret, clock: Clock, node: str = "") -> None:
        self._headers = {**authorization(secret), NODE: node}
        self._clock = clock
        self._tasks = Supervisor("links")
        self._links: dict[str, _Link] = {}

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._tasks.close()
        await self._http.close()

    @asynccontextmanager
    async def follow(
        self, url: str, place: Place, is_yours: bool = False
    ) -> AsyncIterator[Upstream]:
        """Follow what the node at ``url`` owns, for as long as the block lasts.

        ``is_yours`` tells that node to take it: this one gives it up.
        """
        link = self._links.get(url)
        if link is None:
            link = self._links[url] = _Link(url)
            self._tasks.start("link", self._run(link))
        upstream = Upstream(place.session, link.say, self._clock)
        link.follow(place, upstream, is_yours=is_yours)
        try:
            yield upstream
        finally:
            upstream.end()
            if link.followed.get(place.session, (None, None))[1] is upstream:
                del link.followed[place.session]
                link.say(Unfollow(place.session))

    async def _run(self, link: _Link) -> None:
        try:
            await link.run(self._http, self._headers)
        finally:
            metrics.links_lost.inc()
            del self._links[link.url]
            for _, upstream in link.followed.values():
                upstream.lost()
