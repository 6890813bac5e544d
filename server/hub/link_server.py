"""What other nodes may ask of the sessions that this one owns: the other end of their links."""

import asyncio
from contextlib import suppress

import msgspec
import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from protocol.errors import Refusal
from protocol.frames import SignalSent
from server.errors import LiveClassError, UnavailableError
from server.hub.asks import Outcome
from server.hub.followers import Follower, ask_of
from server.hub.hub import Hub
from server.hub.link_messages import (
    Asked,
    Ended,
    Follow,
    Here,
    Reported,
    Signalled,
    ToOwner,
    Unfollow,
    encode,
    to_owner,
)
from server.hub.links import (
    HEARTBEAT_SECONDS,
    MESSAGE_BYTES,
    NODE,
    PATH,
    Outgoing,
    is_authorized,
)
from server.hub.room import Room
from server.hub.seating import Place
from server.ops import metrics
from server.secrets.secret import Secret
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

DECIDE_SECONDS = 2.0
"""How long it may take to know who owns a session."""


class LinkServer:
    """Takes the links of other nodes."""

    def __init__(self, hub: Hub, secret: Secret, log_id: str) -> None:
        self._hub = hub
        self._secret = secret
        self._log_id = log_id
        self._sockets: set[web.WebSocketResponse] = set()

    def serve(self, app: web.Application) -> None:
        """Serve links in ``app``, the internal listener's, for as long as that is up."""
        app.add_routes([web.get(PATH, self.handle)])
        app.on_shutdown.append(self._close)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one node until its link is lost."""
        if not is_authorized(request, self._secret):
            raise web.HTTPUnauthorized
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_SECONDS, max_msg_size=MESSAGE_BYTES, compress=False
        )
        try:
            await socket.prepare(request)
        except ConnectionError:  # gone during the upgrade: a socket that is none cannot be closed
            return web.Response()
        self._sockets.add(socket)
        outgoing = Outgoing(socket)
        async with Supervisor("link") as tasks:
            node = request.headers.get(NODE, "")
            served = _Served(self._hub, self._log_id, node, outgoing, tasks)
            tasks.start("outgoing", outgoing.run())
            metrics.links.labels("accepted").inc()
            try:
                async for frame in socket:
                    if frame.type is not WSMsgType.BINARY:
                        break
                    served.hear(to_owner.decode(frame.data))
            except msgspec.MsgspecError as error:
                log.error("link_not_understood", error=str(error))
            finally:
                metrics.links.labels("accepted").dec()
                self._sockets.discard(socket)
                served.end()
        return socket

    async def _close(self, _app: web.Application) -> None:
        await asyncio.gather(
            *(socket.close(code=WSCloseCode.GOING_AWAY) for socket in self._sockets)
        )


class _Served:
    """Everything that one node follows here."""

    def __init__(
        self, hub: Hub, log_id: str, node: str, outgoing: Outgoing, tasks: Supervisor
    ) -> None:
        self._hub = hub
        self._log_id = log_id
        self._node = node
        self._say = outgoing.say
        self._tasks = tasks
        self._followed: dict[str, tuple[Room, Follower]] = {}

    def hear(self, message: ToOwner) -> None:
        """Take what the node says."""
        session = message.session
        if isinstance(message, Follow):
            self._tasks.start("follow", self._let_follow(message))
            return
        room, follower = self._followed.get(session, (None, None))
        if room is None or follower is None or not room.owns:
            self._say(encode(Ended(session)))
            return
        match message:
            case Unfollow():
                self._leave(session)
            case Here(people=people):
                follower.seat(people, room.seating.attendance)
            case Signalled(user=user, data=data):
                with suppress(Refusal, msgspec.ValidationError):
                    sent = msgspec.convert({"kind": message.kind}, SignalSent)
                    room.seating.ephemeral.signal(
                        user, msgspec.structs.replace(sent, data=msgspec.Raw(data))
                    )
            case Asked() | Reported():
                self._ask(room, follower, message)

    def end(self) -> None:
        """Let the node follow nothing any more."""
        for session in [*self._followed]:
            self._leave(session)

    def _ask(self, room: Room, follower: Follower, asked: Asked | Reported) -> None:
        def answer(outcome: Outcome) -> None:
            follower.answer(asked.number, outcome)

        try:
            room.submit(ask_of(asked, answer))
        except Refusal as refusal:
            answer(refusal)

    async def _let_follow(self, follow: Follow) -> None:
        session, follower = follow.session, None
        with suppress(LiveClassError, TimeoutError):
            if self._hub.is_draining:
                raise UnavailableError
            room = await self._hub.room(Place(session, follow.tenant, self._log_id))
            if follow.is_yours:
                room.take()
            # The other node may have known before this one that it owns the session.
            async with asyncio.timeout(DECIDE_SECONDS):
                await room.is_open.wait()
            follower = room.let_follow(self._say, self._node)
        if follower is None:
            self._say(encode(Ended(session)))
        else:
            self._followed[session] = room, follower

    def _leave(self, session: str) -> None:
        room, follower = self._followed.pop(session)
        if room.seating.followers.remove(self._say) is follower:
            follower.leave(room.seating.attendance)
