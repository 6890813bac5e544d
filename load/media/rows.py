"""A row: a server's share of a core while the sinks verifiably got everything."""

import asyncio
import math
import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from load.bench.processes import cpu_seconds
from load.latencies import Latencies
from load.media import clip
from load.media.child import Child

_RATE_TOLERANCE = 0.02
_SLACK_PICTURES = 3
"""The clocks of two processes are read a moment apart."""
_GAP_TOLERANCE = 0.001


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement of one server under one load."""

    system: str
    load: str
    sinks: int
    cpu: float
    """Share of a core: 1.0 is a whole one."""
    void: tuple[str, ...]
    """Why it does not count; empty if it does."""
    pictures_per_second: float
    """As the slowest sink counted, or the source if there is none."""
    packets_per_second: float | None
    """As viewers counted, per viewer."""
    load_average: float


@dataclass(frozen=True, slots=True)
class Sinks:
    """Who counts in a row."""

    source: Child | None = None
    platforms: Child | None = None
    keys: Sequence[str] = ()
    viewers: Child | None = None
    watching: int = 0


async def measure(system: str, load: str, pids: Sequence[int], sinks: Sinks, seconds: float) -> Row:
    """Return what the processes use within ``seconds``."""
    before, cpu = await _counts(sinks), _cpu(pids)
    started = asyncio.get_running_loop().time()
    await asyncio.sleep(seconds)
    cpu, took = _cpu(pids) - cpu, asyncio.get_running_loop().time() - started
    after = await _counts(sinks)
    judged = _Judged(before, after, sinks)
    return Row(
        system,
        load,
        len(sinks.keys) + sinks.watching,
        cpu / took,
        tuple(judged.void),
        round(min(judged.rates, default=clip.FPS), 2),
        round(statistics.median(judged.packets)) if judged.packets else None,
        round(os.getloadavg()[0], 2),
    )


def _cpu(pids: Sequence[int]) -> float:
    return sum(map(cpu_seconds, pids))


async def _counts(sinks: Sinks) -> dict[str, Any]:
    asked = {
        name: each
        for name, each in (
            ("source", sinks.source), ("platforms", sinks.platforms), ("viewers", sinks.viewers)
        )
        if each is not None
    }  # fmt: skip
    answers = await asyncio.gather(*(each.ask("counts") for each in asked.values()))
    return dict(zip(asked, answers, strict=True))


class _Judged:
    """What the counts of a window say."""

    def __init__(self, before: dict[str, Any], after: dict[str, Any], sinks: Sinks) -> None:
        self.rates: list[float] = []
        self.packets: list[float] = []
        self.void: list[str] = []
        if sinks.source is not None:
            self._source(before["source"], after["source"])
        if sinks.keys:
            self._platforms(before["platforms"], after["platforms"], sinks.keys)
        if sinks.watching:
            self._viewers(before["viewers"], after["viewers"], sinks.watching)

    def _source(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        rate = self._rate("the source", before, after, before, after)
        self.rates.append(rate)

    def _platforms(
        self, before: dict[str, Any], after: dict[str, Any], keys: Sequence[str]
    ) -> None:
        for key in keys:
            old, new = before["streams"].get(key), after["streams"].get(key)
            if old is None or new is None:
                self.void.append(f"{key} has no stream")
                continue
            self.rates.append(self._rate(key, before, after, old, new))
            if new["backwards"]:
                self.void.append(f"{key}: {new['backwards']} timestamps do not increase")

    def _viewers(self, before: dict[str, Any], after: dict[str, Any], watching: int) -> None:
        took = after["at"] - before["at"]
        pairs = list(zip(before["viewers"], after["viewers"], strict=False))
        if len(pairs) != watching:
            self.void.append(f"{len(pairs)} watch instead of {watching}")
        for number, (old, new) in enumerate(pairs):
            self.rates.append(self._rate(f"viewer {number}", before, after, old, new))
            packets, gaps = new["packets"] - old["packets"], new["gaps"] - old["gaps"]
            self.packets.append(packets / took)
            if gaps > packets * _GAP_TOLERANCE:
                self.void.append(f"viewer {number}: {gaps} gaps in {packets} packets")

    def _rate(
        self,
        name: str,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        old: Mapping[str, Any],
        new: Mapping[str, Any],
    ) -> float:
        took, pictures = after["at"] - before["at"], new["pictures"] - old["pictures"]
        missing = abs(took * clip.FPS - pictures)
        if missing > took * clip.FPS * _RATE_TOLERANCE + _SLACK_PICTURES:
            self.void.append(f"{name}: {pictures / took:.1f} pictures/s")
        return float(pictures / took)


def within(counted: Sequence[Mapping[float, int]], percent: float) -> float:
    """Return the bound that so many of those counted are within: the upper one of a bucket."""
    bounds = sorted({bound for each in counted for bound in each})
    totals = {bound: sum(each.get(bound, 0) for each in counted) for bound in bounds}
    wanted = percent / 100 * max(totals.values(), default=0)
    return next((bound for bound in bounds if totals[bound] >= wanted), math.inf)


def latencies(
    sent: Sequence[tuple[int, int]], arrived: Mapping[str, Sequence[tuple[int, int]]]
) -> Latencies:
    """Return the times from each picture's last packet to its message, over all streams.

    A picture comes again with each turn of the clip: the nearest sending is the one.
    """
    found = Latencies()
    if not sent:
        return found
    first, last = sent[0][1], sent[-1][1]
    sent_at: dict[int, list[int]] = {}
    for identity, at in sent:
        sent_at.setdefault(identity, []).append(at)
    for stream in arrived.values():
        for identity, at in stream:
            times = sent_at.get(identity)
            if times is not None and first < at < last:
                found.add(min(abs(at - each) for each in times) / 1e6)
    return found
