"""One session's media: a publisher, the bus, and everything that consumes it."""

import asyncio
import ssl

import structlog

from server.clock import Clock
from server.media import h264, health, sdp
from server.media.address import AddressGuard
from server.media.assembler import AccessUnit, AudioPacket, Statistics
from server.media.audio import AudioThread
from server.media.bus import Bus, EncodedUnit, Kind
from server.media.egress import Egress, Emit, ResolveSecret
from server.media.fabric import Answer, Desired, DestinationTarget, RecordingTarget
from server.media.peer import Peer
from server.media.recorder import ObjectStore, Recorder
from server.media.whep import Viewer
from server.media.whip import Publisher
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

TICK_SECONDS = 0.1
SILENCE_SECONDS = 2.0
CONNECT_SECONDS = 20.0
KEYFRAME_SECONDS = 2.0
KEYFRAME_PAUSE_SECONDS = 0.5
STABLE_SECONDS = 2.0
STABLE_WAIT_SECONDS = 8.0
LONG_GOP_SECONDS = 4.0
# Sound may come later than its picture; when it comes this much later, silence takes its place.
SOUND_LATE_MS = 500
SOUND_BEHIND_MS = 200
MAX_VIEWERS = 60


class MediaSession:
    """Hold what one session needs, and keep it as desired.

    Its methods are called on the event loop; :meth:`run` must be running.
    """

    def __init__(
        self,
        session: str,
        *,
        clock: Clock,
        guard: AddressGuard,
        objects: ObjectStore,
        emit: Emit,
        resolve_secret: ResolveSecret,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.id = session
        self.bus = Bus()
        self.ready = asyncio.Event()
        self.publisher: Publisher | None = None
        self.viewers: dict[str, Viewer] = {}
        self.egress: dict[str, Egress] = {}
        self.recorder: Recorder | None = None
        self._clock = clock
        self._guard = guard
        self._objects = objects
        self._emit = emit
        self._resolve_secret = resolve_secret
        self._context = context
        self._tasks = Supervisor(f"session.{session}")
        self._running: dict[str, asyncio.Task[None]] = {}
        self._finishing: asyncio.Task[None] | None = None
        self._retries: dict[str, int] = {}
        self._desired = Desired()
        self._audio = AudioThread(self._on_aac)
        self._origin = clock.monotonic()
        self._uplink = health.UplinkHealth()
        self._health: dict[str, health.DestinationHealth] = {}
        self._publishing = asyncio.Lock()
        self._joining = asyncio.Semaphore(2)
        self._announced: tuple[str, int, int] | None = None
        """User and geometry that the log knows as publishing."""
        self._lost = False
        self._last_video_ms = -1
        self._last_audio_ms = -1
        self._sound_until_ms: int | None = None
        self._last_key_at: float | None = None
        self._last_pli_at: float | None = None
        self._pli_wanted = False
        self._geometry: tuple[int, int] | None = None
        self._geometry_since = 0.0
        self._first_key_at: float | None = None
        self._warned_gop = False

    async def run(self) -> None:
        """Watch the publisher until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._tick(self._clock.monotonic())

    async def apply(self, desired: Desired) -> None:
        """Start what is desired and not there, stop what is there and not desired."""
        self._desired = desired
        wanted = {target.id: target for target in desired.destinations} if desired.live else {}
        ends = [
            self._end(identity)
            for identity, egress in list(self.egress.items())
            if wanted.get(identity) != egress.target
        ]
        if ends:
            await asyncio.gather(*ends)
        for identity, target in wanted.items():
            if identity not in self.egress:
                self._start(target)
            count = desired.retries.get(identity, 0)
            if count > self._retries.get(identity, count):
                self.egress[identity].retry_now()
            self._retries[identity] = count
        await self._apply_recording(desired.recording if desired.live else None)

    async def publish(self, user: str, offer: bytes) -> Answer:
        """Answer a publisher; the newest one wins."""
        async with self._publishing:
            publisher = Publisher(
                user,
                clock=self._clock,
                origin=self._origin,
                on_picture=lambda unit, ms: self._on_picture(publisher, unit, ms),
                on_sound=lambda packet, sample: self._on_sound(publisher, packet, sample),
                on_closed=lambda: self._on_closed(publisher),
            )
            try:
                text = sdp.answer(await publisher.answer(offer))
            except sdp.UnacceptableOfferError as error:
                return error.answer()
            old, self.publisher = self.publisher, publisher
            self._first_key_at = self._geometry = None
            self._warned_gop = False
            if old is not None:
                if self._announced is not None and not self._lost:
                    self._emit("publisher.replaced", {"user": user})
                await old.close()
        return self._created("whip", publisher, text)

    async def watch(self, user: str, offer: bytes) -> Answer:
        """Answer a viewer, two at a time: joining costs far more than watching."""
        if len(self.viewers) >= MAX_VIEWERS:
            return sdp.problem(
                503, "overloaded", "There are too many viewers here.", {"Retry-After": "2"}
            )
        async with self._joining:
            viewer = Viewer(
                user,
                self._clock.monotonic(),
                bus=self.bus,
                want_keyframe=self.want_keyframe,
                on_closed=lambda: self._forget(viewer),
            )
            self.viewers[viewer.id] = viewer
            try:
                text = await viewer.answer(offer)
            except sdp.UnacceptableOfferError as error:
                return error.answer()
        return self._created("whep", viewer, text)

    def peer(self, resource: str) -> Peer | None:
        """Return the publisher or viewer behind a resource."""
        if self.publisher is not None and self.publisher.id == resource:
            return self.publisher
        return self.viewers.get(resource)

    async def leave(self, peer: Peer) -> None:
        """End a peer that asked for it."""
        if peer is self.publisher:
            self.publisher = None
            self._lose(peer.user, "ended")
            self._announced = None
        await peer.close()

    async def expel(self, user: str) -> None:
        """End everything of ``user``."""
        peers: list[Peer] = [v for v in self.viewers.values() if v.user == user]
        if self.publisher is not None and self.publisher.user == user:
            peers.append(self.publisher)
        if peers:
            await asyncio.gather(*(self.leave(peer) for peer in peers))

    async def close(self) -> None:
        """End everything politely: streams are unpublished, the recording is finalised."""
        await self.apply(Desired())
        if self._finishing is not None:
            await asyncio.wait({self._finishing})
        peers: list[Peer] = list(self.viewers.values())
        if self.publisher is not None:
            peers.append(self.publisher)
        await asyncio.gather(*(self.leave(peer) for peer in peers))
        await self._tasks.close()
        await self._audio.close()

    def health(self) -> dict[str, object]:
        """Take a sample of everything and return the verdicts; to be called once a second."""
        now = self._clock.monotonic()
        heard = self.publisher.last_rtp if self.publisher is not None else None
        sends = heard is not None and now - heard < SILENCE_SECONDS
        video = self.publisher.video.statistics if self.publisher else Statistics()
        audio = self.publisher.audio.statistics if self.publisher else Statistics()
        uplink = self._uplink.add(
            health.UplinkSample(
                at=now,
                bytes=video.bytes + audio.bytes,
                pictures=video.units,
                packets=video.packets + audio.packets,
                lost=video.lost + audio.lost,
                connected=sends,
            )
        )
        destinations = {}
        for identity, egress in self.egress.items():
            judge = self._health.setdefault(identity, health.DestinationHealth())
            destinations[identity] = judge.add(egress.sample(now, sends=sends))
        for gone in self._health.keys() - self.egress.keys():
            del self._health[gone]
        return {"uplink": uplink, "destinations": destinations, "viewers": len(self.viewers)}

    def want_keyframe(self) -> None:
        """Ask the publisher for a keyframe, at most twice a second however many ask."""
        now = self._clock.monotonic()
        if self._last_pli_at is not None and now - self._last_pli_at < KEYFRAME_PAUSE_SECONDS:
            self._pli_wanted = True
            return
        self._pli_wanted = False
        self._last_pli_at = now
        if self.publisher is not None:
            self._tasks.start("pli", self.publisher.request_keyframe())

    def _start(self, target: DestinationTarget) -> None:
        egress = Egress(
            target,
            bus=self.bus,
            source=self,
            resolve_secret=self._resolve_secret,
            guard=self._guard,
            emit=self._emit,
            clock=self._clock,
            context=self._context,
        )
        self.egress[target.id] = egress
        self._running[target.id] = self._tasks.keep(f"egress.{target.id}", egress.run)

    async def _end(self, identity: str) -> None:
        self.egress.pop(identity)
        task = self._running.pop(identity)
        task.cancel()
        await asyncio.wait({task})

    async def _apply_recording(self, target: RecordingTarget | None) -> None:
        current = self.recorder
        if current is not None and (target is None or target != current.target):
            self.recorder = None
            # Not waited for: a store that is away must not keep the rest from its desired state.
            self._finishing = self._tasks.start("finish", current.finish())
        if target is not None and self.recorder is None:
            since_zero = round((self._clock.monotonic() - self._origin) * 1000)
            self.recorder = Recorder(
                target,
                bus=self.bus,
                objects=self._objects,
                emit=self._emit,
                zero_ms=self._clock.now_ms() - since_zero,
            )
            self._tasks.start(f"recorder.{target.id}", self.recorder.run())

    def _created(self, kind: str, peer: Peer, text: str) -> Answer:
        return Answer(
            201,
            {
                "Content-Type": "application/sdp",
                "Location": f"/v1/sessions/{self.id}/{kind}/{peer.id}",
                "ETag": peer.etag,
                "Accept-Patch": "application/trickle-ice-sdpfrag",
            },
            text.encode(),
        )

    # What the publisher sends.

    def _on_picture(self, publisher: Publisher, unit: AccessUnit, ms: int) -> None:
        if publisher is not self.publisher:
            return
        now = self._clock.monotonic()
        ms = self._last_video_ms = max(ms, self._last_video_ms + 1)
        if unit.key:
            self._on_key(publisher, unit, now)
        self.bus.publish(
            EncodedUnit(Kind.VIDEO, ms, unit.key, h264.join_lengths(unit.nals), unit.parameters)
        )
        if self._sound_until_ms is None or ms - self._sound_until_ms > SOUND_LATE_MS:
            self._sound_until_ms = ms - SOUND_BEHIND_MS
            self._audio.fill(self._sound_until_ms * 48)

    def _on_key(self, publisher: Publisher, unit: AccessUnit, now: float) -> None:
        self._last_key_at = now
        if self._first_key_at is None:
            self._first_key_at = now
        if unit.parameters.geometry != self._geometry:
            self._geometry = unit.parameters.geometry
            self._geometry_since = now
        announcement = (publisher.user, unit.parameters.width, unit.parameters.height)
        if announcement != self._announced:
            self._announced = announcement
            self._emit(
                "publisher.connected",
                {
                    "user": publisher.user,
                    "width": unit.parameters.width,
                    "height": unit.parameters.height,
                    "codec": "H264",
                },
            )
        elif self._lost:
            self._emit("publisher.resumed", {"user": publisher.user})
        self._lost = False

    def _on_sound(self, publisher: Publisher, packet: AudioPacket, sample: int) -> None:
        if publisher is not self.publisher:
            return
        ms = round(sample / 48)
        self._sound_until_ms = ms + 20
        self.bus.publish(EncodedUnit(Kind.OPUS, ms, False, packet.data))
        self._audio.put(packet.data, sample)

    def _on_aac(self, sample: int, frame: bytes) -> None:
        ms = self._last_audio_ms = max(round(sample / 48), self._last_audio_ms + 1)
        self.bus.publish(EncodedUnit(Kind.AUDIO, ms, False, frame))

    def _on_closed(self, publisher: Publisher) -> None:
        self._tasks.start("close", publisher.close())
        if publisher is self.publisher:
            self.publisher = None
            self._lose(publisher.user, "closed")

    def _lose(self, user: str, reason: str) -> None:
        if self._announced is not None and not self._lost:
            self._lost = True
            self._emit("publisher.lost", {"user": user, "reason": reason})
        self.ready.clear()

    def _forget(self, viewer: Viewer) -> None:
        self.viewers.pop(viewer.id, None)
        self._tasks.start("close", viewer.close())

    # What time brings.

    def _tick(self, now: float) -> None:
        for viewer in list(self.viewers.values()):
            if not viewer.connected and now - viewer.created_at > CONNECT_SECONDS:
                self._forget(viewer)
        publisher = self.publisher
        if publisher is None:
            return
        heard = publisher.last_rtp
        if heard is None:
            if now - publisher.created_at > CONNECT_SECONDS:
                self._on_closed(publisher)
            return
        if now - heard > SILENCE_SECONDS:
            self._lose(publisher.user, "silence")
            return
        if self._lost and self._pli_wanted is False:
            # What comes after a silence is resumed at its first keyframe.
            self._pli_wanted = True
        self._ask_for_keyframes(now)
        self._judge_picture(now, publisher)

    def _ask_for_keyframes(self, now: float) -> None:
        """PLI every two seconds while anything but viewers consumes, unless IDRs come anyway.

        Also while somebody waits for a keyframe because pictures were dropped.
        """
        consumed = bool(self.egress) or self.recorder is not None
        key_due = self._last_key_at is None or now - self._last_key_at >= KEYFRAME_SECONDS
        pli_due = self._last_pli_at is None or now - self._last_pli_at >= KEYFRAME_SECONDS
        due = pli_due and ((consumed and key_due) or self.bus.starving)
        if self._pli_wanted or due:
            self.want_keyframe()
        long = self._last_key_at is not None and now - self._last_key_at > LONG_GOP_SECONDS
        if consumed and long and not self._warned_gop:
            self._warned_gop = True
            self._emit("publisher.warning", {"code": "gop"})

    def _judge_picture(self, now: float, publisher: Publisher) -> None:
        """Let destinations begin once the picture has kept its size for a while."""
        if self._first_key_at is None or not publisher.settled():
            return
        stable = now - self._geometry_since >= STABLE_SECONDS
        if stable or now - self._first_key_at >= STABLE_WAIT_SECONDS:
            self.ready.set()
