"""Room and replay in a frame of another site: of one that the school named, and of no other."""

import asyncio
import json
from html import escape
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Page, expect

from tests.pages.acts import at, go_live, joined, say
from tests.patience import PATIENCE

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

NO_STORAGE = """for (const name of ["localStorage", "sessionStorage"]) {
    Object.defineProperty(window, name, {
        get() { throw new DOMException("The operation is insecure.", "SecurityError"); },
    });
}"""
"""What a browser does that keeps frames of other sites from storing anything."""


@pytest_asyncio.fixture(loop_scope="session")
async def port():
    """A site with one page, which shows ``src`` in a frame: of two origins, by its two names."""

    async def show(request):
        frame = f'<iframe src="{escape(request.query["src"])}" width="900" height="700"></iframe>'
        return web.Response(text=f"<!doctype html>{frame}", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", show)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="session")
async def framed_by(lesson, port):
    """Let pages of one of the site's two origins frame the school's."""

    async def allow(*origins):
        async with lesson.http.patch("/v1/tenant", json={"embed_origins": origins}) as answer:
            assert answer.status == 200, await answer.text()

    await allow(f"http://localhost:{port}")

    def framed_by(host, src):
        return f"http://{host}:{port}/?{urlencode({'src': src})}"

    yield framed_by
    await allow()


async def test_a_school_s_site_shows_a_class_in_a_frame(lesson, framed_by, open_page):
    studio = await joined(open_page, lesson, "teacher", "Dr. Okafor")
    await go_live(studio)
    page = await open_page("about:blank")
    await page.add_init_script(NO_STORAGE)
    await page.goto(framed_by("localhost", await lesson.link("student", "Ann")))
    ann = page.frame_locator("iframe")
    await expect(at(ann, "title")).to_have_text("Limits & continuity")
    await say(ann, "from within")
    await at(ann, "hand").click()
    await expect(at(studio, "raised-hand")).to_contain_text("Ann")

    await page.frames[1].evaluate("location.reload()")  # it is still in, though nothing was kept
    await expect(at(ann, "message")).to_contain_text("from within")
    await expect(at(ann, "hand")).to_have_attribute("aria-pressed", "true")

    await at(studio, "end-class").click()
    await at(studio, "end-class-confirm").click()
    await ann.get_by_role("link", name="Open the replay").click()
    await expect(at(ann, "message")).to_contain_text("from within")
    await expect(at(ann, "not-published")).to_be_visible()


@pytest.mark.parametrize(("host", "role"), [("127.0.0.1", "student"), ("localhost", "teacher")])
async def test_others_do_not_and_nobody_frames_a_studio(lesson, framed_by, browser, host, role):
    page = await browser.new_page()
    try:
        async with page.expect_console_message(lambda said: "frame-ancestors" in said.text):
            await page.goto(framed_by(host, await lesson.link(role)))
        await _refused(page)
        await expect(at(page.frame_locator("iframe"), "title")).to_have_count(0)
    finally:
        await page.close()


async def test_a_site_without_a_leave_of_a_school_shows_nothing(lesson, port, browser):
    async with lesson.http.get("/v1/tenant") as answer:
        assert json.loads(await answer.text())["embed_origins"] == []
    page = await browser.new_page()
    try:
        src = urlencode({"src": await lesson.link("student")})
        async with page.expect_console_message(lambda said: "frame-ancestors" in said.text):
            await page.goto(f"http://localhost:{port}/?{src}")
        await _refused(page)
    finally:
        await page.close()


async def _refused(page: Page) -> None:
    """Wait until the frame shows the browser's own words: they come after the console's."""
    async with asyncio.timeout(PATIENCE):
        while not page.frames[1].url.startswith("chrome-error:"):
            await asyncio.sleep(0.05)
