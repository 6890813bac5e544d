"""Publish to one RTMP or RTMPS server.

The key is revealed for the commands that need it and kept nowhere; no exception raised here
holds a URL, a key or what the server said, only a code of the closed set.
"""

import asyncio
import os
import socket
import ssl
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from server.media.codes import Code, DestinationError
from server.media.rtmp import amf, chunks
from server.media.rtmp.chunks import ChunkStream, MessageType
from server.secrets.secret import Secret

T = TypeVar("T")

CONNECT_SECONDS = 5.0
HANDSHAKE_SECONDS = 5.0
PUBLISH_SECONDS = 8.0
TOTAL_SECONDS = 15.0
CLOSE_SECONDS = 2.0
_SEND_BUFFER = 256 << 10
_NOT_SENT = 64 << 10
_USER_TIMEOUT_MS = 10_000
_WRITE_HIGH = 128 << 10
_HANDSHAKE = 1536
_CONNECT_CALL, _RELEASE_CALL, _FCPUBLISH_CALL, _CREATE_CALL, _PUBLISH_CALL = 1, 2, 3, 4, 5
_UNPUBLISH_CALL, _DELETE_CALL = 6, 7


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect: an address that was checked, and the names that the protocol wants."""

    address: str
    """The pinned IP address."""
    port: int
    host: str
    """For TLS: verified against the certificate."""
    tls: bool
    app: str
    url: str
    """What tcUrl says: scheme, host and application; never a key."""


_REFUSALS = {
    "NetStream.Publish.BadName": Code.NAME_IN_USE,
    "NetStream.Publish.Denied": Code.PUBLISH_DENIED,
    "NetConnection.Connect.Rejected": Code.AUTH_REJECTED,
    "NetConnection.Connect.InvalidApp": Code.AUTH_REJECTED,
}


class RtmpPublisher:
    """One connection that publishes one stream. Open it with :func:`publish`."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, endpoint: Endpoint
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._endpoint = endpoint
        self._chunks = chunks.Reader()
        self._answers: dict[int, asyncio.Future[list[amf.Value]]] = {}
        self._status: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._stream = 0
        self._received = 0
        self._acknowledged = 0
        self._window = 0
        self.bytes_sent = 0
        self.ended: Code | None = None
        """Why the connection is over, once it is."""

    async def negotiate(self, key: Secret) -> None:
        """Handshake, connect, create a stream and publish; return when the server said Start.

        :meth:`listen` must be running from the handshake on.
        """
        self._command("connect", _CONNECT_CALL, self._connect_arguments())
        await self._answer(_CONNECT_CALL)
        self._command("releaseStream", _RELEASE_CALL, None, key.reveal())
        self._command("FCPublish", _FCPUBLISH_CALL, None, key.reveal())
        self._command("createStream", _CREATE_CALL, None)
        answer = await self._answer(_CREATE_CALL)
        stream = answer[3] if len(answer) > 3 else None
        if not isinstance(stream, float) or not 0 < stream < 1 << 24:
            raise DestinationError(Code.HANDSHAKE)
        self._stream = int(stream)
        self._command("publish", _PUBLISH_CALL, None, key.reveal(), "live", stream=self._stream)
        status = await self._status
        if status != "NetStream.Publish.Start":
            raise DestinationError(_REFUSALS.get(status, Code.PUBLISH_DENIED))

    async def handshake(self) -> None:
        """Exchange the three packets of each side (RTMP 1.0 §5.2), and set the chunk size.

        Raises:
            DestinationError: If the peer does not speak RTMP.

        """
        self._writer.write(b"\x03" + bytes(8) + os.urandom(_HANDSHAKE - 8))
        answer = await self._reader.readexactly(1 + _HANDSHAKE)
        if answer[0] != 3:
            raise DestinationError(Code.HANDSHAKE)
        self._writer.write(answer[1:])
        await self._reader.readexactly(_HANDSHAKE)
        self._control(MessageType.SET_CHUNK_SIZE, struct.pack(">I", chunks.OUT_CHUNK))

    async def listen(self) -> None:
        """Answer the server until it goes; :attr:`ended` then says why."""
        try:
            while data := await self._reader.read(65_536):
                self._received += len(data)
                for message in self._chunks.feed(data):
                    self._heard(message)
                if self._window and self._received - self._acknowledged >= self._window:
                    self._acknowledged = self._received
                    self._control(
                        MessageType.ACKNOWLEDGEMENT, struct.pack(">I", self._received & 0xFFFFFFFF)
                    )
            self._end(Code.PROVIDER_CLOSE)
        except (OSError, ssl.SSLError):
            self._end(Code.RESET)
        except (chunks.MalformedChunkError, amf.MalformedAmfError):
            self._end(Code.HANDSHAKE)

    def send(self, part: chunks.Payload, timestamp: int) -> None:
        """Write one media message; it leaves when the kernel takes it."""
        data = chunks.message(part, timestamp, self._stream)
        self.bytes_sent += len(data)
        self._writer.write(data)

    async def drain(self) -> None:
        """Wait while the peer is slow.

        Raises:
            DestinationError: If the connection is over.

        """
        if self.ended is not None:
            raise DestinationError(self.ended)
        try:
            await self._writer.drain()
        except (OSError, ssl.SSLError):
            self._end(Code.RESET)
            raise DestinationError(Code.RESET) from None

    def bytes_accepted(self) -> int:
        """Return how many bytes the peer has acknowledged, or else the kernel has taken."""
        transport = self._writer.transport
        sock = transport.get_extra_info("socket")
        if sock is not None and sys.platform == "linux":
            try:
                info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232)
            except OSError:
                return 0
            if len(info) >= 128:
                # struct tcp_info: tcpi_bytes_acked (linux/tcp.h).
                acked: int = struct.unpack_from("=Q", info, 120)[0]
                return acked
        return self.bytes_sent - transport.get_write_buffer_size()

    async def close(self) -> None:
        """Say goodbye (FCUnpublish, deleteStream) and close, within two seconds."""
        if self.ended is None and self._stream:
            self._command("FCUnpublish", _UNPUBLISH_CALL, None, "")
            self._command("deleteStream", _DELETE_CALL, None, self._stream)
        self._writer.close()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._writer.wait_closed()
        except (TimeoutError, OSError, ssl.SSLError):
            self._writer.transport.abort()

    def abort(self, code: Code = Code.RESET) -> None:
        """Drop the connection at once, for the reason given."""
        self._end(code)
        self._writer.transport.abort()

    def _connect_arguments(self) -> amf.Value:
        return {
            "app": self._endpoint.app,
            "type": "nonprivate",
            "flashVer": "FMLE/3.0 (compatible; liveclass)",
            "tcUrl": self._endpoint.url,
        }

    def _command(self, name: str, call: int, *arguments: amf.Value, stream: int = 0) -> None:
        if call in (_CONNECT_CALL, _CREATE_CALL):
            self._answers[call] = asyncio.get_running_loop().create_future()
        body = amf.encode(name, call, *arguments)
        part = chunks.payload(MessageType.COMMAND, ChunkStream.COMMAND, body)
        self._writer.write(chunks.message(part, 0, stream))

    def _control(self, kind: MessageType, body: bytes) -> None:
        self._writer.write(chunks.message(chunks.payload(kind, ChunkStream.CONTROL, body), 0, 0))

    async def _answer(self, call: int) -> list[amf.Value]:
        return await self._answers[call]

    def _heard(self, message: chunks.Message) -> None:
        body = message.body
        if message.type == MessageType.WINDOW_SIZE and len(body) >= 4:
            self._window = int.from_bytes(body[:4], "big")
        elif message.type == MessageType.USER_CONTROL and body[:2] == b"\x00\x06":
            # PingRequest → PingResponse with the same time (RTMP 1.0 §7.1.7).
            self._control(MessageType.USER_CONTROL, b"\x00\x07" + body[2:6])
        elif message.type == MessageType.COMMAND:
            self._commanded(amf.decode(body))
        elif message.type == MessageType.COMMAND_AMF3:
            self._commanded(amf.decode(body[1:]))

    def _commanded(self, values: list[amf.Value]) -> None:
        name = values[0] if values else None
        if name in ("_result", "_error") and len(values) > 1 and isinstance(values[1], float):
            future = self._answers.pop(int(values[1]), None)
            if future is None or future.done():
                return
            if name == "_result":
                future.set_result(values)
            else:
                future.set_exception(DestinationError(_refusal(values)))
        elif name == "onStatus":
            status = _status(values)
            if not self._status.done():
                self._status.set_result(status)
            elif status in _REFUSALS or status == "NetStream.Unpublish.Success":
                self._end(_REFUSALS.get(status, Code.PROVIDER_CLOSE))
                self._writer.close()

    def _end(self, code: Code) -> None:
        if self.ended is None:
            self.ended = code
        for future in self._answers.values():
            _abandon(future, code)
        _abandon(self._status, code)


