"""The sending half of the seam to what aiortc keeps private. Pinned as ``aiortc_seam`` is.

aiortc makes a Python object, a coroutine chain and a system call of every packet. For a relay the
payloads are there already: :class:`RtpSender` stands where aiortc's loop stood and turns a frame
into datagrams in one go::

    payloads ─▶ header patched in place ─▶ SRTP in place ─▶ one sendmsg for many datagrams

aiortc keeps the rest: ICE, DTLS, RTCP out (sender reports tell the counters that we set) and in
(receiver reports, NACK, PLI and FIR reach us here).
"""

import asyncio
import errno
import secrets
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import pylibsrtp
from aiortc import RTCRtpSender
from aiortc.rtcdtlstransport import RTCDtlsTransport, State
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import HeaderExtensions
from pylibsrtp._binding import ffi, lib

HISTORY_PACKETS = 1_024
"""How many packets can be sent again; aiortc keeps 128, a third of a second."""
RESENDS_PER_SECOND = 400
RESENDS_AT_ONCE = 256
"""What one viewer may have sent again: who loses more needs a keyframe, not more packets."""

# linux/udp.h. One call hands the kernel many datagrams of one size.
_UDP_SEGMENT = 103
_SLOT = 1_536
_SLOTS = 32
_AFTER = struct.Struct("!BH")
_HEADER = struct.Struct("!BBHLL")
_RESENT = struct.Struct("!H")
_SEGMENT = struct.Struct("=H")
_UNSEGMENTED = (errno.EIO, errno.EINVAL, errno.ENOPROTOOPT, errno.EOPNOTSUPP)
# An extension element of that length is found again by these bytes.
_ANY_TIME = 0xA5C35A

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


class RtpSender:
    """What one of a connection's senders sends: frames in, numbered without a gap.

    ``on_started`` is called when the connection is there, and returns the link over its transport:
    the senders of a connection share one. From then on :attr:`link` is there, until the end.
    """

    def __init__(
        self,
        sender: RTCRtpSender,
        *,
        on_started: Callable[[RTCDtlsTransport], Link],
        on_keyframe_request: Callable[[], None],
    ) -> None:
        self.link: Link | None = None
        self.packets = 0
        self.resent = 0
        self._sender = _private(sender)
        self._on_started = on_started
        self._sequence = secrets.randbelow(1 << 15)
        self._origin = secrets.randbits(32)
        self._history: deque[tuple[int, Sequence[bytes], int, int]] = deque()
        self._remembered = 0
        self._budget = float(RESENDS_AT_ONCE)
        self._budget_at = 0.0
        self._sender._run_rtp = self._run
        self._sender._retransmit = self._resend
        self._sender._send_keyframe = on_keyframe_request

    def send(self, payloads: Sequence[bytes], timestamp: int, ntp: int) -> None:
        """Send one frame; ``ntp`` is its time on the wall, in NTP units.

        It is what sender reports tell of the timestamp. Where sound and picture have one line of
        it, they are in step, whenever each was sent.

        Raises:
            ConnectionError: If there is no connection.

        """
        assert self.link is not None, "not started"
        timestamp = timestamp + self._origin & 0xFFFFFFFF
        first, count = self._sequence, len(payloads)
        self._sequence = first + count & 0xFFFF
        now = _send_time()
        self._history.append((first, payloads, timestamp, now))
        self._remembered += count
        while self._remembered - len(self._history[0][1]) >= HISTORY_PACKETS:
            self._remembered -= len(self._history.popleft()[1])
        self.link.send(self._header(timestamp, self._ssrc, now), first, payloads, self._mark)
        self.packets += count
        sender = self._sender
        sender._RTCRtpSender__ntp_timestamp = ntp
        sender._RTCRtpSender__rtp_timestamp = timestamp
        sender._RTCRtpSender__packet_count += count
        sender._RTCRtpSender__octet_count += sum(map(len, payloads))

    def _header(self, timestamp: int, ssrc: int, sent: int) -> bytearray:
        header = bytearray(self._template)
        _HEADER.pack_into(header, 0, header[0], 0, 0, timestamp, ssrc)
        if self._time_at:
            header[self._time_at : self._time_at + 3] = sent.to_bytes(3, "big")
        return header

    async def _run(self, codec: RTCRtpCodecParameters) -> None:
        """Stand where aiortc's loop stood, and keep its promises to ``stop()``."""
        sender = self._sender
        sender._RTCRtpSender__rtp_started.set()
        transport = sender.transport
        self._ssrc = sender._ssrc
        self._mark = 0x80 | int(codec.payloadType or 0)
        self._resent_type = sender._RTCRtpSender__rtx_payload_type
        self._resent_sequence = sender._RTCRtpSender__rtx_sequence_number
        self._template, self._time_at = _template(
            sender._RTCRtpSender__rtp_header_extensions_map, sender._RTCRtpSender__mid
        )
        try:
            self.link = self._on_started(transport)
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            # stop() cancels, waits for the event below, and takes nothing else for an answer.
            pass
        finally:
            if self.link is not None:
                self.link.close()
                self.link = None
            sender._RTCRtpSender__rtp_exited.set()

    async def _resend(self, sequence: int) -> None:
        """Answer one entry of a NACK (RFC 4588, or the same packet where RTX is not spoken)."""
        found = self._find(sequence)
        if found is None or self.link is None or not self._may_resend():
            return
        payload, timestamp, sent, is_last = found
        mark = self._mark if is_last else self._mark & 0x7F
        try:
            if self._resent_type is None:
                # The same bytes again: under one SRTP index nothing else may ever be sent.
                header = self._header(timestamp, self._ssrc, sent)
                self.link.send(header, sequence, (payload,), mark)
            else:
                header = self._header(timestamp, self._sender._rtx_ssrc, _send_time())
                number = self._resent_sequence
                self._resent_sequence = number + 1 & 0xFFFF
                mark = mark & 0x80 | self._resent_type
                self.link.send(header, number, (_RESENT.pack(sequence) + payload,), mark)
        except ConnectionError:
            return
        self.resent += 1

    def _find(self, sequence: int) -> tuple[bytes, int, int, bool] | None:
        for first, payloads, timestamp, sent in reversed(self._history):
            index = sequence - first & 0xFFFF
            if index < len(payloads):
                return payloads[index], timestamp, sent, index == len(payloads) - 1
        return None

    def _may_resend(self) -> bool:
        now = time.monotonic()
        earned = (now - self._budget_at) * RESENDS_PER_SECOND
        self._budget = min(float(RESENDS_AT_ONCE), self._budget + earned)
        self._budget_at = now
        if self._budget < 1:
            return False
        self._budget -= 1
        return True


def _send_time() -> int:
    """Return now as abs-send-time has it: 6.18 seconds. NTP's epoch is a multiple of 64 s away."""
    return int(time.time() * (1 << 18)) & 0xFFFFFF


def _template(extensions: Any, mid: str) -> tuple[bytes, int]:
    """Return a header with its extensions, and where its send time is; 0 if it has none."""
    profile, value = extensions.set(HeaderExtensions(mid=mid, abs_send_time=_ANY_TIME))
    if not value:
        return _HEADER.pack(0x80, 0, 0, 0, 0), 0
    header = _HEADER.pack(0x90, 0, 0, 0, 0) + struct.pack("!HH", profile, len(value) >> 2)
    at = value.rfind(_ANY_TIME.to_bytes(3, "big"))
    return header + value, 0 if at < 0 else len(header) + at
