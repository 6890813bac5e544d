"""A WHIP publisher to test with: stock aiortc, H.264 and Opus made by PyAV, no camera needed.

The picture is a moving bar, the sound a tone. It answers a PLI with a keyframe, as browsers do.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from fractions import Fraction

import av
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack
from av.video.frame import PictureType

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
        self, width: int = 640, height: int = 360, fps: int = 15, *, noisy: bool = False
    ) -> None:
        super().__init__()
        self.fps = fps
        self._noisy = noisy
        self.wants_key = False
        self.keyframes = 0
        self.muted = False
        self._pace = Pace(1 / fps)
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        encoder = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height = width, height
        encoder.pix_fmt = "yuv420p"
        encoder.time_base = VIDEO_TIME_BASE
        encoder.framerate = Fraction(self.fps, 1)
        encoder.bit_rate = 6_000_000 if self._noisy else 800_000
        encoder.gop_size = 10_000  # as WebRTC: no keyframe but when asked
        encoder.options = {"preset": "ultrafast", "tune": "zerolatency"}
        encoder.profile = "Baseline"
        self._encoder = encoder
        self._size = width, height

    def want_key(self) -> None:
        self.wants_key = True

    async def recv(self) -> av.Packet:
        while True:
            count = await self._pace.next()
            if not self.muted:
                break
        packet = next(iter(self._encoder.encode(self._draw(count))))
        self.keyframes += packet.is_keyframe
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
        self, *, width: int = 640, height: int = 360, sound: bool = True, noisy: bool = False
    ) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.picture = PictureTrack(width, height, noisy=noisy)
        self.sound = ToneTrack() if sound else None
        self.answer = ""
        self.location = ""

    async def publish(self, post: Post) -> int:
        """Negotiate through ``post(sdp) -> (status, headers, body)``; return the status."""
        video = self.pc.addTransceiver(self.picture, direction="sendonly")
        video.setCodecPreferences(
            [
                c
                for c in RTCRtpSender.getCapabilities("video").codecs
                if c.mimeType in ("video/H264", "video/rtx")
            ]
        )
        video.sender._send_keyframe = self.picture.want_key
        if self.sound is not None:
            self.pc.addTransceiver(self.sound, direction="sendonly")
        await self.pc.setLocalDescription(await self.pc.createOffer())
        status, headers, body = await post(self.pc.localDescription.sdp.encode())
        if status == 201:
            self.answer = body.decode()
            self.location = headers["Location"]
            await self.pc.setRemoteDescription(RTCSessionDescription(self.answer, "answer"))
        return status

    def mute(self, muted: bool = True) -> None:
        """Stop sending packets, as a network that is gone does."""
        self.picture.muted = muted
        if self.sound is not None:
            self.sound.muted = muted

    async def close(self) -> None:
        await self.pc.close()
