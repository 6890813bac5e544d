"""The hubs that speak to this worker: which of them hears of a session, and until when.

Events are told to the hub that claims their session, in order, and again until it has committed
them. While a session moves from one hub to another, both are there; what one that goes has not
acked is for the next.
"""

import asyncio
from collections.abc import Callable

from aiohttp import WSMsgType, web

from server.clock import Clock
from server.media import control
from server.media.fabric import MediaEvent
from server.media.key_requests import KeyRequests
from server.media.outbox import Outbox

SEND_SECONDS = 5.0

Hear = Callable[[control.Apply | control.Release, web.WebSocketResponse], None]
"""Take what a hub says of a session; never waits."""


class Hubs:
    """The control channel to every hub that is connected. :meth:`run` must be running."""

    def __init__(self, clock: Clock, hear: Hear) -> None:
        self.keys = KeyRequests(self.send)
        self._clock = clock
        self._hear = hear
        self._outbox = Outbox()
        self._news = asyncio.Event()
        self._acked = asyncio.Event()
        self._there: list[web.WebSocketResponse] = []
        self._claimed_by: dict[str, web.WebSocketResponse] = {}
        """Which hub hears of a session, also of how it ends."""

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Speak to one hub until it goes."""
        hub = web.WebSocketResponse(heartbeat=10.0, max_msg_size=1 << 20, compress=False)
        await hub.prepare(request)
        self._there.append(hub)
        self._tell_anew()
        try:
            await self.keys.ask_again()
            async for frame in hub:
                if frame.type is not WSMsgType.TEXT:
                    break
                match control.decode_to_worker(frame.data):
                    case control.Ack(event=event):
                        self._outbox.ack(event)
                        self._acked.set()
                    case control.Key() as key:
                        self.keys.answer(key)
                    case message:
                        self._hear(message, hub)
        finally:
            self._there.remove(hub)
            for name in [each for each, by in self._claimed_by.items() if by is hub]:
                del self._claimed_by[name]
            self._tell_anew()
        return hub

    def claim(self, session: str, hub: web.WebSocketResponse) -> None:
        """Tell of ``session`` to ``hub`` from now on, unless that is gone already."""
        if hub in self._there:
            self._claimed_by[session] = hub

    def forget(self, session: str) -> None:
        """Have nobody claim ``session``. Idempotent."""
        self._claimed_by.pop(session, None)

    def tell(self, event: MediaEvent) -> None:
        """Tell an event, as often as it takes."""
        self._outbox.add(event)
        self._news.set()

    def tell_again(self) -> None:
        """Look for what was told and not committed in time."""
        self._news.set()

    async def send(self, session: str, message: control.ToHub) -> bool:
        """Send to the hub that claims ``session``, else to the newest; False if none takes it."""
        hub = self._claimed_by.get(session) or next(reversed(self._there), None)
        if hub is None or hub.closed:
            return False
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await hub.send_str(control.encode(message).decode())
        except (TimeoutError, ConnectionError):
            return False
        return True

    async def run(self) -> None:
        """Tell events until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            if not self._there:
                continue
            deaf: set[str] = set()
            for event in self._outbox.due(self._clock.monotonic()):
                # What came after it must not be before it; other sessions need not wait.
                is_told = event.session not in deaf and await self.send(
                    event.session, control.Happened(event)
                )
                if not is_told:
                    deaf.add(event.session)
                    self._outbox.unsend(event.id)

    async def flush(self) -> None:
        """Wait until everything is committed, or nobody is there. Set a timeout around this."""
        while len(self._outbox) and self._there:
            self._acked.clear()
            await self._acked.wait()

    def _tell_anew(self) -> None:
        """Tell what is not acked to whoever is there now."""
        self._outbox.unsend()
        self._news.set()
