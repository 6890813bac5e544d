"""The sending half of the seam to what aiortc keeps private. Pinned as ``aiortc_seam`` is.

For a relay the payloads are there already: :class:`RtpSender` stands where aiortc's loop stood,
numbers a frame's packets and hands them to the :class:`Link` in one go; it sends again what was
lost.

aiortc keeps the rest: ICE, DTLS, RTCP out (sender reports tell the counters that we set) and in
(receiver reports, NACK, PLI and FIR reach us here).
"""

import asyncio
import secrets
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from aiortc import RTCRtpSender
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import HeaderExtensions

from server.media.aiortc_link import Link

HISTORY_PACKETS = 1_024
"""How many packets can be sent again; aiortc keeps 128, a third of a second."""
RESENDS_PER_SECOND = 400
RESENDS_AT_ONCE = 256
"""What one viewer may have sent again: who loses more needs a keyframe, not more packets."""

_HEADER = struct.Struct("!BBHLL")
_RESENT = struct.Struct("!H")
# An extension element of that length is found again by these bytes.
_ANY_TIME = 0xA5C35A


def _private(thing: object) -> Any:
    return thing


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
