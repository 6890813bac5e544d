"""A whole class in Debian's Firefox: teacher and student; another student has Chromium.

Firefox has no H.264 in WebRTC before it has fetched Cisco's plugin, and fetches nothing here: so
the studio publishes VP8, of which the server makes H.264, and the student sees HLS.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests import documents
from tests.firefox import Page, firefox
from tests.media.pulled import pull
from tests.pages import composing
from tests.pages.acts import at, has_moved, joined, say
from tests.pages.composing import Viewer
from tests.pages.conftest import Class, browser, lesson, open_page, server
from tests.rtmp_server import RtmpServer
from tests.soak.interop import require

__all__ = ["browser", "lesson", "open_page", "server"]

pytestmark = [pytest.mark.asyncio(loop_scope="session")]

# Of a stream that WebRTC brings, Firefox counts no pictures.
_MOVES = """(async () => {
    const video = document.querySelector("[data-testid=%s]");
    const before = video.currentTime;
    for (let drawn = 0; drawn < 5; drawn += 1) {
        await new Promise((done) => video.requestVideoFrameCallback(done));
    }
    return video.videoWidth > 0 && video.currentTime > before;
})()"""

_IS_LATE = "document.querySelector('[data-testid=later]') !== null"


async def test_a_whole_class_in_firefox(
    lesson: Class, open_page, tmp_path: Path, report: Callable[..., None]
) -> None:
    binary = require("firefox-esr", "firefox-esr")
    platform = RtmpServer(tmp_path)
    platform.start()
    try:
        await composing.known_at(lesson, platform)
        async with firefox(binary) as fox:
            studio = await fox.open(await lesson.link("teacher", "Dr. Okafor"))
            ann = await fox.open(await lesson.link("student", "Ann"))
            bob = await joined(open_page, lesson, "student", "Bob")
            await checks_devices(studio)
            await goes_live(studio)
            address = f"{platform.url('one')}/camera"
            async with Viewer(address) as viewer:
                await viewer.sees(composing.camera_alone)
                for student in (ann, bob):
                    await is_seen(student)
                way = "HLS" if await ann.run(_IS_LATE) else "WHEP"
                await shows_a_slide(studio, ann, bob, viewer, tmp_path / "Limits.pdf")
                await draws_on_a_board(studio, ann, bob, viewer)
                await talks(studio, ann, bob)
                await polls(studio, ann, bob)
                await answers_a_question(studio, ann)
                await lowers_a_hand(studio, ann)
            got = await pull(address, 5)
            await ends(studio, ann, bob)
            await sees_it_again(studio, ann)
            assert fox.errors == []
    finally:
        platform.stop()
    assert (got.video_codec, got.audio_codec, got.size) == ("h264", "aac", (1280, 720))
    assert got.decoded > 0
    report(watches=way, pictures_per_second=round(got.decoded / 5, 1))


async def checks_devices(studio: Page) -> None:
    # Its microphone is heard nowhere but on air: without a sound card, no AudioContext of it runs.
    await studio.click("camera-on")
    await studio.shows("device-check")
    await studio.until("document.documentElement.scrollHeight === innerHeight")
    await studio.until(_MOVES % "self-view")
    await studio.click("device-check-done")
    await studio.counts("device-check", 0)


async def goes_live(studio: Page) -> None:
    await studio.click("go-live")
    await studio.shows("check-camera", more="[data-good=true]")
    await studio.click("start-destination", " [role=switch]")
    await studio.shows("start-destination", more=" [role=switch]:checked")
    if not await studio.run("document.querySelector('[data-testid=start-records]').checked"):
        await studio.click("start-records")
    await studio.click("go-live-confirm")
    await studio.shows("status", "LIVE")
    await studio.shows("recording-status", "REC")
    await studio.shows("destination", more="[data-phase=live]")
    await studio.shows("stage", more="[data-sending=live][data-composed=canvas]")


async def is_seen(student) -> None:
    if isinstance(student, Page):
        await student.shows("stage", more="[data-playing=true]")
        await student.until(_MOVES % "video")
    else:
        await expect(at(student, "stage")).to_have_attribute("data-playing", "true")
        assert await has_moved(student)


async def shows_a_slide(studio: Page, ann: Page, bob, viewer: Viewer, file: Path) -> None:
    file.write_bytes(documents.pictures_pdf(2))
    await studio.choose_file("slides-file", file)
    await studio.shows("asset", "Limits.pdf")
    await studio.click("asset")
    await viewer.sees(composing.slide_with_camera)
    await studio.click("page-next")
    await ann.shows("shown", more="[data-page='2']")
    await ann.shows("slide", more="[data-loaded=true]")
    await expect(at(bob, "shown")).to_have_attribute("data-page", "2")


async def draws_on_a_board(studio: Page, ann: Page, bob, viewer: Viewer) -> None:
    await studio.click("board-add")
    await studio.shows("assets", "Board")
    await studio.click("asset", nth=1)
    await ann.shows("board")
    await studio.click("scene", "[data-kind=slide]")
    await studio.click("pen")
    box = await studio.find("strokes")
    middle = box.y + box.height / 2
    await studio.drag((box.x + box.width / 4, middle), (box.x + box.width / 2, middle))
    await ann.shows("strokes", more="[data-count='1']")
    await expect(at(bob, "strokes")).to_have_attribute("data-count", "1")
    await viewer.sees(
        lambda seen: composing.near(composing.around(seen, 480, 360, by=1), composing.RED, 60)
    )
    await studio.click("pen")


async def talks(studio: Page, ann: Page, bob) -> None:
    await studio.click("tab-chat")
    for page, text in ((studio, "Good morning"), (ann, "Good morning, Dr. Okafor")):
        await page.fill("chat-input", text)
        await page.click("chat-send")
    await say(bob, "Hello from Chromium")
    for page in (studio, ann):
        await page.counts("message", 3)
        await page.shows("chat", "Hello from Chromium")
    await expect(at(bob, "message")).to_have_count(3)


async def polls(studio: Page, ann: Page, bob) -> None:
    await studio.click("tab-polls")
    await studio.click("poll-compose")
    await studio.fill("poll-prompt", "Ready?")
    for nth, text in enumerate(("Yes", "No")):
        await studio.fill("poll-option", text, nth=nth)
    await studio.click("poll-open")
    await ann.click("tab-polls")
    await ann.click("option")
    await ann.click("vote")
    await at(bob, "option").nth(1).check()
    await at(bob, "vote").click()
    await studio.shows("poll-answered", "2 of 2 answered")
    await studio.click("poll-close")
    await studio.click("poll-publish")
    for page in (studio, ann):
        await page.shows("poll-status", "results")
        await page.counts("option-votes", 2)


async def answers_a_question(studio: Page, ann: Page) -> None:
    await ann.click("tab-questions")
    await ann.fill("question-input", "Why is it zero?")
    await ann.press("Enter")
    await studio.click("tab-questions")
    await studio.click("present")
    await ann.shows("presented", "Why is it zero?")
    await studio.click("tab-questions-answering")
    await studio.click("answer")
    await ann.counts("presented", 0)
    await ann.shows("answered", "Why is it zero?")


async def lowers_a_hand(studio: Page, ann: Page) -> None:
    await ann.click("hand")
    await ann.shows("hand", "1st in line")
    await studio.shows("raised-hand", "Ann")
    await studio.click("lower")
    await ann.shows("hand", more="[aria-pressed=false]")


async def ends(studio: Page, ann: Page, bob) -> None:
    await studio.click("end-class")
    await studio.shows("end-dialog", "3 people are here")
    await studio.click("end-class-confirm")
    await ann.shows("over-ended")
    await expect(at(bob, "over-ended")).to_be_visible()
    await studio.shows("status", "Ended")


async def sees_it_again(studio: Page, ann: Page) -> None:
    await studio.click("", "a[href$='/replay']")
    await studio.shows("mute")  # the picture is there
    await studio.click("publish")
    await studio.shows("publication", "Published")
    await ann.click("", "a[href$='/replay']")
    await ann.counts("message", 0)
    await ann.click("begin")
    await ann.until(_MOVES % "player")
    # By the bar of time, to its end and to its beginning.
    for part, messages in ((0.99, 3), (0.005, 0)):
        bar = await ann.find("seek")
        await ann.drag((bar.x + bar.width * part, bar.y + bar.height / 2))
        await ann.counts("message", messages)
    await ann.until(_MOVES % "player")
