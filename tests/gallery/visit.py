"""How a browser comes to a state."""

import asyncio

from playwright.async_api import Page, Request, WebSocket, expect

from tests.gallery.server import address
from tests.gallery.states import State
from tests.patience import PATIENCE

STILL = """() => new Promise((done) => requestAnimationFrame(
    () => setTimeout(() => requestIdleCallback(() => done(), { timeout: 500 }))
))"""
"""Resolves when the page has drawn what it had to draw, and does nothing: browsers that have
nothing to draw do not always say so, which the time is for."""


async def visit(page: Page, url: str, state: State) -> None:
    """Open ``state`` at the gallery of that URL, and wait until all of it is there."""
    if state.script:
        await page.add_init_script(state.script)
    traffic = _Traffic(page)
    await page.goto(url + address(state))
    await expect(page.locator("h1")).to_be_visible()
    if state.is_cut:
        await expect(page.get_by_test_id("reconnecting")).to_be_visible()
    await traffic.over(len(state.frames))
    for testid in state.clicks:
        await page.get_by_test_id(testid).first.click()
    if state.clicks:
        await traffic.over()


class _Traffic:
    """What a page asks for, and what it is told."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._asked = self._told = 0
        self._under_way: set[Request] = set()
        self._changed = asyncio.Event()
        page.on("request", self._ask)
        page.on("requestfinished", self._end)
        page.on("requestfailed", self._end)
        page.on("websocket", self._open)

    async def over(self, frames: int = 0) -> None:
        """Wait until so many frames were told, nothing is under way, and nothing more is asked."""
        asked = -1
        async with asyncio.timeout(PATIENCE):
            while asked != self._asked:
                while self._under_way or self._told < frames:
                    self._changed.clear()
                    await self._changed.wait()
                asked = self._asked
                await self._page.evaluate(STILL)

    def _ask(self, request: Request) -> None:
        if request.resource_type == "media":  # it is fetched for as long as it may play
            return
        self._asked += 1
        self._under_way.add(request)

    def _end(self, request: Request) -> None:
        self._under_way.discard(request)
        self._changed.set()

    def _open(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._hear)

    def _hear(self, _: object) -> None:
        self._told += 1
        self._changed.set()
