"""The RTMP client against servers that are right and servers that are not."""

import asyncio
import fcntl
import socket
import ssl
import struct
import termios
import traceback
from dataclasses import replace
from pathlib import Path

import pytest

from server.addresses import parse_allowed
from server.media.codes import Code, DestinationError
from server.media.destinations.address import AddressGuard
from server.media.rtmp import chunks, client, sockets
from server.media.rtmp.chunks import ChunkStream, MessageType
from server.media.rtmp.client import (
    Endpoint,
    RedirectedError,
    RtmpPublisher,
    publish,
    verifying_context,
)
from server.secrets.secret import Secret
from tests.demo import free_port
from tests.media.certificates import certificate
from tests.media.scripted_server import ScriptedServer, control, status
from tests.patience import PATIENCE, Stopwatch, eventually

KEY = Secret("canary-77-key")
VIDEO = chunks.payload(MessageType.VIDEO, ChunkStream.VIDEO, b"\x27" * 20_000)
GUARD = AddressGuard(parse_allowed("127.0.0.0/8:*,[::1/128]:*"))


async def connect(url: str, context: ssl.SSLContext | None = None) -> RtmpPublisher:
    return await publish(await GUARD.pin(url), KEY, context=context)


async def refusal(url: str, context: ssl.SSLContext | None = None) -> Code:
    with pytest.raises(DestinationError) as refused:
        await connect(url, context)
    told = "".join(traceback.format_exception(refused.value)) + repr(refused.value)
    assert KEY.reveal() not in told
    assert url not in told
    return refused.value.code


async def test_it_publishes_answers_pings_and_says_goodbye() -> None:
    async with ScriptedServer() as server:
        publisher = await connect(server.url())
        assert server.commands == [
            "connect", "releaseStream", "FCPublish", "createStream", "publish",
        ]  # fmt: skip
        assert server.pongs == [b"\x00\x07\x00\x00\x12\x34"]
        times = [0, 0xFFFFFE, 0xFFFFFF, 0x1FFFFFF]
        for timestamp in times:
            publisher.send(VIDEO, timestamp)
            await publisher.drain()
        watch = Stopwatch()
        await publisher.close()
        assert watch.seconds < 1.5
        assert server.media == [(9, 20_000)] * 4
        assert server.times == {9: times}
        # Heard before the connection was gone, although the server had more to say.
        assert server.commands[-2:] == ["FCUnpublish", "deleteStream"]
        assert server.arguments["FCUnpublish"] == [None, KEY.reveal()]
        with pytest.raises(DestinationError):
            await publisher.drain()
        publisher.send(VIDEO, 0)


async def test_goodbye_takes_no_longer_than_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.CLOSE_SECONDS == 2
    monkeypatch.setattr(client, "CLOSE_SECONDS", 0.5)
    async with ScriptedServer(stops_reading_after=0) as server:
        publisher = await connect(server.url())
        for timestamp in range(400):
            publisher.send(VIDEO, timestamp)
        watch = Stopwatch()
        await publisher.close()
        # It reads nothing for as long as it is waited for.
        assert watch.seconds < 1.5


async def test_a_server_that_asks_and_reads_nothing_is_left() -> None:
    ping = control(MessageType.USER_CONTROL, b"\x00\x06\x00\x00\x00\x00")
    async with ScriptedServer(stops_reading_after=0) as server:
        publisher = await connect(server.url())
        while publisher._transport.get_write_buffer_size() < client.MOST_BACKLOG - 64_000:
            publisher.send(VIDEO, 0)
        publisher.data_received(ping)
        assert publisher.ended is None
        publisher.data_received(ping * 10_000)
        assert publisher.ended is Code.STALL


async def test_the_kernel_is_asked_how_the_connection_is() -> None:
    async with ScriptedServer(stops_reading_after=0) as server:
        publisher = await connect(server.url())
        first, allowed = publisher.bytes_accepted()
        for timestamp in range(300):
            publisher.send(VIDEO, timestamp)
        sock = publisher._transport.get_extra_info("socket")
        acked = -1
        await eventually(lambda: server.media)
        async with asyncio.timeout(PATIENCE):
            while (info := publisher.tcp_info()).bytes_acked != acked:
                acked = info.bytes_acked
                await asyncio.sleep(0.3)
        # What the kernel says by other ways: SIOCOUTQ, SIOCOUTQNSD (linux/sockios.h).
        unacked_bytes, unsent = (
            struct.unpack("i", fcntl.ioctl(sock, request, bytes(4)))[0]
            for request in (termios.TIOCOUTQ, 0x894B)
        )
        assert info.notsent_bytes == unsent > 0
        assert info.unacked * 65_536 >= unacked_bytes - unsent >= info.unacked
        assert 0 < info.rtt_ms < 1000
        assert 0 <= info.retransmits < 100
        written = publisher.bytes_sent - publisher._transport.get_write_buffer_size()
        # The handshake, the commands and the SYN are beside the media.
        assert 3073 < info.bytes_acked + unacked_bytes - written < 5000
        # It reads nothing: there is no room left, and what there was at first is what it took.
        assert info.bytes_acked + info.window_bytes - allowed <= info.bytes_acked - first - 20_000
        assert info.window_bytes < 3_000
        assert publisher.bytes_accepted() == (
            info.bytes_acked,
            info.bytes_acked + info.window_bytes,
        )
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await publisher.drain()
        # The kernel takes little of it; the rest is ours to drop.
        assert unacked_bytes < 4 * sockets.SEND_BUFFER
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        publisher.abort()
        with pytest.raises(DestinationError):
            await publisher.drain()
        await asyncio.sleep(0)
        assert publisher.tcp_info() is None


