"""What a platform gets is what the teacher composed: scene by scene, also behind another window."""

import asyncio

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import async_playwright, expect

from tests.documents import pictures_pdf
from tests.pages import composing
from tests.pages.acts import at, comes_true, draw_a_line, joined, put_on_air, scene
from tests.pages.composing import (
    CORNER,
    GROUND,
    LEFT,
    MIDDLE,
    PAPER,
    RED,
    SHARED,
    SLIDE,
    around,
    brightest,
    camera_alone,
    filmed,
    near,
    slide_with_camera,
)
from tests.pages.plain_browser import plain_browser
from tests.patience import PATIENCE

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]

SLOW_MS = 60_000
ALLOWED = ["camera", "microphone"]
PREVIEWED = """(video) => {
    const context = new OffscreenCanvas(1280, 720).getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, 1280, 720);
    context.drawImage(video, 0, 0);
    return [...context.getImageData(20, 700, 1, 1).data].slice(0, 3);
}"""
NOTE_PLAYING = """(button) => new MutationObserver(() => {
    if (button.disabled) window.hasPlayed = true;
}).observe(button, { attributes: true })"""
BACKGROUND_SECONDS = 5
LEAST_RATE = 4
"""Of a page that nobody looks at, timers run once a second."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser():
    async with async_playwright() as playwright:
        chromium = await composing.launch(playwright)
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="session")
async def shared(unused_tcp_port):
    """The address of a page in one colour, to share."""

    async def page(_):
        body = f"<title>{composing.SHARED_TITLE}</title><body style='background:rgb{SHARED}'>"
        return web.Response(text=f"<!doctype html>{body}", content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/", page)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    yield f"http://127.0.0.1:{unused_tcp_port}/"
    await runner.cleanup()


async def test_the_pulled_stream_shows_the_scene_on_air(browser, lesson, platform, shared):
    async with composing.studio_on_air(browser, lesson, platform) as (studio, viewer):
        await expect(at(studio, "stage")).to_have_attribute("data-composed", "worker")
        await viewer.sees(camera_alone)

        # A page that is shown comes on air by itself, with the camera in its corner.
        await at(studio, "slides-file").set_input_files(
            {"name": "Limits.pdf", "mimeType": "application/pdf", "buffer": pictures_pdf(1)}
        )
        slides = at(studio, "asset").filter(has_text="Limits.pdf")
        await expect(slides).to_be_visible(timeout=SLOW_MS)
        await slides.click()
        await viewer.sees(slide_with_camera)
        await put_on_air(studio, "slide")
        await viewer.sees(
            lambda seen: (
                near(around(seen, 1_100, 690), SLIDE) and near(around(seen, *CORNER), GROUND)
            )
        )
        await put_on_air(studio, "side")
        await viewer.sees(
            lambda seen: (
                near(around(seen, *LEFT), SLIDE)
                and filmed(seen, 1_080, 360)
                and near(around(seen, 1_080, 60), GROUND)
            )
        )

        # A board, and what is drawn on it.
        await at(studio, "board-add").click()
        await at(studio, "asset").filter(has_text="Board").click()
        await put_on_air(studio, "slide")
        await viewer.sees(lambda seen: near(around(seen, *MIDDLE), PAPER))
        await at(studio, "highlighter").click()
        await at(studio, "pen").click()
        await draw_a_line(studio)
        await viewer.sees(lambda seen: near(around(seen, 480, 360, by=1), RED, 60))

        await put_on_air(studio, "title")
        await viewer.sees(
            lambda seen: (
                brightest(seen, 300, 250, 980, 450) > 200
                and brightest(seen, 0, 20, 1_280, 100) < 80
                and brightest(seen, 0, 620, 1_280, 700) < 80
            )
        )

        # A screen, until whoever shows it closes it.
        other = await studio.context.new_page()
        await other.goto(shared)
        await studio.bring_to_front()
        await put_on_air(studio, "camera")
        await at(studio, "share-screen").click()
        await viewer.sees(
            lambda seen: near(around(seen, *MIDDLE), SHARED) and filmed(seen, *CORNER)
        )
        await put_on_air(studio, "screen")
        await viewer.sees(lambda seen: not filmed(seen, *CORNER))
        await other.close()
        await expect(at(studio, "screen-notice")).to_be_visible()
        await expect(at(studio, "share-screen")).to_have_attribute("aria-pressed", "false")

        # Looked at first, and only then on air.
        await at(studio, "scene-careful").check()
        tile = scene(studio, "camera")
        await tile.click()
        await expect(at(studio, "scene-next")).to_be_visible()
        await expect(tile).to_have_attribute("aria-pressed", "false")
        await at(studio, "scene-air").click()
        await expect(tile).to_have_attribute("aria-pressed", "true")
        await viewer.sees(camera_alone)


async def test_the_programme_goes_on_behind_another_window(lesson, platform, tmp_path):
    await composing.on_air_at(lesson, platform)
    async with plain_browser(tmp_path / "profile") as plain:
        studio = await composing.studio_behind_another_window(plain, lesson)
        async with composing.Viewer(f"{platform.url('one')}/camera") as viewer:
            await viewer.sees(lambda seen: filmed(seen, *MIDDLE))
            async with asyncio.timeout(PATIENCE):  # on a busy machine, until it has a good moment
                while await viewer.rate(BACKGROUND_SECONDS) < LEAST_RATE:
                    pass
            # What changes while nobody looks is composed, too.
            await studio.click("board-add")
            await studio.click("asset")
            await viewer.sees(
                lambda seen: near(around(seen, *LEFT), PAPER) and filmed(seen, *CORNER)
            )
            assert await studio.run("document.visibilityState") == "hidden"


async def test_a_browser_without_a_composing_thread_composes_on_the_page(lesson, open_page):
    studio = await open_page("about:blank", permissions=ALLOWED)
    await studio.context.add_init_script("delete globalThis.MediaStreamTrackProcessor")
    await studio.goto(await lesson.link("teacher", "Dr. Okafor"))
    await at(studio, "camera-on").click()
    await expect(at(studio, "stage")).to_have_attribute("data-composed", "canvas")
    await put_on_air(studio, "title")
    async with asyncio.timeout(PATIENCE):
        while not near(await at(studio, "preview").evaluate(PREVIEWED), GROUND):
            await asyncio.sleep(0.1)


async def test_devices_are_checked_before_the_class(lesson, open_page):
    studio = await joined(open_page, lesson, "teacher", "Dr. Okafor", permissions=ALLOWED)
    await at(studio, "camera-on").click()
    await expect(at(studio, "device-check")).to_be_visible()
    assert await at(studio, "self-view").evaluate("video => getComputedStyle(video).transform") == (
        "matrix(-1, 0, 0, 1, 0, 0)"
    )
    assert await at(studio, "preview").evaluate("video => getComputedStyle(video).transform") == (
        "none"
    )
    async with asyncio.timeout(PATIENCE):  # the fake microphone beeps each second
        while await at(studio, "check-level").get_attribute("aria-valuenow") == "0":
            await asyncio.sleep(0.05)
    second = await at(studio, "camera-picker").locator("option").nth(1).get_attribute("value")
    await at(studio, "camera-picker").select_option(second)
    await expect(at(studio, "device-problem")).to_have_count(0)
    await at(studio, "test-sound").evaluate(NOTE_PLAYING)
    await at(studio, "test-sound").click()
    await comes_true(studio, "window.hasPlayed")
    await expect(at(studio, "test-sound")).to_be_enabled()
    await at(studio, "device-check-done").click()
    await expect(at(studio, "device-check")).to_have_count(0)
    await studio.reload()
    await at(studio, "devices").click()
    await expect(at(studio, "camera-picker")).to_have_value(second)


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        ("NotAllowedError", "may not use your camera"),
        ("NotFoundError", "None was found"),
        ("NotReadableError", "Another program is using it"),
    ],
)
async def test_what_keeps_a_camera_off_is_said_and_slides_need_none(
    lesson, open_page, problem, words
):
    studio = await open_page("about:blank")
    await studio.context.add_init_script(
        "navigator.mediaDevices && (navigator.mediaDevices.getUserMedia = async () => {"
        f"throw new DOMException('', '{problem}'); }})"
    )
    await studio.goto(await lesson.link("teacher", "Dr. Okafor"))
    await at(studio, "camera-on").click()
    await expect(at(studio, "lobby")).to_contain_text(words)
    await at(studio, "slides-only").click()
    await expect(at(studio, "stage")).to_have_attribute("data-composed", "worker")
    await expect(at(studio, "mute")).to_have_count(0)


async def test_whoever_talks_while_muted_is_told(lesson, open_page):
    studio = await open_page("about:blank")
    await studio.context.add_init_script(
        """if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia = async () => {
            const context = new AudioContext();
            const heard = context.createMediaStreamDestination();
            const voice = new OscillatorNode(context);
            voice.connect(heard);
            voice.start();
            return heard.stream;
        };"""
    )
    await studio.goto(await lesson.link("teacher", "Dr. Okafor"))
    await at(studio, "camera-on").click()
    await expect(at(studio, "level")).not_to_have_attribute("aria-valuenow", "0")
    await expect(at(studio, "talking-muted")).to_have_count(0)
    await at(studio, "mute").click()
    await at(studio, "talking-muted").get_by_role("button").click()
    await expect(at(studio, "mute")).to_have_attribute("aria-pressed", "false")
    await expect(at(studio, "talking-muted")).to_have_count(0)
