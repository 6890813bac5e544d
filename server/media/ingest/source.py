"""A session's publisher, and what it puts on the bus: pictures and sound on one time line.

Publishers come and go; the time line, the bus and those who consume it stay.
"""

import asyncio

from server.clock import Clock
from server.media import h264, sdp
from server.media.bus import Bus, EncodedUnit, Kind
from server.media.fabric import Emit
from server.media.ingest.assembler import AccessUnit, AudioPacket, Statistics
from server.media.ingest.audio import AudioThread
from server.media.ingest.health import UplinkSample
from server.media.ingest.whip import Publisher
from server.media.network import EVERYWHERE, Network
from server.tasks import Supervisor

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


class Source:
    """Whoever publishes in a session: the newest publisher, if there is one."""

    def __init__(
        self,
        *,
        bus: Bus,
        clock: Clock,
        emit: Emit,
        tasks: Supervisor,
        network: Network = EVERYWHERE,
    ) -> None:
        self.publisher: Publisher | None = None
        self.consumed = False
        """Whether anything but viewers consumes: that needs keyframes at even intervals."""
        self._bus = bus
        bus.want_keyframe = self.want_keyframe
        self._clock = clock
        self._emit = emit
        self._tasks = tasks
        self._network = network
        self._audio = AudioThread(self._on_aac)
        self._origin = clock.monotonic()
        self._publishing = asyncio.Lock()
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

    @property
    def zero_ms(self) -> int:
        """The wall clock at the zero of the time line."""
        since_zero = round((self._clock.monotonic() - self._origin) * 1000)
        return self._clock.now_ms() - since_zero

    async def publish(self, user: str, offer: bytes) -> tuple[Publisher, str]:
        """Answer a publisher; it takes the place of the one before.

        Raises:
            UnacceptableOfferError: With what to answer instead; nothing has changed.

        """
        async with self._publishing:
            publisher = Publisher(
                user,
                clock=self._clock,
                origin=self._origin,
                on_picture=lambda unit, ms: self._on_picture(publisher, unit, ms),
                on_sound=lambda packet, sample: self._on_sound(publisher, packet, sample),
                on_closed=lambda: self._on_closed(publisher),
                network=self._network,
            )
            text = sdp.answer(await publisher.answer(offer))
            self._tasks.keep("repair", publisher.repair)
            old, self.publisher = self.publisher, publisher
            self._first_key_at = self._geometry = None
            self._warned_gop = False
            if old is not None:
                if self._announced is not None and not self._lost:
                    self._emit("publisher.replaced", {"user": user})
                await old.close()
            return publisher, text

    async def leave(self) -> None:
        """End the publisher that is there, as it asked for."""
        publisher, self.publisher = self.publisher, None
        if publisher is not None:
            self._lose(publisher.user, "ended")
            self._announced = None
            await publisher.close()

    async def close(self) -> None:
        """End the publisher and the thread of its sound."""
        await self.leave()
        await self._audio.close()

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

    def sample(self, now: float) -> UplinkSample:
        """Return what was counted until now."""
        heard = self.publisher.last_rtp if self.publisher is not None else None
        video = self.publisher.video.statistics if self.publisher is not None else Statistics()
        audio = self.publisher.audio.statistics if self.publisher is not None else Statistics()
        return UplinkSample(
            at=now,
            bytes=video.bytes + audio.bytes,
            pictures=video.units,
            packets=video.packets + audio.packets,
            lost=video.lost + audio.lost,
            connected=heard is not None and now - heard < SILENCE_SECONDS,
        )

    def tick(self, now: float) -> None:
        """Notice silence, ask for keyframes, judge the picture; ten times a second."""
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
        if self._lost:
            # What comes after a silence is resumed at its first keyframe.
            self._pli_wanted = True
        self._ask_for_keyframes(now)
        self._judge_picture(now, publisher)

    def _ask_for_keyframes(self, now: float) -> None:
        """PLI every two seconds while anything but viewers consumes, unless IDRs come anyway.

        Also while somebody waits for a keyframe because pictures were dropped.
        """
        key_due = self._last_key_at is None or now - self._last_key_at >= KEYFRAME_SECONDS
        pli_due = self._last_pli_at is None or now - self._last_pli_at >= KEYFRAME_SECONDS
        due = pli_due and ((self.consumed and key_due) or self._bus.starving)
        if self._pli_wanted or due:
            self.want_keyframe()
        long = self._last_key_at is not None and now - self._last_key_at > LONG_GOP_SECONDS
        if self.consumed and long and not self._warned_gop:
            self._warned_gop = True
            self._emit("publisher.warning", {"code": "gop"})

    def _judge_picture(self, now: float, publisher: Publisher) -> None:
        """Let destinations begin once the picture has kept its size for a while."""
        if self._first_key_at is None or not publisher.settled():
            return
        stable = now - self._geometry_since >= STABLE_SECONDS
        if stable or now - self._first_key_at >= STABLE_WAIT_SECONDS:
            self._bus.ready.set()

    def _on_picture(self, publisher: Publisher, unit: AccessUnit, ms: int) -> None:
        if publisher is not self.publisher:
            return
        now = self._clock.monotonic()
        ms = self._last_video_ms = max(ms, self._last_video_ms + 1)
        if unit.key:
            self._on_key(publisher, unit, now)
        self._bus.publish(
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
        self._bus.publish(EncodedUnit(Kind.OPUS, ms, False, packet.data))
        self._audio.put(packet.data, sample)

    def _on_aac(self, sample: int, frame: bytes) -> None:
        ms = self._last_audio_ms = max(round(sample / 48), self._last_audio_ms + 1)
        self._bus.publish(EncodedUnit(Kind.AUDIO, ms, False, frame))

    def _on_closed(self, publisher: Publisher) -> None:
        self._tasks.start("close", publisher.close())
        if publisher is self.publisher:
            self.publisher = None
            self._lose(publisher.user, "closed")

    def _lose(self, user: str, reason: str) -> None:
        if self._announced is not None and not self._lost:
            self._lost = True
            self._emit("publisher.lost", {"user": user, "reason": reason})
        self._bus.ready.clear()
