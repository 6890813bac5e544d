"""``make screenshots``: the pictures in README and docs, taken of a class that is going on.

Prints one JSON line: which files were written.
"""

import asyncio
import json
from pathlib import Path

from playwright.async_api import async_playwright, expect

from tests import peers
from tests.demo import Demo
from tests.directories import reachable_directory
from tests.pages.conftest import FLAGS

PLACE = Path(__file__).parent.parent / "docs" / "images"
SIZE = {"width": 1200, "height": 760}
SETTLE_SECONDS = 25
"""Until hands are up, questions asked and a poll is open."""


async def main() -> None:
    """Write a picture of each page."""
    binary = peers.chromium()
    if binary is None:
        raise SystemExit("Chromium is missing: python -m tests.peers says how to get it")
    with reachable_directory() as place:
        demo = await Demo(place / "class", "--students", "14").start()
        try:
            written = await _take(demo, binary)
        finally:
            await demo.stop()
    print(json.dumps({"written": written}))


async def _take(demo: Demo, binary: str) -> list[str]:
    pages = {
        "studio": demo.ready["tokens"]["teacher"],
        "room": demo.ready["tokens"]["students"][0],
    }
    await asyncio.sleep(SETTLE_SECONDS)
    PLACE.mkdir(exist_ok=True)
    written = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=binary, args=FLAGS)
        for name, token in pages.items():
            context = await browser.new_context(viewport=SIZE, color_scheme="dark")
            page = await context.new_page()
            address = f"{demo.ready['url']}/sessions/{demo.ready['session']}/{name}"
            await page.goto(f"{address}#token={token}")
            await expect(page.get_by_test_id("status")).to_contain_text("LIVE")
            await asyncio.sleep(4)  # the picture moves by then
            file = PLACE / f"{name}.jpg"
            await page.screenshot(path=file, type="jpeg", quality=82)
            written.append(file.name)
            await context.close()
        await browser.close()
    return written


if __name__ == "__main__":
    asyncio.run(main())
