"""The contract with aiortc's private names: proven byte for byte, between two real peers."""

import asyncio
import time
from fractions import Fraction
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import aiortc
import av
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.codecs import CODECS
from aiortc.rtcdtlstransport import RTCDtlsTransport
from cryptography.hazmat.primitives.asymmetric import rsa

from server.media import aioice_seam, aiortc_seam
from server.media.aiortc_link import Link
from server.media.aiortc_sender import RtpSender
from server.media.h264 import join_annexb, nal_type, split_annexb
from server.media.ingest.assembler import AccessUnit, AudioAssembler, VideoAssembler
from server.media.network import EVERYWHERE
from server.media.viewers.packetizer import packetize
from tests.patience import PATIENCE


def test_aiortc_is_the_version_the_seam_was_written_for() -> None:
    assert version("aiortc").startswith(aiortc_seam.SUPPORTED)


def test_the_private_names_are_there() -> None:
    receiver = Path(aiortc.rtcrtpreceiver.__file__).read_text()
    assert "pli_flag, encoded_frame = self.__jitter_buffer.add(packet)" in receiver
    assert "remb = self.__remote_bitrate_estimator.add(" in receiver
    assert "original_ssrc = self.__rtx_ssrc.get(packet.ssrc)" in receiver
    assert "self.__rtx_ssrc[encoding.rtx.ssrc] = encoding.ssrc" in receiver
    assert "self.__nack_generator.add(packet):" in receiver
    dtls = Path(aiortc.rtcdtlstransport.__file__).read_text()
    assert "data = self._rx_srtp.unprotect_rtcp(data)" in dtls
    assert "await self._handle_rtcp_data(data)" in dtls
    assert "data = self._rx_srtp.unprotect(data)" in dtls
    assert "await self._handle_rtp_data(data, arrival_time_ms=arrival_time_ms)" in dtls


