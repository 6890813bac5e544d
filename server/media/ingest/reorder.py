"""Packets in the order in which they were sent, whatever order they come in. Pure.

What a later packet shows to be missing is waited for: a hole is as old as the first packet that
came from behind it. When it is too old, or holds too much back, it stays a hole.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from server.media.ingest.nack import BEHIND, MAX_MISSING

SLOTS = 2048
"""Packets that a hole may hold back."""

Unit = TypeVar("Unit")


class Unwrapper:
    """Turn a counter of ``bits`` bits that wraps into one that does not."""

    def __init__(self, bits: int) -> None:
        self._mask = (1 << bits) - 1
        self._half = 1 << (bits - 1)
        self._last: int | None = None

    def __call__(self, value: int) -> int:
        """Return the number nearest to the last one that ends in ``value``."""
        if self._last is None:
            self._last = value
            return value
        delta = (value - self._last) & self._mask
        if delta >= self._half:
            delta -= self._mask + 1
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
    """Packets that were waited for in vain."""
    late: int = 0
    """Packets that came when nobody waited for them, or a second time."""
    broken: int = 0
    """Times that a picture was not whole."""
    dropped: int = 0
    """Pictures that were whole and could not be shown in the order they came in."""


class Held(NamedTuple):
    """A packet from behind a hole."""

    arrival: float
    timestamp: int
    marker: bool
    data: bytes


class PacketAssembler(ABC, Generic[Unit]):
    """Put packets in order and make units of them; how is for those that derive from it."""

    def __init__(self) -> None:
        self.statistics = Statistics()
        self._next: int | None = None
        """Number of the packet to come; its lowest 16 bits are a sequence number."""
        self._held: dict[int, Held] = {}
        """What came from behind the hole at ``_next``, in the order of its arrival."""

    @property
    @abstractmethod
    def patience(self) -> float:
        """Seconds that a hole is worth waiting for."""

    @abstractmethod
    def _take(self, timestamp: int, marker: bool, data: bytes) -> list[Unit]:
        """Take the next packet in order and return the units that it completes."""

    @abstractmethod
    def _interrupt(self) -> None:
        """Take note that packets are missing before the next one."""

    def _resume(self) -> int:
        """Return the number of the held packet to go on with after a hole."""
        return min(self._held)

    def _may_skip_to(self, _data: bytes) -> bool:
        """Say whether everything before this packet may be given up, now that it is here."""
        return False

    def add(
        self, sequence: int, timestamp: int, marker: bool, data: bytes, now: float
    ) -> list[Unit]:
        """Take one packet and return the units that it completes, usually none or one."""
        statistics = self.statistics
        statistics.packets += 1
        statistics.bytes += len(data)
        if self._next is None:
            self._next = sequence
        ahead = (sequence - self._next) & 0xFFFF
        if not ahead:
            self._next += 1
            units = self._take(timestamp, marker, data)
            return units if not self._held else units + self._drain() + self.flush(now)
        number = self._next + ahead
        if ahead >= 0x10000 - BEHIND or number in self._held:
            statistics.late += 1
            return []
        is_hopeless = not self._held and ahead > MAX_MISSING
        self._held[number] = Held(now, timestamp, marker, data)
        if is_hopeless or len(self._held) >= SLOTS:
            return self._skip(self._resume()) + self.flush(now)
        if self._may_skip_to(data):
            return self._skip(number) + self.flush(now)
        return self.flush(now)

    def flush(self, now: float) -> list[Unit]:
        """Give up what is overdue, if anything is, and return the units behind it."""
        units: list[Unit] = []
        while self._held:
            noticed = next(iter(self._held.values())).arrival
            if now - noticed <= self.patience:
                break
            units += self._skip(self._resume())
        return units

    def _skip(self, number: int) -> list[Unit]:
        """Give up what is before ``number`` and return the units behind it."""
        assert self._next is not None
        passed = [held for held in self._held if held < number]
        for held in passed:
            del self._held[held]
        self.statistics.lost += number - self._next - len(passed)
        self._next = number
        self._interrupt()
        return self._drain()

    def _drain(self) -> list[Unit]:
        """Take what is held and not behind a hole any more."""
        assert self._next is not None
        units: list[Unit] = []
        while (held := self._held.pop(self._next, None)) is not None:
            self._next += 1
            units += self._take(held.timestamp, held.marker, held.data)
        return units
