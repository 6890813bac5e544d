"""Debian's Firefox as people have it, over WebDriver BiDi (https://w3c.github.io/webdriver-bidi/).

Playwright speaks to a Firefox of its own alone. Mouse and keys are the browser's here, too: what
is covered, disabled or out of sight is not clicked, but waited for. Each page that is opened is a
window of its own, of somebody of their own: nothing in one of them is known to another.
"""

import asyncio
import base64
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from tests.patience import PATIENCE

PREFERENCES: Mapping[str, bool | int | str] = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "remote.active-protocols": 1,
    "toolkit.telemetry.enabled": False,
    # Nothing is fetched from anywhere: also not the plugin that speaks H.264.
    "browser.safebrowsing.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "media.gmp-manager.url": "",
    "services.settings.server": "data:,#remote-settings-dummy/v1",
}
STOP_SECONDS = 10
MOST_BYTES = 64 << 20
"""Of one message: pictures of the page come as one."""
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004", "Space": " "}
"""What WebDriver calls them (§17.4.2)."""

_FIND = """async (selector, nth) => {
    const element = document.querySelectorAll(selector)[nth];
    if (element === undefined) return "not there";
    if (element.matches(":disabled")) return "disabled";
    element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
    const look = () => new Promise((done) => {
        requestAnimationFrame(() => done(element.getBoundingClientRect()));
    });
    const before = await look();
    const { x, y, width, height } = await look();
    if (before.x !== x || before.y !== y) return "moving";
    const hit = document.elementFromPoint(x + width / 2, y + height / 2);
    const isIts = (label) => label?.control === element;
    const isOn = (target) => element.contains(target) || isIts(target?.closest("label"));
    if (!isOn(hit)) return `covered by ${hit?.outerHTML.slice(0, 200)}`;
    // What moves away now is missed, and nothing else is hit in its place.
    const press = { isHit: null, end: () => {} };
    const events = ["pointerdown", "mousedown", "pointerup", "mouseup", "click"];
    const judge = (event) => {
        press.isHit ??= isOn(event.target);
        if (!press.isHit) (event.preventDefault(), event.stopImmediatePropagation());
        if (event.type === "click") press.end();
    };
    press.end = () => events.forEach((name) => removeEventListener(name, judge, true));
    globalThis.press?.end();
    events.forEach((name) => addEventListener(name, judge, true));
    globalThis.press = press;
    return { x, y, width, height };
}"""
_TELL = """(tell) => {
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
        tell(`${violatedDirective} forbids ${blockedURI}`);
    });
}"""


class FirefoxError(Exception):
    """The browser, or the page in it, did not do what it was asked for."""