def _abandon(future: asyncio.Future[T], code: Code) -> None:
    if not future.done():
        future.set_exception(DestinationError(code))
        # Nobody may ever ask: that is not a fault.
        future.exception()


def _status(values: list[amf.Value]) -> str:
    info = values[3] if len(values) > 3 else None
    code = info.get("code") if isinstance(info, dict) else None
    return code if isinstance(code, str) else ""


def _refusal(values: list[amf.Value]) -> Code:
    return _REFUSALS.get(_status(values), Code.AUTH_REJECTED)


async def publish(
    endpoint: Endpoint,
    key: Secret,
    *,
    listen: Callable[[RtmpPublisher], object],
    context: ssl.SSLContext | None = None,
) -> RtmpPublisher:
    """Connect and publish within 15 s; ``listen`` must start :meth:`RtmpPublisher.listen`.

    Raises:
        DestinationError: With the code of what went wrong; nothing is left open.

    """
    publisher: RtmpPublisher | None = None
    code = Code.TCP_TIMEOUT
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            publisher = await _open(endpoint, context)
            code = Code.HANDSHAKE
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                await publisher.handshake()
            listen(publisher)
            async with asyncio.timeout(PUBLISH_SECONDS):
                await publisher.negotiate(key)
            return publisher
    except TimeoutError:
        failure = DestinationError(code)
    except asyncio.IncompleteReadError:
        failure = DestinationError(Code.PROVIDER_CLOSE)
    except DestinationError as error:
        failure = DestinationError(error.code)
    except (OSError, ssl.SSLError):
        failure = DestinationError(Code.RESET)
    except asyncio.CancelledError:
        if publisher is not None:
            publisher.abort()
        raise
    if publisher is not None:
        publisher.abort()
    raise failure


