"""The only file that touches what aiortc keeps private. Pinned to aiortc 1.16.

Everything is changed on one object, never in aiortc's modules, but for the list of H.264
profiles: other peers in the same process stay as they are.

================== ======================================================================
datagrams          aiortc takes one after the other, in a task: media is taken where it is read
received packets   the receiver's jitter buffer is replaced: we see each packet after SRTP,
                   RTX and depayloading; aiortc keeps RTX, RR and its decoder sleeps
missing packets    aiortc asks for each once, and never again: its list is replaced by ours
sender reports     aiortc parses them and drops the RTP timestamp: the handler is wrapped
REMB               Python's delay measurements are noise: the estimate is floored and capped
keyframes          asked for with PLI
DTLS               peers with an RSA certificate need ECDHE-RSA suites
================== ======================================================================
"""

import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pylibsrtp
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCRtpTransceiver
from aiortc.clock import current_ms
from aiortc.codecs import CODECS
from aiortc.rtcdtlstransport import State
from aiortc.rtcrtpparameters import RTCRtcpFeedback, RTCRtpCodecParameters
from aiortc.rtp import AnyRtcpPacket, RtcpSrPacket, RtpPacket, is_rtcp
from OpenSSL import SSL

SUPPORTED = "1.16."

OnPacket = Callable[[int, int, bool, bytes], bool]
"""Sequence number, timestamp, marker, depayloaded bytes → whether to send a PLI."""
OnSequence = Callable[[int, bool], None]
"""Sequence number, and whether the packet is marked as retransmitted."""
Ask = Callable[[list[int]], Awaitable[None]]
"""Ask the sender for packets again, by their sequence numbers."""
OnReport = Callable[[float, int], None]
"""The sender's wall clock in seconds and the RTP timestamp of one instant."""

_CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
    b"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305:"
    b"ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA"
)
# Main, High and Constrained High, beside aiortc's two Baselines (RFC 6184 §8.1).
_PROFILES = ("4d001f", "64001f", "640c1f")


def _private(thing: object) -> Any:
    """Return ``thing`` as something whose private names may be used: here, and nowhere else."""
    return thing


def register_profiles() -> None:
    """Let offers with only Main or High profiles in. Idempotent."""
    video = CODECS["video"]
    known = {codec.parameters.get("profile-level-id") for codec in video}
    payload_type = max(codec.payloadType or 0 for codec in video) + 1
    for profile in _PROFILES:
        if profile in known:
            continue
        video += [
            RTCRtpCodecParameters(
                mimeType="video/H264",
                clockRate=90_000,
                payloadType=payload_type,
                rtcpFeedback=[
                    RTCRtcpFeedback(type="nack"),
                    RTCRtcpFeedback(type="nack", parameter="pli"),
                    RTCRtcpFeedback(type="goog-remb"),
                ],
                parameters={
                    "level-asymmetry-allowed": "1",
                    "packetization-mode": "1",
                    "profile-level-id": profile,
                },
            ),
            RTCRtpCodecParameters(
                mimeType="video/rtx",
                clockRate=90_000,
                payloadType=payload_type + 1,
                parameters={"apt": payload_type},
            ),
        ]
        payload_type += 2


def negotiated_codec(transceiver: RTCRtpTransceiver) -> str:
    """Return the name of the codec that both sides agreed on, after the offer was applied."""
    return str(transceiver._codecs[0].name)


def accept_rsa_peers(connection: RTCPeerConnection) -> None:
    """Offer ECDHE-RSA suites beside aiortc's, before the connection negotiates."""
    for certificate in _private(connection)._RTCPeerConnection__certificates:
        make = certificate._create_ssl_context

        def create(srtp_profiles: Any, make: Callable[..., SSL.Context] = make) -> SSL.Context:
            context = make(srtp_profiles=srtp_profiles)
            context.set_cipher_list(_CIPHERS)
            return context

        certificate._create_ssl_context = create


class MediaInput:
    """Takes datagrams of SRTP and SRTCP where they are read.

    To be made once the offer is applied, which bundles its sections: there is one transport.
    """

    def __init__(self, connection: RTCPeerConnection) -> None:
        self.read_at = 0.0
        """When the last one was read, by the monotonic clock."""
        self._transport = _private(connection.getTransceivers()[0].receiver.transport)

    def take(self, datagram: bytes) -> bool:
        """Take one, at once; False while nobody can."""
        self.read_at = time.monotonic()
        transport = self._transport
        session = transport._rx_srtp
        if session is None or transport._state is not State.CONNECTED:
            return False
        try:
            if is_rtcp(datagram):
                work = transport._handle_rtcp_data(session.unprotect_rtcp(datagram))
            else:
                data = session.unprotect(datagram)
                work = transport._handle_rtp_data(data, arrival_time_ms=current_ms())
        except pylibsrtp.Error:
            # Damaged, a second time, or somebody else's: as if it had been lost.
            return True
        _finish(work)
        return True


