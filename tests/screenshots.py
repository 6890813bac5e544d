"""``make screenshots``: the pictures in README and docs, taken of a class that is going on.

Prints one JSON line: which files were written.
"""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from playwright.async_api import async_playwright, expect

from tests import peers
from tests.demo import Demo
from tests.directories import reachable_directory
from tests.pages.conftest import FLAGS

PLACE = Path(__file__).parent.parent / "docs" / "images"
SIZE = {"width": 1200, "height": 760}
PLANNED = (
    (0, "Sine and cosine, once more"),
    (3, "What the unit circle is good for"),
    (26, "Questions before the test"),
)
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
    await _plan(demo)
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
        context = await browser.new_context(viewport=SIZE, color_scheme="dark")
        page = await context.new_page()
        await page.goto(f"{demo.ready['url']}/#token={demo.ready['tokens']['admin']}")
        await expect(page.get_by_test_id("session")).to_have_count(1 + len(PLANNED))
        await expect(
            page.get_by_role("main").get_by_role("link", name="Mathematics")
        ).to_have_count(1 + len(PLANNED))
        await page.screenshot(path=PLACE / "home.jpg", type="jpeg", quality=82)
        written.append("home.jpg")
        await browser.close()
    return written


async def _plan(demo: Demo) -> None:
    """Give the school some classes to come."""
    bearer = {"Authorization": f"Bearer {demo.ready['tokens']['admin']}"}
    tomorrow = datetime.now(UTC).replace(hour=9, minute=0) + timedelta(days=1)
    async with aiohttp.ClientSession(demo.ready["url"], headers=bearer) as http:
        async with http.get(f"/v1/sessions/{demo.ready['session']}") as answer:
            lesson = (await answer.json())["lesson"]
        for hours, title in PLANNED:
            body = {"title": title, "scheduled_at": (tomorrow + timedelta(hours=hours)).isoformat()}
            async with http.post(f"/v1/lessons/{lesson}/sessions", json=body) as answer:
                assert answer.status == 201


if __name__ == "__main__":
    asyncio.run(main())
