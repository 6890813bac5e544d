"""``python -m server.media``, which at SIGUSR1 tells what it holds.

A line of JSON into ``media.told`` beside its socket: what is resident once garbage is collected and
free memory is given back; open files, threads, tasks, children; how many objects there are of each
class that is ours or a library's; and how late its event loop was since it told the last time.
"""

import asyncio
import ctypes
import gc
import json
import os
import runpy
import signal
import threading
import time
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path

STEP_SECONDS = 0.01
_OURS = ("server.", "aiortc.", "aioice.", "av.", "pylibsrtp", "asyncio.", "aiohttp.", "_asyncio")
_told = Path(os.environ["MEDIA_SOCKET"]).with_suffix(".told")
_late: list[float] = []
_run = asyncio.run


async def _observed(main: Coroutine[object, object, None]) -> None:
    """Run ``main`` and measure how late the loop is."""
    measuring = asyncio.ensure_future(_measure())
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _tell)
    try:
        await main
    finally:
        measuring.cancel()


async def _measure() -> None:
    while True:
        before = time.monotonic()
        await asyncio.sleep(STEP_SECONDS)
        _late.append(time.monotonic() - before - STEP_SECONDS)


def _tell() -> None:
    late = sorted(_late) or [0.0]
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    kinds = Counter(f"{type(each).__module__}.{type(each).__name__}" for each in gc.get_objects())
    told = {
        "resident": pages * os.sysconf("SC_PAGESIZE"),
        "files": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
        "tasks": len(asyncio.all_tasks()),
        "children": len(children),
        "lag_p99_ms": round(late[len(late) * 99 // 100] * 1000, 1),
        "objects": {name: count for name, count in kinds.items() if name.startswith(_OURS)},
    }
    with _told.open("a") as file:
        file.write(json.dumps(told) + "\n")
    # What telling took is nobody's lateness.
    asyncio.get_running_loop().call_later(STEP_SECONDS * 5, _late.clear)


if __name__ == "__main__":
    asyncio.run = lambda main: _run(_observed(main))
    runpy.run_module("server.media", run_name="__main__")
