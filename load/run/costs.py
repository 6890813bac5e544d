"""What the run costs the server: its metrics, or its processes where they are on this machine."""

import asyncio
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

_REQUEST_SECONDS = 2.0
_SAMPLE = re.compile(
    r"^process_(cpu_seconds_total|resident_memory_bytes)(?:\{[^}]*\})? ([0-9.e+]+)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Sample:
    """What one part of the server has used so far."""

    cpu_seconds: float
    rss_bytes: float


@dataclass(slots=True)
class Part:
    """A part of the server over time: by second, the share of a core and the memory."""

    name: str
    cpu: list[float | None] = field(default_factory=list)
    rss: list[float | None] = field(default_factory=list)
    _last: Sample | None = None

    def add(self, sample: Sample | None, seconds: float) -> None:
        """Take what it has used by now, so long after the time before."""
        if not seconds:
            self._last = sample
            return
        share = None
        if sample is not None and self._last is not None:
            used = sample.cpu_seconds - self._last.cpu_seconds
            share = used / seconds if used >= 0 else None  # it was started again
        self.cpu.append(share)
        self.rss.append(None if sample is None else sample.rss_bytes)
        self._last = sample


class Machine:
    """How busy all processors of the generator's machine are, whoever uses them (Linux)."""

    def __init__(self) -> None:
        self.shares: list[float] = []
        self._last: tuple[int, int] | None = None

    def sample(self) -> None:
        """Take the share since the last sample."""
        try:
            first, _, _ = Path("/proc/stat").read_text().partition("\n")
        except OSError:
            return
        times = [int(word) for word in first.split()[1:9]]
        now = sum(times), times[3] + times[4]  # idle, and waiting for a disk
        if self._last is not None and now[0] > self._last[0]:
            passed, idle = now[0] - self._last[0], now[1] - self._last[1]
            self.shares.append(1 - idle / passed)
        self._last = now


class Costs:
    """Asks every part of the server once a second."""

    def __init__(
        self, http: aiohttp.ClientSession, ops_urls: Sequence[str], pids: Sequence[int]
    ) -> None:
        self._http = http
        self._pids = pids
        self._urls = [url.rstrip("/") for url in ops_urls]
        self.parts = [Part(f"metrics of {url}") for url in self._urls]
        self.processes: dict[str, Part] = {}
        self.machine = Machine()

    async def sample(self, seconds: float) -> None:
        """Take one sample, ``seconds`` after the one before; 0 is the beginning."""
        self.machine.sample()
        taken = await asyncio.gather(*(self._scrape(url) for url in self._urls))
        for part, sample in zip(self.parts, taken, strict=True):
            part.add(sample, seconds)
        if self._pids:
            found = _by_name(self._pids)
            for name in found.keys() - self.processes.keys():
                length = max((len(part.cpu) for part in self.processes.values()), default=0)
                self.processes[name] = Part(name, [None] * length, [None] * length)
            for name, part in self.processes.items():
                part.add(found.get(name), seconds)

    def all_parts(self) -> list[Part]:
        """Return every part of which something was seen; processes where they are known."""
        parts = list(self.processes.values()) if self._pids else self.parts
        return [part for part in parts if any(value is not None for value in part.rss)]

    async def _scrape(self, url: str) -> Sample | None:
        try:
            async with (
                asyncio.timeout(_REQUEST_SECONDS),
                self._http.get(f"{url}/metrics") as response,
            ):
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError):
            return None
        found = {"cpu_seconds_total": 0.0, "resident_memory_bytes": 0.0}
        matches = _SAMPLE.findall(text)
        for name, value in matches:
            found[name] += float(value)
        return Sample(*found.values()) if matches else None


def _by_name(roots: Sequence[int]) -> dict[str, Sample]:
    """Return what these processes and all below them use, together by program."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            stat = _stat(int(entry.name))
            if stat is not None:
                parents[int(entry.name)] = int(stat[1])
    totals: dict[str, Sample] = {}
    for pid in parents:
        above: int | None = pid
        while above is not None and above not in roots:
            above = parents.get(above)
        stat = _stat(pid)
        if above is None or stat is None:
            continue
        cpu = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
        rss = int(stat[21]) * os.sysconf("SC_PAGE_SIZE")
        name = _program(pid)
        so_far = totals.get(name, Sample(0.0, 0.0))
        totals[name] = Sample(so_far.cpu_seconds + cpu, so_far.rss_bytes + rss)
    return totals


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat that follow the name."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _program(pid: int) -> str:
    """Return what a process is: its module, or its program's name."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return "?"
    if "-m" in words[:-1]:
        return " ".join(words[words.index("-m") + 1 :][:1])
    return Path(words[0].split(" ")[0].rstrip(":")).name or "?"
