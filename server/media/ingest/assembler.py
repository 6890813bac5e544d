"""From RTP packets to whole access units, and Opus packets in their order.

Pure: time comes in with each packet. Packets arrive depayloaded (Annex B pieces), after
retransmissions were unwrapped. A video unit is complete with its marker bit, not with the next
packet; a unit that is not whole is never passed on, and what follows waits for the next IDR.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from server.media import h264

SLOTS = 2048
# One retransmission round trip and some margin: later than this, a hole stays a hole.
HOLE_SECONDS = 0.25
AUDIO_REORDER_SECONDS = 0.08
KEYFRAME_WISH_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One whole picture: NAL units without parameter sets and delimiters, in their order."""

    timestamp: int
    """RTP clock ticks, unwrapped."""
    nals: tuple[bytes, ...]
    key: bool
    parameters: h264.VideoParameters


@dataclass(frozen=True, slots=True)
class AudioPacket:
    """One Opus packet."""

    timestamp: int
    """RTP clock ticks, unwrapped."""
    data: bytes


class Unwrapper:
    """Turn a counter of ``bits`` bits that wraps into one that does not."""

    def __init__(self, bits: int) -> None:
        self._size = 1 << bits
        self._last: int | None = None

    def __call__(self, value: int) -> int:
        """Return the number nearest to the last one that ends in ``value``."""
        if self._last is None:
            self._last = value
            return value
        delta = (value - self._last) % self._size
        if delta >= self._size // 2:
            delta -= self._size
        self._last += delta
        return self._last


@dataclass(slots=True)
class Statistics:
    """Counters of one incoming stream."""

    packets: int = 0
    bytes: int = 0
    units: int = 0
    keyframes: int = 0
    lost: int = 0
    late: int = 0
    broken: int = 0


@dataclass(frozen=True, slots=True)
class _Packet:
    timestamp: int
    marker: bool
    data: bytes


