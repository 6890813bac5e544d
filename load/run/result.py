"""What a run came to: everything that was measured, and the verdict."""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from load.latencies import Latencies
from load.run import messages, thresholds
from load.run.costs import Part
from load.run.messages import Recovered, Tick
from load.run.thresholds import Outcome, Threshold

Verdict: TypeAlias = Literal["passed", "failed", "void", "threshold missed"]

SATURATED_CPU = 0.9
SATURATED_SECONDS = 10
KINDS = ("lost", "duplicated", "reordered", "gap", "leak", "mismatch", "broken")


@dataclass(slots=True)
class Second:
    """One second of a run, of all workers together."""

    at: int
    live: int = 0
    joined: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    latencies: dict[str, Latencies] = field(default_factory=dict)
    generator_cpu: float = 0.0
    """Of the busiest worker, as a share of a core."""

    def percentile(self, name: str, percent: float) -> float | None:
        """Return a latency of this second in milliseconds, if there was any."""
        latencies = self.latencies.get(name)
        return None if latencies is None else latencies.percentile(percent)


@dataclass(frozen=True, slots=True)
class Seen:
    """What those who watch have seen, from when all were connected."""

    viewers: int
    seconds: float
    connect_ms: float
    """Of the slowest."""
    pictures: float
    """The worst viewer's share of the pictures that were sent in that time."""
    loss: float
    """The share of packets that were missing, of all viewers together."""


@dataclass(slots=True)
class Storm:
    """A storm, and when everybody was back."""

    at_seconds: float
    people: int = 0
    took_ms: float = 0.0
    reports: int = 0