async def _open(endpoint: Endpoint, context: ssl.SSLContext | None) -> RtmpPublisher:
    tls = (context or ssl.create_default_context()) if endpoint.tls else None
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(
                endpoint.address,
                endpoint.port,
                ssl=tls,
                server_hostname=endpoint.host if tls else None,
                ssl_handshake_timeout=CONNECT_SECONDS if tls else None,
            )
    except ssl.SSLCertVerificationError:
        raise DestinationError(Code.TLS_VERIFY) from None
    except ssl.SSLError:
        raise DestinationError(Code.HANDSHAKE) from None
    except ConnectionRefusedError:
        raise DestinationError(Code.TCP_REFUSED) from None
    except TimeoutError:
        raise DestinationError(Code.TCP_TIMEOUT) from None
    except ConnectionResetError:
        raise DestinationError(Code.RESET) from None
    except OSError:
        raise DestinationError(Code.TCP_REFUSED) from None
    _tune(writer)
    return RtmpPublisher(reader, writer, endpoint)


def _tune(writer: asyncio.StreamWriter) -> None:
    """Keep little in the kernel, so that a peer that does not read is noticed early."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _NOT_SENT)
    writer.transport.set_write_buffer_limits(high=_WRITE_HIGH, low=_WRITE_HIGH // 4)
