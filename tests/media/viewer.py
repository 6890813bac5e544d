"""A WHEP viewer to test with: stock aiortc, which decodes."""

import asyncio

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from tests.media.publisher import Post
from tests.patience import PATIENCE


class TestViewer:
    """Watch until closed; ``pictures`` and ``sounds`` count what was decoded."""

    __test__ = False

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.pictures: list[tuple[int, int]] = []
        self.sounds = 0
        self.ended = False
        self.location = ""
        self._tasks: list[asyncio.Task[None]] = []
        self._news = asyncio.Event()
        self.pc.on("track", self._on_track)

    async def watch(self, post: Post) -> int:
        for kind in ("video", "audio"):
            transceiver = self.pc.addTransceiver(kind, direction="recvonly")
            if kind == "video":
                transceiver.setCodecPreferences(
                    [
                        c
                        for c in RTCRtpReceiver.getCapabilities("video").codecs
                        if c.mimeType in ("video/H264", "video/rtx")
                    ]
                )
        await self.pc.setLocalDescription(await self.pc.createOffer())
        status, headers, body = await post(self.pc.localDescription.sdp.encode())
        if status == 201:
            self.location = headers["Location"]
            await self.pc.setRemoteDescription(RTCSessionDescription(body.decode(), "answer"))
        return status

    async def sees(self, count: int, seconds: float = PATIENCE) -> None:
        """Wait for that many pictures and for sound."""
        async with asyncio.timeout(seconds):
            while len(self.pictures) < count or not self.sounds:
                self._news.clear()
                await self._news.wait()

    async def shows(self, count: int, seconds: float = PATIENCE) -> None:
        """Wait for that many more pictures, with or without sound."""
        until = len(self.pictures) + count
        async with asyncio.timeout(seconds):
            while len(self.pictures) < until:
                self._news.clear()
                await self._news.wait()

    def _on_track(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.ensure_future(self._drain(track)))

    async def _drain(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                if track.kind == "video":
                    self.pictures.append((frame.width, frame.height))
                else:
                    self.sounds += 1
                self._news.set()
        except MediaStreamError:
            self.ended = True
            self._news.set()

    async def close(self) -> None:
        await self.pc.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
