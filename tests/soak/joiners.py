"""Viewers who all come at once, in a process of their own: stock aiortc that decodes nothing.

``python -m tests.soak.joiners SOCKET SESSION COUNT`` asks a media worker on its socket, comes again
when it is told to, and writes one line of JSON when everybody watches: how long each took.
"""

import asyncio
import json
import sys
import time

import aiohttp
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription

CONNECT_SECONDS = 60.0


async def _nothing(_packet: object, arrival_time_ms: int) -> None:
    """Take a packet and do nothing."""


class Joiner:
    """One viewer; ``refusals`` counts how often it was told to come again."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.refusals = 0
        for kind in ("video", "audio"):
            transceiver = self.pc.addTransceiver(kind, direction="recvonly")
            transceiver.receiver._handle_rtp_packet = _nothing
            if kind == "video":
                codecs = RTCRtpReceiver.getCapabilities("video").codecs
                wanted = ("video/H264", "video/rtx")
                transceiver.setCodecPreferences([c for c in codecs if c.mimeType in wanted])

    async def offer(self) -> None:
        await self.pc.setLocalDescription(await self.pc.createOffer())

    async def join(self, http: aiohttp.ClientSession, path: str) -> float:
        """Join and return how long it took until the connection was there."""
        started = time.monotonic()
        body = self.pc.localDescription.sdp.encode()
        while True:
            async with http.post(path, params={"user": "joiner"}, data=body) as response:
                if response.status == 201:
                    answer = (await response.read()).decode()
                    break
                assert response.status == 503, await response.text()
                self.refusals += 1
                await asyncio.sleep(float(response.headers["Retry-After"]))
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        while self.pc.connectionState != "connected":
            await asyncio.sleep(0.02)
        return time.monotonic() - started


async def main(socket: str, session: str, count: int) -> None:
    joiners = [Joiner() for _ in range(count)]
    for joiner in joiners:
        await joiner.offer()
    connector = aiohttp.UnixConnector(socket, limit=0)
    async with aiohttp.ClientSession("http://media", connector=connector) as http:
        path = f"/sessions/{session}/whep"
        async with asyncio.timeout(CONNECT_SECONDS):
            took = sorted(await asyncio.gather(*(each.join(http, path) for each in joiners)))
    refusals = sum(joiner.refusals for joiner in joiners)
    print(json.dumps({"took": took, "refusals": refusals}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await asyncio.gather(*(joiner.pc.close() for joiner in joiners))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
