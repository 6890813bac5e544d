"""Publish to one RTMP or RTMPS server.

The key is revealed for the commands that need it and goes with the connection; no exception raised
here holds a URL, a key or what the server said, only a code of the closed set. A redirect is an
attribute, for whoever checks it and follows.
"""

import asyncio
import functools
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

from server.media.codes import Code, DestinationError
from server.media.rtmp import chunks, sockets
from server.media.rtmp.conversation import NONCE, Conversation, Stage
from server.media.rtmp.sockets import TcpInfo
from server.secrets.secret import Secret

CONNECT_SECONDS = 5.0
TLS_SECONDS = 5.0
HANDSHAKE_SECONDS = 5.0
PUBLISH_SECONDS = 8.0
TOTAL_SECONDS = 15.0
CLOSE_SECONDS = 2.0
MOST_BACKLOG = 8 << 20
"""A server that makes us answer and reads nothing is left when so many bytes wait for it."""
_WRITE_HIGH = 128 << 10
_PIECE = 64 << 10
"""What is written in one piece at most, and a message."""
_SEGMENT = 1448
"""Payload of a TCP segment on Ethernet, with timestamps."""


Step = Literal["tcp", "tls", "handshake", "connect", "publish"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect: addresses that were checked, and the names that the protocol wants."""

    addresses: tuple[str, ...]
    """The pinned IP addresses, in the order in which to try them."""
    port: int
    host: str
    """For TLS: asked for (SNI) and verified against the certificate."""
    tls: bool
    app: str
    url: str
    """What tcUrl says: scheme, host and application; never a key."""


class RedirectedError(DestinationError):
    """The server refuses and names another, at :attr:`redirect`: a URL that nobody has checked."""

    def __init__(self, redirect: str) -> None:
        super().__init__(Code.PROVIDER_CLOSE)
        self.redirect = redirect


class RtmpPublisher(asyncio.Protocol):
    """One connection that publishes one stream. Open it with :func:`publish`."""

    def __init__(self, conversation: Conversation) -> None:
        self.bytes_sent = 0
        """Of media, with its headers."""
        self.on_change: Callable[[], None] = lambda: None
        """Hears that the peer takes more again, and that the connection is over."""
        self._conversation = conversation
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        self._transport: asyncio.Transport
        self._heard = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._closed = asyncio.Event()

    @property
    def ended(self) -> Code | None:
        """Why the connection is over, once it is."""
        return self._conversation.ended

    @property
    def published(self) -> bool:
        """Whether the server has said Start."""
        return self._conversation.stage is Stage.PUBLISHED

    @property
    def redirect(self) -> str | None:
        """Where the server asked us to connect instead (Enhanced RTMP: ReconnectRequest).

        An absolute URL, its own if it named no other; None while it has not asked. Until the next
        keyframe it takes what we send. Check the URL as if a stranger had given it.
        """
        return self._conversation.redirect

    @property
    def takes_more(self) -> bool:
        """Whether the peer is not slow."""
        return self._writable.is_set()

    def send(self, part: chunks.Payload, timestamp: int) -> None:
        """Write one media message; it leaves with :meth:`flush`, or when enough is together."""
        if self.ended is None:
            data = chunks.message(part, timestamp, self._conversation.stream)
            self.bytes_sent += len(data)
            self._unsent.append(data)
            self._unsent_bytes += len(data)
            if self._unsent_bytes >= _PIECE:
                self.flush()

    def flush(self) -> None:
        """Let go what was written, in one piece; it leaves when the kernel takes it."""
        unsent, self._unsent, self._unsent_bytes = self._unsent, [], 0
        self._write(b"".join(unsent))

    async def drain(self) -> None:
        """Let go what was written, and wait while the peer is slow.

        Raises:
            DestinationError: If the connection is over.

        """
        self.flush()
        if self.ended is None and not self._writable.is_set():
            await self._writable.wait()
        if self.ended is not None:
            raise DestinationError(self.ended)

    def tcp_info(self) -> TcpInfo | None:
        """Return what the kernel knows of the connection; None where it does not tell."""
        sock = self._transport.get_extra_info("socket")
        return None if sock is None else sockets.tcp_info(sock)

    def bytes_accepted(self) -> tuple[int, int]:
        """Return how many bytes the peer has acknowledged, and with those that it has room for.

        Where a kernel does not tell, it is what our own has taken; without a window it is one
        number twice.
        """
        info = self.tcp_info()
        if info is None:
            taken = self.bytes_sent - self._transport.get_write_buffer_size()
            return taken, taken
        return info.bytes_acked, info.bytes_acked + (info.window_bytes or 0)

    def backlog_bytes(self) -> int:
        """Return about how many bytes wait here, in the kernel and on the way."""
        waiting = self._transport.get_write_buffer_size()
        info = self.tcp_info()
        return waiting if info is None else waiting + info.notsent_bytes + info.unacked * _SEGMENT

    async def close(self) -> None:
        """Say goodbye (FCUnpublish, deleteStream) and close, within two seconds."""
        self.flush()
        self._write(self._conversation.goodbye())
        self._conversation.end(Code.PROVIDER_CLOSE)
        if self._transport.can_write_eof() and not self._transport.is_closing():
            # Closing what has unread bytes resets it, and takes the goodbye with it.
            self._transport.write_eof()
        else:
            self._transport.close()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._closed.wait()
        except TimeoutError:
            self._transport.abort()

    def abort(self, code: Code = Code.RESET) -> None:
        """Drop the connection at once, for the reason given."""
        self._end(code)
        self._transport.abort()

    async def reached(self, stage: Stage) -> None:
        """Wait until the conversation has come as far as ``stage``.

        Raises:
            DestinationError: If it ended instead.

        """
        while self._conversation.stage < stage:
            if self.ended is not None:
                if self.redirect is not None:
                    raise RedirectedError(self.redirect)
                raise DestinationError(self.ended)
            self._heard.clear()
            await self._heard.wait()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by type
        self._transport.set_write_buffer_limits(high=_WRITE_HIGH, low=_WRITE_HIGH // 4)
        self._write(self._conversation.begin())

    def data_received(self, data: bytes) -> None:
        """Answer."""
        self._write(self._conversation.receive(data))
        self._heard.set()
        if self._transport.get_write_buffer_size() > MOST_BACKLOG:
            self.abort(Code.STALL)
        elif self.ended is not None:
            self._end(self.ended)
            self._transport.close()

    def pause_writing(self) -> None:
        """Hold back who drains."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let go who drains."""
        self._writable.set()
        self.on_change()

    def eof_received(self) -> None:
        """Be over, also while it does not read what we have written."""
        self._end(Code.PROVIDER_CLOSE)

    def connection_lost(self, error: Exception | None) -> None:
        """Be over: the server closed, or the way to it broke."""
        self._end(Code.PROVIDER_CLOSE if error is None else Code.RESET)
        self._closed.set()

    def _end(self, code: Code) -> None:
        self._conversation.end(code)
        self._heard.set()
        self._writable.set()
        self.on_change()

    def _write(self, data: bytes) -> None:
        if data and not self._transport.is_closing():
            self._transport.write(data)


async def publish(
    endpoint: Endpoint,
    key: Secret,
    *,
    context: ssl.SSLContext | None = None,
    on_step: Callable[[Step], None] = lambda _: None,
) -> RtmpPublisher:
    """Connect and publish within 15 s; the server has said Start when this returns.

    ``on_step`` hears of each step when it is done.

    Raises:
        DestinationError: With the code of what went wrong; nothing is left open.

    """
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            sock = await _reach(endpoint)
            on_step("tcp")
            publisher = await _open(sock, endpoint, key, context)
            if endpoint.tls:
                on_step("tls")
            await _negotiate(publisher, on_step)
            return publisher
    except TimeoutError:
        raise DestinationError(Code.HANDSHAKE) from None


async def _reach(endpoint: Endpoint) -> socket.socket:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await sockets.connect(endpoint.addresses, endpoint.port)
    except TimeoutError:
        raise DestinationError(Code.TCP_TIMEOUT) from None


async def _open(
    sock: socket.socket, endpoint: Endpoint, key: Secret, context: ssl.SSLContext | None
) -> RtmpPublisher:
    """Make a publisher of a connection, over TLS if that is wanted."""
    tls = (context or verifying_context()) if endpoint.tls else None
    conversation = Conversation(key, app=endpoint.app, url=endpoint.url, nonce=os.urandom(NONCE))
    try:
        _, publisher = await asyncio.get_running_loop().create_connection(
            lambda: RtmpPublisher(conversation),
            sock=sock,
            ssl=tls,
            server_hostname=endpoint.host if tls else None,
            ssl_handshake_timeout=TLS_SECONDS if tls else None,
            ssl_shutdown_timeout=CLOSE_SECONDS if tls else None,
        )
    except ssl.SSLCertVerificationError:
        raise DestinationError(Code.TLS_VERIFY) from None
    except (ssl.SSLError, ValueError):
        # ValueError: a host that cannot be in a certificate.
        raise DestinationError(Code.HANDSHAKE) from None
    except OSError:
        # Also when TLS takes too long: asyncio calls that an aborted connection.
        raise DestinationError(Code.HANDSHAKE if tls else Code.RESET) from None
    return publisher


async def _negotiate(publisher: RtmpPublisher, on_step: Callable[[Step], None]) -> None:
    try:
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            await publisher.reached(Stage.CONNECTING)
        on_step("handshake")
        async with asyncio.timeout(PUBLISH_SECONDS):
            await publisher.reached(Stage.CREATING)
            on_step("connect")
            await publisher.reached(Stage.PUBLISHED)
        on_step("publish")
    finally:
        if not publisher.published:
            publisher.abort()


@functools.cache
def verifying_context() -> ssl.SSLContext:
    """Return what verifies certificates and host names, by the system's roots; TLS 1.2 or newer."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
