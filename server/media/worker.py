"""The media worker: a process of its own, because packets and fan-out must not share a loop.

Spoken to over a unix socket (mode 0600) that only its supervisor's user can open; it trusts who
speaks there, has no database, and asks for a key when a destination connects. It ends at the end
of its standard input, which is how it notices that its supervisor died, and at SIGTERM.
"""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from aiohttp import web
from prometheus_client.exposition import choose_encoder

from server.clock import Clock, SystemClock
from server.ids import new_id
from server.media import aiortc_seam, control, metrics
from server.media.destinations.address import AddressGuard
from server.media.destinations.gate import ConnectGate
from server.media.fabric import Desired, EventData, MediaEvent
from server.media.hubs import Hubs
from server.media.network import EVERYWHERE, Network
from server.media.recording.leftovers import Leftovers
from server.media.recording.uploader import ObjectStore
from server.media.session import MediaSession
from server.media.signalling import Signalling
from server.media.viewers.admission import Admission
from server.ops.loop_lag import LoopLag
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

UNCLAIMED_SECONDS = 60.0
RELEASED_SECONDS = 5.0
"""Its next owner may speak later than the one before said goodbye."""
HEALTH_SECONDS = 1.0
CLOSE_SECONDS = 10.0
FLUSH_SECONDS = 2.0
MAX_SDP = 64 << 10


@dataclass(slots=True, eq=False)
class _Carried:
    """A session of this worker, and who wants what of it."""

    session: MediaSession
    running: asyncio.Task[None]
    claimed_at: float
    """By the monotonic clock."""
    epoch: int = 0
    desired: Desired = field(default_factory=Desired)
    """What was said last."""
    applying: asyncio.Lock = field(default_factory=asyncio.Lock)


