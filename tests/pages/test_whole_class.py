"""A whole class by mouse: from the device check to the replay, with three students."""

import asyncio

import pytest
from playwright.async_api import expect

from tests.documents import pictures_pdf
from tests.pages import composing
from tests.pages.acts import (
    LIVE,
    at,
    choose,
    click_along,
    draw_a_line,
    has_moved,
    joined,
    open_poll,
    put_on_air,
    say,
)  # fmt: skip
from tests.pages.composing import (
    CORNER,
    MIDDLE,
    PAPER,
    RED,
    around,
    camera_alone,
    filmed,
    near,
    slide_with_camera,
)
from tests.patience import PATIENCE

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]

SLOW_MS = 60_000


async def test_a_whole_class_by_mouse(lesson, open_page, platform):
    _, name = await composing.known_at(lesson, platform)
    studio, *students = await arrivals(lesson, open_page)

    await checks_devices(studio)
    await goes_live(studio, name)
    async with composing.Viewer(f"{platform.url('one')}/camera") as viewer:
        await viewer.sees(camera_alone)
        for ann in students:
            await expect(at(ann, "stage")).to_have_attribute("data-playing", "true")
        assert all(await asyncio.gather(*map(has_moved, students)))
        await shows_a_slide(studio, students, viewer)
        await draws_on_a_board(studio, students, viewer)
        await polls(studio, students)
        await answers_a_question(studio, students)
        await lowers_a_hand(studio, students[1])
        await takes_a_message_out_and_back(studio, students)
        await is_cut_off(studio, students)
        # The programme went on all the while.
        await put_on_air(studio, "camera")
        await viewer.sees(camera_alone)
    await at(studio, "end-class").click()
    await expect(at(studio, "end-dialog")).to_contain_text("4 people are here")
    await at(studio, "end-class-confirm").click()
    for student in students:
        await expect(at(student, "over-ended")).to_be_visible()
    await expect(at(studio, "status")).to_contain_text("Ended")
    await sees_it_again(studio, students[0])


async def arrivals(lesson, open_page):
    return [
        await joined(open_page, lesson, "teacher", "Dr. Okafor"),
        *[await joined(open_page, lesson, "student", name) for name in ("Ann", "Bob", "Cem")],
    ]


async def checks_devices(studio):
    await at(studio, "camera-on").click()
    await expect(at(studio, "device-check")).to_be_visible()
    # Its columns scroll, the page does not: what says whether one is live stays in sight.
    assert await studio.evaluate("document.documentElement.scrollHeight === innerHeight")
    assert await has_moved(studio, "self-view")
    async with asyncio.timeout(PATIENCE):  # the fake microphone beeps each second
        while await at(studio, "check-level").get_attribute("aria-valuenow") == "0":
            await asyncio.sleep(0.05)
    await at(studio, "device-check-done").click()
    await expect(at(studio, "device-check")).to_have_count(0)


async def goes_live(studio, name):
    await at(studio, "go-live").click()
    dialog = at(studio, "start-dialog")
    for check in ("check-camera", "check-microphone"):
        await expect(dialog.get_by_test_id(check)).to_have_attribute("data-good", "true")
    switch = dialog.get_by_test_id("start-destination").filter(has_text=name).get_by_role("switch")
    await switch.click()
    await expect(switch).to_be_checked()
    await dialog.get_by_test_id("start-records").check()
    await at(studio, "go-live-confirm").click()
    await expect(at(studio, "status")).to_have_text(LIVE)
    await expect(at(studio, "recording-status")).to_contain_text("REC")
    row = at(studio, "destination").filter(has_text=name)
    await expect(row).to_have_attribute("data-phase", "live")


async def shows_a_slide(studio, students, viewer):
    await at(studio, "slides-file").set_input_files(
        {"name": "Limits.pdf", "mimeType": "application/pdf", "buffer": pictures_pdf(2)}
    )
    slides = at(studio, "asset").filter(has_text="Limits.pdf")
    await expect(slides).to_be_visible(timeout=SLOW_MS)
    await slides.click()
    # It comes on air by itself, with the camera in its corner.
    await viewer.sees(slide_with_camera)
    await at(studio, "page-next").click()
    for student in students:
        await expect(at(student, "shown")).to_have_attribute("data-page", "2")
        await expect(at(student, "slide")).to_have_attribute("data-loaded", "true")


async def draws_on_a_board(studio, students, viewer):
    await at(studio, "board-add").click()
    await at(studio, "asset").filter(has_text="Board").click()
    await put_on_air(studio, "slide")
    await viewer.sees(lambda seen: near(around(seen, *MIDDLE), PAPER) and not filmed(seen, *CORNER))
    await at(studio, "pen").click()
    await draw_a_line(studio)
    for student in students:
        await expect(at(student, "strokes")).to_have_attribute("data-count", "1")
    await viewer.sees(lambda seen: near(around(seen, 480, 360, by=1), RED, 60))
    await at(studio, "pen").click()


