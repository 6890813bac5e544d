"""A publisher: WHIP in (RFC 9725), pictures and Opus packets on the session's time line out."""

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from aiortc import RTCRtpReceiver

from server.clock import Clock
from server.media import aiortc_seam, sdp
from server.media.ingest.assembler import AccessUnit, AudioAssembler, AudioPacket, VideoAssembler
from server.media.ingest.clock import PublisherClock
from server.media.ingest.defects import Defect
from server.media.ingest.repair import Repair
from server.media.ingest.vp8 import Vp8Assembler, Vp8Frame
from server.media.network import EVERYWHERE, Network
from server.media.offer import Use
from server.media.peer import Peer

REMB_FLOOR = 800_000
REMB_CAP = sdp.MAX_KBPS * 1000

OnPicture = Callable[[AccessUnit, int, float | None], None]
"""A picture and its time on the session's time line, in milliseconds; and when the packet that made
it whole was read, by the monotonic clock, if one did."""
OnFrame = Callable[[Vp8Frame, int], None]
"""A picture in VP8 and its time."""
OnSound = Callable[[AudioPacket, int], None]
"""An Opus packet and its position on the session's time line, in samples."""


class Publisher(Peer):
    """One publisher's connection, from RTP packets to units on the session's time line."""

    use: ClassVar[Use] = "publish"

    def __init__(
        self,
        user: str,
        *,
        clock: Clock,
        origin: float,
        on_picture: OnPicture,
        on_frame: OnFrame,
        on_sound: OnSound,
        on_closed: Callable[[], None],
        network: Network = EVERYWHERE,
    ) -> None:
        super().__init__(user, clock.monotonic(), on_closed, network)
        self.bounds = aiortc_seam.Bounds(REMB_FLOOR, REMB_CAP)
        """Of the bitrate that the publisher is told to send."""
        self.codec = "opus"
        """Of the picture, if there is to be one."""
        self.has_picture = False
        self.last_rtp: float | None = None
        """When the last packet arrived, by the monotonic clock."""
        self._clock = clock
        self._on_picture = on_picture
        self._on_frame = on_frame
        self._on_sound = on_sound
        self._receiver: RTCRtpReceiver | None = None
        self._b_frames_told = False
        self._repair = Repair(clock)
        self.nacks = self._repair.nacks
        """What the publisher's pictures lost on their way, and how it was repaired."""
        self.restart(origin)

    def restart(self, origin: float) -> None:
        """Take what comes next as a beginning; ``origin`` is the time line's zero."""
        self.video = VideoAssembler(self.nacks)
        self.vp8 = Vp8Assembler(self.nacks)
        self.audio = AudioAssembler()
        self.clock = PublisherClock(origin)
        self._resets_told = 0

    def prepare(self, kinds: frozenset[str]) -> None:
        """Receive what is offered, and tap it."""
        for kind in kinds & {"video", "audio"}:
            receiver = self.pc.addTransceiver(kind, direction="recvonly").receiver
            if kind == "video":
                self._receiver = receiver
                aiortc_seam.take_packets(receiver, self._video_packet)
                self._repair.attach(receiver)
                aiortc_seam.bound_estimate(receiver, self.bounds)
            else:
                aiortc_seam.take_packets(receiver, self._audio_packet)
            aiortc_seam.take_reports(receiver, partial(self._report, kind))
        self.prefer_codecs()

    def check(self) -> None:
        """Note in what the picture will come. VP8 alone is accepted, and costs a transcoding."""
        codec = self.negotiated_video()
        if codec is not None:
            self.codec = codec
            self.has_picture = True

    def tick(self, now: float) -> list[Defect]:
        """Go on behind what is waited for too long; return what is worth a warning.

        For when no packet comes; ten times a second.
        """
        self._play(self.audio.flush(now), now)
        self._show(self.video.flush(now), now)
        self._transcode(self.vp8.flush(now), now)
        found = []
        if self.clock.resets > self._resets_told:
            self._resets_told = self.clock.resets
            found.append(Defect.CLOCK)
        if self.video.statistics.dropped and not self._b_frames_told:
            self._b_frames_told = True
            found.append(Defect.B_FRAMES)
        return found

    async def repair(self) -> None:
        """Ask for missing packets until the connection is closed."""
        await self._repair.run()

    async def close(self) -> None:
        """End the connection. Idempotent."""
        self._repair.close()
        await super().close()

    async def request_keyframe(self) -> None:
        """Send a PLI. Some publishers (OBS) ignore it."""
        if self._receiver is not None:
            await aiortc_seam.request_keyframe(self._receiver)

    def settled(self) -> bool:
        """Say whether sound and picture are in step, or waiting longer makes no sense."""
        return self.clock.settled(self._clock.monotonic())

    def _video_packet(self, sequence: int, timestamp: int, marker: bool, data: bytes) -> bool:
        now = self.last_rtp = self._clock.monotonic()
        if self.codec == "VP8":
            self._transcode(self.vp8.add(sequence, timestamp, marker, data, now), now)
            return self.vp8.wants_keyframe(now)
        units = self.video.add(sequence, timestamp, marker, data, now)
        self._show(units, now, self.input.read_at)
        return self.video.wants_keyframe(now)

    def _audio_packet(self, sequence: int, timestamp: int, marker: bool, data: bytes) -> bool:
        now = self.last_rtp = self._clock.monotonic()
        self._play(self.audio.add(sequence, timestamp, marker, data, now), now)
        return False

    def _show(self, units: list[AccessUnit], now: float, read_at: float | None = None) -> None:
        for unit in units:
            ms = self.clock.video_ms(unit.timestamp, now, key=unit.key)
            self._on_picture(unit, ms, read_at)

    def _transcode(self, frames: list[Vp8Frame], now: float) -> None:
        for frame in frames:
            self._on_frame(frame, self.clock.video_ms(frame.timestamp, now, key=frame.key))

    def _play(self, packets: list[AudioPacket], now: float) -> None:
        for packet in packets:
            self._on_sound(packet, self.clock.audio_sample(packet.timestamp, now))

    def _report(self, kind: str, ntp: float, rtp: int) -> None:
        self.clock.report(kind, ntp, rtp, self._clock.monotonic())
