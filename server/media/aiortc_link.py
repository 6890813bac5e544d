"""Payloads out as protected datagrams, many with one system call. Part of the seam to aiortc.

Pinned as ``aiortc_seam`` is. aiortc makes a Python object, a coroutine chain and a system call of
every packet; here::

    payloads ─▶ header patched in place ─▶ SRTP in place ─▶ one sendmsg for many datagrams
"""

import errno
import socket
import struct
import sys
from collections import deque
from collections.abc import Sequence
from typing import Any

import pylibsrtp
from aiortc.rtcdtlstransport import RTCDtlsTransport, State
from pylibsrtp._binding import ffi, lib

# linux/udp.h. One call hands the kernel many datagrams of one size.
_UDP_SEGMENT = 103
_SLOT = 1_536
_SLOTS = 32
_AFTER = struct.Struct("!BH")
_SEGMENT = struct.Struct("=H")
_UNSEGMENTED = (errno.EIO, errno.EINVAL, errno.ENOPROTOOPT, errno.EOPNOTSUPP)

# One loop, one thread: every sender protects in the same memory. libsrtp wants it aligned.
_memory = ffi.new("uint64_t[]", _SLOT * _SLOTS // 8)
_view = memoryview(ffi.buffer(_memory)).cast("B")
_slots = [ffi.cast("char *", _memory) + number * _SLOT for number in range(_SLOTS)]
_length = ffi.new("int *")


def _private(thing: object) -> Any:
    return thing


class Link:
    """Protected datagrams to one peer; shared by the senders of one connection.

    What the socket does not take is kept, in order, and goes out first: see :meth:`flush`.
    """

    def __init__(self, transport: RTCDtlsTransport) -> None:
        self._transport = transport
        self._ice = _private(transport.transport)
        # Held, for what it holds is freed with it.
        self._session = _private(transport)._tx_srtp
        self._srtp = self._session._srtp[0]
        self._pair: Any = None
        self._address: Any = None
        self._socket: socket.socket | None = None
        self._segments = sys.platform == "linux"
        self._unsent: deque[tuple[list[bytes], int]] = deque()
        self._is_closed = False
        self.calls = 0
        """System calls that sent something."""

    def send(self, header: bytearray, sequence: int, frame: Sequence[bytes], mark: int) -> None:
        """Send a packet for each of the payloads, numbered from ``sequence``.

        ``header`` is that of the frame; ``mark`` is the second byte of the last packet.

        Raises:
            ConnectionError: If there is no connection.

        """
        self._check()
        last = len(frame) - 1
        start = len(header)
        common = mark & 0x7F
        size = 0
        packets: list[memoryview] = []
        for number, payload in enumerate(frame):
            slot = len(packets)
            at = slot * _SLOT
            body = at + start
            end = body + len(payload)
            _AFTER.pack_into(header, 1, mark if number == last else common, sequence)
            sequence = sequence + 1 & 0xFFFF
            _view[at:body] = header
            _view[body:end] = payload
            _length[0] = end - at
            failed = lib.srtp_protect(self._srtp, _slots[slot], _length)
            if failed:
                raise ConnectionError(pylibsrtp.ERRORS[failed])
            length = _length[0]
            if packets and length > size:
                # A larger one begins another run. It is in its slot already: move it to the first.
                moved = bytes(_view[at : at + length])
                self._out(packets, size)
                _view[:length] = moved
                packets, at = [], 0
            if not packets:
                size = length
            packets.append(_view[at : at + length])
            if length < size or slot + 1 == _SLOTS:
                # The kernel cuts at equal distances: only the last may be shorter.
                self._out(packets, size)
                packets = []
        if packets:
            self._out(packets, size)

    def flush(self) -> bool:
        """Send what the socket did not take; return whether nothing is left.

        Raises:
            ConnectionError: If there is no connection.

        """
        if not self._unsent:
            return True
        self._check()
        while self._unsent:
            packets, size = self._unsent[0]
            if not self._take(packets, size):
                return False
            self._unsent.popleft()
        return True

    def close(self) -> None:
        """Let go of the socket; nothing can be sent any more. Idempotent."""
        self._is_closed = True
        self._unsent.clear()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _check(self) -> None:
        if self._is_closed or _private(self._transport)._state is not State.CONNECTED:
            raise ConnectionError("The peer is not connected.")
        # An ICE restart replaces the connection below.
        pair = self._ice._connection._nominated.get(1)
        if pair is self._pair:
            return
        if pair is None:
            raise ConnectionError("There is no way to the peer.")
        if self._socket is not None:
            self._socket.close()
        # Through a relay there is no socket of its own: its datagrams are wrapped.
        own = pair.protocol.transport.get_extra_info("socket")
        self._socket = None if own is None else own.dup()
        self._address, self._pair = pair.remote_addr, pair

    def _out(self, packets: list[memoryview], size: int) -> None:
        """Hand a run of packets of one size, the last maybe smaller, to the socket."""
        if self._unsent or not self._take(packets, size):
            self._unsent.append(([bytes(packet) for packet in packets], size))

    def _take(self, packets: Sequence[bytes | memoryview], size: int) -> bool:
        """Send; False if the socket is full. A datagram that is lost here is lost as in a net."""
        own = self._socket
        if own is None:
            for packet in packets:
                self._pair.protocol.transport.sendto(bytes(packet), self._address)
            return True
        try:
            if len(packets) == 1:
                own.sendto(packets[0], self._address)
                self.calls += 1
                return True
            if self._segments:
                own.sendmsg(
                    packets,
                    ((socket.IPPROTO_UDP, _UDP_SEGMENT, _SEGMENT.pack(size)),),
                    0,
                    self._address,
                )
                self.calls += 1
                return True
        except BlockingIOError:
            return False
        except OSError as error:
            if len(packets) == 1 or error.errno not in _UNSEGMENTED:
                # Unreachable, refused, for now: ICE finds out whether it lasts.
                return True
            self._segments = False
        for number, packet in enumerate(packets):
            if not self._take((packet,), size):
                self._unsent.append(([bytes(each) for each in packets[number:]], size))
                break
        return True
