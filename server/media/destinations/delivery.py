"""How well one connection delivers: progress, lag, a peer that stopped taking. Pure.

What the peer has *acknowledged* counts, not what was written: buffers on the way say yes to
anything. So does the peer's kernel, for as long as it has room; but it says how much it has. What
it acknowledged and its window together are what it *allows*, and that stands still from the moment
that nobody there reads, long before the room is used up.
"""

from collections import deque
from dataclasses import dataclass

from server.media.codes import Code

PROGRESS_BYTES = 4096
STALL_SECONDS = 8.0
"""What is a stall; with what it takes to see that nothing moves, known within ten."""
WINDOW_BYTES = 64 << 10
"""So much must have come until its window says anything of a peer: some tell it by 16 KiB."""
LAG_MS = 1_000
LAG_SECONDS = 2.0
SLOW_SHARE = 0.9
SLOW_SECONDS = 10.0
CLEAN_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class DeliverySample:
    """What a connection counted until ``at``, by the monotonic clock."""

    at: float
    offered: int
    """Bytes of media that came for it, dropped ones included."""
    acked: int
    """Bytes that the peer has taken."""
    allowed: int
    """Bytes that the peer has taken or has room for; as ``acked`` where that is not known."""
    lag_ms: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What a sample says."""

    has_progressed: bool
    """The peer took more than 4 KiB of media, ever."""
    has_stalled: bool
    """It took or read nothing for eight seconds in which there was something to take."""
    trouble: Code | None
    """``overflow``: pictures were dropped; ``stall``: it is late, or slower than the media."""
    is_clean: bool
    """There was no trouble for fifteen seconds."""


class _Standstill:
    """For how long media came while a count of bytes stood still."""

    def __init__(self, count: int, offered: int) -> None:
        self._count = count
        self._offered = offered
        """What had come when it moved last."""
        self.waited = 0.0

    def add(self, count: int, sample: DeliverySample, last: DeliverySample) -> None:
        if count - self._count > PROGRESS_BYTES:
            self._count, self._offered, self.waited = count, sample.offered, 0.0
        elif sample.offered > last.offered:
            self.waited += sample.at - last.at

    def is_stall(self, sample: DeliverySample, least: int) -> bool:
        """Say whether it lasts too long, and more than ``least`` bytes came meanwhile."""
        return self.waited >= STALL_SECONDS and sample.offered - self._offered > least


class Delivery:
    """Judge a connection by samples, taken about twice a second from its first media on."""

    def __init__(self, first: DeliverySample) -> None:
        self._first = self._last = first
        self._clean_since = first.at
        self._taken = _Standstill(first.acked, first.offered)
        self._read = _Standstill(first.allowed, first.offered)
        self._lagging_since: float | None = None
        self._window = deque([first])

    def add(self, sample: DeliverySample) -> Finding:
        """Take a sample and say what it means."""
        is_dropping = sample.dropped > self._last.dropped
        has_stalled = self._has_stalled(sample)
        self._last = sample
        self._window.append(sample)
        while len(self._window) > 1 and sample.at - self._window[1].at >= SLOW_SECONDS:
            self._window.popleft()
        trouble = None
        if is_dropping:
            trouble = Code.OVERFLOW
        elif self._is_late(sample) or self._is_slow(sample):
            trouble = Code.STALL
        if trouble is not None:
            self._clean_since = sample.at
        return Finding(
            has_progressed=sample.acked - self._first.acked > PROGRESS_BYTES,
            has_stalled=has_stalled,
            trouble=trouble,
            is_clean=sample.at - self._clean_since >= CLEAN_SECONDS,
        )

    @property
    def waited(self) -> float:
        """Seconds in which media came and the peer took or read nothing."""
        return max(self._taken.waited, self._read.waited)

    def _has_stalled(self, sample: DeliverySample) -> bool:
        self._taken.add(sample.acked, sample, self._last)
        self._read.add(sample.allowed, sample, self._last)
        # With little to take there is little progress to make: a class on a still slate is fine.
        return self._taken.is_stall(sample, 2 * PROGRESS_BYTES) or self._read.is_stall(
            sample, WINDOW_BYTES
        )

    def _is_late(self, sample: DeliverySample) -> bool:
        if sample.lag_ms <= LAG_MS:
            self._lagging_since = None
            return False
        if self._lagging_since is None:
            self._lagging_since = sample.at
        return sample.at - self._lagging_since >= LAG_SECONDS

    def _is_slow(self, sample: DeliverySample) -> bool:
        """Say whether less than nine tenths of ten seconds of media were taken."""
        first = self._window[0]
        if sample.at - first.at < SLOW_SECONDS:
            return False
        offered = sample.offered - first.offered
        return offered > PROGRESS_BYTES and sample.acked - first.acked < SLOW_SHARE * offered