async def test_a_kernel_that_does_not_tell_leaves_our_own_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sockets.sys, "platform", "darwin")
    async with ScriptedServer() as server:
        publisher = await connect(server.url())
        publisher.send(VIDEO, 0)
        assert publisher.tcp_info() is None
        assert publisher.bytes_accepted() == (publisher.bytes_sent,) * 2
        assert publisher.bytes_sent > 20_000
        publisher.abort()


async def test_an_address_that_is_dead_costs_a_quarter_of_a_second() -> None:
    """Of IPv4 or of IPv6: the next is tried beside it."""
    with socket.socket() as full:
        # Its backlog is full: whoever connects next hears nothing.
        full.bind(("127.0.0.3", free_port()))
        full.listen(0)
        port = full.getsockname()[1]
        with socket.create_connection(("127.0.0.3", port)):
            async with ScriptedServer(host="::1", port=port) as server:
                endpoint = Endpoint(("127.0.0.3", "::1"), port, "x", False, "live", "rtmp://x/live")
                watch = Stopwatch()
                publisher = await publish(endpoint, KEY)
                # Who waits for the dead one waits for five.
                assert watch.seconds < 2
                assert server.commands[-1] == "publish"
                publisher.abort()


async def test_a_refused_address_is_known_at_once() -> None:
    url = f"rtmp://127.0.0.1:{free_port()}/live"
    watch = Stopwatch()
    assert await refusal(url) is Code.TCP_REFUSED
    assert watch.seconds < 2


async def test_a_server_may_ask_for_another_connection() -> None:
    ask = status("NetConnection.Connect.ReconnectRequest", tcUrl="/elsewhere")
    async with ScriptedServer(then=[ask]) as server:
        publisher = await connect(server.url())
        async with asyncio.timeout(PATIENCE):
            while publisher.redirect is None:
                await asyncio.sleep(0.01)
        assert publisher.redirect == f"rtmp://127.0.0.1:{server.port}/elsewhere"
        publisher.send(VIDEO, 0)
        await publisher.close()
        assert server.media == [(9, 20_000)]


async def test_a_refusal_may_name_another_server() -> None:
    elsewhere = {"ex": {"code": 302.0, "redirect": "rtmp://10.0.0.1/app"}}
    async with ScriptedServer(
        connect_status="NetConnection.Connect.Rejected", connect_says=elsewhere
    ) as server:
        with pytest.raises(RedirectedError) as refused:
            await connect(server.url())
        assert refused.value.redirect == "rtmp://10.0.0.1/app"
        assert "10.0.0.1" not in str(refused.value) + repr(refused.value)


@pytest.mark.parametrize(
    ("publish_status", "code"),
    [
        ("NetStream.Publish.BadName", Code.NAME_IN_USE),
        ("NetStream.Publish.Denied", Code.PUBLISH_DENIED),
        ("NetStream.Something.Else", Code.PUBLISH_DENIED),
    ],
)
async def test_a_refusal_to_publish_has_its_code(publish_status: str, code: Code) -> None:
    async with ScriptedServer(publish_status=publish_status) as server:
        assert await refusal(server.url()) is code


async def test_a_refusal_to_connect_has_its_code() -> None:
    async with ScriptedServer(connect_status="NetConnection.Connect.Rejected") as server:
        assert await refusal(server.url()) is Code.AUTH_REJECTED


@pytest.mark.parametrize(
    "hello", [b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(2000), b"\x03short", b""]
)
async def test_what_is_no_rtmp_server_is_left(hello: bytes) -> None:
    async with ScriptedServer(hello=hello) as server:
        assert await refusal(server.url()) in (
            Code.HANDSHAKE,
            Code.PROVIDER_CLOSE,
            Code.RESET,
        )


async def test_a_server_that_never_answers_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "HANDSHAKE_SECONDS", 0.2)
    async with ScriptedServer(silent=True) as server:
        assert await refusal(server.url()) is Code.HANDSHAKE


async def test_a_certificate_is_verified(tmp_path: Path) -> None:
    chain, context = certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=str(chain))
    async with ScriptedServer(context=context) as server:
        assert await refusal(server.url("rtmps", "localhost")) is Code.TLS_VERIFY
        steps: list[str] = []
        # Connected to by address, asked for by name.
        endpoint = replace(await GUARD.pin(server.url("rtmps", "127.0.0.1")), host="localhost")
        publisher = await publish(endpoint, KEY, context=trusting, on_step=steps.append)
        assert steps == ["tcp", "tls", "handshake", "connect", "publish"]
        assert server.server_names[-1] == "localhost"
        publisher.send(chunks.payload(MessageType.AUDIO, ChunkStream.AUDIO, b"\xaf\x01"), 0)
        await publisher.drain()
        assert publisher.tcp_info().bytes_acked > 0
        await publisher.close()
        # The name counts, not the address.
        with pytest.raises(DestinationError) as refused:
            await publish(replace(endpoint, host="other.example"), KEY, context=trusting)
        assert refused.value.code is Code.TLS_VERIFY
        assert server.server_names[-1] == "other.example"


async def test_tls_of_yesterday_is_refused(tmp_path: Path) -> None:
    _, context = certificate(tmp_path)
    with pytest.warns(DeprecationWarning, match="TLS"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLS"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    assert verifying_context().minimum_version >= ssl.TLSVersion.TLSv1_2
    async with ScriptedServer(context=context) as server:
        assert await refusal(server.url("rtmps", "localhost")) is Code.HANDSHAKE


async def test_plain_rtmp_to_a_tls_port_is_left(tmp_path: Path) -> None:
    _, context = certificate(tmp_path)
    async with ScriptedServer(context=context) as server:
        assert await refusal(server.url()) in (
            Code.HANDSHAKE,
            Code.PROVIDER_CLOSE,
            Code.RESET,
        )
