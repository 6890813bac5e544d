"""``python -m load.media.source clip``: the publisher, who encodes nothing.

It sends the clip over and over through stock aiortc, each picture when it is due, and remembers
when the last packet of each was handed to the kernel. There is a keyframe every two seconds
whoever asks for one: that is its answer to a PLI.
"""

import asyncio
import sys
import time
from collections import deque
from contextlib import AsyncExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import aiohttp
import av
import uvloop
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from load import whip
from load.bench.processes import BenchError
from load.media import child, clip
from load.media.janus import Janus

_KEPT = 4096
_SOUND_BYTES = 400


class ClipTrack(MediaStreamTrack):
    """The clip's pictures or sounds, over and over, from whatever moment it starts.

    Whoever sends asks for the next one once all packets of the last are with the kernel: that is
    how their time is known.
    """

    def __init__(self, kind: str, units: tuple[bytes, ...], seconds: Fraction, clock: int) -> None:
        super().__init__()
        self.kind = kind
        self.count = 0
        self.sent: deque[tuple[int, int]] = deque(maxlen=_KEPT)
        """Identity of each of the last units, and when it had been sent."""
        self._units = units
        self._identities = tuple(map(clip.identity, units))
        self._seconds = seconds
        self._clock = clock
        self._started: float | None = None

    async def recv(self) -> "av.Packet[Any]":
        """Return the next unit when it is due."""
        if self._started is None:
            self._started = time.monotonic()
        else:
            self.sent.append((self._identities[self.count % len(self._units)], child.now()))
            self.count += 1
        due = self._started + float(self.count * self._seconds)
        if (wait := due - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        packet = av.Packet(self._units[self.count % len(self._units)])
        packet.pts = packet.dts = int(self.count * self._seconds * self._clock)
        packet.time_base = Fraction(1, self._clock)
        return packet


class Pacer:
    """Spreads the packets of a picture, as browsers do; stock aiortc sends them at once."""

    def __init__(self) -> None:
        self.bits_per_second = 0.0
        self._free_at = 0.0

    def slow_down(self, connection: RTCPeerConnection) -> None:
        """Let every packet of a picture go when it is due."""
        # A private name: aiortc has nothing between packetizing and sending.
        transport: Any = connection.getTransceivers()[0].sender.transport
        send = transport._send_rtp

        async def paced(data: bytes) -> None:
            if len(data) > _SOUND_BYTES:
                await self.wait(len(data))
            await send(data)

        transport._send_rtp = paced

    async def wait(self, size: int) -> None:
        """Return when as many bytes may leave."""
        if not self.bits_per_second:
            return
        now = time.monotonic()
        due = max(self._free_at, now)
        self._free_at = due + size * 8 / self.bits_per_second
        if due > now:
            await asyncio.sleep(due - now)


class Source:
    """At most one publication at a time."""

    def __init__(self, units: clip.Clip) -> None:
        self._units = units
        self._stack = AsyncExitStack()
        self._pacer = Pacer()
        self._video: ClipTrack | None = None

    async def whip(self, url: str, token: str) -> None:
        """Publish at a WHIP endpoint."""
        connection = self._connection()
        await connection.setLocalDescription(await connection.createOffer())
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession() as http:
            offer = connection.localDescription.sdp
            try:
                answer, resource = await whip.post_offer(http, url, headers, offer)
                await self._begin(connection, answer)
            except whip.PublishError as error:
                raise BenchError(str(error)) from error

        async def leave() -> None:
            async with aiohttp.ClientSession() as http, http.delete(str(resource), headers=headers):
                pass

        self._stack.push_async_callback(leave)

    async def janus(self, url: str) -> int:
        """Publish in Janus' room; return the number of the feed."""
        connection = self._connection()
        await connection.setLocalDescription(await connection.createOffer())
        janus = await self._stack.enter_async_context(Janus.connect(url))
        feed, answer = await janus.publish(connection.localDescription.sdp)
        await self._begin(connection, answer)
        return feed

    async def pace(self, times: float) -> None:
        """Send each picture's packets at so many times the clip's bit rate; 0: at once."""
        self._pacer.bits_per_second = times * clip.VIDEO_BITS

    async def leave(self) -> None:
        """End the publication."""
        self._video = None
        await self._stack.aclose()

    async def counts(self) -> dict[str, float]:
        """Return how many pictures were sent until now, which is told, too."""
        if self._video is None:
            raise BenchError("nothing is published")
        return {"at": time.monotonic(), "pictures": self._video.count}

    async def sent(self) -> list[tuple[int, int]]:
        """Return the identities of the last pictures, and when each had been sent."""
        return list(self._video.sent) if self._video is not None else []

    def _connection(self) -> RTCPeerConnection:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._stack.push_async_callback(connection.close)
        self._video = ClipTrack(
            "video", self._units.pictures, Fraction(1, clip.FPS), clip.VIDEO_CLOCK
        )
        sounds = ClipTrack(
            "audio",
            self._units.sounds,
            Fraction(clip.AUDIO_SAMPLES, clip.AUDIO_CLOCK),
            clip.AUDIO_CLOCK,
        )
        whip.offer_track(connection, self._video, "video/H264")
        whip.offer_track(connection, sounds, "audio/opus")
        return connection

    async def _begin(self, connection: RTCPeerConnection, answer: str) -> None:
        await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await whip.connected(connection)
        self._pacer.slow_down(connection)


async def _main(path: str) -> None:
    source = Source(clip.load(Path(path)))
    await child.answer(
        {
            "whip": source.whip,
            "janus": source.janus,
            "pace": source.pace,
            "leave": source.leave,
            "counts": source.counts,
            "sent": source.sent,
        }
    )
    await source.leave()


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1]))