class VideoAssembler:
    """Collect packets until a picture is whole; ask for a keyframe when one is needed."""

    def __init__(self) -> None:
        self.statistics = Statistics()
        self._sequence = Unwrapper(16)
        self._time = Unwrapper(32)
        self._held: dict[int, _Packet] = {}
        self._next: int | None = None
        """First packet of the unit that is being collected."""
        self._cursor = 0
        """First packet not yet known to be there."""
        self._highest = 0
        self._clean_start = False
        """Whether ``_next`` is known to begin a unit."""
        self._hole_since: float | None = None
        self._waits_for_key = True
        self._wished_at: float | None = None
        self._sps: bytes | None = None
        self._pps: bytes | None = None
        self._parameters: h264.VideoParameters | None = None

    def add(
        self, sequence: int, timestamp: int, marker: bool, data: bytes, now: float
    ) -> list[AccessUnit]:
        """Take one packet and return the units that it completes, usually none or one."""
        self.statistics.packets += 1
        self.statistics.bytes += len(data)
        number = self._sequence(sequence)
        if self._next is None:
            self._next = self._cursor = self._highest = number
        if number < self._cursor or number in self._held:
            self.statistics.late += 1
            return []
        self._highest = max(self._highest, number)
        self._held[number] = _Packet(timestamp, marker, data)
        units = list(self._collect())
        self._watch_hole(now)
        if self._hole_since is None and self._cursor <= self._highest:
            # Giving up a hole may have made the packets behind it usable.
            units.extend(self._collect())
            self._watch_hole(now)
        return units

    def wants_keyframe(self, now: float) -> bool:
        """Say whether to ask for a keyframe now; at most once per half second."""
        if not self._waits_for_key:
            return False
        if self._wished_at is not None and now - self._wished_at < KEYFRAME_WISH_SECONDS:
            return False
        self._wished_at = now
        return True

    def _collect(self) -> Iterator[AccessUnit]:
        while (packet := self._held.get(self._cursor)) is not None:
            assert self._next is not None
            first = self._held.get(self._next)
            if first is not None and packet.data and first.data:
                if packet.timestamp != first.timestamp:
                    # The unit ended without its marker.
                    yield from self._finish(self._cursor)
            elif first is not None and not first.data:
                # Padding before a unit: received, and nothing.
                self._drop_until(self._cursor)
            self._cursor += 1
            if packet.marker and packet.data:
                yield from self._finish(self._cursor)

    def _finish(self, end: int) -> Iterator[AccessUnit]:
        """Take the packets before ``end`` away and yield the unit they are, if they are one."""
        assert self._next is not None
        packets = [self._held[number] for number in range(self._next, end)]
        clean = self._clean_start
        self._drop_until(end)
        self._clean_start = True
        data = b"".join(packet.data for packet in packets)
        if not data:
            return
        timestamp = next(packet.timestamp for packet in packets if packet.data)
        unit = self._picture(self._time(timestamp), data, clean)
        if unit is not None:
            self.statistics.units += 1
            self.statistics.keyframes += unit.key
            yield unit

    def _picture(self, timestamp: int, data: bytes, clean: bool) -> AccessUnit | None:
        nals = h264.split_annexb(data)
        # A fragment whose beginning is missing has no start code.
        whole = data.startswith(b"\x00\x00\x00\x01") and bool(nals)
        slices = []
        for nal in nals:
            kind = h264.nal_type(nal)
            if kind == h264.SPS:
                self._sps = nal
            elif kind == h264.PPS:
                self._pps = nal
            elif kind in (h264.SLICE, h264.IDR, h264.SEI):
                slices.append(nal)
        pictures = [n for n in slices if h264.nal_type(n) != h264.SEI]
        if not pictures:
            return None
        if not whole or not (clean or h264.starts_picture(pictures[0])):
            self._break()
            return None
        key = any(h264.nal_type(nal) == h264.IDR for nal in pictures)
        if self._waits_for_key and not key:
            return None
        if key and not self._refresh_parameters():
            self._break()
            return None
        assert self._parameters is not None
        self._waits_for_key = False
        return AccessUnit(timestamp, tuple(slices), key, self._parameters)

    def _refresh_parameters(self) -> bool:
        """Make the last SPS and PPS the current ones; say whether there are any that hold."""
        if self._sps is None or self._pps is None:
            return False
        old = self._parameters
        if old is None or (old.sps, old.pps) != (self._sps, self._pps):
            try:
                self._parameters = h264.parameters(self._sps, self._pps)
            except h264.MalformedH264Error:
                return False
        return True

    def _break(self) -> None:
        self.statistics.broken += 1
        self._waits_for_key = True

    def _drop_until(self, end: int) -> None:
        assert self._next is not None
        for number in range(self._next, end):
            self._held.pop(number, None)
        self._next = end
        self._cursor = max(self._cursor, end)

    def _watch_hole(self, now: float) -> None:
        """Give up a hole that is too old or holds too much back."""
        if self._cursor > self._highest:
            self._hole_since = None
            return
        if self._hole_since is None:
            self._hole_since = now
        full = self._highest - self._cursor >= SLOTS
        if not full and now - self._hole_since <= HOLE_SECONDS:
            return
        resume = min(number for number in self._held if number > self._cursor)
        self.statistics.lost += resume - self._cursor
        # What the hole may have touched: the rest of its unit goes too, unless a parameter
        # set shows that a new one begins.
        self._clean_start = False
        while not self._clean_start and (packet := self._held.get(resume)) is not None:
            self._clean_start = _begins_unit(packet.data)
            if not self._clean_start:
                resume += 1
                self._clean_start = packet.marker
        self._drop_until(resume)
        self._break()
        self._hole_since = None if self._cursor > self._highest else now


def _begins_unit(data: bytes) -> bool:
    return len(data) > 4 and data.startswith(b"\x00\x00\x00\x01") and data[4] & 0x1F == h264.SPS


class AudioAssembler:
    """Put Opus packets in order, waiting at most 80 ms for a missing one."""

    def __init__(self) -> None:
        self.statistics = Statistics()
        self._sequence = Unwrapper(16)
        self._time = Unwrapper(32)
        self._held: dict[int, tuple[float, int, bytes]] = {}
        self._next: int | None = None

    def add(self, sequence: int, timestamp: int, data: bytes, now: float) -> list[AudioPacket]:
        """Take one packet and return those whose turn has come."""
        self.statistics.packets += 1
        self.statistics.bytes += len(data)
        number = self._sequence(sequence)
        if self._next is None:
            self._next = number
        if number < self._next or number in self._held:
            self.statistics.late += 1
            return []
        self._held[number] = (now, timestamp, data)
        ready = []
        while self._held:
            held = self._held.pop(self._next, None)
            if held is None:
                following = min(self._held)
                if (
                    now - min(arrival for arrival, _, _ in self._held.values())
                    < (AUDIO_REORDER_SECONDS)
                    and len(self._held) < SLOTS
                ):
                    break
                self.statistics.lost += following - self._next
                self._next = following
                continue
            self._next += 1
            if held[2]:
                self.statistics.units += 1
                ready.append(AudioPacket(self._time(held[1]), held[2]))
        return ready
