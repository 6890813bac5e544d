"""A class of five hundred that says fifty lines a second, in the room of one of them."""

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import async_playwright

from tests import peers
from tests.crowd.measure import growth, opened, work
from tests.crowd.server import Crowd
from tests.pages.conftest import FLAGS
from tests.soak.interop import require

PER_SECOND = 50
EVENTS = 10_000

P95_MS = 8.0
LONGEST_MS = 100.0
GROWTH_BYTES = 1024 * 1024
FIRST_LOAD_BYTES = 60 * 1024
INTERACTIVE_MS = 1_000


@pytest.mark.asyncio
async def test_a_room_of_five_hundred_is_no_burden(seconds, report):
    binary = peers.chromium() or require("chromium", "chromium")
    crowd = Crowd()
    async with async_playwright() as playwright, TestServer(crowd.application()) as server:
        browser = await playwright.chromium.launch(executable_path=binary, args=FLAGS)
        try:
            room = await opened(browser, server, crowd)
            done = await work(browser, room, min(60.0, seconds / 2), PER_SECOND)
            grown, nodes = await growth(room, EVENTS)
        finally:
            await browser.close()
    report(
        first_load_bytes=room.loaded_bytes,
        interactive_ms=round(room.interactive_ms),
        batches=len(done.batches),
        batch_p95_ms=round(done.percentile(95), 2),
        longest_task_ms=round(done.longest, 1),
        busy=round(done.busy, 3),
        heap_growth_bytes=grown,
        nodes_growth=nodes,
    )
    assert len(done.batches) >= 0.9 * PER_SECOND * min(60.0, seconds / 2)
    assert done.percentile(95) <= P95_MS
    assert done.longest <= LONGEST_MS
    assert grown <= GROWTH_BYTES
    assert room.loaded_bytes <= FIRST_LOAD_BYTES
    assert room.interactive_ms <= INTERACTIVE_MS