def pictures(count: int) -> list[bytes]:
    """Encode noise, so that keyframes have many packets, each of them in several slices."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.thread_count = 4  # a slice for each, however many processors there are
    encoder.width, encoder.height, encoder.pix_fmt = 640, 360, "yuv420p"
    encoder.time_base = encoder.framerate = Fraction(1, 30)
    encoder.bit_rate = 6_000_000
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "g": "15", "crf": "12"}
    encoder.profile = "Baseline"
    out = []
    for number in range(count):
        frame = av.VideoFrame(640, 360, "yuv420p")
        luma = frame.planes[0]
        noise = bytes((n * n * (number + 3) // 7) & 0xFF for n in range(luma.line_size))
        luma.update(noise * 360)
        for plane in frame.planes[1:]:
            plane.update(b"\x80" * plane.buffer_size)
        frame.pts = number
        out += [bytes(packet) for packet in encoder.encode(frame)]
    return out


class Pair:
    """A sender and a receiver on the loopback of this host."""

    def __init__(self) -> None:
        self.sender = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.receiver = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.taken: list[bool] = []
        """Of each datagram of media that the receiver read: whether it was taken at once."""

    async def connect(self, *, at_once: bool = False) -> None:
        """Connect; with ``at_once`` the receiver takes media where it is read."""
        await self.sender.setLocalDescription(await self.sender.createOffer())
        await self.receiver.setRemoteDescription(self.sender.localDescription)
        if at_once:
            take = aiortc_seam.MediaInput(self.receiver).take

            def noted(datagram: bytes) -> bool:
                self.taken.append(take(datagram))
                return self.taken[-1]

            aioice_seam.use_network(self.receiver, EVERYWHERE, noted)
        await self.receiver.setLocalDescription(await self.receiver.createAnswer())
        await self.sender.setRemoteDescription(self.receiver.localDescription)

    async def until(self, state: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.receiver.connectionState != state:
                await asyncio.sleep(0.02)

    async def close(self) -> None:
        await self.sender.close()
        await self.receiver.close()


def prefer_h264(pc: RTCPeerConnection) -> None:
    for transceiver in pc.getTransceivers():
        if transceiver.kind == "video":
            codecs = aiortc.RTCRtpSender.getCapabilities("video").codecs
            transceiver.setCodecPreferences(
                [c for c in codecs if c.mimeType in ("video/H264", "video/rtx")]
            )


@pytest.mark.parametrize("at_once", [False, True])
async def test_every_access_unit_arrives_byte_for_byte(at_once: bool) -> None:
    encoded = pictures(60)
    assert max(map(len, encoded)) > 30_000
    sound = [bytes([number]) * 50 for number in range(60)]
    pair, began = Pair(), time.time()
    video, audio = VideoAssembler(), AudioAssembler()
    units: list[AccessUnit] = []
    packets: list[bytes] = []
    reports: list[tuple[float, int]] = []
    asked = asyncio.Event()

    links: list[Link] = []

    def start(transport: RTCDtlsTransport) -> Link:
        links.append(links[0] if links else Link(transport))
        return links[0]

    sending, talking = (
        RtpSender(
            pair.sender.addTransceiver(kind, direction="sendonly").sender,
            on_started=start,
            on_keyframe_request=asked.set,
        )
        for kind in ("video", "audio")
    )
    prefer_h264(pair.sender)

    async def send() -> None:
        for number, (picture, packet) in enumerate(zip(encoded, sound, strict=True)):
            now = int((time.time() + 2_208_988_800) * (1 << 32))
            sending.send(list(packetize(list(split_annexb(picture)))), number * 3000, now)
            talking.send([packet], number * 960, now)
            # No faster than it is read: what a socket has no room for is lost.
            while len(units) <= number or len(packets) <= number:
                await asyncio.sleep(0.001)

    def take(sequence: int, timestamp: int, marker: bool, data: bytes) -> bool:
        units.extend(video.add(sequence, timestamp, marker, data, time.monotonic()))
        return len(units) == 30  # a PLI through the return value

    def hear(sequence: int, timestamp: int, marker: bool, data: bytes) -> bool:
        packets.extend(
            p.data for p in audio.add(sequence, timestamp, marker, data, time.monotonic())
        )
        return False

    receiving = pair.receiver.addTransceiver("video", direction="recvonly").receiver
    listening = pair.receiver.addTransceiver("audio", direction="recvonly").receiver
    prefer_h264(pair.receiver)
    aiortc_seam.take_packets(receiving, take)
    aiortc_seam.take_packets(listening, hear)
    aiortc_seam.take_reports(receiving, lambda ntp, rtp: reports.append((ntp, rtp)))
    aiortc_seam.bound_estimate(receiving, aiortc_seam.Bounds(800_000, 6_000_000))
    try:
        await pair.connect(at_once=at_once)
        async with asyncio.timeout(PATIENCE):
            # What is sent before the other side listens is lost: that is no fault of the seam.
            while not all(r._RTCRtpReceiver__started for r in (receiving, listening)):
                await asyncio.sleep(0.01)
            while len(links) < 2:
                await asyncio.sleep(0.01)
            await send()
            await asked.wait()
        for unit, data in zip(units, encoded, strict=True):
            wanted = [n for n in split_annexb(data) if nal_type(n) not in (7, 8, 9)]
            assert join_annexb(unit.nals) == join_annexb(wanted)
        steps = {b.timestamp - a.timestamp for a, b in pairwise(units)}
        assert steps == {3000}
        assert packets == sound
        asked.clear()
        await aiortc_seam.request_keyframe(receiving)
        async with asyncio.timeout(PATIENCE):
            await asked.wait()
            # The first ones may have been on their way before there was anything to tell.
            while not (told := [ntp for ntp, _ in reports if ntp > 0]):
                await asyncio.sleep(0.02)
        # NTP counts from 1900.
        assert began - 1 < told[0] - 2_208_988_800 < time.time() + 1
        if at_once:
            assert sum(pair.taken) >= sum(map(len, encoded)) / 1200 + len(packets)
        # The end of DTLS goes the way it went, and so do checks: the receiver hears of it.
        await pair.sender.close()
        await pair.until("closed")
        if at_once:
            take = aiortc_seam.MediaInput(pair.receiver).take
            assert not take(bytes((0x80,)) + bytes(40)), "nobody can"
    finally:
        await pair.close()


async def test_what_is_not_of_the_peer_is_lost_and_disturbs_nothing() -> None:
    pair = Pair()
    pair.sender.addTransceiver("audio", direction="sendonly")
    pair.receiver.addTransceiver("audio", direction="recvonly")
    try:
        await pair.connect(at_once=True)
        await pair.until("connected")
        take = aiortc_seam.MediaInput(pair.receiver).take
        for forged in (b"\x80", b"\x80\xc8", bytes((0x80, 111)) + bytes(60), b"\x80\xc8" * 20):
            assert take(forged)
        assert pair.receiver.connectionState == "connected"
    finally:
        await pair.close()


async def test_what_waits_where_it_never_did_is_noticed() -> None:
    with pytest.raises(RuntimeError, match="waits"):
        aiortc_seam._finish(asyncio.sleep(0))


class OwnCertificate(aiortc.rtcdtlstransport.RTCCertificate):
    """A peer that has an RSA certificate and offers what such peers offer."""

    @classmethod
    def rsa(cls) -> "OwnCertificate":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return cls(key, aiortc.rtcdtlstransport.generate_certificate(key))


@pytest.mark.parametrize("prepared", [True, False])
async def test_a_peer_with_an_rsa_certificate_is_understood(prepared: bool) -> None:
    pair = Pair()
    pair.sender._RTCPeerConnection__certificates = [OwnCertificate.rsa()]
    aiortc_seam.accept_rsa_peers(pair.sender)
    if prepared:
        aiortc_seam.accept_rsa_peers(pair.receiver)
    pair.sender.addTransceiver("audio", direction="sendonly")
    pair.receiver.addTransceiver("audio", direction="recvonly")
    # The peer is the DTLS server: its certificate decides the suite.
    try:
        await pair.connect()
        await pair.until("connected" if prepared else "failed")
    finally:
        await pair.close()


def test_profiles_are_registered_once() -> None:
    aiortc_seam.register_profiles()
    count = len(CODECS["video"])
    aiortc_seam.register_profiles()
    assert len(CODECS["video"]) == count
    profiles = {c.parameters.get("profile-level-id") for c in CODECS["video"]}
    assert {"42001f", "42e01f", "4d001f", "64001f", "640c1f"} <= profiles
    types = [c.payloadType for c in CODECS["video"]]
    assert len(types) == len(set(types))
    assert max(types) < 128
