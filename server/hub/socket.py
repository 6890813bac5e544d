"""The live socket: hello → live → bye. It contains no feature.

The upgrade looks at no session: every well-formed id gets 101, so that nothing leaks. What cannot
be entered ends with the same goodbye whatever the reason.
"""

import asyncio
import re
import socket as sockets
from collections import Counter
from contextlib import suppress

import structlog
from aiohttp import WSMessage, WSMsgType, web
from structlog.contextvars import bind_contextvars

from protocol import codec
from protocol.errors import CloseCode, MalformedFrameError
from protocol.frames import Hello
from protocol.limits import (
    CONNECTIONS_WITHOUT_HELLO,
    HELLO_SECONDS,
    SUBPROTOCOL,
    WEBSOCKET_BYTES,
)
from server.auth.tokens import Identity, TokenExpiredError, Tokens
from server.clock import Clock
from server.errors import LiveClassError, UnauthorizedError, UnavailableError
from server.hub.asks import Who
from server.hub.bucket import AbuseError
from server.hub.connection import LATE_SECONDS, Connection
from server.hub.door import Door
from server.hub.hub import Hub
from server.hub.peer import Peer
from server.hub.room import Room
from server.hub.seat import RejectedError
from server.hub.shunned import Shunned
from server.hub.standing import must_wait
from server.hub.welcome import goodbye
from server.ops import metrics, tracing

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

