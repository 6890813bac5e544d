"""The replay: the picture, and the class as it was at that moment of it."""

import asyncio
import re

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from playwright.async_api import expect

from tests.gallery.server import STATES, address, application
from tests.pages.acts import at, comes_true, go_live, joined, say, turn_camera_on

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

SLOW_MS = 60_000
PAUSE_SECONDS = 3


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gallery():
    """Addresses of states: of a class an hour long, which nobody has to sit through."""
    server = TestServer(application())
    await server.start_server()
    states = {state.name: state for state in STATES if state.page == "replay"}
    yield lambda name: f"{str(server.make_url('/')).rstrip('/')}{address(states[name])}"
    await server.close()


async def test_a_recorded_class_is_seen_again_moment_by_moment(lesson, open_page):
    studio = await joined(open_page, lesson, "teacher", "Dr. Okafor")
    await turn_camera_on(studio)
    await go_live(studio)
    await expect(at(studio, "stage")).to_have_attribute("data-sending", "live")
    await at(studio, "record").click()
    await expect(at(studio, "recording-status")).to_contain_text("REC")
    ann = await joined(open_page, lesson, "student", "Ann")
    await asyncio.sleep(PAUSE_SECONDS)
    await say(ann, "at the beginning")
    await at(studio, "board-add").click()
    await at(studio, "asset").click()
    await expect(at(ann, "board")).to_be_visible()
    await asyncio.sleep(PAUSE_SECONDS)
    await lesson.command("chapter.mark", title="The second part")
    await at(studio, "page-hide").click()
    await say(ann, "at the end")
    await expect(at(ann, "message")).to_have_count(2)
    await asyncio.sleep(PAUSE_SECONDS)
    await at(studio, "record").click()
    await expect(at(studio, "recording-status")).not_to_contain_text("REC")
    await say(ann, "after the recording")
    await expect(at(ann, "message")).to_have_count(3)
    await at(studio, "end-class").click()
    await at(studio, "end-class-confirm").click()
    await expect(at(ann, "over-ended")).to_be_visible()

    # A draft is the staff's; whoever was in the class reads what was said.
    await ann.get_by_role("link", name="Open the replay").click()
    await expect(at(ann, "not-published")).to_be_visible()
    await expect(at(ann, "message")).to_have_count(3)

    # The picture comes by itself once it is finalized.
    await studio.get_by_role("link", name="Open the replay").click()
    await expect(at(studio, "mute")).to_be_visible(timeout=SLOW_MS)
    await expect(at(studio, "message")).to_have_count(0)
    await expect(at(studio, "chapter")).to_have_count(1)
    await at(studio, "begin").click()
    await expect(at(studio, "player")).to_have_js_property("paused", False)
    await at(studio, "play").click()
    await expect(at(studio, "player")).to_have_js_property("paused", True)
    await at(studio, "chapter").click()
    await expect(at(studio, "message")).to_have_count(1)
    await expect(at(studio, "message")).to_contain_text("at the beginning")
    await at(studio, "play").click()
    await expect(at(studio, "message")).to_have_count(2, timeout=SLOW_MS)  # it goes on by itself
    await at(studio, "player").evaluate("(video) => video.pause()")
    await at(studio, "seek").focus()
    await studio.keyboard.press("0")
    await expect(at(studio, "message")).to_have_count(0)
    # The bar reaches the very end: there is whatever came after it.
    await studio.keyboard.press("End")
    await expect(at(studio, "message")).to_have_count(3)
    await expect(at(studio, "message").last).to_contain_text("after the recording")

    await at(studio, "find").fill("END the")
    await expect(at(studio, "hit")).to_have_count(1)
    await at(studio, "hit").click()
    await at(studio, "find").fill("")
    await expect(at(studio, "message")).to_have_count(2)
    await studio.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await at(studio, "share").click()
    await expect(at(studio, "note")).to_contain_text("Link copied.")
    shared = await studio.evaluate("navigator.clipboard.readText()")

    async with studio.expect_download(timeout=SLOW_MS) as saved:
        await at(studio, "download").click()
    file = await (await saved.value).path()
    assert file.read_bytes()[4:8] == b"ftyp"

    # Published, it opens for a student at the moment that somebody shared.
    await at(studio, "publish").click()
    await expect(at(studio, "publication")).to_have_text("Published")
    await ann.goto(shared)
    await expect(at(ann, "time")).not_to_contain_text("0:00 /")
    await expect(at(ann, "message").first).to_contain_text("at the beginning")
    await expect(at(ann, "staff")).to_have_count(0)
    await at(studio, "publish").click()
    await expect(at(studio, "publication")).to_have_text("Draft")


async def test_one_continues_where_one_left(gallery, open_page):
    page = await open_page(gallery("beginning"))
    await expect(at(page, "continue")).to_have_count(0)
    await at(page, "chapter").nth(3).click()
    await expect(at(page, "time")).to_contain_text("31:00 /")
    await page.reload()
    await expect(at(page, "continue")).to_contain_text("Continue at 31:00?")
    await at(page, "go-on").click()
    await expect(at(page, "time")).to_contain_text("31:")
    await expect(at(page, "continue")).to_have_count(0)
    await expect(at(page, "player")).to_have_js_property("paused", False)


