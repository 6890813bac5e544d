"""A studio that composes: a browser with a screen to share, and who watches what comes out."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import av
from PIL import Image
from playwright.async_api import Browser, Page, Playwright, expect

from tests import peers
from tests.pages.acts import at, go_live, turn_camera_on
from tests.pages.conftest import FLAGS, Class
from tests.pages.plain_browser import PlainBrowser, PlainPage
from tests.patience import PATIENCE
from tests.rtmp_server import RtmpServer

SHARED_TITLE = "Something to share"
"""The title of the tab that is shared when somebody shares a screen."""
_ASKS = [
    *(flag for flag in FLAGS if flag != "--use-fake-ui-for-media-stream"),
    f"--auto-select-tab-capture-source-by-title={SHARED_TITLE}",
]
Colour = tuple[int, int, int]
GROUND: Colour = (16, 21, 26)
SLIDE: Colour = (0, 80, 120)
RED: Colour = (217, 45, 32)
PAPER: Colour = (255, 255, 255)
SHARED: Colour = (192, 64, 160)
MIDDLE, LEFT, CORNER, EDGE = (640, 330), (400, 360), (1_230, 690), (60, 360)
"""Of 1280 × 720: the page, left of it, where the camera is in a corner, beside a page of 4:3."""


async def launch(playwright: Playwright) -> Browser:
    """Start a browser in which whoever shares a screen shares the tab of that title."""
    peers.require("Chromium", "nginx with its RTMP module")
    return await playwright.chromium.launch(executable_path=peers.chromium(), args=_ASKS)


@asynccontextmanager
async def studio_on_air(
    browser: Browser, lesson: Class, platform: RtmpServer
) -> AsyncIterator[tuple[Page, "Viewer"]]:
    """Yield a studio that goes out to a platform, and who watches there."""
    name = await on_air_at(lesson, platform)
    context = await browser.new_context(permissions=["camera", "microphone"])
    errors: list[str] = []
    try:
        page = await context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(await lesson.link("teacher", "Dr. Okafor"))
        await turn_camera_on(page)
        await go_live(page)
        row = at(page, "destination").filter(has_text=name)
        await expect(row).to_have_attribute("data-phase", "live")
        async with Viewer(f"{platform.url('one')}/camera") as viewer:
            yield page, viewer
    finally:
        await context.close()
    assert errors == []


async def on_air_at(lesson: Class, platform: RtmpServer) -> str:
    """Have the class go out to a platform once it is live; return the destination's name."""
    destination, name = await known_at(lesson, platform)
    await lesson.command("destination.enable", destination=destination)
    return name


async def known_at(lesson: Class, platform: RtmpServer) -> tuple[str, str]:
    """Make a platform known, and leave it off; return the destination's id and name."""

    async def create(path: str, **body: Any) -> str:
        async with lesson.http.post(path, json=body) as answer:
            assert answer.status == 201, await answer.text()
            return (await answer.json())["id"]

    name = f"Platform of {lesson.session}"
    integration = await create("/v1/integrations", provider="custom")
    destination = await create(
        "/v1/destinations", integration=integration, name=name, url=platform.url("one"),
        stream_key="camera",
    )  # fmt: skip
    return destination, name


class Viewer:
    """Somebody who watches a stream at a platform: its newest picture, and how many have come."""

    def __init__(self, url: str) -> None:
        self.frames = 0
        self._url = url
        self._newest: av.VideoFrame | None = None
        self._is_over = False

    async def __aenter__(self) -> "Viewer":
        self._watching = asyncio.create_task(asyncio.to_thread(self._watch))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_over = True
        await self._watching

    def _watch(self) -> None:
        options = {"rtmp_live": "live", "analyzeduration": "700000"}
        seen = time.monotonic()
        while not self._is_over:
            try:
                with av.open(self._url, timeout=(10, 20), options=options) as container:
                    for frame in container.decode(video=0):
                        self._newest = frame
                        self.frames += 1
                        seen = time.monotonic()
                        if self._is_over:
                            return
            except av.FFmpegError:  # it is not sent there yet, or not just now
                if time.monotonic() - seen > PATIENCE:
                    raise

    def picture(self) -> Image.Image | None:
        """Return the newest picture as it is seen, or None."""
        return None if self._newest is None else self._newest.to_image()

    async def sees(self, looks: Callable[[Image.Image], bool]) -> None:
        """Wait for a picture that looks like that."""
        picture = None
        try:
            async with asyncio.timeout(PATIENCE):
                while picture is None or not looks(picture):
                    assert not self._watching.done(), self._watching.exception()
                    await asyncio.sleep(0.2)
                    picture = self.picture()
        except TimeoutError:
            seen = None if picture is None else {at: around(picture, *at) for at in _GRID}
            raise AssertionError(f"never seen; the last picture: {seen}") from None

    async def rate(self, seconds: float) -> float:
        """Return how many pictures come in a second, over so many."""
        before, begun = self.frames, time.monotonic()
        await asyncio.sleep(seconds)
        return (self.frames - before) / (time.monotonic() - begun)


_GRID = [(x, y) for y in (20, 360, 620) for x in (60, 400, 640, 1080)]


def around(picture: Image.Image, x: int, y: int, by: int = 6) -> Colour:
    """Return the colour of the few pixels around a place."""
    part = picture.crop((x - by, y - by, x + by, y + by))
    return part.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))


def brightest(picture: Image.Image, left: int, top: int, right: int, bottom: int) -> int:
    """Return how bright a part of the picture is where it is brightest."""
    return picture.crop((left, top, right, bottom)).convert("L").getextrema()[1]


def near(colour: Colour, wanted: Colour, by: int = 28) -> bool:
    """Return whether two colours are one, but for what encoding costs."""
    return all(abs(a - b) <= by for a, b in zip(colour, wanted, strict=True))


async def studio_behind_another_window(browser: PlainBrowser, lesson: Class) -> PlainPage:
    """Return a studio that is on air with its camera, once another page has covered it."""
    studio = await browser.open(await lesson.link("teacher", "Dr. Okafor"))
    await studio.click("camera-on")
    await studio.click("go-live")
    await studio.click("go-live-confirm")
    # Nothing is shown yet: the camera has the stage, and the scene is composed all the same.
    await studio.click("scene", '[data-kind="corner"]')
    await studio.until("document.querySelector('[data-sending=live]') !== null")
    await browser.open("about:blank")
    await studio.until("document.visibilityState === 'hidden'")
    return studio


def filmed(picture: Image.Image, *place: int) -> bool:
    """Return whether a place shows the camera: nothing else that a stage of ours is made of."""
    return not any(near(around(picture, *place), other) for other in (GROUND, SLIDE, PAPER, SHARED))


def camera_alone(picture: Image.Image) -> bool:
    """Return whether the camera fills the stage."""
    return all(filmed(picture, *place) for place in (MIDDLE, EDGE, CORNER))


def slide_with_camera(picture: Image.Image) -> bool:
    """Return whether a slide is on the stage, with the camera in its corner."""
    is_slide = near(around(picture, *MIDDLE), SLIDE) and near(around(picture, *EDGE), GROUND)
    return is_slide and filmed(picture, *CORNER)
