"""The table of ``make bench``: what was to be reached, and what was."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from load.bench.commands import keeps_up
from load.bench.generator import SATURATED_CPU

Result = Mapping[str, Any]

LATE_MS = 5.0
"""A generator whose lines are later than this at p99 measures itself."""


@dataclass(frozen=True, slots=True)
class Row:
    """One promise. ``is_met`` is None where there is none, or where it could not be measured."""

    what: str
    aim: str
    reached: str
    is_met: bool | None
    is_saturated: bool = False
    """Whether the figures are the generator's rather than the server's."""

    def as_dict(self) -> dict[str, Any]:
        """Return the row, ready for JSON."""
        return {
            "what": self.what,
            "aim": self.aim,
            "reached": self.reached,
            "is_met": self.is_met,
            "generator_saturated": self.is_saturated,
        }


def is_saturated(told: Result) -> bool:
    """Return whether the generator could not keep up with what it was to send and hear."""
    late = told.get("late_ms", {}).get("p99", 0.0)
    return bool(told.get("talk_cpu", told["generator_cpu"]) > SATURATED_CPU or late > LATE_MS)


_PROMISED_PEERS = 1000
_PROMISES = (
    ("4 outstanding", "Nchan", 2.0),
    ("4 outstanding", "naive", 2.3),
    ("bursts of 20", "Nchan", None),
    ("bursts of 20", "naive", 5.0),
)


def of_fanout(results: Sequence[Result]) -> Iterator[Row]:
    """Yield what is promised of the fan-out, at every number of peers that was measured."""
    by = {(row["peers"], row.get("scenario"), row["server"]): row for row in results}
    for peers in sorted({row["peers"] for row in results}):
        for scenario, other, least in _PROMISES:
            mine, row = by.get((peers, scenario, "ours")), by.get((peers, scenario, other))
            what = f"fan-out, {peers:,} peers, {scenario}: messages per CPU second beside {other}"
            aim = "" if least is None or peers != _PROMISED_PEERS else f"≥ {least:g}×"
            if mine is None or mine["wrong"]:
                broken = mine["wrong"] if mine else "ours did not start"
                yield Row(what, aim, f"no figure: {broken}", False)
                continue
            if row is None or row["wrong"] or row["ours_is"] is None:
                yield Row(what, aim, f"no figure: {row['wrong'] if row else 'not here'}", None)
                continue
            low, high = row["spread"]
            yield Row(
                what,
                aim,
                f"{row['ours_is']:.1f}× ({low:.1f}–{high:.1f}): "
                f"{mine['messages_per_cpu_second']:,} and {row['messages_per_cpu_second']:,}",
                row["ours_is"] >= least if aim and least else None,
                mine["generator_saturated"] or row["generator_saturated"],
            )


def fanout_table(results: Sequence[Result]) -> str:
    """Return everybody's figures for people."""
    lines, last = [], None
    for row in results:
        if "missing" in row:
            lines.append(f"{row['server']:<17}at {row['peers']:,}: {row['missing']}")
            continue
        if last != (row["peers"], row["scenario"]):
            last = (row["peers"], row["scenario"])
            lines += [
                "",
                f"Fan-out, {row['peers']:,} peers, {row['scenario']}",
                f"{'':<17}{'messages/CPU-s':>15}{'ours is':>9}{'messages/s':>12}{'p99 ms':>9}"
                f"{'server':>8}{'generator':>11}",
            ]
        ratio = "–" if row["ours_is"] is None else f"{row['ours_is']:.2f}×"
        lines.append(
            f"{row['server']:<17}{row['messages_per_cpu_second']:>15,}{ratio:>9}"
            f"{row['messages_per_second']:>12,}{row['p99_ms']:>9.1f}{row['server_cpu']:>8.0%}"
            f"{row['generator_cpu']:>11.0%}{'  saturated' if row['generator_saturated'] else ''}"
            f"{'  WRONG: ' + str(row['wrong']) if row['wrong'] else ''}"
        )
    return "\n".join(lines)


def of_path(path: Result) -> Iterator[Row]:
    """Yield the rows of one class of thousands that talks."""
    p99 = path["delivery_ms"].get("p99", float("inf"))
    wrong = wrongs(path)
    yield Row(
        f"{path['people']:,} peers × {path['rate']:g} events/s, whole path, one core: p99",
        "≤ 120 ms",
        f"{p99:.0f} ms (p50 {path['delivery_ms'].get('p50', 0):.0f}; hub {path['hub_cpu']:.0%}, "
        f"{path['deliveries_per_hub_second']:,} deliveries per hub second)",
        p99 <= 120,
        is_saturated(path),
    )
    yield Row(
        "… lost, repeated, out of order, unanswered, disconnected",
        "0",
        f"{sum(wrong.values())} of {path['expected']:,}"
        + "".join(f", {name} {count}" for name, count in wrong.items() if count),
        not sum(wrong.values()),
    )


