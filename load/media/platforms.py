"""``python -m load.media.platforms``: an RTMP server that counts what it is sent, and forgets it.

It does what nginx-rtmp does for a publisher (handshake, window, chunk size, Publish.Start,
acknowledgements) and takes any key. Each picture is noted with the time at which the kernel had
its last byte (``SO_TIMESTAMPNS``), so that how busy this process is does not matter. Over TLS the
time is that of the reading. It can stop reading a stream, as a platform that hangs does.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvloop

from load.media import child, clip

_HANDSHAKE = 1536
_CHUNK = 4096
_WINDOW = 5_000_000
_READ = 1 << 18
_KEPT = 8192
_SET_CHUNK_SIZE, _ACKNOWLEDGE, _WINDOW_SIZE, _BANDWIDTH = 1, 3, 5, 6
_AUDIO, _VIDEO, _COMMAND = 8, 9, 20
_TIMESTAMPNS = getattr(socket, "SO_TIMESTAMPNS", 35)


@dataclass(slots=True)
class Stream:
    """What one publisher has sent, under its key."""

    pictures: int = 0
    keyframes: int = 0
    sounds: int = 0
    received: int = 0
    backwards: int = 0
    """Messages whose timestamp is not above that of the one before, of its kind."""
    first: int | None = None
    """When the first picture was there."""
    last: dict[int, int] = field(default_factory=dict)
    arrived: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    """Identity of each of the last pictures, and when it was there."""

    def take(self, kind: int, timestamp: int, body: bytes, at: int) -> None:
        """Count one message of media."""
        if kind not in (_AUDIO, _VIDEO) or len(body) < 2 or body[1] == 0:  # headers
            return
        self.backwards += timestamp <= self.last.get(kind, -1)
        self.last[kind] = timestamp
        if kind == _AUDIO:
            self.sounds += 1
            return
        self.pictures += 1
        self.keyframes += body[0] >> 4 == 1
        self.first = self.first or at
        self.arrived.append((clip.identity(body), at))


class Publisher:
    """One connection, from bytes to streams. No I/O: ``write`` takes the answers."""

    def __init__(self, streams: dict[str, Stream], write: Callable[[bytes], None]) -> None:
        self.stream: Stream | None = None
        self.key = ""
        self._streams = streams
        self._write = write
        self._buffer = bytearray()
        self._greeted = 0
        self._chunk = 128
        self._incoming: dict[int, _Incoming] = {}
        self._received = self._acknowledged = 0

    def feed(self, data: bytes, at: int) -> None:
        """Take what was received, the last of it at ``at``."""
        self._buffer += data
        self._received += len(data)
        if self.stream is not None:
            self.stream.received += len(data)
        if self._greeted < 2 and not self._greet():
            return
        for kind, timestamp, body in self._messages():
            if kind == _SET_CHUNK_SIZE:
                self._chunk = int.from_bytes(body[:4], "big")
            elif kind == _COMMAND:
                self._commanded(_amf(body))
            elif self.stream is not None:
                self.stream.take(kind, timestamp, body, at)
        if self._received - self._acknowledged > _WINDOW // 2:
            self._acknowledged = self._received
            self._control(_ACKNOWLEDGE, struct.pack("!I", self._received & 0xFFFFFFFF))

    def _greet(self) -> bool:
        if self._greeted == 0 and len(self._buffer) > _HANDSHAKE:
            theirs = bytes(self._buffer[1 : 1 + _HANDSHAKE])
            del self._buffer[: 1 + _HANDSHAKE]
            self._write(b"\x03" + bytes(_HANDSHAKE) + theirs)
            self._greeted = 1
        if self._greeted == 1 and len(self._buffer) >= _HANDSHAKE:
            del self._buffer[:_HANDSHAKE]
            self._greeted = 2
        return self._greeted == 2

    def _messages(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield type, timestamp and body of each whole message; take its chunks."""
        buffer = self._buffer
        while buffer:
            form, number, at = buffer[0] >> 6, buffer[0] & 63, 1
            state = self._incoming.setdefault(number, _Incoming())
            header = (11, 7, 3, 0)[form]
            if len(buffer) < at + header:
                return
            fields = bytes(buffer[at : at + header])
            at += header
            begins = not state.body
            extended = state.extended
            if form < 3:
                extended = fields[:3] == b"\xff\xff\xff"
            length = int.from_bytes(fields[3:6], "big") if form < 2 else state.length
            if extended:
                if len(buffer) < at + 4:
                    return
                delta = int.from_bytes(buffer[at : at + 4], "big")
                at += 4
            else:
                delta = int.from_bytes(fields[:3], "big") if form < 3 else state.delta
            take = min(self._chunk, length - len(state.body))
            if len(buffer) < at + take:
                return
            state.length, state.extended = length, extended
            if form < 2:
                state.kind = fields[6]
            if begins:
                state.delta = delta
                state.timestamp = delta if form == 0 else state.timestamp + delta
            state.body += buffer[at : at + take]
            del buffer[: at + take]
            if len(state.body) == length:
                body, state.body = bytes(state.body), bytearray()
                yield state.kind, state.timestamp, body

    def _commanded(self, values: list[Any]) -> None:
        name, call = values[0], values[1]
        if name == "connect":
            self._control(_WINDOW_SIZE, struct.pack("!I", _WINDOW))
            self._control(_BANDWIDTH, struct.pack("!IB", _WINDOW, 2))
            self._control(_SET_CHUNK_SIZE, struct.pack("!I", _CHUNK))
            self._command(0, "_result", call, {"capabilities": 31.0}, _SUCCESS)
        elif name == "createStream":
            self._command(0, "_result", call, None, 1.0)
        elif name == "publish":
            self.key = values[3]
            self.stream = self._streams[self.key] = Stream()
            self._command(1, "onStatus", 0.0, None, _START)

    def _command(self, stream: int, *values: Any) -> None:
        self._message(3, _COMMAND, stream, b"".join(map(_to_amf, values)))

    def _control(self, kind: int, body: bytes) -> None:
        self._message(2, kind, 0, body)

    def _message(self, chunk: int, kind: int, stream: int, body: bytes) -> None:
        head = struct.pack("!B3x", chunk) + len(body).to_bytes(3, "big")
        cut = [body[at : at + _CHUNK] for at in range(0, len(body), _CHUNK)]
        tail = struct.pack("<BI", kind, stream)
        self._write(head + tail + bytes((0xC0 | chunk,)).join(cut))


