"""WHIP publishers to test with: stock aiortc, pictures and Opus made by PyAV, no camera needed.

The picture is a moving bar, the sound a tone. A :class:`TestPublisher` answers a PLI with a
keyframe, as browsers do; an :class:`ObsPublisher` does what OBS does.

``python -m tests.media.publisher`` publishes until it is killed: a process of its own, for that.
"""

import asyncio
import base64
import os
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from fractions import Fraction

import av
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.codecs.h264 import H264Encoder
from aiortc.mediastreams import MediaStreamTrack
from av.video.frame import PictureType

from server.media.h264 import split_annexb

VIDEO_TIME_BASE = Fraction(1, 90_000)
AUDIO_TIME_BASE = Fraction(1, 48_000)
OPUS_SAMPLES = 960

Post = Callable[[bytes], Awaitable[tuple[int, dict[str, str], bytes]]]


class Pace:
    """Say when the next of evenly spaced moments has come."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._start: float | None = None
        self.count = -1

    async def next(self) -> int:
        now = time.monotonic()
        if self._start is None:
            self._start = now
        self.count += 1
        await asyncio.sleep(max(0.0, self._start + self.count * self._seconds - now))
        return self.count


class PictureTrack(MediaStreamTrack):
    """Encoded pictures of a bar that moves."""

    kind = "video"

    def __init__(
        self,
        width: int = 640,
        height: int = 360,
        fps: int = 15,
        *,
        noisy: bool = False,
        codec: str = "H264",
        gop: int = 10_000,
        slices: int = 1,
    ) -> None:
        """``gop``: pictures from keyframe to keyframe; as WebRTC, none but when asked for."""
        super().__init__()
        self.fps = fps
        self._noisy = noisy
        self._codec = codec
        self._gop = gop
        self._slices = slices
        self.wants_key = False
        self.keyframes = 0
        self.first_key_at: float | None = None
        """When the first keyframe was sent, on the monotonic clock."""
        self.asked = 0
        """How often a keyframe was asked for."""
        self.muted = False
        self._pace = Pace(1 / fps)
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        is_vp8 = self._codec == "VP8"
        encoder = av.CodecContext.create("libvpx" if is_vp8 else "libx264", "w")
        encoder.width, encoder.height = width, height
        encoder.pix_fmt = "yuv420p"
        encoder.time_base = VIDEO_TIME_BASE
        encoder.framerate = Fraction(self.fps, 1)
        encoder.bit_rate = 6_000_000 if self._noisy else 800_000
        encoder.gop_size = self._gop
        if is_vp8:
            encoder.options = {"deadline": "realtime", "cpu-used": "8", "threads": "1"}
        else:
            encoder.options = {"preset": "ultrafast", "tune": "zerolatency"}
            if self._slices > 1:
                encoder.options |= {"slices": str(self._slices), "sc_threshold": "0"}
            encoder.profile = "Baseline"
        self._encoder = encoder
        self._size = width, height

    def want_key(self) -> None:
        self.asked += 1
        self.wants_key = self._gop == 10_000

    async def recv(self) -> av.Packet:
        while True:
            count = await self._pace.next()
            if not self.muted:
                break
        packet = next(iter(self._encoder.encode(self._draw(count))))
        self.keyframes += packet.is_keyframe
        if self.first_key_at is None:
            self.first_key_at = time.monotonic()
        packet.pts = packet.dts = count * 90_000 // self.fps
        packet.time_base = VIDEO_TIME_BASE
        return packet

    def _draw(self, count: int) -> av.VideoFrame:
        width, height = self._size
        frame = av.VideoFrame(width, height, "yuv420p")
        luma = frame.planes[0]
        at = count * 8 % (width - 64)
        row = bytearray(b"\x30" * luma.line_size)
        row[at : at + 64] = bytes((count * 7 + x * 3) % 200 + 30 for x in range(64))
        luma.update(os.urandom(len(row) * height) if self._noisy else bytes(row) * height)
        for plane in frame.planes[1:]:
            plane.update(b"\x80" * plane.buffer_size)
        frame.pts = count * 90_000 // self.fps
        frame.time_base = VIDEO_TIME_BASE
        if self.wants_key:
            self.wants_key = False
            frame.pict_type = PictureType.I
        return frame


class ToneTrack(MediaStreamTrack):
    """Encoded sound of a tone of 440 Hz."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        encoder = av.CodecContext.create("libopus", "w")
        encoder.sample_rate = 48_000
        encoder.layout = "stereo"
        encoder.format = "s16"
        encoder.bit_rate = 64_000
        encoder.time_base = AUDIO_TIME_BASE
        self._encoder = encoder
        self._pace = Pace(OPUS_SAMPLES / 48_000)
        self.muted = False
        # One period of about 440 Hz in 109 samples, stereo, 16 bits.
        half = (3000).to_bytes(2, "little", signed=True) * 110
        other = (-3000).to_bytes(2, "little", signed=True) * 110
        self._wave = ((half + other) * 10)[: OPUS_SAMPLES * 4]

    async def recv(self) -> av.Packet:
        while True:
            while True:
                count = await self._pace.next()
                if not self.muted:
                    break
            frame = av.AudioFrame(format="s16", layout="stereo", samples=OPUS_SAMPLES)
            frame.planes[0].update(self._wave.ljust(frame.planes[0].buffer_size, b"\x00"))
            frame.sample_rate = 48_000
            frame.pts = count * OPUS_SAMPLES
            frame.time_base = AUDIO_TIME_BASE
            for packet in self._encoder.encode(frame):
                packet.pts = packet.dts = count * OPUS_SAMPLES
                packet.time_base = AUDIO_TIME_BASE
                return packet


