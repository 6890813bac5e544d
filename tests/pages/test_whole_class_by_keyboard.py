"""A whole class by keyboard alone: nobody in it has a mouse, neither teacher nor students.

Controls are reached by Tab and by the pages' keys, as people reach them: a control that cannot be
come to, or that Enter and Space do nothing to, ends the class.
"""

import pytest
from playwright.async_api import expect

from tests.documents import pictures_pdf
from tests.pages import composing
from tests.pages.acts import LIVE, at, has_moved, joined, press, reach, scene

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]

SLOW_MS = 60_000


async def test_a_whole_class_by_keyboard(lesson, open_page, platform):
    _, name = await composing.known_at(lesson, platform)
    studio = await joined(open_page, lesson, "teacher", "Dr. Okafor")
    students = [await joined(open_page, lesson, "student", name) for name in ("Ann", "Bob", "Cem")]
    studio.on("filechooser", brings_slides)
    await goes_live(studio, name)
    for student in students:
        await expect(at(student, "stage")).to_have_attribute("data-playing", "true")
    await shows_a_slide(studio, students)
    await lowers_a_hand(studio, students[0])
    await polls(studio, students)
    await answers_a_question(studio, students)
    await keeps_order_in_the_chat(studio, students)
    await press(at(studio, "end-class"))
    await press(at(studio, "end-class-confirm"))
    for student in students:
        await expect(at(student, "over-ended")).to_be_visible()
    await sees_it_again(studio, students[0])


async def goes_live(studio, name):
    await press(at(studio, "camera-on"))
    await press(at(studio, "device-check-done"))
    await expect(at(studio, "device-check")).to_have_count(0)
    await press(at(studio, "go-live"))
    dialog = at(studio, "start-dialog")
    await expect(dialog.get_by_role("heading").first).to_be_focused()
    records = dialog.get_by_test_id("start-records")
    await press(records, "Space")
    await expect(records).to_be_checked()
    switch = dialog.get_by_test_id("start-destination").filter(has_text=name).get_by_role("switch")
    await press(switch, "Space")
    await expect(switch).to_be_checked()
    await press(at(studio, "go-live-confirm"))
    await expect(at(studio, "status")).to_have_text(LIVE)
    row = at(studio, "destination").filter(has_text=name)
    await expect(row).to_have_attribute("data-phase", "live")


async def brings_slides(chooser):
    """The system's own dialog, which is no part of the page."""
    slides = {"name": "Limits.pdf", "mimeType": "application/pdf", "buffer": pictures_pdf(2)}
    await chooser.set_files(slides)


async def shows_a_slide(studio, students):
    await press(at(studio, "slides-add"))
    await expect(at(studio, "asset")).to_be_visible(timeout=SLOW_MS)
    await press(at(studio, "asset"))
    await expect(at(studio, "page-number")).to_have_text("1 / 2")
    # It comes on air by itself, before somebody chooses how.
    await expect(scene(studio, "corner")).to_have_attribute("aria-pressed", "true")
    await studio.keyboard.press("ArrowRight")
    for page in (studio, *students):
        await expect(at(page, "shown")).to_have_attribute("data-page", "2")
    await press(scene(studio, "side"))
    await expect(scene(studio, "side")).to_have_attribute("aria-pressed", "true")


async def lowers_a_hand(studio, student):
    await student.keyboard.press("r")
    await expect(at(student, "hand")).to_contain_text("1st in line")
    await press(at(studio, "lower"))
    await expect(at(student, "hand")).to_have_attribute("aria-pressed", "false")


async def polls(studio, students):
    await studio.keyboard.press("p")
    await press(at(studio, "poll-compose"))
    await expect(at(studio, "poll-prompt")).to_be_focused()
    await studio.keyboard.type("Ready?")
    for number, option in enumerate(("Yes", "No")):
        await reach(at(studio, "poll-option").nth(number))
        await studio.keyboard.type(option)
    await press(at(studio, "poll-open"))
    for student, is_yes in zip(students, (True, True, False), strict=True):
        await expect(at(student, "option")).to_have_count(2)
        await student.keyboard.press("p")
        await expect(at(student, "option").first).to_be_focused()
        await student.keyboard.press("Space" if is_yes else "ArrowDown")
        await press(at(student, "vote"))
        await expect(at(student, "voted")).to_have_text(f"You voted: {'Yes' if is_yes else 'No'}")
    await expect(at(studio, "poll-answered")).to_have_text("3 of 3 answered")
    await press(at(studio, "poll-close"))
    await press(at(studio, "poll-publish"))
    for page in (studio, *students):
        await expect(at(page, "option-votes")).to_have_text(["2", "1"])


async def answers_a_question(studio, students):
    ann, *others = students
    await ann.keyboard.press("q")
    await expect(at(ann, "question-input")).to_be_focused()
    await ann.keyboard.type("Why is it zero?")
    await ann.keyboard.press("Enter")
    for student in others:
        await student.keyboard.press("q")
        await press(at(student, "upvote"))
        await expect(at(student, "upvote")).to_have_attribute("aria-pressed", "true")
    await studio.keyboard.press("q")
    await expect(at(studio, "votes")).to_have_text("▲ 2")
    await press(at(studio, "present"))
    for page in (studio, *students):
        await expect(at(page, "presented")).to_contain_text("Why is it zero?")
    await studio.keyboard.press("q")
    await reach(at(studio, "tab-questions-open"))
    await studio.keyboard.press("ArrowRight")
    await press(at(studio, "answer"))
    for student in students:
        await expect(at(student, "presented")).to_have_count(0)


async def keeps_order_in_the_chat(studio, students):
    ann, bob, _ = students
    # From where a question is asked, back to the tabs, and to the one before.
    await reach(at(ann, "tab-questions"), "Shift+Tab")
    await ann.keyboard.press("ArrowLeft")
    await reach(at(ann, "chat-input"))
    await ann.keyboard.type("said in anger")
    await ann.keyboard.press("Enter")
    await studio.keyboard.press("c")
    await press(at(studio, "message-menu"))
    await press(at(studio, "remove-message"))
    await reach(at(bob, "tab-questions"), "Shift+Tab")
    await bob.keyboard.press("ArrowLeft")
    await expect(at(bob, "removed-message")).to_have_count(1)
    # The menu offers it for longer than the notice does.
    await studio.keyboard.press("c")
    await press(at(studio, "message-menu"))
    await press(at(studio, "restore"))
    await expect(at(bob, "message")).to_contain_text("said in anger")


async def sees_it_again(studio, ann):
    await press(studio.get_by_role("link", name="Open the replay"))
    await expect(at(studio, "mute")).to_be_visible(timeout=SLOW_MS)  # the picture is there
    await press(at(studio, "publish"))
    await expect(at(studio, "publication")).to_have_text("Published")

    await press(ann.get_by_role("link", name="Open the replay"))
    await press(at(ann, "begin"))
    assert await has_moved(ann, "player")
    await ann.keyboard.press("k")
    await expect(at(ann, "player")).to_have_js_property("paused", True)
    await reach(at(ann, "find"))
    await ann.keyboard.type("in anger")
    await press(at(ann, "hit"))
    await reach(at(ann, "find"), "Shift+Tab")
    await ann.keyboard.press("Escape")  # empties it
    await expect(at(ann, "message")).to_contain_text("said in anger")
    await reach(at(ann, "seek"), "Shift+Tab")
    await ann.keyboard.press("0")
    await expect(at(ann, "message")).to_have_count(0)
