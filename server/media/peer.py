"""What a publisher and a viewer have in common: one peer connection that answers an offer."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import ClassVar

import structlog
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError

from server.media import aioice_seam, aiortc_seam, fragment, offer, sdp
from server.media.fabric import Answer
from server.media.fragment import Fragment
from server.media.network import EVERYWHERE, Network
from server.media.offer import Offer
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

CONNECT_SECONDS = 20.0
"""Who was answered and is not connected by then is given up."""
RESTART_SECONDS = 20.0

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

    use: ClassVar[offer.Use]
    """What such a peer's offer is for."""

    def __init__(
        self,
        user: str,
        created_at: float,
        on_closed: Callable[[], None],
        network: Network = EVERYWHERE,
    ) -> None:
        self.id = secrets.token_urlsafe(18)
        self.user = user
        self.etag = _new_etag()
        self.created_at = created_at
        self.connected = False
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.input: aiortc_seam.MediaInput
        """Where the peer's media comes in, from the answer on."""
        self._network = network
        self._on_closed: Callable[[], None] | None = on_closed
        self._tasks = Supervisor("peer")
        self._ice_usernames: list[str] = []
        """The peer's ICE sessions, the present one last."""
        self._restart: aioice_seam.IceRestart | None = None
        self._restarting = asyncio.Lock()
        self._closing: asyncio.Future[None] | None = None
        aiortc_seam.accept_rsa_peers(self.pc)
        self.pc.on("connectionstatechange", self._changed)

    async def answer(self, body: bytes) -> str:
        """Negotiate and return the answer's SDP.

        Raises:
            UnacceptableOfferError: With what to answer instead; the peer is closed.

        """
        is_answered = False
        try:
            text = await self._negotiate(offer.read(body, self.use))
            is_answered = True
        except OperationError:
            raise sdp.UnacceptableOfferError(
                422, "unsupported_codec", "No offered codec is supported: H.264 is required."
            ) from None
        except _BAD_OFFER:
            raise sdp.UnacceptableOfferError(
                400, "bad_request", "The offer cannot be understood."
            ) from None
        finally:
            # Whatever went wrong: nobody else knows of it yet.
            if not is_answered:
                await self.close()
        return text

    async def patch(self, body: bytes, match: str | None) -> Answer:
        """Take candidates, or begin a new ICE session (RFC 9725 §4.3); ``match`` is If-Match."""
        try:
            said = fragment.read(body)
        except sdp.UnacceptableOfferError as error:
            return error.answer()
        if match is None:
            return sdp.problem(
                428, "precondition_required", "Name the ICE session: If-Match with its ETag."
            )
        if not _matches(match, self.etag) or said.username in self._ice_usernames[:-1]:
            return _another_session()
        if said.username in (None, self._ice_usernames[-1]):
            await self._take(fragment.of_session(said.candidates, self._ice_usernames[-1]))
            return Answer(204)
        async with self._restarting:
            if not _matches(match, self.etag):
                return _another_session()
            return await self._restart_ice(said)

    async def close(self) -> None:
        """End the connection. Idempotent."""
        self._end()
        await self._tasks.close()
        # aiortc closes by itself, too, when the peer does; were whoever waits for that cancelled,
        # it would fail. So it is left to come to its end.
        if self._closing is None:
            self._closing = asyncio.ensure_future(self.pc.close())
        await asyncio.shield(self._closing)

    async def _negotiate(self, offered: Offer) -> str:
        self.prepare(offered.kinds)
        await self.pc.setRemoteDescription(RTCSessionDescription(offered.text, "offer"))
        self.check()
        self.input = aiortc_seam.MediaInput(self.pc)
        aioice_seam.use_network(self.pc, self._network, self.input.take)
        aioice_seam.let_restart(self.pc)
        self._ice_usernames.append(offered.ice_username)
        await self.pc.setLocalDescription()
        if not aioice_seam.is_reachable(self.pc):
            raise sdp.UnacceptableOfferError(
                503, "overloaded", "There is no port left for media here."
            )
        return sdp.complete(self.pc.localDescription.sdp)

    async def _take(self, candidates: Sequence[str]) -> None:
        """Add candidates of the present ICE session; those that make no sense are passed over."""
        for each in candidates:
            try:
                if self._restart is not None:
                    await self._restart.add(each)
                else:
                    await aioice_seam.add_candidate(self.pc, each)
            except (ValueError, AssertionError):
                log.debug("candidate_passed_over")

    async def _restart_ice(self, said: Fragment) -> Answer:
        """Begin an ICE session beside the present one, which carries on until it is established."""
        if said.username is None or said.password is None:
            return sdp.problem(400, "bad_request", "A new ICE session has a password.")
        if not self.connected:
            return sdp.problem(409, "conflict", "There is no connection yet to restart.")
        await self._tasks.close()
        restart = aioice_seam.IceRestart(self.pc, self._network, self.input.take)
        restart.meet(said.username, said.password)
        candidates = await restart.gather()
        if not candidates:
            await restart.close()
            return sdp.problem(503, "overloaded", "There is no port left for media here.")
        self._restart = restart
        self._ice_usernames.append(said.username)
        self.etag = _new_etag()
        await self._take(said.candidates)
        self._tasks.start("ice_restart", self._establish(restart))
        return Answer(
            200,
            {"Content-Type": fragment.CONTENT_TYPE, "ETag": self.etag},
            fragment.write(
                sdp.complete(self.pc.localDescription.sdp),
                restart.username,
                restart.password,
                candidates,
            ),
        )

    async def _establish(self, restart: aioice_seam.IceRestart) -> None:
        try:
            async with asyncio.timeout(RESTART_SECONDS):
                await restart.establish()
            log.info("ice_restarted", resource=self.id)
        except (ConnectionError, TimeoutError):
            log.info("ice_restart_failed", resource=self.id)
        finally:
            self._restart = None
            await restart.close()

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


def _another_session() -> Answer:
    return sdp.problem(412, "precondition_failed", "This is another ICE session.")


def _new_etag() -> str:
    return f'"{secrets.token_hex(8)}"'


def _matches(given: str, etag: str) -> bool:
    """Say whether ``If-Match`` names ``etag``, compared strongly (RFC 9110 §13.1.1).

    ``*`` in quotes is how RFC 9725 prints it, in its only example of a restart.
    """
    named = [each.strip() for each in given.split(",")]
    return given.strip() in ("*", '"*"') or etag in named