class Result:
    """Grows tick by tick."""

    def __init__(self, workers: int, most_late_ms: float) -> None:
        self.workers = workers
        self.most_late_ms = most_late_ms
        self.started_at = ""
        self.seconds: list[Second] = []
        self.totals = {name: Latencies() for name in messages.NAMES}
        self.counts: Counter[str] = Counter()
        self.storms: dict[float, Storm] = {}
        self.unsettled = 0
        self.unanswered = 0
        self.kept: list[str] = []
        self.failure: str | None = None
        """What ended the run before its time, other than whoever started it."""
        self.was_interrupted = False
        self.ended_at: int | None = None
        """The second after which nothing new was asked for, and everybody came to rest."""
        self.parts: list[Part] = []
        self.seen: Seen | None = None
        self.machine: list[float] = []
        """How busy the generator's machine was, by second, whoever used it."""
        self.outcomes: list[Outcome] = []
        self._kinds_by_worker: dict[int, dict[str, int]] = {}
        self._kinds: Counter[str] = Counter()
        self._cpu: dict[int, list[float]] = {}

    # ------------------------------------------------------------ growing

    def tick(self, worker: int, tick: Tick) -> None:
        """Take what one worker says of its last second."""
        at = max(1, round(tick.at_seconds))
        is_last = tick.at_seconds == 0.0  # what came while everything settled
        latencies = messages.unpack(tick)
        for name, some in latencies.items():
            self.totals[name].merge(some)
        self.counts.update(tick.counts)
        self._kinds_by_worker[worker] = tick.kinds
        if is_last:
            return
        while len(self.seconds) < at:
            self.seconds.append(Second(len(self.seconds) + 1))
        second = self.seconds[at - 1]
        second.live += tick.live
        second.joined += tick.joined
        second.counts.update(tick.counts)
        for name, some in latencies.items():
            second.latencies.setdefault(name, Latencies()).merge(some)
        share = tick.cpu_seconds / tick.wall_seconds if tick.wall_seconds else 0.0
        second.generator_cpu = max(second.generator_cpu, share)
        self._cpu.setdefault(worker, []).append(share)

    def recovered(self, report: Recovered) -> None:
        """Take that a worker's people are back from a storm."""
        storm = self.storms[report.at_seconds]
        storm.people += report.people
        storm.reports += 1
        storm.took_ms = max(storm.took_ms, report.took_ms or 0.0)

    def violate(self, kinds: Counter[str], kept: list[str]) -> None:
        """Take what was found at the end."""
        self._kinds.update(kinds)
        self.kept += kept

    # ------------------------------------------------------------ what it says

    @property
    def kinds(self) -> Counter[str]:
        """Violations by kind."""
        return sum((Counter(kinds) for kinds in self._kinds_by_worker.values()), self._kinds)

    @property
    def violations(self) -> int:
        """How often a promise was broken."""
        return self.kinds.total()

    @property
    def generator_cpu(self) -> float:
        """The busiest worker's share of a core, in its worst ten seconds."""
        return max((_worst(shares) for shares in self._cpu.values()), default=0.0)

    @property
    def machine_cpu(self) -> float | None:
        """How busy the generator's machine was in its worst ten seconds; 1 is all processors."""
        return _worst(self.machine) if self.machine else None

    @property
    def void_because(self) -> list[str]:
        """Why the figures say nothing of the server; empty if they do."""
        reasons = []
        if self.generator_cpu > SATURATED_CPU:
            share = f"{self.generator_cpu * 100:.0f} %"
            reasons.append(
                f"a worker of the generator used {share} of a core over {SATURATED_SECONDS} s"
            )
        late = self.totals["lateness"]
        if len(late) and late.percentile(99) > self.most_late_ms:
            text = (
                f"{late.percentile(99):.0f} ms late at p99, {self.most_late_ms:.0f} ms are allowed"
            )
            reasons.append(f"the generator was {text}")
        return reasons

    @property
    def verdict(self) -> Verdict:
        """What it all comes to; what is worse goes first."""
        if self.failure is not None or self.violations or self.unsettled or self.unanswered:
            return "failed"
        if self.void_because:
            return "void"
        return "passed" if all(each.is_met for each in self.outcomes) else "threshold missed"

    @property
    def exit_code(self) -> int:
        """0 passed, 99 a threshold was missed, 1 anything else."""
        return {"passed": 0, "threshold missed": 99}.get(self.verdict, 1)

    def judge(self, wanted: list[Threshold]) -> None:
        """Hold the run to its thresholds."""
        self.outcomes = thresholds.judge(wanted, self.measured)

    def measured(self, metric: str) -> float | None:
        """Return what was reached of a metric; None where nothing was measured."""
        latency = thresholds.split(metric)
        if latency is not None:
            name, percent = latency
            some = self.totals[name]
            if not len(some):
                return None
            return some.largest if percent == 100 else some.percentile(percent)
        match metric:
            case "storm_recovery":
                return self._storm_recovery()
            case "deliveries_per_second":
                return self.per_second("events applied")
            case "acks_per_second":
                return self.per_second("acks")
            case "server_cpu":
                shares = _sums([part.cpu for part in self.parts])
                return _worst(shares) if shares else None
            case "server_rss":
                return max(_sums([part.rss for part in self.parts]), default=None)
            case "generator_cpu":
                return self.generator_cpu
            case "refused":
                answers = self.counts["acks"] + self.counts["refused"]
                return self.counts["refused"] / answers if answers else None
            case "media_connect":
                return None if self.seen is None else self.seen.connect_ms
            case "media_pictures":
                return None if self.seen is None else self.seen.pictures
            case "media_loss":
                return None if self.seen is None else self.seen.loss
            case "violations":
                return float(self.violations)
            case _:
                raise ValueError(metric)

    def per_second(self, count: str) -> float | None:
        """Return how many there were in a second, until everybody came to rest."""
        played = self.seconds[: self.ended_at]
        return sum(second.counts[count] for second in played) / len(played) if played else None

    def _storm_recovery(self) -> float | None:
        if not self.storms:
            return None
        if any(storm.reports < self.workers for storm in self.storms.values()):
            return math.inf
        return max(storm.took_ms for storm in self.storms.values())


def _sums(series: list[list[float | None]]) -> list[float]:
    """Return what all parts used together in each second of which anything is known."""
    return [
        sum(value for value in column if value is not None)
        for column in zip(*series, strict=False)
        if any(value is not None for value in column)
    ]


def _worst(shares: list[float]) -> float:
    """Return the highest mean over ten seconds, or over all if there are fewer."""
    width = min(SATURATED_SECONDS, len(shares))
    windows = range(len(shares) - width + 1)
    return max(sum(shares[start : start + width]) / width for start in windows)
