"""One destination's task: does what the state machine of :mod:`destination` says.

Everything one destination needs lives here and nowhere else, so that one that refuses, hangs or
breaks is felt by no other: a queue of its own, a connection of its own, a task of its own.
"""

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable

import structlog

from server.clock import Clock
from server.media.bus import RTMP_LIMITS, Bus, EncodedUnit, Kind, Subscription
from server.media.codes import Code, DestinationError
from server.media.destinations import destination
from server.media.destinations.address import AddressGuard
from server.media.destinations.destination import Destination, Phase, Signal
from server.media.destinations.health import DestinationSample
from server.media.fabric import DestinationTarget, Emit
from server.media.h264 import VideoParameters
from server.media.rtmp import tags
from server.media.rtmp.client import RtmpPublisher, publish
from server.secrets.secret import Secret
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

SECRET_SECONDS = 5.0
WATCH_SECONDS = 0.5
PRIMING_SECONDS = 0.1
PROGRESS_BYTES = 4096
STALL_SECONDS = 10.0
LAG_MS = 1_000
LAG_SECONDS = 2.0
CLEAN_SECONDS = 15.0
FRESH_GOP_MS = 2_000

ResolveSecret = Callable[[str], Awaitable[Secret | None]]


class Egress:
    """Keep one destination supplied, from its enabling until it is cancelled."""

    def __init__(
        self,
        target: DestinationTarget,
        *,
        bus: Bus,
        resolve_secret: ResolveSecret,
        guard: AddressGuard,
        emit: Emit,
        clock: Clock,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.target = target
        self.state = Destination(target.id, has_backup=target.backup_url is not None)
        self.dropped = 0
        self.sent = 0
        self.bytes_sent = 0
        self.lag_ms = 0
        self._bus = bus
        self._resolve_secret = resolve_secret
        self._guard = guard
        self._emit = emit
        self._clock = clock
        self._context = context
        self._retry = asyncio.Event()
        self._subscription: Subscription | None = None

    def retry_now(self) -> None:
        """Try again at once, whatever the budgets say; nothing if it is trying or live."""
        self._retry.set()

    def sample(self, now: float, *, sends: bool) -> DestinationSample:
        """Return what was counted until now; ``sends`` says whether there is a source."""
        return DestinationSample(
            now, self.state.phase, self.bytes_sent, self.dropped, self.lag_ms, sends
        )

    async def run(self) -> None:
        """Work until cancelled; being cancelled closes the stream politely and tells so."""
        try:
            while True:
                match self.state.phase:
                    case Phase.ARMED:
                        await self._bus.ready.wait()
                        self._retry.clear()
                        self._signal(Signal.SOURCE_READY)
                        await self._attempt()
                    case Phase.BACKOFF:
                        retried = await self._retried(self.state.delay_ms / 1000)
                        self._signal(Signal.RETRY_NOW if retried else Signal.ELAPSED)
                    case Phase.FAILED:
                        await self._retried(None)
                        self._signal(Signal.RETRY_NOW)
                    case _:
                        # Only a fault of ours leaves a working phase behind.
                        self._fail(Code.INTERNAL)
        except asyncio.CancelledError:
            self._signal(Signal.STOP)
            raise

    async def _retried(self, seconds: float | None) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._retry.wait()
        except TimeoutError:
            return False
        finally:
            self._retry.clear()
        return True

    async def _attempt(self) -> None:
        """Connect and send until it fails; the failure is in the state afterwards."""
        connection: RtmpPublisher | None = None
        code = Code.INTERNAL
        async with Supervisor(f"egress.{self.target.id}") as tasks:
            try:
                connection = await self._connect()
                await self._send(connection, tasks)
            except DestinationError as error:
                code = error.code
                log.info("destination_lost", destination=self.target.id, code=code.value)
            finally:
                self._release()
                if connection is not None:
                    await connection.close()
        self._fail(code)

    async def _connect(self) -> RtmpPublisher:
        url = self.target.url
        if self.state.on_backup and self.target.backup_url is not None:
            url = self.target.backup_url
        key = await self._key()
        endpoint = await self._guard.pin(url)
        self._signal(Signal.RESOLVED)
        connection = await publish(endpoint, key, context=self._context)
        self._signal(Signal.PUBLISHED)
        return connection

    async def _key(self) -> Secret:
        try:
            async with asyncio.timeout(SECRET_SECONDS):
                key = await self._resolve_secret(self.target.id)
        except TimeoutError:
            # Nobody to ask is not the same as an answer: it may be there the next time.
            raise DestinationError(Code.INTERNAL) from None
        if key is None:
            raise DestinationError(Code.SECRET_MISSING)
        return key

    async def _send(self, connection: RtmpPublisher, tasks: Supervisor) -> None:
        """Send from the newest keyframe on.

        Raises:
            DestinationError: When the connection ends, stalls or cannot follow.

        """
        key_ms = self._bus.gop.last_key_ms
        fresh = key_ms is not None and self._bus.last_ms - key_ms <= FRESH_GOP_MS
        if not fresh:
            self._bus.want_keyframe()
        subscription = self._subscription = self._bus.subscribe(
            frozenset({Kind.VIDEO, Kind.AUDIO}), RTMP_LIMITS, replay=fresh
        )
        tasks.start("watch", self._watch(connection, subscription))
        stream = _Stream(connection, strict=self.target.profile == "strict")
        while (unit := await subscription.get()) is not None:
            self.sent += stream.send(unit)
            await connection.drain()
        raise DestinationError(
            Code.OVERFLOW if subscription.queue.overflowed else connection.ended or Code.RESET
        )

    async def _watch(self, connection: RtmpPublisher, subscription: Subscription) -> None:
        """Notice progress, lag and stalls; end a connection that makes none."""
        start = accepted = connection.bytes_accepted()
        now = self._clock.monotonic()
        progressed_at = clean_since = now
        lagging_since: float | None = None
        last_ms = self._bus.last_ms
        queue = subscription.queue
        drops = 0
        while connection.ended is None and not subscription.queue.overflowed:
            priming = self.state.phase is Phase.PRIMING
            await asyncio.sleep(PRIMING_SECONDS if priming else WATCH_SECONDS)
            now = self._clock.monotonic()
            taken = connection.bytes_accepted()
            # While the publisher is silent there is nothing to make progress with.
            if taken - accepted > PROGRESS_BYTES or self._bus.last_ms == last_ms:
                accepted, progressed_at = max(accepted, taken), now
            last_ms = self._bus.last_ms
            if now - progressed_at >= STALL_SECONDS:
                connection.abort(Code.STALL)
                break
            if taken - start > PROGRESS_BYTES:
                self._signal(Signal.PROGRESSED)
            self.dropped += queue.dropped - drops
            dropping, drops = queue.dropped > drops, queue.dropped
            self.lag_ms = queue.lag_ms
            self.bytes_sent = connection.bytes_sent
            if queue.lag_ms > LAG_MS:
                lagging_since = now if lagging_since is None else lagging_since
            else:
                lagging_since = None
            late = lagging_since is not None and now - lagging_since >= LAG_SECONDS
            if late or dropping:
                clean_since = now
                self._signal(Signal.LAGGED, code=Code.OVERFLOW if dropping else Code.STALL)
            elif now - clean_since >= CLEAN_SECONDS:
                self._signal(Signal.CAUGHT_UP)
        subscription.close()

    def _release(self) -> None:
        if self._subscription is not None:
            self._bus.unsubscribe(self._subscription)
            self._subscription = None
        self.lag_ms = 0

    def _signal(self, signal: Signal, *, code: Code | None = None) -> None:
        self.state, happenings = destination.step(
            self.state, signal, self._clock.now_ms(), code=code
        )
        for name, data in happenings:
            self._emit(name, data)

    def _fail(self, code: Code) -> None:
        self.state, happenings = destination.fail(
            self.state,
            code,
            self._clock.now_ms(),
            random.random(),  # noqa: S311 - spreads retries, guards nothing
        )
        for name, data in happenings:
            self._emit(name, data)


class _Stream:
    """The messages of one connection: headers when they change, timestamps from 0."""

    def __init__(self, connection: RtmpPublisher, *, strict: bool) -> None:
        self._connection = connection
        self._strict = strict
        self._base_ms: int | None = None
        self._last = {Kind.VIDEO: -1, Kind.AUDIO: -1}
        self._parameters: VideoParameters | None = None

    def send(self, unit: EncodedUnit) -> bool:
        """Write one unit; say whether it was written.

        Raises:
            DestinationError: If the picture changed its size and the provider forbids it.

        """
        if self._base_ms is None:
            if unit.kind is not Kind.VIDEO:
                return False
            self._base_ms = unit.dts_ms
        time = unit.dts_ms - self._base_ms
        if time < 0:
            # Sound from before the first picture.
            return False
        time = self._last[unit.kind] = max(time, self._last[unit.kind] + 1)
        if unit.kind is Kind.VIDEO and unit.key and unit.parameters != self._parameters:
            assert unit.parameters is not None
            self._announce(unit.parameters, time)
        self._connection.send(tags.media(unit), time)
        return True

    def _announce(self, parameters: VideoParameters, time: int) -> None:
        old, self._parameters = self._parameters, parameters
        if old is not None and self._strict and old.geometry != parameters.geometry:
            raise DestinationError(Code.PARAMS_CHANGED_STRICT)
        self._connection.send(tags.metadata(parameters), time)
        self._connection.send(tags.video_header(parameters), time)
        if old is None:
            self._connection.send(tags.audio_header(), time)
