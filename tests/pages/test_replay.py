"""The replay: the picture, and the class as it was at that moment of it."""

import asyncio

import pytest
from playwright.async_api import expect

from tests.pages.acts import at, go_live, joined, say, turn_camera_on

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(150)]

SLOW_MS = 60_000
PAUSE_SECONDS = 3


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
    await at(studio, "end-class").click()
    await at(studio, "end-class-confirm").click()
    await expect(at(ann, "over-ended")).to_be_visible()

    # A draft is the staff's; whoever was in the class reads what was said.
    await ann.get_by_role("link", name="Open the replay").click()
    await expect(at(ann, "not-published")).to_be_visible()
    await expect(at(ann, "message")).to_have_count(2)

    await studio.get_by_role("link", name="Open the replay").click()
    await finalized(studio)
    await expect(at(studio, "message")).to_have_count(0)
    await at(studio, "play").click()
    await expect(at(studio, "player")).to_have_js_property("paused", False)
    await expect(at(studio, "chapter")).to_have_count(1)
    await at(studio, "chapter").click()
    await expect(at(studio, "message")).to_have_count(1)
    await expect(at(studio, "message")).to_contain_text("at the beginning")
    await expect(at(studio, "message")).to_have_count(2, timeout=SLOW_MS)  # it goes on by itself
    await at(studio, "seek").focus()
    await studio.keyboard.press("0")
    await expect(at(studio, "message")).to_have_count(0)


async def finalized(page):
    """Load the replay again until its recording can be played."""
    async with asyncio.timeout(SLOW_MS / 1000):
        while True:
            await expect(at(page, "time")).to_be_visible()
            if await at(page, "no-recording").count() == 0:
                return
            await asyncio.sleep(1)
            await page.reload()
