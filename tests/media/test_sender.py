"""The contract of the sending half: what leaves is what stock aiortc would have sent."""

import asyncio
import errno
import socket
import struct
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiortc
import pylibsrtp
import pytest
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtp import (
    HeaderExtensions,
    RtcpPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    RtpPacket,
    is_rtcp,
)

from server.media import aiortc_seam
from server.media.aiortc_link import Link
from server.media.aiortc_sender import (
    HISTORY_PACKETS,
    RESENDS_AT_ONCE,
    RESENDS_PER_SECOND,
    RtpSender,
)
from tests.media.test_seam import Pair, prefer_h264
from tests.patience import PATIENCE, eventually

NTP = 0xEE00_0000_4000_0000


class Sending(Pair):
    """Our senders, and every decrypted datagram that stock aiortc received from them."""

    def __init__(self) -> None:
        super().__init__()
        self.link: Link | None = None
        self.asked = 0
        self.heard: list[bytes] = []
        self._news = asyncio.Event()
        self.senders: dict[str, RtpSender] = {}
        for kind in ("video", "audio"):
            self.senders[kind] = RtpSender(
                self.sender.addTransceiver(kind, direction="sendonly").sender,
                on_started=self._started,
                on_keyframe_request=self._ask,
            )
        prefer_h264(self.sender)

    def _ask(self) -> None:
        self.asked += 1

    def _started(self, transport: RTCDtlsTransport) -> Link:
        self.link = self.link or Link(transport)
        return self.link

    async def start(self) -> None:
        await self.connect()
        for transceiver in self.transceivers:
            aiortc_seam.take_packets(transceiver.receiver, lambda *_: False)
        async with asyncio.timeout(PATIENCE):
            while not all(sender.link for sender in self.senders.values()):
                await asyncio.sleep(0.01)
            while not all(t.receiver._RTCRtpReceiver__started for t in self.transceivers):
                await asyncio.sleep(0.01)
        session = self.transport._rx_srtp
        for name in ("unprotect", "unprotect_rtcp"):
            setattr(session, name, self._tap(getattr(session, name)))

    @property
    def transceivers(self) -> list[Any]:
        return self.receiver.getTransceivers()

    @property
    def transport(self) -> Any:
        return self.transceivers[0].receiver.transport

    def _tap(self, unprotect: Any) -> Any:
        def tapped(data: bytes) -> bytes:
            plain: bytes = unprotect(data)
            self.heard.append(plain)
            self._news.set()
            return plain

        return tapped

    @property
    def packets(self) -> list[bytes]:
        return [each for each in self.heard if not is_rtcp(each)]

    @property
    def reports(self) -> list[RtcpSrPacket]:
        rtcp = [each for each in self.heard if is_rtcp(each)]
        return [p for each in rtcp for p in RtcpPacket.parse(each) if isinstance(p, RtcpSrPacket)]

    async def hears(self, count: int) -> list[bytes]:
        async with asyncio.timeout(PATIENCE):
            while len(self.packets) < count:
                self._news.clear()
                await self._news.wait()
        return self.packets

    def stock(self, kind: str, data: bytes) -> bytes:
        """Serialize with aiortc what ``data`` says, as aiortc's sender does."""
        sender = self.senders[kind]._sender
        extensions = sender._RTCRtpSender__rtp_header_extensions_map
        said = RtpPacket.parse(data, extensions)
        packet = RtpPacket(
            payload_type=said.payload_type,
            marker=said.marker,
            sequence_number=said.sequence_number,
            timestamp=said.timestamp,
            ssrc=sender._ssrc,
            payload=said.payload,
        )
        packet.extensions = HeaderExtensions(
            abs_send_time=said.extensions.abs_send_time, mid=sender._RTCRtpSender__mid
        )
        return packet.serialize(extensions)


@pytest.fixture
async def sending() -> AsyncIterator[Sending]:
    pair = Sending()
    await pair.start()
    yield pair
    await pair.close()


