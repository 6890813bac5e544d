"""What a run showed: counts, latencies, and every rule that was broken."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from load.latencies import Latencies
from load.ledger import Kind

_KEPT_VIOLATIONS = 50


@dataclass
class Report:
    """The one account that everybody in a simulated class writes to."""

    counts: Counter[str] = field(default_factory=Counter)
    acks: Latencies = field(default_factory=Latencies)
    """Command → durable ack, as the one who asked feels it."""
    deliveries: Latencies = field(default_factory=Latencies)
    """Event decided on the server → applied at a client; needs clocks that agree."""
    connects: Latencies = field(default_factory=Latencies)
    """Wanted in → in, and caught up."""
    resumes: Latencies = field(default_factory=Latencies)
    """Lost → back, and caught up."""
    lateness: Latencies = field(default_factory=Latencies)
    """How late whoever plays these people was with what was due: its own fault, not a server's."""
    kinds: Counter[str] = field(default_factory=Counter)
    """Violations by kind."""
    unsettled: int = 0
    """People who could not be checked at the end, because no server was there."""
    kept: list[str] = field(default_factory=list)

    @property
    def violations(self) -> int:
        """How often any rule was broken."""
        return self.kinds.total()

    def violate(self, who: str, rule: str, kind: Kind = "broken") -> None:
        """Record that the server broke ``rule`` towards ``who``."""
        self.kinds[kind] += 1
        if len(self.kept) < _KEPT_VIOLATIONS:
            self.kept.append(f"{who}: {rule}")

    def as_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return {
            "violations": self.violations,
            "violations_by_kind": dict(self.kinds),
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
