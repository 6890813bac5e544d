"""A whole embedded server whose hub worker has a processor to itself, seen from outside."""

import asyncio
import contextlib
import os
import re
import resource
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from load.bench.processes import BenchError, Processors, below, cpu_seconds, demo
from load.place import Ready

_PAGE = resource.getpagesize()
_STATISTICS_SECONDS = 11.0
"""A session of PostgreSQL that is idle tells what it did ten seconds later."""
_CATCH_UPS = re.compile(r'^liveclass_catch_ups_total\{source="(\w+)"\} ([0-9.e+]+)', re.MULTILINE)
_HUB = "server.app"
_PARTS = ("postgres", "valkey", "server.media")
_OWNER = "SELECT node FROM session_hubs WHERE session_id = $1"
_NODES = "SELECT count(*) FROM nodes WHERE expires_at > now()"
_SCANS = """
    SELECT coalesce(sum(seq_scan + coalesce(idx_scan, 0))
                    FILTER (WHERE relname = 'session_state_events'), 0)::bigint AS log,
           coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0)::bigint AS tables
    FROM pg_stat_user_tables
"""


@dataclass(frozen=True, slots=True)
class Scans:
    """How often tables were read: the log, and all of them."""

    log: int
    tables: int

    def __sub__(self, other: "Scans") -> "Scans":
        return Scans(self.log - other.log, self.tables - other.tables)


@dataclass(frozen=True, slots=True)
class Hub:
    """A running server: where it is, and its hub workers."""

    ready: Ready
    pid: int
    """The first process: all others are below it."""
    pids: tuple[int, ...]
    """The hub workers that were there when it started."""

    @property
    def port(self) -> int:
        """Return where it listens."""
        return int(self.ready.url.rpartition(":")[2])

    def cpu_seconds(self) -> float:
        """Return the processor time of all hub workers so far."""
        return sum(cpu_seconds(pid) for pid in self.pids)

    def others_cpu(self) -> dict[str, float]:
        """Return the processor time of everybody else so far, by what they are."""
        spent = dict.fromkeys(_PARTS, 0.0)
        for pid, name in below(self.pid):
            for part in _PARTS:
                if part in name:
                    with contextlib.suppress(BenchError):  # it has just ended
                        spent[part] += cpu_seconds(pid)
        return spent

    def workers(self) -> dict[int, int]:
        """Return the processes of the hub workers that are there now, by their numbers."""
        found = {}
        for pid, name in below(self.pid):
            if _HUB in name:
                environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                numbers = [each for each in environ if each.startswith(b"HUB_NUMBER=")]
                found[int(numbers[0].partition(b"=")[2]) if numbers else 0] = pid
        return found

    async def owner(self, session: str) -> int:
        """Return the number of the worker that owns a class."""
        node: str = await self._ask(_OWNER, session)
        return int(node.rpartition(".")[2])

    async def nodes(self) -> int:
        """Return how many nodes have said lately that they are there."""
        count: int = await self._ask(_NODES)
        return count

    async def _ask(self, question: str, *arguments: str) -> Any:
        database = await asyncpg.connect(self.ready.database_url)
        try:
            return await database.fetchval(question, *arguments)
        finally:
            await database.close()

    def resident_bytes(self) -> int:
        """Return how much memory of the hub workers is resident."""
        return sum(
            int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE for pid in self.pids
        )

    async def catch_ups(self) -> Counter[str]:
        """Return what those who had missed something were caught up from, as the server counts."""
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{self.ready.ops_url}/metrics") as response,
        ):
            found = _CATCH_UPS.findall(await response.text())
        return Counter({source: int(float(count)) for source, count in found})

    async def scans(self) -> Scans:
        """Return how often tables were read so far, once PostgreSQL knows."""
        await asyncio.sleep(_STATISTICS_SECONDS)
        database = await asyncpg.connect(self.ready.database_url)
        try:
            row = await database.fetchrow(_SCANS)
        finally:
            await database.close()
        assert row is not None  # an aggregate has one
        return Scans(row["log"], row["tables"])


def kernel_bytes() -> int:
    """Return how much memory the kernel holds in small objects: sockets are such, of everybody."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "Slab":
            return int(value.split()[0]) * 1024
    return 0


@contextlib.asynccontextmanager
async def held(processors: Processors, *, workers: int = 1) -> AsyncIterator[Hub]:
    """Run ``liveclass demo`` with nobody in it, its hub workers on the server's processor.

    Everybody else — PostgreSQL, Valkey, the media worker — keeps off that one and the
    generator's, where there are others.
    """
    with tempfile.TemporaryDirectory() as directory, _apart(processors):
        environ = {"LIVECLASS_HUB_WORKERS": str(workers)}
        async with demo(Path(directory) / "demo.log", **environ) as running:
            hubs = tuple(pid for pid, name in below(running.pid) if _HUB in name)
            pin(hubs, processors.server)
            yield Hub(running.ready, running.pid, hubs)


@contextlib.contextmanager
def _apart(processors: Processors) -> Iterator[None]:
    """Have what the block starts keep off the processors of server and generator."""
    if processors.server is None:
        yield
        return
    before = os.sched_getaffinity(0)
    others = before - {processors.server, processors.generator}
    os.sched_setaffinity(0, others or before - {processors.server})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def pin(pids: Sequence[int], processor: int | None) -> None:
    """Let every thread of the processes, and those they start, run on one processor only."""
    if processor is None:
        return
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(int(task.name), {processor})
