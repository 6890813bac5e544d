"""The default engine: our own media worker, over its unix socket."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
import msgspec
import structlog

from server.errors import LiveClassError, UnavailableError
from server.media import control
from server.media.fabric import (
    Answer,
    Desired,
    MediaEvent,
    OnEvent,
    OnHealth,
    ResolveSecret,
    RevokedError,
)
from server.media.sdp import PROBLEM
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

CALL_SECONDS = 10.0
SEND_SECONDS = 5.0
EVENT_SECONDS = 30.0
RECONNECT_SECONDS = 0.25
APPLY_SECONDS = 10.0
RETRY_SECONDS = 1.0
TRIES = 120
_PASSED_ON = ("Content-Type", "Location", "ETag", "Link", "Retry-After", "Accept-Patch")


class LocalFabric:
    """Speak to one media worker; reconnect by itself, and say again what is desired.

    Use as an async context manager. ``on_event`` returns when the event is committed: only then
    it is acked, and an exception means it comes again. Events of one session come one at a time,
    in order.
    """

    def __init__(
        self,
        socket_path: Path,
        *,
        on_event: OnEvent,
        resolve_secret: ResolveSecret,
        on_health: OnHealth,
        on_connected: Callable[[], None] = lambda: None,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        self._path = str(socket_path)
        self._on_event = on_event
        self._resolve_secret = resolve_secret
        self._on_health = on_health
        self._on_connected = on_connected
        self._on_lost = on_lost
        self._tasks = Supervisor("fabric")
        self._http: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._desired: dict[str, tuple[int, Desired]] = {}
        self._waiting: dict[str, dict[str, MediaEvent]] = {}
        """By session and id, in order."""
        self.connected = asyncio.Event()
        """Set while the worker is there."""

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(
            "http://media", connector=aiohttp.UnixConnector(self._path)
        )
        self._tasks.keep("connection", self._keep_connected, pause_seconds=RECONNECT_SECONDS)
        self._tasks.keep("apply", self._keep_applied)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._tasks.close()
        if self._http is not None:
            await self._http.close()

    async def apply(self, session: str, epoch: int, desired: Desired) -> None:
        """Make ``desired`` the state of ``session``, as soon as the worker is there."""
        if epoch < self._desired.get(session, (0,))[0]:
            return
        self._desired[session] = (epoch, desired)
        await self._say(control.Apply(session, epoch, desired))

    async def release(self, session: str, *, at_once: bool = False) -> None:
        """Stop claiming ``session``: the worker ends it unless another hub claims it soon.

        With ``at_once`` it is not waited for another one.
        """
        claim = self._desired.pop(session, None)
        if claim is not None:
            await self._say(control.Release(session, claim[0], at_once))

    async def end(self, session: str, epoch: int) -> None:
        """Have the worker end what another node claims, somewhere else, under ``epoch``."""
        await self._say(control.Release(session, epoch, at_once=True))

    async def expel(self, session: str, user: str) -> None:
        """End every stream of ``user``.

        Raises:
            UnavailableError: If the worker cannot be told.

        """
        await self._call("POST", f"/sessions/{session}/expel", user=user)

    async def whip(self, session: str, user: str, sdp: bytes) -> Answer:
        """Start publishing. Raises UnavailableError if the worker is not there."""
        return await self._call("POST", f"/sessions/{session}/whip", user=user, body=sdp)

    async def whep(self, session: str, user: str, sdp: bytes) -> Answer:
        """Start watching. Raises UnavailableError if the worker is not there."""
        return await self._call("POST", f"/sessions/{session}/whep", user=user, body=sdp)

    async def patch(
        self, session: str, resource: str, fragment: bytes, headers: dict[str, str]
    ) -> Answer:
        """Add ICE candidates. Of ``headers`` only If-Match counts."""
        return await self._call(
            "PATCH",
            f"/sessions/{session}/resources/{resource}",
            body=fragment,
            headers={k: v for k, v in headers.items() if k.lower() == "if-match"},
        )

    async def delete(self, session: str, resource: str) -> Answer:
        """End a resource."""
        return await self._call("DELETE", f"/sessions/{session}/resources/{resource}")

    async def hls(self, session: str, file: str) -> Answer:
        """Return a file of the live HLS. Raises UnavailableError if the worker is not there."""
        return await self._call("GET", f"/sessions/{session}/hls/{file}")

    def has_room(self) -> bool:
        """Say yes: one worker knows best when it is asked."""
        return True

    async def sessions(self) -> dict[str, bool]:
        """Return what the worker carries, and whether it only relays it.

        Raises:
            UnavailableError: If the worker is not there.

        """
        answer = await self._call("GET", "/sessions")
        try:
            return msgspec.json.decode(answer.body, type=dict[str, bool])
        except msgspec.MsgspecError as error:
            raise UnavailableError("The media worker is another one.") from error

    async def _call(
        self,
        method: str,
        path: str,
        *,
        user: str | None = None,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        assert self._http is not None, "enter the fabric first"
        try:
            async with asyncio.timeout(CALL_SECONDS):
                async with self._http.request(
                    method,
                    path,
                    params={"user": user} if user is not None else None,
                    data=body,
                    headers=headers,
                ) as response:
                    if response.status >= 500 and response.content_type != PROBLEM:
                        raise UnavailableError("The media worker failed.")
                    return Answer(
                        response.status,
                        {k: response.headers[k] for k in _PASSED_ON if k in response.headers},
                        await response.read(),
                    )
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise UnavailableError("The media worker is not there.") from error

    async def _say(self, message: control.ToWorker) -> None:
        socket = self._socket
        if socket is None or socket.closed:
            return
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await socket.send_str(control.encode(message).decode())
        except (TimeoutError, ConnectionError, aiohttp.ClientError):
            # It is gone or stuck: the next connection says everything again.
            log.debug("media_control_send_failed")

    async def _keep_applied(self) -> None:
        while True:
            await asyncio.sleep(APPLY_SECONDS)
            await self._apply_all()

    async def _apply_all(self) -> None:
        for session in list(self._desired):
            # While others were told, it may have been released, or something else be desired.
            if session in self._desired:
                await self._say(control.Apply(session, *self._desired[session]))

    async def _keep_connected(self) -> None:
        while True:
            try:
                async with self._connection() as socket:
                    await self._apply_all()
                    async for frame in socket:
                        if frame.type is not aiohttp.WSMsgType.TEXT:
                            break
                        self._heard(frame.data)
            except (aiohttp.ClientError, OSError, TimeoutError):
                log.debug("media_worker_unreachable")
            await asyncio.sleep(RECONNECT_SECONDS)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        assert self._http is not None
        async with asyncio.timeout(CALL_SECONDS):
            socket = await self._http.ws_connect("/control", heartbeat=10.0, max_msg_size=1 << 20)
        self._socket = socket
        self.connected.set()
        self._on_connected()
        log.info("media_worker_connected")
        try:
            yield socket
        finally:
            self._socket = None
            self.connected.clear()
            self._on_lost()
            await socket.close()

    def _heard(self, data: str) -> None:
        match control.decode_to_hub(data):
            case control.Happened(event=event):
                queue = self._waiting.get(event.session)
                if queue is not None:
                    # Said again while it waits: once is enough.
                    queue.setdefault(event.id, event)
                    return
                self._waiting[event.session] = {event.id: event}
                self._tasks.start("deliver", self._deliver(event.session))
            case control.KeyRequest() as request:
                self._tasks.start("key", self._answer_key(request))
            case control.Health(session=session, data=data_):
                self._on_health(session, data_)

    async def _deliver(self, session: str) -> None:
        """Hand over the events of one session in order, each until it is taken.

        Also those of a worker that is gone by now: nobody else knows of them. After two minutes
        the session is somebody else's: what was not taken, its worker tells to them.
        """
        queue = self._waiting[session]
        tried = 0
        try:
            while queue and tried < TRIES:
                event = next(iter(queue.values()))
                try:
                    async with asyncio.timeout(EVENT_SECONDS):
                        await self._on_event(event)
                except (LiveClassError, TimeoutError) as error:
                    # Not committed. What came after it must not be before it.
                    tried += 1
                    log.warning(
                        "media_event_not_taken", session=session, error=type(error).__name__
                    )
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                tried = 0
                await self._say(control.Ack(event.id))
                del queue[event.id]
        finally:
            del self._waiting[session]

    async def _answer_key(self, request: control.KeyRequest) -> None:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                secret = await self._resolve_secret(request.session, request.destination)
        except RevokedError:
            await self._say(control.Key(request.request, None, is_revoked=True))
            return
        except (LiveClassError, TimeoutError):
            # No answer is not the answer "there is none": the destination tries again.
            log.warning("stream_key_unavailable", session=request.session)
            return
        value = None if secret is None else secret.reveal()
        await self._say(control.Key(request.request, value))
