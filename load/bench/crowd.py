"""One class of thousands, through the whole path: memory, deliveries, a reconnect storm.

A real server with PostgreSQL, its one hub worker on a processor of its own, the generator on
another. The generator times each delivery from when its line was *due*, and counts for everybody
every line that anybody was acked: what somebody has not got in the end is lost.
"""

import asyncio
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

import aiohttp

from load.bench.generator import Generator, generator
from load.bench.hub import Hub, held, kernel_bytes
from load.bench.people import School
from load.bench.processes import BenchError, Processors
from load.place import Place

Part = Literal["memory", "path", "storm"]
MISSED_EVENTS = 20
_JOIN_SECONDS = 180.0
_AT_ONCE = 64
"""Who comes for the first time is written into the database: the class fills in good order."""
_CALM_SECONDS = 3.0
"""After so long nobody's arrival is news any more: presence is told, rosters are written."""
_STORM_SECONDS = 60.0
_ANSWER_SECONDS = 40.0


async def measure(
    directory: Path,
    processors: Processors,
    parts: Collection[Part],
    *,
    people: int,
    rate: float,
    seconds: float,
    storms: int,
) -> dict[str, Any]:
    """Return a row for each of ``parts``.

    Raises:
        BenchError: If not everybody gets in.
        RefusedError: If the class cannot be set up.

    """
    async with (
        held(processors) as hub,
        aiohttp.ClientSession() as http,
        generator(directory, processors.generator, "classes", str(hub.port)) as crowd,
    ):
        school = School(http, hub.ready)
        (place,) = await school.classes(1)
        await crowd.tell(await school.students([place], people))
        rows: dict[str, Any] = {"generator": crowd.kind}
        rows["memory"] = await _memory(hub, crowd, people)
        if "path" in parts:
            rows["path"] = await _path(hub, crowd, rate, seconds)
        if "storm" in parts:
            rows["storm"] = [
                await _storm(hub, crowd, school, place, people, is_watched=number == storms - 1)
                for number in range(storms)
            ]
        return rows


async def _memory(hub: Hub, crowd: Generator, people: int) -> dict[str, Any]:
    resident, sockets, spent = hub.resident_bytes(), kernel_bytes(), hub.cpu_seconds()
    joined = await _join(crowd, _JOIN_SECONDS, _AT_ONCE)
    await asyncio.sleep(_CALM_SECONDS)
    return {
        "people": people,
        "first_join_seconds": joined["seconds"],
        "join_cpu_ms": round((hub.cpu_seconds() - spent) * 1000 / people, 3),
        "kib_per_connection": round((hub.resident_bytes() - resident) / people / 1024, 1),
        "kernel_kib_per_connection": round((kernel_bytes() - sockets) / people / 1024, 1),
        "hub_mib": round(hub.resident_bytes() / (1 << 20)),
    }


async def _path(hub: Hub, crowd: Generator, rate: float, seconds: float) -> dict[str, Any]:
    spent, others = hub.cpu_seconds(), hub.others_cpu()
    told = await crowd.ask(f"talk {rate} {seconds}", seconds + _ANSWER_SECONDS)
    spent = hub.cpu_seconds() - spent
    return {
        **told,
        "rate": rate,
        "hub_cpu": round(spent / told["seconds"], 3),
        "deliveries_per_hub_second": round(told["deliveries"] / spent),
        "others_cpu": {
            name: round((after - others[name]) / told["seconds"], 3)
            for name, after in hub.others_cpu().items()
        },
    }


async def _storm(
    hub: Hub, crowd: Generator, school: School, place: Place, people: int, *, is_watched: bool
) -> dict[str, Any]:
    """Have everybody lose the network, miss something, and come back at the same moment.

    ``is_watched`` asks PostgreSQL, too, how often its tables were read meanwhile, which takes half
    a minute: what it says holds what the server reads by itself in that time.
    """
    await crowd.ask("drop", _ANSWER_SECONDS)
    await school.talk(place, MISSED_EVENTS)
    await asyncio.sleep(_CALM_SECONDS)
    scans = await hub.scans() if is_watched else None
    sources, spent, began = await hub.catch_ups(), hub.cpu_seconds(), time.monotonic()
    joined = await _join(crowd, _STORM_SECONDS, people)
    spent = hub.cpu_seconds() - spent
    sources = await hub.catch_ups() - sources
    row = {
        **joined,
        "missed_events": MISSED_EVENTS,
        "hub_cpu_seconds": round(spent, 3),
        "caught_up_from": dict(sources),
    }
    if scans is not None:
        scans = await hub.scans() - scans
        row["postgres"] = {
            "log_scans": scans.log,
            "table_scans": scans.tables,
            "seconds": round(time.monotonic() - began, 1),
        }
    return row


async def _join(crowd: Generator, seconds: float, at_once: int) -> dict[str, Any]:
    joined = await crowd.ask(f"join {seconds} {at_once}", seconds + _ANSWER_SECONDS)
    if joined["live"] != joined["people"]:
        raise BenchError(f"not everybody got in: {joined}")
    return joined