BUFFER_BYTES = 1 << 18
"""What a peer may leave untaken before the server stops writing to it."""
UNSENT_BYTES = 1 << 17
"""… and the kernel beneath takes only so much that it cannot send yet: by itself it takes
megabytes for each slow peer before the server notices anything."""
CLOSE_SECONDS = 2.0
FRAMES_PER_TURN = 16
"""What has arrived is read without a pause: after so many frames the others have their turn."""
UNHEARD = frozenset((CloseCode.ABUSE, CloseCode.PROTOCOL_ERROR))
"""After these nothing more is read, not even to its answering close frame: who floods us would
be listened to for as long as that takes."""
UNHEARD_SECONDS = 1.0
"""How long the goodbye may be on its way before the connection is cut."""
# Another spelling of an id would be another room of the same session.
_CANONICAL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class LiveSocket:
    """The handler of ``GET /v1/sessions/{session}/live``."""

    def __init__(self, hub: Hub, tokens: Tokens, door: Door, clock: Clock) -> None:
        self._hub = hub
        self._tokens = tokens
        self._door = door
        self._clock = clock
        self._without_hello: Counter[str] = Counter()
        self._shunned = Shunned(clock)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it ends."""
        socket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,),
            compress=False,
            decode_text=False,
            max_msg_size=WEBSOCKET_BYTES,
        )
        try:
            writer = await socket.prepare(request)
        except ConnectionError:  # gone during the upgrade: a socket that is none cannot be closed
            return web.Response()
        transport, protocol = request.transport, request.protocol
        if transport is None or writer is None:  # gone since then
            return socket
        transport.set_write_buffer_limits(high=BUFFER_BYTES)
        _bound_unsent(transport)
        farewell: asyncio.Task[None] | None = None
        handler, has_read = asyncio.current_task(), asyncio.Event()
        assert handler is not None

        async def close(code: CloseCode) -> None:
            if code in UNHEARD:
                if not transport.is_closing():
                    transport.write(_close_frame(code))
                await asyncio.sleep(UNHEARD_SECONDS)
                transport.abort()
                await socket.close()  # aiohttp would, later: what it meets there is let go of here
                return
            # Whoever closes a socket that another task reads drops the connection at once: what
            # the client says meanwhile would reset it, and take the goodbye away.
            if not has_read.is_set():
                handler.cancel()
            with suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await has_read.wait()
                    await socket.close(code=code, message=code.reason.encode())
                return
            transport.abort()

        def say_goodbye(code: CloseCode) -> None:
            nonlocal farewell
            if farewell is None:
                metrics.sockets_closed.labels(int(code)).inc()
                peer.finish(goodbye(code, self._hub.spread_seconds(code)))
                farewell = self._hub.tasks.start("close", close(code))

        peer = Peer(
            transport,
            is_paused=lambda: protocol.writing_paused,
            drain=writer.drain,
            close=say_goodbye,
        )
        connection: Connection | None = None
        self._hub.peers.add(peer)
        try:
            if self._hub.is_draining:
                raise RejectedError(CloseCode.DRAINING)
            offered = request.headers.getall("Sec-WebSocket-Protocol", [])
            if offered and socket.ws_protocol is None:
                raise RejectedError(CloseCode.NO_COMMON_VERSION)
            hello = await self._hello(socket, request.remote or "")
            connection = await self._join(request, peer, hello)
            bind_contextvars(session=connection.room.place.session, connection=connection.id)
            await self._live(socket, connection)
        except asyncio.CancelledError:
            if farewell is None or handler.uncancel():
                raise
        except RejectedError as rejected:
            say_goodbye(rejected.code)
        except MalformedFrameError as error:
            log.debug("protocol_error", reason=str(error))
            say_goodbye(CloseCode.PROTOCOL_ERROR)
        except AbuseError:
            if connection is not None:
                self._shunned.add(connection.identity.user)
            say_goodbye(CloseCode.ABUSE)
        finally:
            has_read.set()
            self._hub.peers.discard(peer)
            if connection is not None:
                self._hub.connections.discard(connection)
                connection.stop()
        try:
            if farewell is not None:  # or the transport closes before the goodbye is out
                await asyncio.wait((farewell,))
        finally:
            peer.release()
            _forget_traceback(socket.exception())
        return socket

    async def _hello(self, socket: web.WebSocketResponse, address: str) -> Hello:
        """Return the first frame, which must be a hello that comes in time."""
        if self._without_hello[address] >= CONNECTIONS_WITHOUT_HELLO:
            raise RejectedError(CloseCode.OVERLOADED)
        self._without_hello[address] += 1
        try:
            message = await _first(socket)
        finally:
            self._without_hello[address] -= 1
            if not self._without_hello[address]:
                del self._without_hello[address]
        if message.type is not WSMsgType.TEXT:
            raise MalformedFrameError("the first frame is a text frame")
        try:
            frame = codec.decode_client(message.data)
        except codec.RefusedFrame:
            raise RejectedError(CloseCode.NO_HELLO) from None
        if not isinstance(frame, Hello):
            raise RejectedError(CloseCode.NO_HELLO)
        return frame

    async def _join(self, request: web.Request, peer: Peer, hello: Hello) -> Connection:
        """Check who it is and let them in.

        Raises:
            RejectedError: With the code that says why not.

        """
        session = request.match_info["session"]
        try:
            identity = await self._tokens.authenticate(hello.token)
            if identity.user in self._shunned:
                raise RejectedError(CloseCode.ABUSE)
            room, who = await self._enter(request, identity, session)
            if hello.resume is not None and hello.resume.log == room.place.log_id:
                await room.reach.wait_for(hello.resume.sequence)
            if must_wait(room.state, who):
                room.seating.lobby.title = await self._door.title(room.place)
        except TokenExpiredError:
            raise RejectedError(CloseCode.TOKEN_EXPIRED) from None
        except UnauthorizedError:
            raise RejectedError(CloseCode.TOKEN_INVALID) from None
        except UnavailableError:
            raise RejectedError(CloseCode.OVERLOADED) from None
        except LiveClassError:
            raise RejectedError(CloseCode.NOT_FOUND) from None
        connection = Connection(
            room=room,
            peer=peer,
            who=who,
            identity=identity,
            clock=self._clock,
            authenticate=self._tokens.authenticate,
            check=self._door.check,
            origin=tracing.origin(request.headers, session=session),
        )
        room.seating.join(connection.seat, hello.resume)
        connection.start()
        self._hub.connections.add(connection)
        return connection

    async def _enter(
        self, request: web.Request, identity: Identity, session: str
    ) -> tuple[Room, Who]:
        origin = request.headers.get("Origin")
        if origin is not None and not await self._door.may_come_from(origin, identity.tenant):
            raise RejectedError(CloseCode.ORIGIN_NOT_ALLOWED)
        if not _CANONICAL.fullmatch(session):
            raise RejectedError(CloseCode.NOT_FOUND)
        room = self._hub.find(session)
        if room is not None and self._is_known(room, identity):
            # Who comes back to a class on this node costs no read of the database.
            return room, Who(identity.user, identity.name, identity.role)
        place, role = await self._door.enter(identity, session)
        return await self._hub.room(place), Who(identity.user, identity.name, role)

    def _is_known(self, room: Room, identity: Identity) -> bool:
        # A token with a scope is made for something else: the door says so.
        is_here = identity.session in (None, room.place.session) and not identity.scope
        is_theirs = room.place.tenant == identity.tenant
        is_known = room.is_loaded and identity.user in room.state.people
        return is_here and is_theirs and is_known and identity.user not in self._hub.revoked

    async def _live(self, socket: web.WebSocketResponse, connection: Connection) -> None:
        heard = 0
        async for message in socket:
            heard += 1
            if heard % FRAMES_PER_TURN == 0:
                await asyncio.sleep(0)
            if message.type is WSMsgType.TEXT:
                await connection.receive(message.data)
            elif message.type is WSMsgType.BINARY:
                raise MalformedFrameError("frames are text")


async def _first(socket: web.WebSocketResponse) -> WSMessage:
    """Return the first frame.

    Raises:
        RejectedError: If it does not come in time.

    """
    for seconds in (HELLO_SECONDS, LATE_SECONDS):
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await socket.receive()
    raise RejectedError(CloseCode.NO_HELLO)


def _bound_unsent(transport: asyncio.BaseTransport) -> None:
    """Have the kernel refuse what it could not send anyway (Linux and macOS)."""
    option = getattr(sockets, "TCP_NOTSENT_LOWAT", None)
    channel = transport.get_extra_info("socket")
    if option is not None and channel is not None:
        channel.setsockopt(sockets.IPPROTO_TCP, option, UNSENT_BYTES)


def _forget_traceback(error: BaseException | None) -> None:
    """Take from an error the frames that hold whoever holds it: the response keeps it for good."""
    while error is not None:
        error.__traceback__ = None
        error = error.__context__


def _close_frame(code: CloseCode) -> bytes:
    """Return the frame that closes a WebSocket (RFC 6455 §5.5.1)."""
    reason = code.reason.encode()
    return bytes((0x88, 2 + len(reason))) + code.to_bytes(2, "big") + reason