@dataclass(frozen=True)
class Box:
    """Where something is in the window, in CSS pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass
class Firefox:
    """One browser, its pages, and what went wrong in any of them."""

    socket: aiohttp.ClientWebSocketResponse
    errors: list[str] = field(default_factory=list)
    ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    waiting: dict[int, "asyncio.Future[dict[str, Any]]"] = field(default_factory=dict)

    async def send(self, method: str, **params: Any) -> Any:
        """Ask for something and return the answer."""
        number = next(self.ids)
        answer = self.waiting[number] = asyncio.get_running_loop().create_future()
        await self.socket.send_json({"id": number, "method": method, "params": params})
        try:
            async with asyncio.timeout(PATIENCE):
                said = await answer
        except TimeoutError:
            raise FirefoxError(f"{method}: no answer") from None
        if said["type"] == "error":
            raise FirefoxError(f"{method}: {said['error']}: {said['message']}")
        return said["result"]

    async def hear(self) -> None:
        """Give answers to those who asked, and note errors, until the browser is gone."""
        async for message in self.socket:
            said = json.loads(message.data)
            match said.get("method"):
                case "log.entryAdded" if _is_thrown(said["params"]):
                    self.errors.append(said["params"]["text"])
                case "script.message":
                    self.errors.append(said["params"]["data"]["value"])
                case None:
                    self._answer(said)
        for asked in self.waiting.values():
            if not asked.done():
                asked.set_exception(FirefoxError("the browser is gone"))

    def _answer(self, said: dict[str, Any]) -> None:
        asked = self.waiting.pop(said["id"])
        if not asked.done():  # somebody has waited for it no longer
            asked.set_result(said)

    async def open(self, url: str, *, width: int = 1280, height: int = 800) -> "Page":
        """Open an address in a window of somebody new."""
        someone = await self.send("browser.createUserContext")
        made = await self.send("browsingContext.create", type="window", **someone)
        page = Page(self, made["context"])
        size = {"width": width, "height": height}
        await self.send("browsingContext.setViewport", context=page.context, viewport=size)
        await page.goto(url)
        return page


def _is_thrown(entry: Mapping[str, Any]) -> bool:
    return entry["type"] == "javascript" and entry["level"] == "error"


@dataclass
class Page:
    """One window; what is in it is named by its ``data-testid``, or "", and ``more`` of a selector,
    and which of those it is.
    """

    browser: Firefox
    context: str

    async def goto(self, url: str) -> None:
        """Load an address."""
        await self.browser.send(
            "browsingContext.navigate", context=self.context, url=url, wait="complete"
        )

    async def run(self, script: str) -> Any:
        """Return what an expression is, or what it promises."""
        return await self._call(f"async () => ({script})")

    async def until(self, condition: str) -> None:
        """Wait until an expression holds, on a page that may still be on its way."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not await self._holds(condition):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise FirefoxError(f"never came: {condition}") from None

    async def shows(self, testid: str, text: str = "", more: str = "") -> None:
        """Wait until something is shown, with this text in it."""
        found = f"document.querySelector({json.dumps(_selector(testid, more))})"
        is_there = f"{found}?.checkVisibility()"
        await self.until(f"{is_there} && {found}.textContent.includes({json.dumps(text)})")

    async def counts(self, testid: str, count: int) -> None:
        """Wait until there are so many of them."""
        found = f"document.querySelectorAll({json.dumps(_selector(testid))})"
        await self.until(f"{found}.length === {count}")

    async def find(self, testid: str, more: str = "", nth: int = 0) -> Box:
        """Bring something into sight, and say where it is once a click in its middle would hit."""
        selector = _selector(testid, more)
        # As a person does who turns to a window; Firefox opens no camera in one without the focus.
        await self.browser.send("browsingContext.activate", context=self.context)
        found: Any = None
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    found = await self._call(_FIND, selector, nth)
                    if isinstance(found, dict):
                        return Box(**found)
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise FirefoxError(f"never to be clicked: {selector}: {found}") from None

    async def click(self, testid: str, more: str = "", nth: int = 0) -> None:
        """Click in the middle of something, once that hits it."""
        is_hit = False
        while not is_hit:
            box = await self.find(testid, more, nth)
            await self.drag((box.x + box.width / 2, box.y + box.height / 2))
            # Another page has come where nobody knows of it.
            is_hit = await self._call("async () => globalThis.press?.isHit ?? !globalThis.press")

    async def drag(self, *places: tuple[float, float]) -> None:
        """Press at the first place, go through all of them, and let go at the last."""
        moves = [
            {"type": "pointerMove", "x": round(x), "y": round(y), "duration": 50 * bool(index)}
            for index, (x, y) in enumerate(places)
        ]
        down, up = ({"type": f"pointer{way}", "button": 0} for way in ("Down", "Up"))
        await self._perform("pointer", [moves[0], down, *moves[1:], up])

    async def fill(self, testid: str, text: str, nth: int = 0) -> None:
        """Write a text in the place of what is there."""
        await self.click(testid, nth=nth)
        control = "\ue009"
        select_all = [{"type": "keyDown", "value": each} for each in (control, "a")]
        let_go = [{"type": "keyUp", "value": each} for each in ("a", control)]
        await self._perform("key", [*select_all, *let_go, *_pressed(text)])

    async def press(self, key: str) -> None:
        """Press a key, by its name or by what it writes."""
        await self._perform("key", _pressed(KEYS.get(key, key)))

    async def choose_file(self, testid: str, file: Path) -> None:
        """Choose a file in a field for files."""
        locator = {"type": "css", "value": _selector(testid)}
        await self.until(f"document.querySelector({json.dumps(locator['value'])}) !== null")
        found = await self.browser.send(
            "browsingContext.locateNodes", context=self.context, locator=locator
        )
        element = {"sharedId": found["nodes"][0]["sharedId"]}
        await self.browser.send(
            "input.setFiles", context=self.context, element=element, files=[str(file)]
        )

    async def screenshot(self, file: Path) -> None:
        """Write what is seen as PNG."""
        taken = await self.browser.send("browsingContext.captureScreenshot", context=self.context)
        file.write_bytes(base64.b64decode(taken["data"]))

    async def _perform(self, kind: str, actions: list[dict[str, Any]]) -> None:
        device = {"type": kind, "id": kind, "actions": actions}
        await self.browser.send("input.performActions", context=self.context, actions=[device])

    async def _holds(self, condition: str) -> bool:
        with suppress(FirefoxError):
            return bool(await self.run(condition))
        return False

    async def _call(self, function: str, *arguments: str | int) -> Any:
        """Return what a function returns, as JSON carries it."""
        given = ", ".join(map(json.dumps, arguments))
        found = await self.browser.send(
            "script.evaluate",
            expression=f"({function})({given}).then((value) => JSON.stringify(value ?? null))",
            target={"context": self.context, "sandbox": "test"},
            awaitPromise=True,
        )
        if found["type"] == "exception":
            raise FirefoxError(f"{function[:80]}: {found['exceptionDetails']['text']}")
        return json.loads(found["result"]["value"])


