"""Pages of another origin in real browsers: they publish and watch by the letter of RFC 9725.

``pages``     serves ``peer.html`` and hears what becomes of it; its origin is allowed
``chromium``  opens an address in headless Chromium; ``firefox`` in Debian's own Firefox
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import async_playwright

from tests import peers
from tests.firefox import firefox as debians_firefox
from tests.pages.conftest import FLAGS
from tests.soak.interop import require

TOLD_SECONDS = 45


@dataclass
class Pages:
    """One page, opened with different wishes."""

    origin: str
    told: asyncio.Queue[dict[str, object]] = field(default_factory=asyncio.Queue)

    def page(self, **wishes: object) -> str:
        """Return the address of a peer with these wishes."""
        return f"{self.origin}/#{quote(json.dumps(wishes))}"

    async def hears(self) -> dict[str, object]:
        """Wait for what the page tells."""
        async with asyncio.timeout(TOLD_SECONDS):
            return await self.told.get()


@pytest_asyncio.fixture
async def pages(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pages]:
    html = (Path(__file__).parent / "peer.html").read_bytes()
    pages = Pages("")

    async def page(_: web.Request) -> web.Response:
        return web.Response(body=html, content_type="text/html")

    async def tell(request: web.Request) -> web.Response:
        pages.told.put_nowait(json.loads(await request.text()))
        return web.Response()

    app = web.Application()
    app.add_routes([web.get("/", page), web.post("/told", tell)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        pages.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        # Read by the server that class_ starts.
        monkeypatch.setenv("LIVECLASS_ALLOWED_ORIGINS", pages.origin)
        yield pages
    finally:
        await runner.cleanup()


@pytest_asyncio.fixture
async def chromium():
    binary = peers.chromium() or require("chromium", "chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=binary, args=FLAGS)

        async def open_page(url: str) -> None:
            await (await browser.new_page()).goto(url)

        yield open_page
        await browser.close()


@pytest_asyncio.fixture
async def firefox():
    binary = require("firefox-esr", "firefox-esr")
    async with debians_firefox(binary) as browser:
        yield browser.open
