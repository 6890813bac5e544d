"""The RTMP client against servers that are right and servers that are not."""

import asyncio
import datetime
import ipaddress
import ssl
import traceback
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from server.addresses import parse_allowed
from server.media.codes import Code, DestinationError
from server.media.destinations.address import AddressGuard
from server.media.rtmp import chunks, client
from server.media.rtmp.chunks import ChunkStream, MessageType
from server.media.rtmp.client import RtmpPublisher, publish
from server.secrets.secret import Secret
from tests.media.scripted_server import ScriptedServer

KEY = Secret("canary-77-key")
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
        part = chunks.payload(MessageType.VIDEO, ChunkStream.VIDEO, bytes(20_000))
        for timestamp in (0, 0xFFFFFE, 0xFFFFFF, 0x1FFFFFF):
            publisher.send(part, timestamp)
            await publisher.drain()
        await publisher.close()
        async with asyncio.timeout(2):
            while server.commands[-1] != "deleteStream":
                await asyncio.sleep(0.01)
        assert server.media == [(9, 20_000)] * 4
        assert server.commands[-2:] == ["FCUnpublish", "deleteStream"]
        assert repr(KEY) not in (KEY.reveal(),)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("NetStream.Publish.BadName", Code.NAME_IN_USE),
        ("NetStream.Publish.Denied", Code.PUBLISH_DENIED),
        ("NetStream.Something.Else", Code.PUBLISH_DENIED),
    ],
)
async def test_a_refusal_to_publish_has_its_code(status: str, code: Code) -> None:
    async with ScriptedServer(publish_status=status) as server:
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


def certificate(directory: Path) -> tuple[Path, ssl.SSLContext]:
    """Make a certificate for localhost; return its file and a server context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, private = directory / "cert.pem", directory / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, private)
    return chain, context


async def test_a_certificate_is_verified(tmp_path: Path) -> None:
    chain, context = certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=str(chain))
    async with ScriptedServer(context=context) as server:
        assert await refusal(server.url("rtmps", "localhost")) is Code.TLS_VERIFY
        publisher = await connect(server.url("rtmps", "localhost"), trusting)
        publisher.send(chunks.payload(MessageType.AUDIO, ChunkStream.AUDIO, b"x"), 0)
        await publisher.drain()
        assert publisher.bytes_accepted() > 0
        await publisher.close()


async def test_plain_rtmp_to_a_tls_port_is_left(tmp_path: Path) -> None:
    _, context = certificate(tmp_path)
    async with ScriptedServer(context=context) as server:
        assert await refusal(server.url()) in (
            Code.HANDSHAKE,
            Code.PROVIDER_CLOSE,
            Code.RESET,
        )
