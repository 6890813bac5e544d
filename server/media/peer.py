"""What a publisher and a viewer have in common: one peer connection that answers an offer."""

import secrets
from collections.abc import Callable

import structlog
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError
from aiortc.sdp import candidate_from_sdp

from server.media import aiortc_seam, sdp

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# What aiortc raises for offers that are SDP in form only.
_BAD_OFFER = (
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    AssertionError,
    # A StopIteration leaves a coroutine as RuntimeError.
    RuntimeError,
    InternalError,
    InvalidAccessError,
    InvalidStateError,
)


class Peer:
    """One WebRTC peer, from its offer to its end.

    ``on_closed`` is called once, when the connection is over for whatever reason; the owner must
    then :meth:`close` it. ``created_at`` is by the monotonic clock.
    """

    def __init__(self, user: str, created_at: float, on_closed: Callable[[], None]) -> None:
        self.id = secrets.token_urlsafe(18)
        self.user = user
        self.etag = f'"{secrets.token_hex(8)}"'
        self.created_at = created_at
        self.connected = False
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._on_closed: Callable[[], None] | None = on_closed
        aiortc_seam.accept_rsa_peers(self.pc)
        self.pc.on("connectionstatechange", self._changed)

    async def answer(self, offer: bytes) -> str:
        """Negotiate and return the answer's SDP.

        Raises:
            UnacceptableOfferError: With what to answer instead; the peer is closed.

        """
        try:
            return await self._negotiate(sdp.offer(offer))
        except sdp.UnacceptableOfferError:
            await self.close()
            raise
        except OperationError:
            await self.close()
            raise sdp.UnacceptableOfferError(
                422, "unsupported_codec", "No offered codec is supported: H.264 is required."
            ) from None
        except _BAD_OFFER:
            await self.close()
            raise sdp.UnacceptableOfferError(
                400, "bad_request", "The offer cannot be understood."
            ) from None

    async def trickle(self, fragment: bytes) -> None:
        """Add the candidates of a fragment; those that make no sense are passed over.

        Raises:
            UnacceptableOfferError: If the fragment is not one.

        """
        for mid, text in sdp.candidates(fragment):
            try:
                candidate = candidate_from_sdp(text)
                candidate.sdpMid = mid
                candidate.sdpMLineIndex = None if mid is not None else 0
                await self.pc.addIceCandidate(candidate)
            except (ValueError, AssertionError):
                log.debug("candidate_passed_over")

    async def close(self) -> None:
        """End the connection. Idempotent."""
        self._end()
        await self.pc.close()

    async def _negotiate(self, offer: str) -> str:
        self.prepare(sdp.kinds(offer))
        await self.pc.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        self.check()
        await self.pc.setLocalDescription()
        return str(self.pc.localDescription.sdp)

    def prepare(self, kinds: frozenset[str]) -> None:
        """Create transceivers for the ``kinds`` offered, before the offer is applied."""

    def check(self) -> None:
        """Refuse what was negotiated if it is of no use, before it is answered."""

    def _changed(self) -> None:
        state = self.pc.connectionState
        self.connected = state == "connected"
        if state in ("failed", "closed"):
            self._end()

    def _end(self) -> None:
        self.connected = False
        ended, self._on_closed = self._on_closed, None
        if ended is not None:
            ended()

    def prefer_codecs(self) -> None:
        """Take H.264 before VP8, and Opus, of what is offered (public API only)."""
        for transceiver in self.pc.getTransceivers():
            capabilities = RTCRtpReceiver.getCapabilities(transceiver.kind)
            assert capabilities is not None
            wanted = (
                ("video/h264", "video/vp8", "video/rtx")
                if transceiver.kind == "video"
                else ("audio/opus",)
            )
            transceiver.setCodecPreferences(
                [c for mime in wanted for c in capabilities.codecs if c.mimeType.lower() == mime]
            )

    def negotiated_video(self) -> str | None:
        """Return the name of the first video codec that was agreed on."""
        for transceiver in self.pc.getTransceivers():
            if transceiver.kind == "video" and transceiver.mid is not None:
                return aiortc_seam.negotiated_codec(transceiver)
        return None