def wrongs(told: Result) -> dict[str, int]:
    """Return everything that must be zero."""
    names = ("lost", "extra", "gaps", "misordered", "unanswered", "disconnected", "snapshots")
    return {name: told[name] for name in names} | {"refused": sum(told["refused"].values())}


def of_commands(result: Result) -> Iterator[Row]:
    """Yield the rows of many classes that ask."""
    runs = result["runs"]
    p50 = median(run["ack_ms"]["p50"] for run in runs)
    p99 = median(run["ack_ms"]["p99"] for run in runs)
    wrong = sum(sum(wrongs(run).values()) for run in runs)
    yield Row(
        f"command → durable ack, {result['rate']:,g}/s over {result['classes']} classes",
        "p50 ≤ 3, p99 ≤ 20 ms",
        f"p50 {p50:.2f}, p99 {p99:.1f} ms (hub {median(run['hub_cpu'] for run in runs):.0%}); "
        f"{wrong} lost or refused",
        p50 <= 3 and p99 <= 20 and not wrong,
        any(map(is_saturated, runs)),
    )
    steps = result["climb"]["steps"]
    kept = [step for step in steps if keeps_up(step)]
    best = max(step["acked_per_second"] for step in steps)
    yield Row(
        "acked commands per second of one hub core, whole path",
        "≥ 5,000",
        f"{best:,.0f}/s; {max(step['acked_per_hub_second'] for step in steps):,} per hub second; "
        + (f"keeps up with {kept[-1]['rate']:,}/s" if kept else f"not with {steps[0]['rate']:,}/s"),
        best >= 5000,
        any(step["talk_cpu"] > SATURATED_CPU for step in steps),
    )


def of_append(result: Result) -> Iterator[Row]:
    """Yield the row of the log writer alone."""
    yield Row(
        "events appended, one PostgreSQL core, digests and foreign keys",
        "≥ 20,000/s",
        f"{result['events_per_second']:,}/s; {result['events_per_postgres_second']:,} per second "
        f"of PostgreSQL ({result['postgres_cpu']:.0%}, writer {result['writer_cpu']:.0%})",
        result["events_per_second"] >= 20_000 and result["chain_holds"],
        result["writer_cpu"] > SATURATED_CPU,
    )


def of_storm(storms: list[dict[str, Any]]) -> Iterator[Row]:
    """Yield the rows of a class that comes back at once."""
    seconds = median(storm["seconds"] for storm in storms)
    spent = median(storm["hub_cpu_seconds"] for storm in storms)
    kinds = sorted({kind for storm in storms for kind in storm["recoveries"]})
    yield Row(
        f"reconnect storm of {storms[0]['people']:,} with resume, one core: all live",
        "≤ 3 s",
        f"{seconds:.2f} s (hub {spent:.2f} s of processor; came back by {', '.join(kinds)})",
        seconds <= 3,
        any(map(is_saturated, storms)),
    )
    sources: Counter[str] = sum((Counter(s["caught_up_from"]) for s in storms), Counter())
    asked = [storm["postgres"] for storm in storms if "postgres" in storm]
    yield Row(
        "… of them read from PostgreSQL, the ring covering it",
        "0",
        f"{sources['log'] + sources['snapshot']} of {sources.total():,}"
        + "".join(
            f"; PostgreSQL counts {each['log_scans']} scans of the log and {each['table_scans']} "
            f"of any table in {each['seconds']:.0f} s"
            for each in asked
        ),
        sources["ring"] == sources.total() > 0,
    )


def of_memory(memory: Result) -> Iterator[Row]:
    """Yield the rows of a class that only listens."""
    yield Row(
        f"memory per idle connection ({memory['people']:,} in one class), RSS of the hub",
        "≤ 20 KB",
        f"{memory['kib_per_connection'] * 1.024:.1f} KB (and {memory['kernel_kib_per_connection']}"
        f" KiB of the kernel, both ends; hub {memory['hub_mib']} MiB)",
        memory["kib_per_connection"] * 1.024 <= 20,
    )


def of_failover(result: Result) -> Iterator[Row]:
    """Yield the row of an owner that is killed."""
    yield Row(
        f"kill -9 of the owner → first ack elsewhere ({result['rounds']} times)",
        "≤ 1 s",
        f"median {result['median_ms']} ms, worst {result['worst_ms']} ms",
        result["worst_ms"] <= 1000,
    )


_SIGNS = {True: "✓", False: "✗", None: " "}


def table(rows: list[Row]) -> str:
    """Return the rows for people."""
    wide = max(len(row.what) for row in rows)
    aim = max(len(row.aim) for row in rows)
    return "\n".join(
        f"{_SIGNS[row.is_met]} {row.what:<{wide}}  {row.aim:<{aim}}  {row.reached}"
        + ("  — GENERATOR SATURATED" if row.is_saturated else "")
        for row in rows
    )
