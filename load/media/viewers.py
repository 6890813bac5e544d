"""``python -m load.media.viewers``: people who watch, each as cheaply as can be counted.

ICE and DTLS are aiortc's. What arrives then is not decrypted: the header of an SRTP packet is in
clear, and from it pictures (markers), packets and gaps are counted. Like a browser, each viewer
sends a receiver report a second per stream; none of them ever loses a packet or asks for a
keyframe once its picture runs.
"""

import asyncio
import contextlib
import struct
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import uvloop
from aiortc import (
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
)
from aiortc.rtp import RtcpReceiverInfo, RtcpRrPacket

from load import whip
from load.bench.processes import BenchError
from load.media import child
from load.media.janus import Janus

_AT_ONCE = 2
_REPORT_SECONDS = 1.0
_DELETE_SECONDS = 5.0
_HEADER = struct.Struct("!BBHII")
_RTCP = range(192, 224)
"""What stands where the marker and payload type of a media packet are (RFC 5761 §4)."""


@dataclass(slots=True)
class Stream:
    """What one SSRC has sent."""

    packets: int = 0
    markers: int = 0
    bytes: int = 0
    gaps: int = 0
    highest: int | None = None


@dataclass(slots=True, eq=False)
class Viewer:
    """One connection that watches."""

    connection: RTCPeerConnection
    leave: Callable[[], Awaitable[None]]
    streams: dict[int, Stream] = field(default_factory=dict)

    def listen(self) -> None:
        """Count what comes from now on, instead of decrypting it."""
        # Private names of aiortc and aioice: neither has a tap in front of SRTP.
        ice: Any = self.connection.getTransceivers()[0].receiver.transport.transport
        for protocol in ice._connection._protocols:
            protocol.datagram_received = self._counting(protocol.datagram_received)

    def _counting(
        self, received: Callable[[bytes, tuple[Any, ...]], None]
    ) -> Callable[[bytes, tuple[Any, ...]], None]:
        def count(data: bytes, address: tuple[Any, ...]) -> None:
            if 128 <= data[0] < 192 and data[1] not in _RTCP:
                self._count(data)
            else:
                received(data, address)

        return count

    def _count(self, data: bytes) -> None:
        _, second, sequence, _, ssrc = _HEADER.unpack_from(data)
        stream = self.streams.get(ssrc)
        if stream is None:
            stream = self.streams[ssrc] = Stream()
        stream.packets += 1
        stream.markers += second >> 7
        stream.bytes += len(data)
        if stream.highest is not None and (stream.highest + 1) & 0xFFFF != sequence:
            stream.gaps += 1
        stream.highest = sequence

    async def report(self) -> None:
        """Tell the sender that everything arrives (RFC 3550 §6.4.2)."""
        transport: Any = self.connection.getTransceivers()[0].receiver.transport
        reports = [
            RtcpReceiverInfo(ssrc, 0, 0, stream.highest or 0, 0, 0, 0)
            for ssrc, stream in self.streams.items()
        ]
        with contextlib.suppress(ConnectionError):
            await transport._send_rtp(bytes(RtcpRrPacket(1, reports[:31])))

    def counted(self) -> dict[str, int]:
        """Return the sums of the picture, which is the stream with more bytes, and of all."""
        streams = sorted(self.streams.values(), key=lambda each: each.bytes)
        return {
            "pictures": streams[-1].markers if streams else 0,
            "packets": sum(each.packets for each in streams),
            "bytes": sum(each.bytes for each in streams),
            "gaps": sum(each.gaps for each in streams),
        }


class Viewers:
    """Everybody who watches, in one process."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._viewers: list[Viewer] = []
        self._stack = contextlib.AsyncExitStack()
        self._janus: tuple[str, Janus] | None = None
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def whep(self, url: str, token: str, count: int) -> float:
        """Let so many more watch at a WHEP endpoint; return the seconds that took."""
        return await self._join(count, lambda: self._watch_whep(url, token))

    async def janus(self, url: str, feed: int, count: int) -> float:
        """Let so many more watch a feed in Janus' room; return the seconds that took."""
        if self._janus is None or self._janus[0] != url:
            self._janus = url, await self._stack.enter_async_context(Janus.connect(url))
        janus = self._janus[1]
        return await self._join(count, lambda: self._watch_janus(janus, feed))

    async def leave(self) -> None:
        """Let everybody go."""
        viewers, self._viewers = self._viewers, []
        for viewer in viewers:
            await viewer.leave()
            await viewer.connection.close()
        self._janus = None
        await self._stack.aclose()

    async def counts(self) -> dict[str, Any]:
        """Return what each viewer has counted until now, which is told, too."""
        return {"at": time.monotonic(), "viewers": [each.counted() for each in self._viewers]}

    async def report(self) -> None:
        """Send everybody's receiver reports, spread over each second."""
        due: deque[Viewer] = deque()
        while True:
            if not due:
                due.extend(self._viewers)
            pause = _REPORT_SECONDS / max(1, len(self._viewers))
            await asyncio.sleep(pause)
            if due:
                viewer = due.popleft()
                if viewer in self._viewers:
                    await viewer.report()

    async def _join(self, count: int, watch: Callable[[], Awaitable[Viewer]]) -> float:
        async def one() -> None:
            async with self._slots:
                viewer = await watch()
                try:
                    await whip.connected(viewer.connection)
                except whip.PublishError as error:
                    raise BenchError(str(error)) from error
                viewer.listen()
                self._viewers.append(viewer)

        started = time.monotonic()
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(count):
                    tasks.create_task(one())
        except* BenchError as errors:
            raise BenchError(str(errors.exceptions[0])) from errors
        return time.monotonic() - started

    async def _watch_whep(self, url: str, token: str) -> Viewer:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        for kind in ("video", "audio"):
            transceiver = connection.addTransceiver(kind, direction="recvonly")
            if kind == "video":
                capabilities = RTCRtpReceiver.getCapabilities("video")
                assert capabilities is not None
                transceiver.setCodecPreferences(
                    [
                        codec
                        for codec in capabilities.codecs
                        if codec.mimeType in ("video/H264", "video/rtx")
                    ]
                )
        await connection.setLocalDescription(await connection.createOffer())
        headers = {"Authorization": f"Bearer {token}"}
        offer = connection.localDescription.sdp
        try:
            answer, resource = await whip.post_offer(self._http, url, headers, offer)
        except whip.PublishError as error:
            raise BenchError(str(error)) from error
        await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

        async def leave() -> None:
            async with (
                asyncio.timeout(_DELETE_SECONDS),
                self._http.delete(str(resource), headers=headers),
            ):
                pass

        return Viewer(connection, leave)

    async def _watch_janus(self, janus: Janus, feed: int) -> Viewer:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        handle, offer = await janus.subscribe(feed)
        await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        await janus.start(handle, connection.localDescription.sdp)
        return Viewer(connection, lambda: janus.leave(handle))


async def _main() -> None:
    async with aiohttp.ClientSession() as http:
        viewers = Viewers(http)
        reporting = asyncio.create_task(viewers.report())
        await child.answer(
            {
                "whep": viewers.whep,
                "janus": viewers.janus,
                "leave": viewers.leave,
                "counts": viewers.counts,
            }
        )
        reporting.cancel()
        await viewers.leave()


if __name__ == "__main__":
    uvloop.run(_main())