async def test_the_keys_of_players_work_but_not_while_one_writes(gallery, open_page):
    page = await open_page(gallery("ready"))
    time = at(page, "time")
    await expect(time).to_contain_text("31:30 /")
    for key, then in [
        ("l", "31:40"), ("j", "31:30"), ("ArrowRight", "31:35"), ("ArrowLeft", "31:30"),
        ("0", "0:00"), ("9", "54:00"), ("5", "30:00"),
    ]:  # fmt: skip
        await page.keyboard.press(key)
        await expect(time).to_contain_text(f"{then} /")
    await page.keyboard.press("m")
    await expect(at(page, "mute")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("c")
    await expect(at(page, "subtitle")).to_have_count(0)
    await page.keyboard.press("c")
    await expect(at(page, "subtitle")).to_contain_text("Good morning")
    await page.keyboard.press(">")
    await expect(at(page, "speed")).to_have_value("1.25")
    await page.keyboard.press("k")
    await expect(at(page, "player")).to_have_js_property("paused", False)
    await expect(at(page, "player")).to_have_js_property("playbackRate", 1.25)
    await page.keyboard.press("Space")
    await expect(at(page, "play")).to_have_attribute("aria-label", "Play")
    stopped_at = await at(page, "player").evaluate("(video) => video.currentTime")

    await page.keyboard.press("?")
    await expect(at(page, "keys")).to_be_visible()
    await page.keyboard.press("9")  # behind the dialog, nothing moves
    await page.keyboard.press("Escape")
    await expect(at(page, "keys")).not_to_be_visible()
    await at(page, "find").press_sequentially("9 limits k")
    await expect(at(page, "player")).to_have_js_property("currentTime", stopped_at)
    await expect(at(page, "player")).to_have_js_property("paused", True)

    await at(page, "find").fill("")
    await at(page, "large").click()
    await comes_true(page, "document.fullscreenElement?.contains(document.activeElement) === true")
    await page.keyboard.press("f")
    await comes_true(page, "document.fullscreenElement === null")

    # How fast and how loud is remembered; arrows in the list of what was said scroll it.
    await page.keyboard.press("ArrowDown")
    await expect(at(page, "player")).to_have_js_property("volume", 0.9)
    await at(page, "sentence").first.focus()
    await page.keyboard.press("ArrowDown")
    await page.reload()
    await expect(at(page, "speed")).to_have_value("1.25")
    await expect(at(page, "player")).to_have_js_property("volume", 0.9)


async def test_a_class_is_searched_and_jumped_into_by_what_was_said_and_shown(gallery, open_page):
    page = await open_page(gallery("slides"))
    await expect(at(page, "sentence").nth(31)).to_have_attribute("aria-current", "true")
    await at(page, "sentence").nth(2).click()
    await expect(at(page, "time")).to_contain_text("2:00 /")
    await at(page, "find").fill("promise distance")
    await expect(at(page, "found-count")).to_have_text("20 places")
    await at(page, "find").fill("two policemen")
    await expect(at(page, "found-count")).to_have_text("1 place")
    await at(page, "hit").click()
    await expect(at(page, "time")).to_contain_text("12:00 /")
    await at(page, "find-course").click()
    await expect(at(page, "find-trouble")).to_be_visible()
    await at(page, "find").fill("")
    await at(page, "tab-pages").click()
    await at(page, "page").last.click()
    await expect(at(page, "time")).to_contain_text("18:00 /")
    await expect(at(page, "slide")).to_have_attribute("data-loaded", "true")
    await at(page, "swap").click()
    await expect(at(page, "stage")).to_have_attribute("data-main", "video")


async def test_who_has_the_picture_already_goes_on_watching(gallery, open_page):
    page = await open_page("about:blank")
    asked, may_tell = [], asyncio.Event()

    async def being_finished(route):
        asked.append(route.request.url)
        if len(asked) > 1:
            await may_tell.wait()
        answer = await route.fetch()
        told = await answer.json() | {"is_finalizing": len(asked) == 1}
        await route.fulfill(response=answer, json=told)

    # The recording was finished just after the page had asked whether it was.
    await page.route(re.compile(r"/v1/replays/[0-9a-f-]+$"), being_finished)
    await page.goto(gallery("ready"))
    await expect(at(page, "time")).to_contain_text("31:30 /")
    await at(page, "player").evaluate("(video) => { video.dataset.same = 'yes' }")
    async with page.expect_response(re.compile("/playback$")):
        await page.keyboard.press("l")
        may_tell.set()
    await page.wait_for_timeout(500)  # in which another player would have come
    assert len(asked) >= 2
    await expect(at(page, "player")).to_have_attribute("data-same", "yes")
    await expect(at(page, "time")).to_contain_text("31:40 /")


async def test_what_is_missing_is_said_and_what_breaks_can_be_tried_again(gallery, open_page):
    page = await open_page(gallery("gaps"))
    await expect(at(page, "gap")).to_have_count(2)
    await expect(at(page, "gap-told")).to_have_text(
        [
            "At 12:00, 1:10 were not recorded. The recording had been stopped.",
            re.compile("At .* were not recorded.$"),  # nobody knows why
        ]
    )

    await page.goto(gallery("broken"))
    await expect(at(page, "broken")).to_be_visible()
    async with page.expect_request(lambda request: "/film/" in request.url):
        await at(page, "retry").click()
    await expect(at(page, "broken")).to_be_visible()
    await at(page, "without").click()
    await expect(at(page, "broken")).to_have_count(0)
    await at(page, "play").click()
    await expect(at(page, "time")).not_to_contain_text(re.compile(r"31:3[01] /"))
