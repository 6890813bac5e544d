"""One session's bus from the worker where it is published to another one, over its unix socket.

::

    home: bus ──▶ offer ══ WebSocket on the home's socket ══▶ Relay ──▶ bus: fan-out
                        ◀════════ "keyframe" ═════════════

The relay's viewers are packetized for where they are: a unit crosses once, however many watch it
there. What comes first is the group of pictures that the home has cached; it goes into the cache
here, for viewers whom no keyframe reaches in time.
"""

import asyncio
from pathlib import Path

import aiohttp
import msgspec
import structlog
from aiohttp import WSMsgType, web

from server.media.bus import Bus
from server.media.h264 import VideoParameters
from server.media.unit import EncodedUnit, Kind
from server.media.unit_queue import QueueLimits

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

LIMITS = QueueLimits(lag_ms=1_000, overflow_ms=5_000)
KINDS = frozenset({Kind.VIDEO, Kind.OPUS})
KEYFRAME = "keyframe"
CONNECT_SECONDS = 5.0
SEND_SECONDS = 5.0
RECONNECT_SECONDS = 0.25
FOLLOW_MS = 40
"""How far the first unit of a new home is put after the last one of the home before."""

_MAX_UNIT = 16 << 20


class Carried(msgspec.Struct, frozen=True, array_like=True):
    """A unit on its way."""

    kind: Kind
    dts_ms: int
    key: bool
    data: bytes
    parameters: VideoParameters | None
    cached: bool
    """Whether it was there before the relay came: nobody is to be shown it now."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Carried).decode


async def offer(request: web.Request, bus: Bus) -> web.WebSocketResponse:
    """Give the units of ``bus`` to the relay that asks, until one of the two is gone."""
    socket = web.WebSocketResponse(heartbeat=10.0, compress=False)
    await socket.prepare(request)
    cached = [unit for unit in bus.gop if unit.kind in KINDS]
    subscription = bus.subscribe(KINDS, LIMITS, from_keyframe=False)
    listening = asyncio.ensure_future(_listen(socket, bus))
    try:
        for each in cached:
            await _send(socket, each, cached=True)
        while (unit := await subscription.get()) is not None:
            await _send(socket, unit, cached=False)
    except (ConnectionError, TimeoutError):
        log.info("relay_gone")
    finally:
        bus.unsubscribe(subscription)
        listening.cancel()
        await socket.close()
    return socket


async def _send(socket: web.WebSocketResponse, unit: EncodedUnit, *, cached: bool) -> None:
    message = Carried(unit.kind, unit.dts_ms, unit.key, unit.data, unit.parameters, cached)
    async with asyncio.timeout(SEND_SECONDS):
        await socket.send_bytes(_encode(message))


async def _listen(socket: web.WebSocketResponse, bus: Bus) -> None:
    async for message in socket:
        if message.type is WSMsgType.TEXT and message.data == KEYFRAME:
            bus.want_keyframe()


class Relay:
    """Fill ``bus`` with what ``home`` carries of a session, while it is wanted.

    :meth:`run` must be running. A home that is gone is looked for until it is back: the time line
    goes on where it was.
    """

    def __init__(self, home: str, session: str, bus: Bus) -> None:
        self.home = home
        self._session = session
        self._bus = bus
        self._wanted = asyncio.Event()
        self._wishes = asyncio.Event()
        self._offset_ms = 0
        self._is_joined = False
        self._cached: list[Carried] = []

    def want(self, wanted: bool) -> None:
        """Say whether anybody here needs the session's media."""
        if wanted:
            self._wanted.set()
        else:
            self._wanted.clear()

    def want_keyframe(self) -> None:
        """Pass a wish on to the publisher's side, which coalesces wishes of all."""
        self._wishes.set()

    async def run(self) -> None:
        """Carry until cancelled."""
        while True:
            await self._wanted.wait()
            try:
                await self._carry()
            except (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError) as error:
                log.debug("relay_home_unreachable", error=type(error).__name__)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _carry(self) -> None:
        connector = aiohttp.UnixConnector(str(Path(self.home)))
        async with aiohttp.ClientSession("http://media", connector=connector) as http:
            async with asyncio.timeout(CONNECT_SECONDS):
                socket = await http.ws_connect(
                    f"/sessions/{self._session}/bus", heartbeat=10.0, max_msg_size=_MAX_UNIT
                )
            self._is_joined, self._cached = False, []
            wishing = asyncio.ensure_future(self._wish(socket))
            try:
                async for message in socket:
                    if message.type is not WSMsgType.BINARY or not self._wanted.is_set():
                        break
                    self._take(_decode(message.data))
            finally:
                wishing.cancel()
                await socket.close()

    async def _wish(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            await self._wishes.wait()
            self._wishes.clear()
            try:
                await socket.send_str(KEYFRAME)
            except (ConnectionError, aiohttp.ClientError):
                return

    def _take(self, carried: Carried) -> None:
        if carried.cached:
            self._cached.append(carried)
            return
        if not self._is_joined:
            self._join(carried)
        self._bus.publish(self._unit(carried))

    def _join(self, first: Carried) -> None:
        """Go on where the time line was; ``first`` is what is new."""
        self._is_joined = True
        last_ms = self._bus.last_ms
        if first.dts_ms + self._offset_ms <= last_ms:
            # Another time line, of a home that was started again; viewers know but one.
            self._offset_ms = last_ms + FOLLOW_MS - first.dts_ms
        for each in self._cached:
            self._bus.gop.put(self._unit(each))
        self._cached = []

    def _unit(self, carried: Carried) -> EncodedUnit:
        return EncodedUnit(
            carried.kind,
            carried.dts_ms + self._offset_ms,
            carried.key,
            carried.data,
            carried.parameters,
        )