def payloads(*sizes: int) -> list[bytes]:
    return [bytes((0x41, number & 0xFF)) * (size // 2) for number, size in enumerate(sizes)]


def test_the_private_names_are_there() -> None:
    sender = Path(aiortc.rtcrtpsender.__file__).read_text()
    for line in (
        "asyncio.ensure_future(self._run_rtp(parameters.codecs[0]))",
        "await self._retransmit(seq)",
        "self._send_keyframe()",
        "ntp_timestamp=self.__ntp_timestamp",
        "rtp_timestamp=self.__rtp_timestamp",
        "packet_count=self.__packet_count",
        "octet_count=self.__octet_count",
        "self.__rtp_exited.wait()",
    ):
        assert line in sender
    assert HISTORY_PACKETS == 1_024
    assert pylibsrtp.__version__.startswith("1.")


async def test_every_byte_is_what_stock_aiortc_sends(sending: Sending) -> None:
    # Runs of one size, a smaller last, a larger one after a smaller, more than one call holds.
    frames = [
        payloads(1200, 1200, 400),
        payloads(40, 1200, 1200, 1200, 700, 1200, 300),
        payloads(*[1200] * 70, 10),
        payloads(2),
    ]
    video = sending.senders["video"]
    for number, frame in enumerate(frames):
        video.send(frame, number * 3000, NTP)
    everything = [payload for frame in frames for payload in frame]
    heard = await sending.hears(len(everything))
    assert heard == [sending.stock("video", data) for data in heard]
    parsed = [RtpPacket.parse(data) for data in heard]
    assert [p.payload for p in parsed] == everything
    steps = {(b.sequence_number - a.sequence_number) & 0xFFFF for a, b in pairwise(parsed)}
    assert steps == {1}
    marks = [number for number, p in enumerate(parsed) if p.marker]
    assert marks == [2, 9, 80, 81]
    assert (parsed[-1].timestamp - parsed[0].timestamp) & 0xFFFFFFFF == 9000
    assert sending.link is not None
    # One call for each run, not for each packet.
    assert sending.link.calls <= 10


async def test_what_was_lost_is_sent_again_up_to_1024_packets_ago(sending: Sending) -> None:
    video = sending.senders["video"]
    frame = payloads(1200, 600)
    for number in range(HISTORY_PACKETS // 2 + 8):
        video.send(frame, number * 3000, NTP)
        await sending.hears(2 * number + 2)
    first = RtpPacket.parse((await sending.hears(1))[0]).sequence_number
    oldest = first + 16
    sending.heard.clear()
    for sequence in (first, oldest, oldest + 1):
        await video._sender._retransmit(sequence & 0xFFFF)
    again = [RtpPacket.parse(data) for data in await sending.hears(2)]
    assert [p.ssrc for p in again] == [video._sender._rtx_ssrc] * 2
    assert {p.payload_type for p in again} == {video._sender._RTCRtpSender__rtx_payload_type}
    assert [struct.unpack("!H", p.payload[:2])[0] for p in again] == [oldest, oldest + 1]
    assert [p.payload[2:] for p in again] == frame
    assert [p.marker for p in again] == [0, 1]
    assert again[1].sequence_number == (again[0].sequence_number + 1) & 0xFFFF
    assert video.resent == 2


async def test_without_rtx_the_same_bytes_are_sent_again(sending: Sending) -> None:
    audio = sending.senders["audio"]
    audio.send([b"opus"], 960, NTP)
    sequence = RtpPacket.parse((await sending.hears(1))[0]).sequence_number
    await audio._sender._retransmit(sequence)
    # Stock aiortc's replay protection lets nothing else through than what allow_repeat_tx does.
    assert audio.resent == 1


async def test_a_storm_of_nacks_is_bounded(sending: Sending) -> None:
    video = sending.senders["video"]
    video.send(payloads(*[1200] * 100), 0, NTP)
    first = RtpPacket.parse((await sending.hears(100))[0]).sequence_number
    began = asyncio.get_running_loop().time()
    for _ in range(10):
        for number in range(100):
            await video._sender._retransmit((first + number) & 0xFFFF)
    earned = RESENDS_PER_SECOND * (asyncio.get_running_loop().time() - began)
    assert RESENDS_AT_ONCE <= video.resent <= RESENDS_AT_ONCE + earned + 1


async def test_reports_put_sound_and_picture_on_one_line(sending: Sending) -> None:
    sending.senders["video"].send(payloads(1200, 100), 90 * 500, NTP)
    sending.senders["audio"].send([b"opus"], 48 * 500, NTP)

    def newest() -> dict[int, RtcpSenderInfo]:
        # The first ones may have been on their way before there was anything to tell.
        told = [report for report in sending.reports if report.sender_info.packet_count]
        return {report.ssrc: report.sender_info for report in told}

    await eventually(lambda: len(newest()) == 2)
    for kind, count, size in (("video", 2, 1300), ("audio", 1, 4)):
        sender = sending.senders[kind]._sender
        info = newest()[sender._ssrc]
        assert info.ntp_timestamp == NTP
        assert (info.packet_count, info.octet_count) == (count, size)
        data = next(d for d in sending.packets if RtpPacket.parse(d).ssrc == sender._ssrc)
        assert info.rtp_timestamp == RtpPacket.parse(data).timestamp


async def test_a_pli_reaches_us_and_receiver_reports_reach_aiortc(sending: Sending) -> None:
    video = sending.senders["video"]
    for number in range(20):
        video.send(payloads(1200), number * 3000, NTP)
    await sending.hears(20)
    receiver = sending.transceivers[0].receiver
    await receiver._send_rtcp_pli(video._sender._ssrc)
    async with asyncio.timeout(PATIENCE):
        while not sending.asked:
            await asyncio.sleep(0.02)
        while "remote-inbound-rtp" not in {
            each.type for each in (await video._sender.getStats()).values()
        }:
            await asyncio.sleep(0.05)


class RefusingSocket(socket.socket):
    """A socket that the kernel lends no segmentation, or no room."""

    refuses: int | None = None

    def sendmsg(self, *args: Any) -> int:
        if self.refuses is not None:
            raise OSError(self.refuses, "refused")
        return super().sendmsg(*args)

    def sendto(self, *args: Any) -> int:
        if self.refuses == errno.EAGAIN:
            raise BlockingIOError(errno.EAGAIN, "refused")
        return super().sendto(*args)


def refuse(link: Link, number: int | None) -> None:
    link._check()
    if not isinstance(link._socket, RefusingSocket):
        assert link._socket is not None
        link._socket = RefusingSocket(fileno=link._socket.detach())
        link._socket.setblocking(False)
    link._socket.refuses = number


async def test_where_the_kernel_cuts_nothing_datagrams_go_one_by_one(sending: Sending) -> None:
    assert sending.link is not None
    refuse(sending.link, errno.EIO)
    frame = payloads(1200, 1200, 300)
    sending.senders["video"].send(frame, 0, NTP)
    heard = await sending.hears(3)
    assert [RtpPacket.parse(data).payload for data in heard] == frame


async def test_what_a_full_socket_does_not_take_leaves_later_in_order(sending: Sending) -> None:
    link = sending.link
    assert link is not None
    frame = payloads(1200, 1200, 300)
    refuse(link, errno.EAGAIN)
    sending.senders["video"].send(frame, 0, NTP)
    assert not link.flush()
    sending.senders["audio"].send([b"opus"], 0, NTP)
    refuse(link, None)
    assert link.flush()
    heard = [RtpPacket.parse(data).payload for data in await sending.hears(4)]
    assert heard == [*frame, b"opus"]


async def test_a_closed_peer_lets_go_of_its_socket(sending: Sending) -> None:
    link = sending.link
    assert link is not None
    sending.senders["video"].send(payloads(100), 0, NTP)
    link.close()
    await sending.sender.close()
    assert all(sender.link is None for sender in sending.senders.values())
    with pytest.raises(ConnectionError):
        link.send(bytearray(12), 0, [b"x"], 0x80)
