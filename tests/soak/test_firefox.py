"""Debian's Firefox, driven by WebDriver BiDi: every page loads, and a class runs in it.

It publishes and watches without H.264 in WebRTC, which it would have to fetch from Cisco first: its
pictures are transcoded, and what it watches comes by HLS.
"""

import pytest_asyncio
from playwright.async_api import async_playwright, expect

from tests.demo import Demo
from tests.directories import reachable_directory
from tests.pages.acts import at, choose, go_live, has_moved, joined, say, turn_camera_on
from tests.pages.conftest import WAIT_MS, school
from tests.pages.test_replay import finalized
from tests.soak.browsers import PREFERENCES
from tests.soak.interop import require

expect.set_options(timeout=2 * WAIT_MS)
SLOW_MS = 60_000
NOTHING_FEIGNED = {
    name: "null" for name in ("color_scheme", "reduced_motion", "forced_colors", "contrast")
}
"""Of its preferences it lets nobody override any by BiDi."""


@pytest_asyncio.fixture
async def firefox():
    binary = require("firefox-esr", "firefox-esr")
    async with async_playwright() as playwright:
        browser = await playwright.firefox.launch(
            channel="moz-firefox", executable_path=binary, firefox_user_prefs=PREFERENCES
        )
        try:
            yield browser
        finally:
            await browser.close()


@pytest_asyncio.fixture
async def lesson():
    with reachable_directory() as place:
        demo = Demo(place / "demo", "--students", "0", "--teacher", "none")
        try:
            await demo.start()
            async with school(demo.ready["url"], demo.ready["tokens"]["admin"]) as lesson:
                yield lesson
        finally:
            await demo.stop()


@pytest_asyncio.fixture
async def open_page(firefox):
    """Open an address in a profile of its own; a page that throws fails the test."""
    contexts, errors = [], []

    async def open_page(url):
        context = await firefox.new_context(**NOTHING_FEIGNED)
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(2 * WAIT_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(url)
        return page

    yield open_page
    for context in contexts:
        await context.close()
    assert errors == []


async def test_a_class_runs_in_firefox(lesson, open_page, report):
    door = await open_page(f"{lesson.url}/")
    await expect(door.locator("h1")).to_be_visible()
    studio = await joined(open_page, lesson, "teacher", "Dr. Okafor")
    await turn_camera_on(studio)
    await go_live(studio)
    await expect(at(studio, "stage")).to_have_attribute("data-sending", "live", timeout=SLOW_MS)
    await at(studio, "record").click()
    await expect(at(studio, "recording-status")).to_contain_text("REC")

    ann = await joined(open_page, lesson, "student", "Ann")
    await expect(at(ann, "stage")).to_have_attribute("data-playing", "true", timeout=SLOW_MS)
    assert await has_moved(ann)
    by = await at(ann, "video").evaluate("it => (it.srcObject === null ? 'HLS' : 'WebRTC')")
    await say(ann, "here I am")
    await at(studio, "tab-chat").click()
    await expect(at(studio, "message")).to_contain_text("here I am")
    await choose(at(studio, "message"), "message-menu", "pin")
    await expect(at(ann, "pinned")).to_contain_text("here I am")
    await at(ann, "hand").click()
    await expect(at(studio, "raised-hand")).to_contain_text("Ann")
    await at(studio, "board-add").click()
    await at(studio, "asset").click()
    await expect(at(ann, "board")).to_be_visible()

    await ann.reload()
    await expect(at(ann, "message")).to_contain_text("here I am")
    await at(studio, "end-class").click()
    await at(studio, "end-class-confirm").click()
    await expect(at(ann, "over-ended")).to_be_visible()
    await studio.get_by_role("link", name="Open the replay").click()
    await finalized(studio)
    await at(studio, "play").click()
    assert await has_moved(studio, "player")
    report(watches_by=by)
