"""Every state of every page: nothing for axe to find, nothing that runs out of a small screen."""

import asyncio
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page

from tests.gallery.server import STATES, application
from tests.gallery.states import State
from tests.gallery.visit import STILL, visit

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(900)]

AXE = Path(__file__).parent.parent / "js" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => (await import("/axe.js"), await axe.run(document, {
    resultTypes: ["violations"],
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
})).violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))"""
SMALL, WIDE = {"width": 320, "height": 640}, {"width": 1440, "height": 900}
LOOKS = (("dark", SMALL), ("light", SMALL), ("light", WIDE), ("dark", WIDE))
"""Each state is come to in the first, and seen in the others, too."""
AT_ONCE = 4
"""Pages looked at side by side."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gallery():
    app = application()
    app.router.add_get("/axe.js", _axe)
    server = TestServer(app)
    await server.start_server()
    yield str(server.make_url("/")).rstrip("/")
    await server.close()


async def _axe(_: web.Request) -> web.FileResponse:
    """Return what looks for faults: as a file, which a browser compiles once for all pages."""
    return web.FileResponse(AXE, headers={"Cache-Control": "max-age=3600"})


async def _faults(page: Page, url: str, state: State) -> list[str]:
    """Return what is wrong with one state, however it is looked at."""
    faults: list[str] = []
    note = faults.append
    page.on("pageerror", lambda error: note(f"throws {error}"))
    await visit(page, url, state)
    for scheme, size in LOOKS:
        await page.emulate_media(color_scheme=scheme)
        await page.set_viewport_size(size)
        await page.evaluate(STILL)
        look = f"{scheme}, {size['width']} px"
        faults += [f"{look}: {fault}" for fault in await page.evaluate(RUN)]
        if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            faults.append(f"{look}: scrolls sideways")
    return [f"{state.page}/{state.name}: {fault}" for fault in faults]


async def test_nobody_is_shut_out_of_any_state(browser: Browser, gallery: str) -> None:
    left = list(STATES)
    faults: list[str] = []
    scheme, size = LOOKS[0]
    context = await browser.new_context(color_scheme=scheme, viewport=size, reduced_motion="reduce")

    async def look() -> None:
        while left:
            state = left.pop()
            page = await context.new_page()
            faults.extend(await _faults(page, gallery, state))
            await page.close()

    try:
        await asyncio.gather(*(look() for _ in range(AT_ONCE)))
    finally:
        await context.close()
    assert not faults, "\n".join(sorted(set(faults)))
