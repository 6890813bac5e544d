"""The pages in a real browser, on a real server.

``server``   a demo without people: what ``make demo`` runs, with nobody in it
``browser``  headless Chromium with a camera and a microphone that are not there
``lesson``   makes classes: each test has its own session on the shared server
``platform`` a platform to go out to: nginx with its RTMP module
``open``     opens a page as a person; at the end, nothing may have gone wrong in any of them

Of a test that fails it is told what each page showed then, and what the server wrote last.
"""

from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Error, async_playwright, expect

from server.ids import new_id
from tests import peers
from tests.demo import Demo
from tests.directories import reachable_directory
from tests.patience import PATIENCE
from tests.rtmp_server import RtmpServer

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
]  # fmt: skip
WAIT_MS = PATIENCE * 1000
expect.set_options(timeout=WAIT_MS)
HAS_FAILED = pytest.StashKey[bool]()
TOLD_LINES = 40


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        item.stash[HAS_FAILED] = True
    return report


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server():
    with reachable_directory() as place, pytest.MonkeyPatch.context() as environment:
        # Another system that is told things is on this machine, too.
        environment.setenv("LIVECLASS_WEBHOOK_ALLOW", "127.0.0.0/8:*")
        demo = Demo(place / "demo", "--students", "0", "--teacher", "none")
        try:
            yield await demo.start()
        finally:
            await demo.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser():
    peers.require("Chromium")
    binary = peers.chromium()
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=binary, args=FLAGS)
        try:
            yield chromium
        finally:
            await chromium.close()


@dataclass
class Class:
    """One session and how to get into it."""

    url: str
    session: str
    http: aiohttp.ClientSession

    async def link(self, role, name="Ann"):
        """Return what the server gives out: the address of a page, with its token."""
        path = f"/v1/sessions/{self.session}/join-tokens"
        async with self.http.post(path, json={"role": role, "name": name}) as answer:
            assert answer.status == 201, await answer.text()
            return (await answer.json())["url"]

    async def command(self, op, **data):
        """Do something that no page has a button for, as the admin."""
        path = f"/v1/sessions/{self.session}/commands"
        async with self.http.post(path, json={"key": new_id(), "op": op, "data": data}) as answer:
            assert answer.ok, await answer.text()

    def page(self, name, token=None):
        return f"{self.url}/sessions/{self.session}/{name}" + (f"#token={token}" if token else "")


@asynccontextmanager
async def school(url: str, admin: str):
    """Make a class on the server at ``url``, with its admin's token."""
    bearer = {"Authorization": f"Bearer {admin}"}
    async with aiohttp.ClientSession(url, headers=bearer) as http:

        async def create(path, **body):
            async with http.post(path, json=body) as answer:
                assert answer.status == 201, await answer.text()
                return (await answer.json())["id"]

        course = await create("/v1/courses", title="Mathematics")
        lesson = await create(f"/v1/courses/{course}/lessons", title="Limits")
        session = await create(f"/v1/lessons/{lesson}/sessions", title="Limits & continuity")
        yield Class(url, session, http)


@pytest_asyncio.fixture(loop_scope="session")
async def lesson(server, request):
    async with school(server.ready["url"], server.ready["tokens"]["admin"]) as lesson:
        yield lesson
    if request.node.stash.get(HAS_FAILED, False):
        print(*server.log.splitlines()[-TOLD_LINES:], sep="\n")


@pytest.fixture
def platform(tmp_path):
    peers.require("nginx with its RTMP module")
    server = RtmpServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser, request):
    """Open an address in a browser profile of its own; a page that throws fails the test."""
    contexts, errors = [], []

    async def open_page(url, **options):
        context = await browser.new_context(**options)
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda said: errors.append(said.text) if "Content Security" in said.text else None,
        )
        await page.goto(url)
        return page

    yield open_page
    if request.node.stash.get(HAS_FAILED, False):
        for context in contexts:
            for page in context.pages:
                print(await _shown(page))
    for context in contexts:
        await context.close()
    assert errors == []


async def _shown(page):
    """Return what a page shows, in words."""
    try:
        text = await page.locator("body").inner_text()
    except Error as error:
        text = str(error)
    return f"--- {page.url.partition('#')[0]}\n{text}\n"
