"""The report of a run as JSON, and as a few lines for a terminal.

``liveclass-load/1`` is described in docs/load.md: fields may be added, none changes its meaning.
"""

import math
from typing import Any

from load.run import thresholds
from load.run.messages import NAMES
from load.run.profiles import PROFILES
from load.run.result import KINDS, Result, Second
from load.run.run import Options

FORMAT = "liveclass-load/1"
_SERIES = ("p50", "p90", "p99")


def document(result: Result, options: Options) -> dict[str, Any]:
    """Return everything that was measured, ready for JSON."""
    profile = PROFILES[options.profile]
    return {
        "format": FORMAT,
        "verdict": result.verdict,
        "exit_code": result.exit_code,
        "void_because": result.void_because,
        "failure": result.failure,
        "was_interrupted": result.was_interrupted,
        "started_at": result.started_at,
        "seconds": len(result.seconds),
        "ended_at": result.ended_at,
        "options": options.words,
        "url": options.url,
        "classes": options.classes,
        "students_per_class": options.students,
        "workers": options.procs,
        "profile": {
            "name": profile.name,
            "about": profile.about,
            "students": [
                {
                    "act": habit.act,
                    "per_minute": habit.per_minute,
                    "at_most_of_class": habit.at_most,
                    "source": habit.source,
                }
                for habit in profile.students
            ],
            "teacher": [
                {"act": habit.act, "per_minute": habit.per_minute, "source": habit.source}
                for habit in profile.teacher
            ],
            "polls": None
            if profile.polls is None
            else {
                "every_seconds": profile.polls.every_seconds,
                "within_seconds": profile.polls.within_seconds,
                "turnout": profile.polls.turnout,
                "source": profile.polls.source,
            },
            "slow_mode_s": profile.slow_mode_s,
        },
        "thresholds": [
            {
                "text": each.threshold.text,
                "reached": _number(each.reached),
                "is_met": each.is_met,
            }
            for each in result.outcomes
        ],
        "violations": {kind: result.kinds[kind] for kind in KINDS},
        "violations_told": result.kept[:50],
        "unsettled": result.unsettled,
        "unanswered": result.unanswered,
        "latencies_ms": {name: result.totals[name].summary() for name in NAMES},
        "storms": [
            {
                "at_seconds": storm.at_seconds,
                "people": storm.people,
                "recovered_ms": round(storm.took_ms, 1)
                if _is_over(result, storm.reports)
                else None,
            }
            for storm in result.storms.values()
        ],
        "media": None
        if result.seen is None
        else {
            "viewers": result.seen.viewers,
            "seconds": _number(result.seen.seconds),
            "connect_ms": _number(result.seen.connect_ms),
            "pictures": _number(result.seen.pictures),
            "loss": _number(result.seen.loss),
        },
        "per_second": {
            "deliveries": _number(result.measured("deliveries_per_second")),
            "acks": _number(result.measured("acks_per_second")),
        },
        "counts": dict(sorted(result.counts.items())),
        "server": {
            "cpu": _number(result.measured("server_cpu")),
            "rss_bytes": _number(result.measured("server_rss")),
            "parts": [
                {"name": part.name, "cpu": _numbers(part.cpu), "rss_bytes": _numbers(part.rss)}
                for part in result.parts
            ],
        },
        "generator": {
            "cpu": _number(result.generator_cpu),
            "machine_cpu": _number(result.machine_cpu),
            "lateness_ms": result.totals["lateness"].summary(),
        },
        "series": [_second(second) for second in result.seconds],
    }


def _second(second: Second) -> dict[str, Any]:
    return {
        "at": second.at,
        "live": second.live,
        "acks": second.counts["acks"],
        "deliveries": second.counts["events applied"],
        "refused": second.counts["refused"],
        "generator_cpu": _number(second.generator_cpu),
        "latencies_ms": {
            name: {each: _number(second.percentile(name, float(each[1:]))) for each in _SERIES}
            for name in second.latencies
        },
    }


def _is_over(result: Result, reports: int) -> bool:
    return reports >= result.workers


def _number(value: float | None) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return round(value, 4)


def _numbers(values: list[float | None]) -> list[float | None]:
    return [_number(value) for value in values]


def table(result: Result) -> str:
    """Return the result for a terminal."""
    lines = [f"{'':12}{'count':>10}{'p50':>12}{'p90':>12}{'p99':>12}{'p99.9':>12}{'max':>12}"]
    for name in NAMES:
        some = result.totals[name]
        if len(some):
            values = [some.percentile(percent) for percent in (50, 90, 99, 99.9)] + [some.largest]
            shown = "".join(f"{thresholds.shown(value, 'time'):>12}" for value in values)
            lines.append(f"{name:12}{len(some):>10}{shown}")
    for storm in result.storms.values():
        took = "not over at the end"
        if _is_over(result, storm.reports):
            took = f"all back after {thresholds.shown(storm.took_ms, 'time')}"
        lines.append(f"storm at {storm.at_seconds:.0f} s: {storm.people} people, {took}")
    for name, text in (("deliveries_per_second", "deliveries/s"), ("acks_per_second", "acks/s")):
        value = result.measured(name)
        lines.append(f"{text:14}{'–' if value is None else thresholds.shown(value, 'number'):>10}")
    for name, text in (("server_cpu", "server CPU"), ("server_rss", "server RSS")):
        value = result.measured(name)
        if value is not None:
            lines.append(f"{text:14}{thresholds.shown(value, thresholds.unit_of(name)):>10}")
    if (seen := result.seen) is not None:
        lines.append(
            f"{seen.viewers} watched for {seen.seconds:.0f} s: connected within "
            f"{thresholds.shown(seen.connect_ms, 'time')}, the worst saw {seen.pictures:.1%} of "
            f"the pictures, {seen.loss:.3%} of all packets were lost"
        )
    lines.append(f"{'generator CPU':14}{thresholds.shown(result.generator_cpu, 'share'):>10}")
    if (machine := result.machine_cpu) is not None:
        lines.append(f"{'this machine':14}{thresholds.shown(machine, 'share'):>10}")
    shown = ", ".join(f"{kind} {result.kinds[kind]}" for kind in KINDS)
    lines.append(f"violations: {shown}")
    lines += [f"  {line}" for line in result.kept[:20]]
    if result.unsettled or result.unanswered:
        lines.append(f"people not in at the end: {result.unsettled}")
        lines.append(f"commands without an answer: {result.unanswered}")
    for each in result.outcomes:
        unit = each.threshold.unit
        reached = "not measured" if each.reached is None else thresholds.shown(each.reached, unit)
        lines.append(f"{'✓' if each.is_met else '✗'} {each.threshold.text}  ({reached})")
    lines += [f"void: {reason}" for reason in result.void_because]
    if result.failure is not None:
        lines.append(f"failed: {result.failure}")
    return "\n".join([*lines, result.verdict.upper()])
