"""Publishing by WHIP (RFC 9725): one peer connection that sends what the camera has encoded."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.stats import RTCRemoteInboundRtpStreamStats
from yarl import URL

from load.camera import Camera

_REQUEST_SECONDS = 15.0
_CONNECT_SECONDS = 15.0
_LOOK_SECONDS = 0.5
_REPORT_SECONDS = 5.0
"""A receiver reports about once a second; after this long without a report nobody receives."""


class PublishError(Exception):
    """The server did not take or give picture and sound, or does so no more."""


class Publication:
    """A connected publisher."""

    def __init__(self, connection: RTCPeerConnection, video: RTCRtpSender) -> None:
        self._connection = connection
        self._video = video
        self._connected_at = time.monotonic()

    async def lost(self) -> str:
        """Wait until nobody receives any more; return why.

        ICE notices a dead peer after half a minute; the receiver's reports stop at once.
        """
        while True:
            if reason := await self._lost():
                return reason
            await asyncio.sleep(_LOOK_SECONDS)

    async def _lost(self) -> str | None:
        if self._connection.connectionState != "connected":
            return self._connection.connectionState
        silence = time.monotonic() - self._connected_at
        for stats in (await self._video.getStats()).values():
            if isinstance(stats, RTCRemoteInboundRtpStreamStats):
                silence = min(silence, (datetime.now(UTC) - stats.timestamp).total_seconds())
        return "silence" if silence > _REPORT_SECONDS else None


@contextlib.asynccontextmanager
async def publish(
    http: aiohttp.ClientSession, url: str, token: str, camera: Camera
) -> AsyncIterator[Publication]:
    """Publish the camera at the WHIP endpoint ``url`` for as long as the block lasts.

    Raises:
        PublishError: If the endpoint refuses, or no connection comes about in 15 s.

    """
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    resource: URL | None = None
    headers = {"Authorization": f"Bearer {token}"}
    try:
        video, audio = camera.tracks()
        sender = offer_track(connection, video, "video/H264")
        offer_track(connection, audio, "audio/opus")
        # The one private name used here: aiortc has no event for a keyframe that is asked for.
        sender._send_keyframe = camera.request_keyframe  # type: ignore[method-assign]
        await connection.setLocalDescription(await connection.createOffer())
        answer, resource = await post_offer(http, url, headers, connection.localDescription.sdp)
        await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await connected(connection)
        yield Publication(connection, sender)
    finally:
        if resource is not None:
            # The server may be gone already; it then ends the publication by itself.
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with asyncio.timeout(2), http.delete(resource, headers=headers):
                    pass
        await connection.close()


def offer_track(
    connection: RTCPeerConnection, track: MediaStreamTrack, mime_type: str
) -> RTCRtpSender:
    """Offer to send a track that is encoded already, in one codec."""
    transceiver = connection.addTransceiver(track, direction="sendonly")
    transceiver.setCodecPreferences(
        [
            codec
            for codec in RTCRtpSender.getCapabilities(track.kind).codecs
            if codec.mimeType in (mime_type, "video/rtx")
        ]
    )
    sender: RTCRtpSender = transceiver.sender
    return sender


async def post_offer(
    http: aiohttp.ClientSession, url: str, headers: dict[str, str], offer: str
) -> tuple[str, URL | None]:
    """Return the answer of a WHIP or WHEP endpoint, and the resource to delete at the end.

    Raises:
        PublishError: If it refuses.

    """
    try:
        async with (
            asyncio.timeout(_REQUEST_SECONDS),
            http.post(
                url, data=offer, headers={**headers, "Content-Type": "application/sdp"}
            ) as response,
        ):
            body = await response.text()
            if response.status != 201:
                raise PublishError(f"the server answered {response.status}: {body[:200]}")
            location = response.headers.get("Location")
            return body, response.url.join(URL(location)) if location else None
    except (aiohttp.ClientError, TimeoutError) as error:
        raise PublishError(f"the server is out of reach: {type(error).__name__}") from error


async def connected(connection: RTCPeerConnection) -> None:
    """Return when media can flow.

    Raises:
        PublishError: If it cannot within 15 s.

    """
    changed = asyncio.Event()
    connection.on("connectionstatechange", changed.set)
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            while connection.connectionState in ("new", "connecting"):
                await changed.wait()
                changed.clear()
    except TimeoutError:
        raise PublishError("no media connection came about") from None
    finally:
        connection.remove_listener("connectionstatechange", changed.set)
    if connection.connectionState != "connected":
        raise PublishError(f"the media connection is {connection.connectionState}")
