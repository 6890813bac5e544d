"""A TCP connection that does what scripts ask, and gives what comes back to a judge."""

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import cast

from load.fuzz import wire
from load.fuzz.judge import LOST, Judge
from protocol import codec
from protocol.frames import ClientPong, ServerFrame, ServerPing

_LAST = 12
_SHOWN_BYTES = 300


class Line(asyncio.Protocol):
    """One connection, from its handshake to its end."""

    def __init__(self, judge: Judge, hear: Callable[[ServerFrame], None]) -> None:
        self.judge = judge
        self.last_sent: deque[bytes] = deque(maxlen=_LAST)
        self.last_received: deque[bytes] = deque(maxlen=_LAST)
        self.head: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        """The status line and headers of the answer to the handshake; empty if there is none."""
        self.ended = asyncio.Event()
        self.changed = asyncio.Event()
        """Set whenever something came back."""
        self._hear = hear
        self._frames = wire.Frames()
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._is_leaving = False
        self._has_eof = False

    # ------------------------------------------------------------ what we do

    async def write(self, data: bytes, shown: bytes = b"") -> None:
        """Send bytes, at the pace at which they are taken; nothing once the connection is over."""
        self.last_sent.append((shown or data)[:_SHOWN_BYTES])
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.write(data)
            await self._writable.wait()

    def leave(self) -> None:
        """Say goodbye as RFC 6455 §7.1.2 asks."""
        self._is_leaving = True
        self._write_now(wire.frame(b"\x03\xe8", wire.CLOSE))

    def half_close(self) -> None:
        """Send nothing more, and go on reading."""
        assert self._transport is not None
        self._has_eof = True
        if not self._transport.is_closing():
            self._transport.write_eof()

    def reset(self) -> None:
        """Be gone, without a word."""
        assert self._transport is not None
        if self.ended.is_set():
            return
        line = self._transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def set_deaf(self, *, deaf: bool) -> None:
        """Stop reading, or go on."""
        assert self._transport is not None
        if not self._transport.is_closing():
            if deaf:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def _write_now(self, data: bytes) -> None:
        assert self._transport is not None
        if not self._has_eof and not self._transport.is_closing():
            self._transport.write(data)

    # ------------------------------------------------------------ what comes back

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Take the answer to the handshake, then frames."""
        self.changed.set()
        if not self.head.done():
            self._buffer += data
            head, end, data = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            self.head.set_result(head)
        if not self.head.result().startswith(b"HTTP/1.1 101 "):
            return
        try:
            for opcode, payload in self._frames.cut(data):
                self._take(opcode, payload)
        except wire.WireError as error:
            self.judge.violations.append(str(error))
            self.reset()

    def _take(self, opcode: int, payload: bytes) -> None:
        self.last_received.append(payload[:_SHOWN_BYTES])
        if opcode == wire.TEXT:
            frame = self.judge.text(payload)
            if isinstance(frame, ServerPing):
                pong = codec.encode(ClientPong(self.judge.position or 0))
                self._write_now(wire.frame(pong))
            if frame is not None:
                self._hear(frame)
        elif opcode == wire.CLOSE:
            code = int.from_bytes(payload[:2], "big") if payload else 1005
            if not (self._is_leaving and code == 1000):
                self.judge.closed(code)
            else:
                self.judge.code = code
            if not self._is_leaving:
                self._write_now(wire.frame(payload[:2], wire.CLOSE))

    def connection_lost(self, _exc: Exception | None) -> None:
        """Note that nothing more will come."""
        if not self.head.done():
            self.head.set_result(self._buffer)
        if self.judge.code is None:
            self.judge.code = LOST
        self._writable.set()
        self.ended.set()
        self.changed.set()

    def pause_writing(self) -> None:
        """Let :meth:`write` wait."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let :meth:`write` go on."""
        self._writable.set()
