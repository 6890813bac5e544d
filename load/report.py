"""What a run showed: counts, latencies, and every rule that was broken."""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

_KEPT_VIOLATIONS = 50
_RESOLUTION = math.log(1.01)


class Latencies:
    """Durations in buckets 1 % wide: any number of them in bounded memory."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self._count = 0
        self._largest = 0.0

    def __len__(self) -> int:
        return self._count

    def add(self, milliseconds: float) -> None:
        """Record one duration; anything below a microsecond counts as one."""
        self._buckets[round(math.log(max(milliseconds, 0.001)) / _RESOLUTION)] += 1
        self._count += 1
        self._largest = max(self._largest, milliseconds)

    def merge(self, other: "Latencies") -> None:
        """Record everything that ``other`` has."""
        self._buckets += other._buckets
        self._count += other._count
        self._largest = max(self._largest, other._largest)

    def percentile(self, percent: float) -> float:
        """Return the smallest duration that ``percent`` of all do not exceed, within 1 %.

        NaN without a single duration.
        """
        if not self._count:
            return math.nan
        rank = max(1, math.ceil(self._count * percent / 100))
        for bucket in sorted(self._buckets):
            rank -= self._buckets[bucket]
            if rank <= 0:
                return min(math.exp(bucket * _RESOLUTION), self._largest)
        return self._largest

    def summary(self) -> dict[str, float | int]:
        """Return count, median, tail and maximum in milliseconds, ready for JSON."""
        if not self._count:
            return {"count": 0}
        return {
            "count": self._count,
            "p50": round(self.percentile(50), 2),
            "p99": round(self.percentile(99), 2),
            "max": round(self._largest, 2),
        }


@dataclass
class Report:
    """The one account that everybody in a simulated class writes to."""

    counts: Counter[str] = field(default_factory=Counter)
    acks: Latencies = field(default_factory=Latencies)
    """Command → durable ack, as the one who asked feels it."""
    deliveries: Latencies = field(default_factory=Latencies)
    """Event decided on the server → applied at a client; needs clocks that agree."""
    violations: int = 0
    unsettled: int = 0
    """People who could not be checked at the end, because no server was there."""
    kept: list[str] = field(default_factory=list)

    def violate(self, who: str, rule: str) -> None:
        """Record that the server broke ``rule`` towards ``who``."""
        self.violations += 1
        if len(self.kept) < _KEPT_VIOLATIONS:
            self.kept.append(f"{who}: {rule}")

    def as_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return {
            "violations": self.violations,
            "unsettled": self.unsettled,
            "counts": dict(sorted(self.counts.items())),
            "ack_ms": self.acks.summary(),
            "delivery_ms": self.deliveries.summary(),
        }

    def table(self) -> str:
        """Return the account for people."""
        lines = [f"{name:<28}{count:>10}" for name, count in sorted(self.counts.items())]
        for name, latencies in (("ack", self.acks), ("delivery", self.deliveries)):
            if len(latencies):
                p50, p99 = latencies.percentile(50), latencies.percentile(99)
                lines.append(f"{name + ' p50 / p99 ms':<28}{p50:>10.1f} / {p99:.1f}")
        lines.append(f"{'people not settled':<28}{self.unsettled:>10}")
        lines.append(f"{'violations':<28}{self.violations:>10}")
        return "\n".join(lines + [f"  {line}" for line in self.kept])
