"""A browser as people have it, over its DevTools protocol.

Playwright tells each page that it is in front and has the focus; here a page that another one
covers is hidden, and slowed down as browsers slow down what nobody looks at.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests import peers
from tests.pages.conftest import FLAGS
from tests.patience import PATIENCE


class DevToolsError(Exception):
    """The browser did not do what it was asked for."""


@dataclass
class PlainBrowser:
    """One browser and its pages."""

    socket: aiohttp.ClientWebSocketResponse
    ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    waiting: dict[int, "asyncio.Future[dict[str, Any]]"] = field(default_factory=dict)

    async def send(self, method: str, *, session: str | None = None, **params: Any) -> Any:
        """Ask for something and return the answer."""
        number = next(self.ids)
        answer = self.waiting[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params}
        await self.socket.send_json(message | ({"sessionId": session} if session else {}))
        async with asyncio.timeout(PATIENCE):
            said = await answer
        if "error" in said:
            raise DevToolsError(f"{method}: {said['error']['message']}")
        return said["result"]

    async def hear(self) -> None:
        """Give answers to those who asked, until the browser is gone."""
        async for message in self.socket:
            said = json.loads(message.data)
            if "id" in said:
                self.waiting.pop(said["id"]).set_result(said)

    async def open(self, url: str) -> "PlainPage":
        """Open a page in front of all others."""
        target = (await self.send("Target.createTarget", url=url))["targetId"]
        attached = await self.send("Target.attachToTarget", targetId=target, flatten=True)
        return PlainPage(self, attached["sessionId"])


@dataclass
class PlainPage:
    """One page: run scripts in it, as if somebody had just touched it."""

    browser: PlainBrowser
    session: str

    async def run(self, script: str) -> Any:
        """Return what an expression is, or what it promises."""
        found = await self.browser.send(
            "Runtime.evaluate", session=self.session, expression=script, userGesture=True,
            awaitPromise=True, returnByValue=True,
        )  # fmt: skip
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    async def until(self, condition: str) -> None:
        """Wait until an expression holds, on a page that may still be on its way."""
        async with asyncio.timeout(PATIENCE):
            while not await self._holds(condition):
                await asyncio.sleep(0.1)

    async def _holds(self, condition: str) -> bool:
        with suppress(DevToolsError):
            return bool(await self.run(condition))
        return False

    async def click(self, testid: str, more: str = "") -> None:
        """Click on something once it is there and can be clicked."""
        found = f"document.querySelector('[data-testid={testid}]{more}:not(:disabled)')"
        await self.until(f"((it) => it !== null && (it.click(), true))({found})")


@asynccontextmanager
async def plain_browser(profile: Path) -> AsyncIterator[PlainBrowser]:
    """Yield a browser with a profile of its own."""
    peers.require("Chromium")
    process = await asyncio.create_subprocess_exec(
        str(peers.chromium()), "--headless", *FLAGS, "--remote-debugging-port=0",
        f"--user-data-dir={profile}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        address = await _address(profile / "DevToolsActivePort", process)
        async with aiohttp.ClientSession() as http, http.ws_connect(address) as socket:
            browser = PlainBrowser(socket)
            hearing = asyncio.create_task(browser.hear())
            try:
                yield browser
            finally:
                hearing.cancel()
    finally:
        process.terminate()
        await process.wait()


async def _address(file: Path, process: asyncio.subprocess.Process) -> str:
    """Wait for what the browser writes once it can be spoken to."""
    async with asyncio.timeout(PATIENCE):
        while not file.exists() or file.read_text().count("\n") < 1:
            assert process.returncode is None, "the browser did not start"
            await asyncio.sleep(0.05)
    port, path = file.read_text().split("\n")[:2]
    return f"ws://127.0.0.1:{port}{path}"
