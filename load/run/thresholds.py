"""Thresholds: what a run must reach, as ``delivery_p99<250ms``.

::

    metric    connect | ack | delivery | resume | lateness, with _p50 … _p99.9 or _max   a time
              storm_recovery                                                             a time
              deliveries_per_second | acks_per_second                                    a number
              server_cpu | generator_cpu            of one core, so above 100% of many   a share
              server_rss                                                                 a size
              refused                               of all answers                       a share
              violations                                               a number
    relation  < | <= | > | >=
    value     250ms, 1.5s | 20000, 20k | 80% | 512MB, 2GB
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Unit: TypeAlias = Literal["time", "number", "share", "size"]

_RELATIONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_UNITS: dict[Unit, dict[str, float]] = {
    "time": {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0, "min": 60_000.0},
    "number": {"": 1.0, "k": 1e3, "M": 1e6},
    "share": {"%": 0.01},
    "size": {"kB": 1e3, "MB": 1e6, "GB": 1e9},
}
_EXAMPLES: dict[Unit, str] = {
    "time": "250ms or 1.5s",
    "number": "20000 or 20k",
    "share": "80%",
    "size": "512MB",
}
LATENCIES = ("connect", "ack", "delivery", "resume", "lateness")
SCALARS: dict[str, Unit] = {
    "storm_recovery": "time",
    "deliveries_per_second": "number",
    "acks_per_second": "number",
    "server_cpu": "share",
    "server_rss": "size",
    "generator_cpu": "share",
    "refused": "share",
    "violations": "number",
    "media_connect": "time",
    "media_pictures": "share",
    "media_loss": "share",
}
_SHAPE = re.compile(r"\s*([a-z_]+[0-9.]*)\s*(<=|>=|<|>)\s*(\d+(?:\.\d+)?)\s*([A-Za-z%]*)\s*")
_PERCENTILE = re.compile(rf"({'|'.join(LATENCIES)})_(max|p(\d{{1,2}}(?:\.\d+)?))")


@dataclass(frozen=True, slots=True)
class Threshold:
    """One demand on one metric; times in milliseconds, sizes in bytes, shares of 1."""

    text: str
    metric: str
    relation: str
    value: float
    unit: Unit

    def holds(self, reached: float) -> bool:
        """Return whether ``reached`` is what is demanded; never of NaN."""
        return _RELATIONS[self.relation](reached, self.value)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A threshold with what was reached; None where nothing was measured."""

    threshold: Threshold
    reached: float | None

    @property
    def is_met(self) -> bool:
        """Whether the run did what was demanded. What was not measured was not shown to hold."""
        return self.reached is not None and self.threshold.holds(self.reached)


def parse(text: str) -> Threshold:
    """Return the threshold that ``text`` writes down.

    Raises:
        ValueError: If it is none; the text says what would have been right.

    """
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise ValueError(f"“{text}” is no threshold: write it as delivery_p99<250ms")
    metric, relation, number, suffix = match.groups()
    if _PERCENTILE.fullmatch(metric):
        unit: Unit = "time"
    elif metric in SCALARS:
        unit = SCALARS[metric]
    else:
        names = ", ".join((*(f"{name}_p99" for name in LATENCIES), *SCALARS))
        raise ValueError(f"“{metric}” is not measured; there are {names}")
    factor = _UNITS[unit].get(suffix)
    if factor is None:
        raise ValueError(f"“{text}”: {metric} is a {unit}, written as {_EXAMPLES[unit]}")
    return Threshold("".join(text.split()), metric, relation, float(number) * factor, unit)


def split(metric: str) -> tuple[str, float] | None:
    """Return the name and percentile of a latency, 100 for the maximum; None for other metrics."""
    match = _PERCENTILE.fullmatch(metric)
    if match is None:
        return None
    return match.group(1), 100.0 if match.group(3) is None else float(match.group(3))


def judge(thresholds: list[Threshold], measured: Callable[[str], float | None]) -> list[Outcome]:
    """Return each threshold with what ``measured`` says of its metric."""
    return [Outcome(each, measured(each.metric)) for each in thresholds]


def shown(value: float, unit: Unit) -> str:
    """Return a value for people."""
    match unit:
        case "time":
            return f"{value / 1000:.2f} s" if value >= 1000 else f"{value:.1f} ms"
        case "number":
            return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
        case "share":
            return f"{value * 100:.1f} %"
        case "size":
            return f"{value / 1e6:,.0f} MB"


def unit_of(metric: str) -> Unit:
    """Return what a metric is measured in."""
    return SCALARS.get(metric, "time")