def _selector(testid: str, more: str = "") -> str:
    return f"[data-testid={testid}]{more}" if testid else more


def _pressed(text: str) -> list[dict[str, Any]]:
    return [{"type": way, "value": each} for each in text for way in ("keyDown", "keyUp")]


@asynccontextmanager
async def firefox(binary: str) -> AsyncIterator[Firefox]:
    """Yield a browser with a profile of its own, which goes with it."""
    with TemporaryDirectory(prefix="fx-", ignore_cleanup_errors=True) as name:
        profile = Path(name)
        lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items())
        (profile / "user.js").write_text("\n".join(lines))
        process = await asyncio.create_subprocess_exec(
            binary, "--headless", "--no-remote", "--remote-debugging-port", "0",
            "--profile", name, "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            address = await _address(profile / "WebDriverBiDiServer.json", process)
            async with (
                aiohttp.ClientSession() as http,
                http.ws_connect(address, max_msg_size=MOST_BYTES) as socket,
            ):
                browser = Firefox(socket)
                hearing = asyncio.create_task(browser.hear())
                try:
                    await _greet(browser)
                    yield browser
                finally:
                    hearing.cancel()
        finally:
            await _stop(process)


async def _greet(browser: Firefox) -> None:
    await browser.send("session.new", capabilities={})
    await browser.send("session.subscribe", events=["log.entryAdded", "script.message"])
    tell = {"type": "channel", "value": {"channel": "violations"}}
    await browser.send("script.addPreloadScript", functionDeclaration=_TELL, arguments=[tell])


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End it as a person does who is at the end of their day, or else at once."""
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _address(file: Path, process: asyncio.subprocess.Process) -> str:
    """Wait for what the browser writes once it can be spoken to."""
    async with asyncio.timeout(PATIENCE):
        while not file.exists() or not file.read_text().endswith("}"):
            assert process.returncode is None, "the browser did not start"
            await asyncio.sleep(0.05)
    listening = json.loads(file.read_text())
    return f"ws://{listening['ws_host']}:{listening['ws_port']}/session"