def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Run what is a coroutine and waits for nothing: UDP sockets make nobody wait."""
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise RuntimeError("aiortc waits where it did not.")


class _PacketTap:
    """Stands where aiortc's jitter buffer stood, and never completes a frame."""

    def __init__(self, on_packet: OnPacket) -> None:
        self._on_packet = on_packet

    def add(self, packet: RtpPacket) -> tuple[bool, None]:
        wants_keyframe = self._on_packet(
            packet.sequence_number,
            packet.timestamp,
            bool(packet.marker),
            _private(packet)._data,
        )
        return wants_keyframe, None


def take_packets(receiver: RTCRtpReceiver, on_packet: OnPacket) -> None:
    """Give every depayloaded packet of ``receiver`` to ``on_packet``; nothing is decoded."""
    _private(receiver)._RTCRtpReceiver__jitter_buffer = _PacketTap(on_packet)


class _RetransmissionSources(dict[int, int]):
    """Of retransmitting sources the one that they repeat.

    aiortc looks up every retransmission here, and nothing else: that tells which packets are.
    """

    def __init__(self) -> None:
        super().__init__()
        self.media: int | None = None
        """The source that was heard last; it is repeated by those that no offer named."""
        self.has_retransmission = False

    def get(self, source: int, _default: Any = None) -> Any:
        found = super().get(source, self.media)
        self.has_retransmission = found is not None
        return found


class _Sequences:
    """Stands where aiortc's list of missing packets stood, and never has anything missing."""

    missing: frozenset[int] = frozenset()

    def __init__(self, sources: _RetransmissionSources, on_sequence: OnSequence) -> None:
        self._sources = sources
        self._on_sequence = on_sequence

    def add(self, packet: RtpPacket) -> bool:
        sources = self._sources
        sources.media = packet.ssrc
        self._on_sequence(packet.sequence_number, sources.has_retransmission)
        sources.has_retransmission = False
        return False


def take_nacks(receiver: RTCRtpReceiver, on_sequence: OnSequence) -> Ask:
    """Tell ``on_sequence`` of each packet of a video ``receiver``; return how to ask for more.

    Call it before the receiver is started. From then on aiortc asks for nothing by itself.
    """
    sources = _RetransmissionSources()
    private = _private(receiver)
    private._RTCRtpReceiver__rtx_ssrc = sources
    private._RTCRtpReceiver__nack_generator = _Sequences(sources, on_sequence)

    async def ask(sequences: list[int]) -> None:
        if sources.media is not None:
            await receiver._send_rtcp_nack(sources.media, sorted(sequences))

    return ask


def take_reports(receiver: RTCRtpReceiver, on_report: OnReport) -> None:
    """Tell ``on_report`` of each sender report that carries a time."""
    handle = receiver._handle_rtcp_packet

    async def tapped(packet: AnyRtcpPacket) -> None:
        if isinstance(packet, RtcpSrPacket) and packet.sender_info.ntp_timestamp:
            info = packet.sender_info
            on_report(info.ntp_timestamp / (1 << 32), info.rtp_timestamp)
        await handle(packet)

    _private(receiver)._handle_rtcp_packet = tapped


@dataclass(slots=True)
class Bounds:
    """Between what an estimate is kept, in bits per second; may be changed at any time."""

    floor: int
    cap: int


class _BoundedEstimator:
    """Keeps aiortc's bitrate estimate within bounds."""

    def __init__(self, estimator: Any, bounds: Bounds) -> None:
        self._estimator = estimator
        self._bounds = bounds

    def add(self, **measured: int) -> tuple[int, list[int]] | None:
        estimate = self._estimator.add(**measured)
        if estimate is None:
            return None
        bitrate, sources = estimate
        return max(self._bounds.floor, min(self._bounds.cap, bitrate)), sources


def bound_estimate(receiver: RTCRtpReceiver, bounds: Bounds) -> None:
    """Keep the REMB that a video ``receiver`` sends within ``bounds``."""
    private = _private(receiver)
    estimator = private._RTCRtpReceiver__remote_bitrate_estimator
    private._RTCRtpReceiver__remote_bitrate_estimator = _BoundedEstimator(estimator, bounds)


async def request_keyframe(receiver: RTCRtpReceiver) -> None:
    """Send a PLI to every source that ``receiver`` hears."""
    for source in receiver.getSynchronizationSources():
        await receiver._send_rtcp_pli(source.source)
