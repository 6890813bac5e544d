"""A WebSocket client without comfort: as little as possible between the socket and who measures."""

import asyncio
import base64
import functools
import os
import socket
import ssl
from abc import ABC, abstractmethod
from typing import cast
from urllib.parse import urlsplit

_HANDSHAKE_SECONDS = 20.0


class Peer(asyncio.Protocol, ABC):
    """A client connection after its handshake; subclasses take the bytes in :meth:`received`."""

    def __init__(self) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_open = False
        self.is_paused = False
        self._transport: asyncio.WriteTransport | None = None
        self._head = b""

    @abstractmethod
    def received(self, data: bytes) -> None:
        """Take bytes that follow the handshake."""

    def lost(self) -> None:
        """The connection has ended, whoever ended it."""

    def send_text(self, payload: bytes) -> None:
        """Send one masked text frame (RFC 6455 §5.3), unless the connection is ending."""
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.write(masked_text(payload))

    def send_pong(self, payload: bytes) -> None:
        """Answer a ping of the WebSocket layer."""
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.write(_masked(payload, 0x8A))

    def close(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Be gone without a word, as somebody whose network is."""
        if self._transport is not None:
            self._transport.abort()

    def pause(self) -> None:
        """Read nothing until :meth:`resume`; the kernel takes what it has room for."""
        if self.is_open and not self.is_paused:
            self.is_paused = True
            cast(asyncio.Transport, self._transport).pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self.is_open and self.is_paused:
            self.is_paused = False
            cast(asyncio.Transport, self._transport).resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; the handshake is written by :func:`connect`."""
        # uvloop's transports have the methods, but not the base class.
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        """Take the answer to the handshake, then everything else."""
        if self.is_open:
            self.received(data)
            return
        self._head += data
        head, end, rest = self._head.partition(b"\r\n\r\n")
        if not end:
            return
        if not head.startswith(b"HTTP/1.1 101 "):
            self.opened.set_exception(ConnectionError(head.split(b"\r\n")[0].decode("latin-1")))
            self.close()
            return
        if self.opened.done():  # nobody waits any more
            self.close()
            return
        self.is_open = True
        self.opened.set_result(None)
        if rest:
            self.received(rest)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self.is_open = False
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("closed in the handshake"))
        self.lost()


async def connect(
    peer: Peer, url: str, subprotocol: str | None = None, *, receive_bytes: int | None = None
) -> None:
    """Open ``peer``'s connection to a ``ws://`` or ``wss://`` address.

    ``receive_bytes`` is how much the kernel holds that the peer has not read; by default it
    decides itself.

    Raises:
        ConnectionError: If the server does not switch protocols.
        OSError: If it cannot be reached.
        TimeoutError: If it does not answer in time.

    """
    address = urlsplit(url)
    host = address.hostname or ""
    secure = _tls() if address.scheme == "wss" else None
    port = address.port or (443 if secure else 80)
    loop = asyncio.get_running_loop()
    wanted = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
    async with asyncio.timeout(_HANDSHAKE_SECONDS):
        if receive_bytes is None:
            transport, _ = await loop.create_connection(lambda: peer, host, port, ssl=secure)
        else:
            channel = await _small_socket(host, port, receive_bytes)
            try:
                transport, _ = await loop.create_connection(
                    lambda: peer, sock=channel, ssl=secure, server_hostname=host if secure else None
                )
            except BaseException:
                channel.close()
                raise
        transport.write(
            f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n{wanted}"
            "\r\n".encode()
        )
        try:
            await peer.opened
        except BaseException:
            peer.close()
            raise


@functools.cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


async def _small_socket(host: str, port: int, receive_bytes: int) -> socket.socket:
    """Return a connected socket that holds little which nobody has read."""
    loop = asyncio.get_running_loop()
    family, kind, number, _, place = (await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))[
        0
    ]
    channel = socket.socket(family, kind, number)
    channel.setblocking(False)
    # Before the connection: the first window depends on it.
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    try:
        await loop.sock_connect(channel, place)
    except BaseException:
        channel.close()
        raise
    return channel


def text_frame(payload: bytes) -> bytes:
    """Return the unmasked text frame that a server sends."""
    return _header(len(payload), 0) + payload


def masked_text(payload: bytes) -> bytes:
    """Return the text frame that a client sends."""
    return _masked(payload, 0x81)


def _masked(payload: bytes, first: int) -> bytes:
    size = len(payload)
    key = os.urandom(4)
    pad = (key * (size // 4 + 1))[:size]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")
    return _header(size, 0x80, first) + key + mixed.to_bytes(size, "big")


def _header(size: int, mask: int, first: int = 0x81) -> bytes:
    if size < 126:
        return bytes((first, mask | size))
    if size < 65_536:
        return bytes((first, mask | 126)) + size.to_bytes(2, "big")
    return bytes((first, mask | 127)) + size.to_bytes(8, "big")


class Frames:
    """Cuts the bytes of a server into frames."""

    def __init__(self) -> None:
        self._buffer = b""

    @property
    def is_amid(self) -> bool:
        """Whether the last bytes ended within a frame."""
        return bool(self._buffer)

    def cut(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the opcode and payload of each frame that is complete now."""
        data = self._buffer + data if self._buffer else data
        at, frames = 0, []
        while len(data) - at >= 2:
            size, start = data[at + 1] & 0x7F, at + 2
            if size >= 126:
                wide = 2 if size == 126 else 8
                size, start = int.from_bytes(data[start : start + wide], "big"), start + wide
            if len(data) < start + size:
                break
            frames.append((data[at] & 0x0F, data[start : start + size]))
            at = start + size
        self._buffer = data[at:]
        return frames
