"""One destination's task: does what the state machine of :mod:`destination` says.

Everything one destination needs lives here and nowhere else, so that one that refuses, hangs or
breaks is felt by no other: a queue of its own, a connection of its own, a task of its own.
"""

import asyncio
import random
import ssl

import structlog

from server.clock import Clock
from server.media.bus import Bus, Subscription
from server.media.codes import Code, DestinationError
from server.media.destinations import destination, providers
from server.media.destinations.address import AddressGuard
from server.media.destinations.approach import Approach, ResolveSecret
from server.media.destinations.destination import Destination, Happening, Phase, Signal
from server.media.destinations.gate import ConnectGate
from server.media.destinations.health import DestinationSample
from server.media.destinations.link import Link
from server.media.destinations.publication import Publication
from server.media.fabric import DestinationTarget, Emit
from server.media.rtmp.client import RedirectedError, RtmpPublisher
from server.media.unit import Kind
from server.media.unit_queue import RTMP_LIMITS
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

WATCH_SECONDS = 0.25
PRIMING_SECONDS = 0.05
FRESH_GOP_MS = 2_000
KEYFRAME_SECONDS = 1.0
GOODBYE_SECONDS = 1.0


class Egress:
    """Keep one destination supplied, from its enabling until it is cancelled."""

    def __init__(
        self,
        target: DestinationTarget,
        *,
        bus: Bus,
        resolve_secret: ResolveSecret,
        guard: AddressGuard,
        gate: ConnectGate,
        emit: Emit,
        clock: Clock,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.target = target
        self.state = Destination(target.id, has_backup=target.backup_url is not None)
        self._provider = providers.provider(target.provider)
        self._bus = bus
        self._approach = Approach(
            target, resolve_secret=resolve_secret, guard=guard, gate=gate, context=context
        )
        self._emit = emit
        self._clock = clock
        self._retry = asyncio.Event()
        self._slate_since: float | None = None
        self._link: Link | None = None
        # What the connections before this one did.
        self._dropped = 0
        self._bytes = 0
        self._connects = 0
        self._failures = 0
        self._failed_ms: int | None = None
        self._ttff_ms: int | None = None

    def retry_now(self) -> None:
        """Try again at once, whatever the budgets say; nothing if it is trying or live."""
        self._retry.set()

    def sample(self, now: float, *, sends: bool) -> DestinationSample:
        """Return what was counted until now; ``sends`` says whether there is a source."""
        link, state, picture = self._link, self.state, self._bus.parameters
        info = None if link is None else link.connection.tcp_info()
        return DestinationSample(
            at=now,
            now_ms=self._clock.now_ms(),
            provider=self._provider,
            phase=state.phase,
            source="slate" if self._bus.on_slate else "live" if sends else None,
            picture=None if picture is None else (picture.width, picture.height),
            connection=self._connects,
            live_ms=self._wall_ms(state.live_ms),
            is_on_backup=state.on_backup,
            bytes=self._bytes + (link.connection.bytes_sent if link else 0),
            pictures=link.publication.pictures if link else 0,
            gop_ms=link.publication.gop_ms if link else 0,
            longest_gop_ms=link.publication.longest_gop_ms if link else 0,
            key_at=link.key_at if link else None,
            skew_ms=link.publication.skew_ms if link else 0,
            lag_ms=link.lag_ms if link else 0,
            queue_ms=link.subscription.queue.lag_ms if link else 0,
            queue_bytes=link.subscription.queue.bytes if link else 0,
            dropped=self._dropped + (link.subscription.queue.dropped if link else 0),
            rtt_ms=info.rtt_ms if info else None,
            retransmits=info.retransmits if info else None,
            notsent_bytes=info.notsent_bytes if info else None,
            failures=self._failures,
            code=state.code,
            failed_ms=self._failed_ms,
            retry_ms=self._wall_ms(state.retry_ms),
            attempt=state.attempt,
            ttff_ms=self._ttff_ms,
        )

    async def run(self) -> None:
        """Work until cancelled; being cancelled closes the stream politely and tells so."""
        try:
            while True:
                match self.state.phase:
                    case Phase.ARMED:
                        await self._source()
                        self._retry.clear()
                        self._signal(Signal.SOURCE_READY)
                    case Phase.RESOLVING:
                        await self._attempt()
                    case Phase.BACKOFF:
                        retried = await self._retried(self.state.delay_ms / 1000)
                        if self._source_is_gone():
                            self._signal(Signal.SOURCE_GONE)
                        self._signal(Signal.RETRY_NOW if retried else Signal.ELAPSED)
                    case Phase.FAILED:
                        await self._retried(None)
                        self._signal(Signal.RETRY_NOW)
                    case _:
                        # Only a fault of ours leaves a working phase behind.
                        self._fail(Code.INTERNAL)
        except asyncio.CancelledError:
            self._signal(Signal.STOP)
            self._signal(Signal.CLOSED)
            raise

    # The source.

    async def _source(self) -> None:
        """Wait until there is something to begin with; to go on, a slate will do."""
        while True:
            await self._bus.ready.wait()
            if not self._bus.on_slate or self.state.attempt:
                return
            await asyncio.sleep(WATCH_SECONDS)

    def _source_is_gone(self) -> bool:
        """Say whether nobody has published for longer than this platform is kept waiting."""
        now = self._clock.monotonic()
        if not self._bus.on_slate:
            self._slate_since = None
        elif self._slate_since is None:
            self._slate_since = now
        elif now - self._slate_since >= self._provider.hold_seconds:
            return True
        return not self._bus.ready.is_set()

    # One attempt.

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
        """Connect and send until that ends; how it did is in the state afterwards."""
        connection: RtmpPublisher | None = None
        try:
            connection = await self._connect()
            await self._send(connection)
            self._signal(Signal.SOURCE_GONE)
        except RedirectedError as error:
            self._follow(error.redirect)
        except DestinationError as error:
            log.info("destination_lost", destination=self.target.id, code=error.code.value)
            self._approach.return_home()
            self._fail(error.code)
        except asyncio.CancelledError:
            self._signal(Signal.STOP)
            raise
        finally:
            if connection is not None:
                await connection.close()

    async def _connect(self) -> RtmpPublisher:
        connection = await self._approach.connect(
            on_backup=self.state.on_backup, on_resolved=lambda: self._signal(Signal.RESOLVED)
        )
        self._signal(Signal.PUBLISHED)
        self._connects += 1
        return connection

    def _follow(self, url: str) -> None:
        if self._approach.follow(url):
            self._tell(destination.redirect(self.state, self._now_ms()))
        else:
            self._fail(Code.PROVIDER_CLOSE)

    # What is sent.

    async def _send(self, connection: RtmpPublisher) -> None:
        """Send from the newest keyframe on; return when the source is gone.

        Raises:
            RedirectedError: At a keyframe, when the server asked to continue elsewhere.
            DestinationError: When the connection ends, stalls or cannot follow.

        """
        subscription = await self._subscribe()
        is_strict = self._provider.is_strict or self.target.profile == "strict"
        publication = Publication(connection, is_strict=is_strict)
        link = self._link = Link(connection, subscription, publication, self._clock)
        try:
            async with Supervisor(f"egress.{self.target.id}") as tasks:
                tasks.start("watch", self._watch(link))
                await link.carry()
        finally:
            self._link = None
            self._dropped += subscription.queue.dropped
            self._bytes += connection.bytes_sent
            self._bus.unsubscribe(subscription)
        if not link.is_over:
            if subscription.queue.overflowed:
                connection.abort(link.overflow_code)
            raise DestinationError(connection.ended or Code.RESET)

    async def _subscribe(self) -> Subscription:
        """Begin at the last keyframe if it is fresh, else at one asked for; else at the last."""
        kinds = frozenset({Kind.VIDEO, Kind.AUDIO})
        key_ms = self._bus.gop.last_key_ms
        if key_ms is None or self._bus.last_ms - key_ms > FRESH_GOP_MS:
            subscription = self._bus.subscribe(kinds, RTMP_LIMITS)
            self._bus.want_keyframe()
            try:
                async with asyncio.timeout(KEYFRAME_SECONDS):
                    await subscription.filled()
                    return subscription
            except TimeoutError:
                self._bus.unsubscribe(subscription)
        return self._bus.subscribe(kinds, RTMP_LIMITS, replay=True)

    async def _watch(self, link: Link) -> None:
        """Notice progress, trouble and stalls; end a connection that makes no progress."""
        connection = link.connection
        while connection.ended is None and not link.subscription.queue.overflowed:
            if self._source_is_gone():
                link.is_over = True
                link.subscription.close()
                await asyncio.sleep(GOODBYE_SECONDS)
                break
            is_priming = self.state.phase is Phase.PRIMING
            await asyncio.sleep(PRIMING_SECONDS if is_priming else WATCH_SECONDS)
            found = link.look()
            if found.has_stalled:
                connection.abort(Code.STALL)
            if found.has_progressed and link.publication.pictures:
                self._signal(Signal.PROGRESSED)
            if found.trouble is not None:
                self._signal(Signal.LAGGED, code=found.trouble)
            elif found.is_clean:
                self._signal(Signal.CAUGHT_UP)
        # Nobody waits for the peer any longer.
        connection.abort(link.overflow_code)
        link.subscription.close()

    # The machine.

    def _now_ms(self) -> int:
        """Return the time of the machine: budgets must not notice that a clock was set."""
        return round(self._clock.monotonic() * 1000)

    def _wall_ms(self, machine_ms: int | None) -> int | None:
        if machine_ms is None:
            return None
        return self._clock.now_ms() + machine_ms - self._now_ms()

    def _signal(self, signal: Signal, *, code: Code | None = None) -> None:
        self._tell(destination.step(self.state, signal, self._now_ms(), code=code))

    def _fail(self, code: Code) -> None:
        self._failures += 1
        self._failed_ms = self._clock.now_ms()
        # The chance spreads retries, and guards nothing.
        self._tell(destination.fail(self.state, code, self._now_ms(), random.random()))  # noqa: S311

    def _tell(self, stepped: tuple[Destination, list[Happening]]) -> None:
        self.state, happenings = stepped
        for name, data in happenings:
            if name == "destination.live":
                self._approach.arrive()
                self._ttff_ms = int(data["ttff_ms"] or 0)
            self._emit(name, data)