@dataclass(slots=True)
class _Incoming:
    """A chunk stream."""

    length: int = 0
    kind: int = 0
    timestamp: int = 0
    delta: int = 0
    extended: bool = False
    body: bytearray = field(default_factory=bytearray)


_SUCCESS = {"level": "status", "code": "NetConnection.Connect.Success"}
_START = {"level": "status", "code": "NetStream.Publish.Start"}


def _to_amf(value: Any) -> bytes:
    match value:
        case None:
            return b"\x05"
        case float():
            return struct.pack("!Bd", 0, value)
        case str():
            return struct.pack("!BH", 2, len(value)) + value.encode()
        case _:
            fields = (struct.pack("!H", len(k)) + k.encode() + _to_amf(v) for k, v in value.items())
            return b"\x03" + b"".join(fields) + b"\x00\x00\x09"


def _amf(body: bytes) -> list[Any]:
    """Return the strings and numbers of a command, and None in place of everything else."""
    values: list[Any] = []
    at = 0
    while at < len(body):
        kind = body[at]
        if kind == 0:
            values.append(struct.unpack_from("!d", body, at + 1)[0])
            at += 9
        elif kind == 2:
            length = struct.unpack_from("!H", body, at + 1)[0]
            values.append(body[at + 3 : at + 3 + length].decode())
            at += 3 + length
        elif kind == 5:
            values.append(None)
            at += 1
        else:  # an object: nothing after it matters here
            values.append(None)
            break
    return values


