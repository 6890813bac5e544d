"""``python -m tests.crowd``: what the room costs a browser, in a class of 500 that never rests.

Ends in one line of JSON.
"""

import argparse
import asyncio
import json

from aiohttp.test_utils import TestServer
from playwright.async_api import async_playwright

from tests import peers
from tests.crowd.measure import growth, opened, work
from tests.crowd.server import Crowd
from tests.pages.conftest import FLAGS


async def measured(seconds: float, per_second: float, events: int) -> dict[str, float]:
    """Return all figures."""
    binary = peers.chromium()
    if binary is None:
        raise SystemExit("Chromium is missing: python -m tests.peers says how to get it")
    crowd = Crowd()
    async with async_playwright() as playwright, TestServer(crowd.application()) as server:
        browser = await playwright.chromium.launch(executable_path=binary, args=FLAGS)
        try:
            room = await opened(browser, server, crowd)
            done = await work(browser, room, seconds, per_second)
            grown, nodes = await growth(room, events)
        finally:
            await browser.close()
    return {
        "first_load_bytes": room.loaded_bytes,
        "interactive_ms": round(room.interactive_ms),
        "batches": len(done.batches),
        "batch_p50_ms": round(done.percentile(50), 2),
        "batch_p95_ms": round(done.percentile(95), 2),
        "batch_max_ms": round(max(done.batches), 2),
        "longest_task_ms": round(done.longest, 2),
        "main_thread_busy": round(done.busy, 3),
        "heap_growth_bytes_per_10000_events": round(grown * 10_000 / events),
        "nodes_growth": nodes,
    }


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--per-second", type=float, default=50)
    parser.add_argument("--events", type=int, default=10_000)
    given = parser.parse_args()
    print(json.dumps(asyncio.run(measured(given.seconds, given.per_second, given.events))))


if __name__ == "__main__":
    main()
