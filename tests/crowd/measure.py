"""What a page costs the browser that shows it: its main thread, its memory, its first load."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles

from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, CDPSession, Page, expect

from server.web import assets
from tests.crowd.server import SESSION, Crowd

CATEGORIES = ["disabled-by-default-devtools.timeline", "blink.user_timing"]
MARK = """(() => {
    const Plain = WebSocket;
    window.WebSocket = class extends Plain {
        constructor(...given) {
            super(...given);
            this.addEventListener("message", () => performance.mark("batch"));
        }
    };
    const seen = new MutationObserver(() => {
        if (document.querySelector("[data-testid=chat-input]:enabled") === null) return;
        seen.disconnect();
        window.interactiveAt = performance.now();
    });
    seen.observe(document, { childList: true, subtree: true, attributes: true });
})()"""
"""Marks in the trace when something came, before the page sees it; notes when one can write."""

LOADED = """performance.getEntriesByType("resource")
    .map((it) => [it.name.split("#")[0].split("/").slice(5).join("/"), it.encodedBodySize])"""


@dataclass
class Opened:
    """The room of a crowd, in a browser."""

    crowd: Crowd
    page: Page
    devtools: CDPSession
    loaded_bytes: int
    interactive_ms: float

    async def heap_bytes(self) -> int:
        """Return what the page holds, after everything else was collected."""
        for _ in range(2):
            await self.devtools.send("HeapProfiler.collectGarbage")
        return int((await self.devtools.send("Runtime.getHeapUsage"))["usedSize"])

    async def nodes(self) -> int:
        """Return how many nodes the document has."""
        return int(await self.page.evaluate("document.querySelectorAll('*').length"))

    async def caught_up(self) -> None:
        """Wait until the page shows the last thing that was said."""
        await expect(self.page.get_by_test_id("message").last).to_contain_text(self.crowd.last_text)


async def opened(browser: Browser, server: TestServer, crowd: Crowd) -> Opened:
    """Open the room of ``crowd`` in a browser profile of its own; closing it is the caller's."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    await page.add_init_script(MARK)
    devtools = await context.new_cdp_session(page)
    await page.goto(f"{server.make_url('/')}sessions/{SESSION}/room#token=crowd")
    await crowd.heard.wait()
    await expect(page.get_by_test_id("chat-input")).to_be_enabled()
    await page.wait_for_load_state("networkidle")
    sizes = dict(await page.evaluate(LOADED))
    first = assets.load().first("room")
    interactive = await page.evaluate("window.interactiveAt")
    return Opened(crowd, page, devtools, sum(sizes[name] for name in first), interactive)


@dataclass(frozen=True)
class Work:
    """What the main thread did: milliseconds for each batch, and each long task."""

    batches: Sequence[float]
    longest: float
    busy: float
    """The part of the time that it was busy."""

    def percentile(self, part: int) -> float:
        """Return what this many batches of a hundred took at most."""
        return quantiles(self.batches, n=100)[part - 1]


async def work(browser: Browser, opened: Opened, seconds: float, per_second: float) -> Work:
    """Listen for that long to a crowd that talks, and say what it cost."""
    await browser.start_tracing(page=opened.page, categories=CATEGORIES)
    await opened.crowd.talk(int(seconds * per_second), per_second=per_second)
    await opened.caught_up()
    return _work(json.loads(await browser.stop_tracing())["traceEvents"])


def _work(events: list[dict]) -> Work:
    """Return the work between one batch and the next: what came of it, drawing included.

    Counted is processor time of the thread (``tdur``): what others took of the machine is nobody's
    work.
    """
    marks = [each for each in events if each["name"] == "batch" and each["ph"] in "IR"]
    thread = (marks[0]["pid"], marks[0]["tid"])
    tasks = sorted(
        (each["ts"], each.get("tdur", each["dur"]) / 1000)
        for each in events
        if each["ph"] == "X" and each["name"] == "RunTask" and (each["pid"], each["tid"]) == thread
    )
    starts = sorted(each["ts"] for each in marks)
    batches = [0.0] * len(starts)
    index = -1
    for ts, took in tasks:
        # The mark of a batch is within the task that takes it.
        while index + 1 < len(starts) and starts[index + 1] <= ts + took * 1000:
            index += 1
        if index >= 0:
            batches[index] += took
    span = (starts[-1] - starts[0]) / 1000
    return Work(batches, max(took for _, took in tasks), sum(took for _, took in tasks) / span)


async def growth(opened: Opened, events: int, *, warm_up: int = 2_000) -> tuple[int, int]:
    """Return by how many bytes and nodes a page grows with so many events, once it is warm."""
    await opened.crowd.talk(warm_up, per_second=5_000, at_once=50)
    await opened.caught_up()
    before, nodes = await opened.heap_bytes(), await opened.nodes()
    await opened.crowd.talk(events, per_second=5_000, at_once=50)
    await opened.caught_up()
    await asyncio.sleep(0)
    return await opened.heap_bytes() - before, await opened.nodes() - nodes