class Platform:
    """Every stream, whatever connection brings it."""

    def __init__(self) -> None:
        self._streams: dict[str, Stream] = {}
        self._plain: dict[socket.socket, Publisher] = {}

    async def listen(self, context: ssl.SSLContext | None) -> dict[str, int]:
        """Accept publishers; return the ports, by scheme."""
        loop = asyncio.get_running_loop()
        plain = socket.create_server(("127.0.0.1", 0), backlog=64)
        plain.setblocking(False)
        loop.add_reader(plain, self._accept, plain)
        ports = {"rtmp": plain.getsockname()[1]}
        if context is not None:
            server = await loop.create_server(
                lambda: _TlsConnection(self._streams), "127.0.0.1", 0, ssl=context
            )
            ports["rtmps"] = server.sockets[0].getsockname()[1]
        return ports

    async def counts(self) -> dict[str, Any]:
        """Return what each stream has counted until now, which is told, too."""
        streams = {
            key: {
                "pictures": each.pictures,
                "keyframes": each.keyframes,
                "sounds": each.sounds,
                "bytes": each.received,
                "backwards": each.backwards,
                "first": each.first,
            }
            for key, each in self._streams.items()
        }
        return {"at": time.monotonic(), "streams": streams}

    async def arrived(self) -> dict[str, list[tuple[int, int]]]:
        """Return the identities of each stream's last pictures, and when they were there."""
        return {key: list(each.arrived) for key, each in self._streams.items()}

    async def forget(self) -> None:
        """Forget the streams that are over."""
        going_on = {id(each.stream) for each in self._plain.values()}
        self._streams = {k: v for k, v in self._streams.items() if id(v) in going_on}

    async def hang(self, key: str) -> int:
        """Read no more of a stream, but keep its connection; return the time."""
        loop = asyncio.get_running_loop()
        for connection, publisher in self._plain.items():
            if publisher.key == key:
                loop.remove_reader(connection)
        return child.now()

    def _accept(self, server: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            connection, _ = server.accept()
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)
            self._plain[connection] = Publisher(self._streams, lambda data: _send(connection, data))
            loop = asyncio.get_running_loop()
            loop.add_reader(connection, self._readable, connection)

    def _readable(self, connection: socket.socket) -> None:
        try:
            data, ancillary, _, _ = connection.recvmsg(_READ, 64)
        except BlockingIOError:
            return
        except OSError:
            data, ancillary = b"", []
        if not data:
            asyncio.get_running_loop().remove_reader(connection)
            del self._plain[connection]
            connection.close()
            return
        at = child.now()
        for level, kind, stamp in ancillary:
            if level == socket.SOL_SOCKET and kind == _TIMESTAMPNS:
                seconds, nanoseconds = struct.unpack("@qq", stamp)
                at = seconds * 1_000_000_000 + nanoseconds
        self._plain[connection].feed(data, at)


def _send(connection: socket.socket, data: bytes) -> None:
    with contextlib.suppress(OSError):  # the reader notices
        connection.sendall(data)


class _TlsConnection(asyncio.Protocol):
    """A publisher whose bytes come through TLS."""

    def __init__(self, streams: dict[str, Stream]) -> None:
        self._streams = streams
        self._publisher: Publisher | None = None

    def connection_made(self, transport: Any) -> None:
        self._publisher = Publisher(self._streams, transport.write)

    def data_received(self, data: bytes) -> None:
        assert self._publisher is not None
        self._publisher.feed(data, child.now())


async def _main(certificate: str | None) -> None:
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    platform = Platform()
    ports = await platform.listen(context)

    async def where() -> dict[str, int]:
        return ports

    await child.answer(
        {
            "ports": where,
            "counts": platform.counts,
            "arrived": platform.arrived,
            "forget": platform.forget,
            "hang": platform.hang,
        }
    )


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1] if len(sys.argv) > 1 else None))