async def polls(studio, students):
    await open_poll(studio, "Ready?", "Yes", "No")
    for student, choice in zip(students, (0, 0, 1), strict=True):
        await at(student, "option").nth(choice).check()
        await at(student, "vote").click()
    await expect(at(studio, "poll-answered")).to_have_text("3 of 3 answered")
    for student in students:
        await expect(at(student, "bars")).to_have_count(0)
    await at(studio, "poll-close").click()
    await at(studio, "poll-publish").click()
    for page in (studio, *students):
        await expect(at(page, "poll-status")).to_have_text("results")
        await expect(at(page, "option-votes")).to_have_text(["2", "1"])


async def answers_a_question(studio, students):
    for student in students:
        await at(student, "tab-questions").click()
    ann, bob, cem = students
    await at(ann, "question-input").fill("Why is it zero?")
    await at(ann, "question-send").click()
    for student in (bob, cem):
        await at(student, "upvote").click()
        await expect(at(student, "upvote")).to_have_attribute("aria-pressed", "true")
    await at(studio, "tab-questions").click()
    await expect(at(studio, "votes")).to_have_text("▲ 2")
    await at(studio, "present").click()
    for page in (studio, *students):
        await expect(at(page, "presented")).to_contain_text("Why is it zero?")
    await at(studio, "tab-questions-answering").click()
    await at(studio, "answer").click()
    for page in (studio, *students):
        await expect(at(page, "presented")).to_have_count(0)
    for student in students:
        await expect(at(student, "answered")).to_contain_text("Why is it zero?")


async def lowers_a_hand(studio, student):
    await at(student, "hand").click()
    await expect(at(student, "hand-position")).to_contain_text("1st in line")
    await expect(at(studio, "raised-hand")).to_contain_text("Bob")
    await at(studio, "lower").click()
    await expect(at(student, "hand")).to_have_attribute("aria-pressed", "false")
    await expect(at(student, "hand-position")).to_contain_text("lowered")


async def takes_a_message_out_and_back(studio, students):
    await at(studio, "tab-chat").click()
    for student in students:
        await at(student, "tab-chat").click()
    await say(students[2], "said in anger")
    await choose(at(studio, "message"), "message-menu", "remove-message")
    await at(studio, "undo").hover()  # offered for ten seconds, and to who reaches for it
    await expect(at(students[0], "removed-message")).to_have_count(1)
    await at(studio, "undo-it").click()
    for student in students:
        await expect(at(student, "message")).to_contain_text("said in anger")


async def is_cut_off(studio, students):
    """The network of a student and of the teacher goes and comes back, and nothing is lost."""
    ann, bob, _ = students
    for page in (ann, studio):
        await page.context.set_offline(True)
    for page in (ann, studio):
        await expect(at(page, "reconnecting")).to_be_visible()
    await say(ann, "written without a network")
    await say(studio, "so is this")
    for page in (ann, studio):
        await expect(at(page, "pending")).to_have_count(1)
    await say(bob, "meanwhile")
    await at(bob, "hand").click()
    await expect(at(bob, "hand")).to_have_attribute("aria-pressed", "true")
    for page in (ann, studio):
        await page.context.set_offline(False)
    for page in (studio, *students):
        await expect(at(page, "message")).to_have_count(4)
        await expect(at(page, "pending")).to_have_count(0)
        await expect(at(page, "reconnecting")).to_have_count(0)
    await expect(at(studio, "raised-hand")).to_contain_text("Bob")
    await expect(at(studio, "stage")).to_have_attribute("data-sending", "live")


async def sees_it_again(studio, ann):
    await studio.get_by_role("link", name="Open the replay").click()
    await expect(at(studio, "mute")).to_be_visible(timeout=SLOW_MS)  # the picture is there
    await at(studio, "publish").click()
    await expect(at(studio, "publication")).to_have_text("Published")

    await ann.get_by_role("link", name="Open the replay").click()
    await expect(at(ann, "message")).to_have_count(0)
    await at(ann, "begin").click()
    assert await has_moved(ann, "player")
    await at(ann, "play").click()
    await expect(at(ann, "player")).to_have_js_property("paused", True)
    # By search, to a moment; by the bar of time, to its end and to its beginning.
    await at(ann, "find").fill("in ANGER")
    await at(ann, "hit").click()
    await at(ann, "find").fill("")
    await expect(at(ann, "message")).to_have_count(1)
    await expect(at(ann, "message")).to_contain_text("said in anger")
    await click_along(at(ann, "seek"), 0.995)
    await expect(at(ann, "message")).to_have_count(4)
    await click_along(at(ann, "seek"), 0.002)
    await expect(at(ann, "message")).to_have_count(0)