class TestPublisher:
    """Publish until closed."""

    __test__ = False

    def __init__(
        self,
        *,
        width: int = 640,
        height: int = 360,
        sound: bool = True,
        picture: bool = True,
        noisy: bool = False,
        codec: str = "H264",
    ) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.codec = codec
        self.picture = self.make_picture(width, height, noisy) if picture else None
        self.sound = ToneTrack() if sound else None
        self.answer = ""
        self.location = ""

    def make_picture(self, width: int, height: int, noisy: bool) -> PictureTrack:
        return PictureTrack(width, height, noisy=noisy, codec=self.codec)

    async def publish(self, post: Post) -> int:
        """Negotiate through ``post(sdp) -> (status, headers, body)``; return the status."""
        if self.picture is not None:
            video = self.pc.addTransceiver(self.picture, direction="sendonly")
            video.setCodecPreferences(
                [
                    c
                    for c in RTCRtpSender.getCapabilities("video").codecs
                    if c.mimeType in (f"video/{self.codec}", "video/rtx")
                ]
            )
            video.sender._send_keyframe = self.picture.want_key
            self.prepare(video.sender)
        if self.sound is not None:
            self.prepare(self.pc.addTransceiver(self.sound, direction="sendonly").sender)
        await self.pc.setLocalDescription(await self.pc.createOffer())
        status, headers, body = await post(self.pc.localDescription.sdp.encode())
        if status == 201:
            self.answer = body.decode()
            self.location = headers["Location"]
            await self.pc.setRemoteDescription(RTCSessionDescription(self.answer, "answer"))
        return status

    def prepare(self, sender: RTCRtpSender) -> None:
        """Change a sender before it begins."""

    @property
    def told_bitrate(self) -> int:
        """What the last REMB allowed, in bits per second."""
        sender = self.pc.getTransceivers()[0].sender
        return int(sender._RTCRtpSender__encoder.target_bitrate)

    def mute(self, muted: bool = True) -> None:
        """Stop sending packets, as a network that is gone does."""
        for track in (self.picture, self.sound):
            if track is not None:
                track.muted = muted

    async def close(self) -> None:
        await self.pc.close()


class ObsPublisher(TestPublisher):
    """Ignores PLI, has 250 pictures from keyframe to keyframe, and sends each NAL unit by itself.

    So SPS, PPS and each of four slices are packets of their own, and a PPS goes before every
    picture but the keyframes, too. ``reports_after``: sender reports come late, or never.
    """

    def __init__(
        self, *, reports_after: float | None = None, gop: int = 250, **kwargs: object
    ) -> None:
        self._gop = gop
        self._reports_after = reports_after
        super().__init__(**kwargs)

    def make_picture(self, width: int, height: int, noisy: bool) -> PictureTrack:
        return PictureTrack(width, height, 30, noisy=noisy, gop=self._gop, slices=4)

    def prepare(self, sender: RTCRtpSender) -> None:
        if sender.kind == "video":
            sender._RTCRtpSender__encoder = _OneByOne()
        report = sender._run_rtcp

        async def run_late() -> None:
            sender._RTCRtpSender__rtcp_started.set()
            with suppress(asyncio.CancelledError):
                # Later than any test is never.
                await asyncio.sleep(self._reports_after or 3600)
                await report()
            sender._RTCRtpSender__rtcp_exited.set()

        sender._run_rtcp = run_late


class _OneByOne:
    """Packs every NAL unit by itself, and the last PPS before every picture."""

    def __init__(self) -> None:
        self._pps = b""

    def pack(self, packet: av.Packet) -> tuple[list[bytes], int]:
        nals = split_annexb(bytes(packet))
        found = next((nal for nal in nals if nal[0] & 0x1F == 8), None)
        self._pps = found or self._pps
        if found is None:
            nals = [self._pps, *nals]
        return [part for nal in nals for part in H264Encoder._packetize(iter([nal]))], packet.pts


class PublishingProcess:
    """A publisher in a process of its own, which can be killed."""

    async def publish(self, post: Post) -> int:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.media.publisher",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        offer = base64.b64decode(await self.process.stdout.readline())
        status, _, body = await post(offer)
        self.process.stdin.write(base64.b64encode(body) + b"\n")
        return status

    async def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        self.process._transport.close()

    close = kill


async def _main() -> None:
    """Write an offer, read its answer, and publish until killed or the input ends."""

    async def post(sdp: bytes) -> tuple[int, dict[str, str], bytes]:
        print(base64.b64encode(sdp).decode(), flush=True)
        answer = await asyncio.to_thread(sys.stdin.readline)
        return 201, {"Location": ""}, base64.b64decode(answer)

    publisher = TestPublisher()
    await publisher.publish(post)
    await asyncio.to_thread(sys.stdin.read)
    await publisher.close()


if __name__ == "__main__":
    asyncio.run(_main())
