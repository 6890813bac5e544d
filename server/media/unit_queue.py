"""What one consumer has not taken yet: bounded, and never a picture whose keyframe was dropped."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from server.media.unit import EncodedUnit, Kind


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """How far a consumer may lag."""

    lag_ms: int | None
    """Beyond this, pictures are dropped up to a keyframe; None: never."""
    overflow_ms: int | None
    """When for so long nothing was taken of it, the queue is given up; None: however long."""
    overflow_bytes: int = 16 << 20
    """Beyond this the queue is given up."""


RTMP_LIMITS = QueueLimits(lag_ms=2_000, overflow_ms=5_000)
VIEWER_LIMITS = QueueLimits(lag_ms=300, overflow_ms=10_000)
RECORDER_LIMITS = QueueLimits(lag_ms=None, overflow_ms=None, overflow_bytes=32 << 20)


class UnitQueue:
    """A bounded queue of units that never hands out a picture whose keyframe was dropped."""

    def __init__(self, limits: QueueLimits, *, from_keyframe: bool = True) -> None:
        self._limits = limits
        self._units: deque[tuple[int, EncodedUnit]] = deque()
        """With when each came, in session time: what is replayed comes late without fault."""
        self._newest_ms = 0
        self._taken_ms = 0
        """When the consumer last took something, or had taken everything."""
        self.bytes = 0
        self.offered = 0
        """Bytes that came in all, whatever became of them."""
        self.dropped = 0
        """Units lost to lag. What comes before the first keyframe is not a loss."""
        self.overflowed = False
        self._started = not from_keyframe
        self.waits_for_key = from_keyframe

    def __len__(self) -> int:
        return len(self._units)

    @property
    def lag_ms(self) -> int:
        """How long, in session time, the oldest unit has been waiting."""
        return self._newest_ms - self._units[0][0] if self._units else 0

    def replay(self, units: Sequence[EncodedUnit]) -> None:
        """Add what was published before; it is as old as what comes now."""
        if units:
            self._newest_ms = max(unit.dts_ms for unit in units)
        for unit in units:
            self.put(unit)

    def put(self, unit: EncodedUnit) -> None:
        """Add a unit; make room by dropping pictures up to a keyframe. O(1) unless dropping."""
        if self.overflowed:
            return
        self._newest_ms = max(self._newest_ms, unit.dts_ms)
        self.offered += len(unit.data)
        if not self._units:
            self._taken_ms = self._newest_ms
        if self._accepts(unit):
            self._units.append((self._newest_ms, unit))
            self.bytes += len(unit.data)
        limits = self._limits
        if limits.lag_ms is not None and self.lag_ms > limits.lag_ms:
            self._shed(limits.lag_ms)
        stuck_ms = self._newest_ms - self._taken_ms
        is_stuck = limits.overflow_ms is not None and stuck_ms > limits.overflow_ms
        self.overflowed = is_stuck or self.bytes > limits.overflow_bytes

    def _accepts(self, unit: EncodedUnit) -> bool:
        if unit.kind is not Kind.VIDEO:
            return self._started
        if self.waits_for_key and not unit.key:
            self.dropped += self._started
            return False
        self.waits_for_key = False
        self._started = True
        return True

    def pop(self) -> EncodedUnit | None:
        """Take the oldest unit, or None."""
        if not self._units:
            return None
        _, unit = self._units.popleft()
        self._taken_ms = self._newest_ms
        self.bytes -= len(unit.data)
        return unit

    def _shed(self, lag_ms: int) -> None:
        """Keep from the newest keyframe on, and nothing older than ``lag_ms``."""
        oldest_ms = self._newest_ms - lag_ms
        newest_key = next(
            (u for _, u in reversed(self._units) if u.kind is Kind.VIDEO and u.key), None
        )
        kept: deque[tuple[int, EncodedUnit]] = deque()
        decodes = not any(u.kind is Kind.VIDEO and ms < oldest_ms for ms, u in self._units)
        for came_ms, unit in self._units:
            if unit is newest_key:
                # Behind a keyframe that is dropped nothing decodes.
                decodes = came_ms >= oldest_ms
            if came_ms >= oldest_ms and (unit.kind is not Kind.VIDEO or decodes):
                kept.append((came_ms, unit))
        if not decodes:
            self.waits_for_key = True
        self.dropped += len(self._units) - len(kept)
        self._units = kept
        self.bytes = sum(len(u.data) for _, u in kept)