class Worker:
    """Every session this process carries, and the hubs that talk to it."""

    def __init__(
        self,
        *,
        objects: ObjectStore,
        spool: Path,
        guard: AddressGuard,
        clock: Clock,
        tasks: Supervisor,
        context: ssl.SSLContext | None = None,
        network: Network = EVERYWHERE,
    ) -> None:
        self._objects = objects
        self._spool = spool
        self._guard = guard
        self._gate = ConnectGate(clock)
        self._clock = clock
        self._tasks = tasks
        self._context = context
        self._network = network
        self._carried: dict[str, _Carried] = {}
        self._admission = Admission(self._viewers)
        self._hubs = Hubs(clock, self._hear)
        self._is_closing = False

    def start(self) -> None:
        """Begin what runs as long as the worker does."""
        self._tasks.start("loop_lag", LoopLag(metrics.loop_lag_seconds).run())
        metrics.sessions.set_function(lambda: len(self._carried))
        metrics.viewers.set_function(self._viewers)
        self._tasks.keep("events", self._hubs.run)
        self._tasks.keep("every_second", self._every_second)
        self._tasks.keep("leftovers", Leftovers(self._spool, self._clock).run)

    def routes(self) -> list[web.RouteDef]:
        """Return what is served on the socket."""
        return [
            web.get("/control", self._hubs.serve),
            web.get("/sessions", self._list),
            web.get("/metrics", _show_metrics),
            *Signalling(find=self._find, carry=lambda name: self._carry(name).session).routes(),
        ]

    async def close(self) -> None:
        """End every session politely, and give the hub a moment to take the last events.

        It carries nothing new from now on: somebody else does.
        """
        self._is_closing = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await asyncio.gather(*(self._stop(name) for name in list(self._carried)))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._hubs.flush()

    # Sessions.

    def _carry(self, name: str) -> "_Carried":
        """Return what is carried under ``name``, from now on if it was not."""
        carried = self._carried.get(name)
        if carried is None:
            if self._is_closing:
                raise web.HTTPServiceUnavailable
            session = MediaSession(
                name,
                clock=self._clock,
                guard=self._guard,
                gate=self._gate,
                objects=self._objects,
                spool=self._spool,
                emit=lambda kind, data: self._emit(name, kind, data),
                resolve_secret=lambda destination: self._hubs.keys.ask(name, destination),
                admission=self._admission,
                context=self._context,
                network=self._network,
            )
            running = self._tasks.keep(f"session.{name}", session.run)
            carried = self._carried[name] = _Carried(session, running, self._clock.monotonic())
        return carried

    def _find(self, name: str) -> MediaSession | None:
        carried = self._carried.get(name)
        return None if carried is None else carried.session

    def _viewers(self) -> int:
        return sum(len(each.session.viewers) for each in self._carried.values())

    async def _stop(self, name: str) -> None:
        carried = self._carried.pop(name, None)
        if carried is None:
            return
        carried.running.cancel()
        async with carried.applying:
            await carried.session.close()
        if name not in self._carried:
            self._hubs.forget(name)

    def _hear(self, message: control.Apply | control.Release, hub: web.WebSocketResponse) -> None:
        match message:
            case control.Apply():
                self._tasks.start("apply", self._apply(message, hub))
            case control.Release():
                self._release(message)

    async def _apply(self, message: control.Apply, hub: web.WebSocketResponse) -> None:
        name, desired = message.session, message.desired
        carried = self._carried.get(name)
        if self._is_closing:
            return
        if carried is not None and message.epoch < carried.epoch:
            log.info("apply_from_an_earlier_epoch", session=name)
            return
        self._hubs.claim(name, hub)
        # Who publishes or watches may have come before the hub spoke.
        is_new = carried is None or (not carried.epoch and not carried.session.source.is_on_air)
        if desired.publisher is not None and is_new:
            # Whoever carried it until now died, and its publisher's connection with it.
            self._emit(name, "publisher.lost", {"user": desired.publisher, "reason": "restarted"})
        carried = self._carry(name)
        carried.epoch, carried.desired = message.epoch, desired
        carried.claimed_at = self._clock.monotonic()
        # Not behind what takes its time: nobody is to be seen or to see a second longer.
        await carried.session.bar(frozenset(desired.barred))
        async with carried.applying:
            if self._carried.get(name) is carried:
                # Whoever waited least applies what was said last.
                await carried.session.apply(carried.desired)

    def _release(self, message: control.Release) -> None:
        name = message.session
        carried = self._carried.get(name)
        if carried is None or message.epoch < carried.epoch:
            return
        if message.at_once or carried.session.is_idle:
            self._tasks.start("release", self._stop(name))
        else:
            unclaimed = self._clock.monotonic() - UNCLAIMED_SECONDS
            carried.claimed_at = unclaimed + RELEASED_SECONDS

    def _emit(self, session: str, kind: str, data: EventData) -> None:
        log.info("media_event", session=session, event_type=kind, **data)
        self._hubs.tell(MediaEvent(new_id(), session, kind, data))

    async def _every_second(self) -> None:
        while True:
            await asyncio.sleep(HEALTH_SECONDS)
            now = self._clock.monotonic()
            for name, carried in list(self._carried.items()):
                if now - carried.claimed_at > UNCLAIMED_SECONDS:
                    log.warning("session_unclaimed", session=name)
                    self._tasks.start(f"stop.{name}", self._stop(name))
                elif self._carried.get(name) is carried:
                    # It may have ended while the ones before were told of.
                    await self._hubs.send(name, control.Health(name, carried.session.health()))
            self._hubs.tell_again()

    async def _list(self, _request: web.Request) -> web.Response:
        is_relay = {name: each.session.relay is not None for name, each in self._carried.items()}
        return web.json_response(is_relay)


async def _show_metrics(request: web.Request) -> web.Response:
    """Answer with what this worker counts, in the exposition format that is asked for."""
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return web.Response(body=encode(metrics.registry), headers={"Content-Type": content_type})


async def run(
    socket_path: Path,
    *,
    objects: ObjectStore,
    spool: Path,
    guard: AddressGuard,
    ready: Callable[[], None],
    context: ssl.SSLContext | None = None,
    network: Network = EVERYWHERE,
) -> None:
    """Serve on ``socket_path`` until cancelled; ``ready`` is called once it can be connected to."""
    aiortc_seam.register_profiles()
    async with Supervisor("media") as tasks:
        worker = Worker(
            objects=objects,
            spool=spool,
            guard=guard,
            clock=SystemClock(),
            tasks=tasks,
            context=context,
            network=network,
        )
        app = web.Application(client_max_size=MAX_SDP)
        app.add_routes(worker.routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.SockSite(runner, _listen(socket_path)).start()
        worker.start()
        ready()
        try:
            await asyncio.Event().wait()
        finally:
            await worker.close()
            await runner.cleanup()


def _listen(path: Path) -> socket.socket:
    """Return a socket that nobody else may open, not even between bind and chmod."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(mask)
    return listener
