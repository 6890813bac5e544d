"""The account of a run: what was sent, what came back, what was wrong."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from load.fuzz.judge import LOST
from load.fuzz.player import Played
from load.fuzz.server import Vitals

_KEPT = 20
_MOST_LOST = 10
"""Connections that were reset before their goodbye was read; of more, one in 500."""
_FAMILY = {"valid": "valid", "mutated": "mutated", "hello twice": "mutated",
           "mutated hello": "mutated", "no hello first": "mutated", "class": "class"}  # fmt: skip
_FLAT_MIB_PER_100K = 4.0
"""More growth than this, over a run long enough to tell, is a leak."""
_TELLING_LOOKS = 8
_TELLING_SECONDS = 300.0
"""A class that is over is kept for a minute and a half: in a shorter run all are there still."""


@dataclass(slots=True)
class Failure:
    """A connection that went wrong, with what is needed to see it again."""

    connection: int
    kind: str
    violations: list[str]
    last_sent: list[str]
    last_received: list[str]


@dataclass(slots=True)
class Report:
    """Everything that a run showed."""

    seed: int
    wanted: int
    frames: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    received: int = 0
    connections: int = 0
    sessions: int = 0
    verified_events: int = 0
    seconds: float = 0.0
    broken: int = 0
    """How many connections went wrong."""
    failures: list[Failure] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """What was wrong with the server as a whole."""
    looks: list[tuple[int, Vitals]] = field(default_factory=list)
    """After how many frames, what."""

    @property
    def sent(self) -> int:
        """How many frames were sent."""
        return self.frames.total()

    def add(self, number: int, played: Played) -> None:
        """Enter a connection that is over."""
        self.connections += 1
        self.frames[_FAMILY.get(played.kind, "hostile")] += played.sent
        self.kinds[played.kind] += 1
        self.answers.update(played.answers)
        self.ends[played.end] += 1
        self.received += played.received
        if played.violations:
            self.broken += 1
            if len(self.failures) < _KEPT:
                self.failures.append(
                    Failure(
                        number,
                        played.kind,
                        played.violations[:5],
                        [repr(each) for each in played.last_sent],
                        [repr(each) for each in played.last_received],
                    )
                )

    def fault(self, what: str) -> None:
        """Enter something wrong with the server as a whole."""
        if len(self.faults) < _KEPT:
            self.faults.append(what)

    def slope(self) -> float | None:
        """Return by how many MiB the hub grows per 100,000 frames, after the first third.

        None where the run is too short to tell.
        """
        looks = [(sent, each.hub_mib) for sent, each in self.looks if sent * 3 > self.sent]
        if len(looks) < _TELLING_LOOKS or self.seconds < _TELLING_SECONDS:
            return None
        middle_x = sum(sent for sent, _ in looks) / len(looks)
        middle_y = sum(mib for _, mib in looks) / len(looks)
        above = sum((sent - middle_x) * (mib - middle_y) for sent, mib in looks)
        below = sum((sent - middle_x) ** 2 for sent, _ in looks)
        return round(above / below * 100_000, 2)

    def judge(self) -> None:
        """Enter a fault for what only the whole run can tell."""
        lost = self.ends[str(LOST)]
        if lost > max(_MOST_LOST, self.connections // 500):
            self.fault(f"{lost} goodbyes were lost")
        slope = self.slope()
        if slope is not None and slope > _FLAT_MIB_PER_100K:
            self.fault(f"the hub's memory grows by {slope} MiB per 100,000 frames")

    @property
    def is_good(self) -> bool:
        """Whether nothing at all was wrong."""
        return not self.broken and not self.faults

    def as_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        first, last = (self.looks[0][1], self.looks[-1][1]) if self.looks else (None, None)
        return {
            "seed": self.seed,
            "frames": self.sent,
            "families": dict(self.frames.most_common()),
            "connections": self.connections,
            "kinds": dict(self.kinds.most_common()),
            "answers": dict(self.answers.most_common()),
            "ends": dict(self.ends.most_common()),
            "received": self.received,
            "sessions": self.sessions,
            "verified_events": self.verified_events,
            "seconds": round(self.seconds, 1),
            "frames_per_second": round(self.sent / self.seconds) if self.seconds else 0,
            "hub_mib": [first.hub_mib, last.hub_mib] if first and last else None,
            "hub_mib_over_time": [[sent, each.hub_mib] for sent, each in self.looks],
            "hub_mib_per_100k_frames": self.slope(),
            "worker_mib": [first.worker_mib, last.worker_mib] if first and last else None,
            "descriptors": [first.descriptors, last.descriptors] if first and last else None,
            "broken_connections": self.broken,
            "failures": [
                {
                    "connection": each.connection,
                    "kind": each.kind,
                    "violations": each.violations,
                    "last_sent": each.last_sent,
                    "last_received": each.last_received,
                }
                for each in self.failures
            ],
            "faults": self.faults,
        }

    def summary(self) -> str:
        """Return the account for people."""
        lines = [
            f"{self.sent:,} frames on {self.connections:,} connections in {self.seconds:.0f} s "
            f"({self.sent / max(self.seconds, 0.001):,.0f}/s), seed {self.seed}",
            _line("sent", self.frames),
            _line("connections", self.kinds),
            _line("answered", self.answers),
            _line("ended", self.ends),
            f"  {'verified':<12} {self.verified_events:,} events of {self.sessions} sessions",
        ]
        if self.looks:
            first, last = self.looks[0][1], self.looks[-1][1]
            slope = self.slope()
            lines.append(
                f"  {'memory':<12} hub {first.hub_mib} → {last.hub_mib} MiB"
                + ("" if slope is None else f" ({slope:+} MiB per 100,000 frames)")
                + f", media worker {first.worker_mib} → {last.worker_mib} MiB"
                f", open files {first.descriptors} → {last.descriptors}"
            )
        for each in self.failures:
            lines += [f"\nconnection {each.connection} ({each.kind}) went wrong:"]
            lines += [f"  {violation}" for violation in each.violations]
            lines += ["  sent, last:", *(f"    {shown}" for shown in each.last_sent[-5:])]
            lines += ["  received, last:", *(f"    {shown}" for shown in each.last_received[-5:])]
            lines += [
                f"  again: python -m load.fuzz --seed {self.seed} "
                f"--only-connection {each.connection}"
            ]
        if self.broken > len(self.failures):
            lines.append(f"\n… and {self.broken - len(self.failures)} more")
        lines += [f"\nfault: {fault}" for fault in self.faults]
        lines.append("\nall good" if self.is_good else "\nFAILED")
        return "\n".join(lines)


def _line(name: str, counts: Counter[str]) -> str:
    shown = " · ".join(f"{what} {count:,}" for what, count in counts.most_common())
    return f"  {name:<12} {shown}"
