"""The student's room: before the class, hearing it, taking part in it, losing it for a while."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.pages.acts import at, comes_true, go_live, has_moved, joined, say, turn_camera_on

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

UNTOUCHED = """Object.defineProperty(navigator, "userActivation", {
    value: { hasBeenActive: false, isActive: false },
});"""
"""A page that nobody has touched yet: the browser plays its sound only after that."""

PLAYS_SOUND_ONLY = """() => {
    const { srcObject: played } = document.querySelector("[data-testid=video]");
    return played?.getTracks().map(({ kind }) => kind).join() === "audio";
}"""
NOTE_NEWS = """(news) => {
    window.heard = [];
    const hear = () => news.textContent.trim() && window.heard.push(news.textContent.trim());
    const observed = { childList: true, characterData: true, subtree: true };
    new MutationObserver(hear).observe(news, observed);
}"""
"""What is read out stands there only for as long as it takes to hear."""

FULL = '{"type":"bye","code":4129,"reason":"the room is full","retry_ms":600000}'


@pytest_asyncio.fixture(loop_scope="session")
async def studio(lesson, open_page):
    """A teacher who is live without a camera."""
    studio = await joined(open_page, lesson, "teacher", "Dr. Okafor")
    await go_live(studio)
    return studio


async def test_who_is_early_knows_when_it_starts_and_need_do_nothing(lesson, open_page):
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=12)
    path = f"/v1/sessions/{lesson.session}"
    async with lesson.http.patch(path, json={"scheduled_at": start.isoformat()}) as answer:
        assert answer.ok, await answer.text()
    ann = await joined(
        open_page, lesson, "student", "Ann", timezone_id="Asia/Tokyo", locale="en-GB"
    )
    await expect(at(ann, "countdown")).to_have_text(re.compile(r"1[01]:\d\d"))
    local = (start + timedelta(hours=9)).strftime("%H:%M")
    await expect(at(ann, "when")).to_contain_text(local)
    await expect(at(ann, "when")).to_contain_text("Asia/Tokyo")
    async with ann.expect_download() as saved:
        await at(ann, "calendar").click()
    entry = Path(await (await saved.value).path()).read_text(encoding="utf-8")
    assert f"DTSTART:{start:%Y%m%dT%H%M%SZ}" in entry
    assert "SUMMARY:Limits & continuity" in entry
    assert "token" not in entry

    await expect(at(ann, "chat-input")).to_be_disabled()
    await lesson.command("chat.configure", before_start=True)
    await say(ann, "I am early")
    await expect(at(ann, "message")).to_contain_text("I am early")
    await lesson.command("session.start")
    await expect(at(ann, "stage")).to_be_visible()
    await expect(at(ann, "before")).to_have_count(0)


async def test_the_class_is_heard_after_a_tap_and_also_without_its_picture(lesson, open_page):
    studio = await joined(open_page, lesson, "teacher", "Dr. Okafor")
    await turn_camera_on(studio)
    await go_live(studio)
    ann = await open_page("about:blank")
    await ann.context.add_init_script(UNTOUCHED)
    await ann.goto(await lesson.link("student", "Ann"))
    await expect(at(ann, "unmute")).to_have_text("Tap to hear the class")
    await expect(at(ann, "video")).to_have_js_property("muted", True)
    await at(ann, "unmute").click()
    await expect(at(ann, "unmute")).to_have_count(0)
    await expect(at(ann, "video")).to_have_js_property("muted", False)
    await ann.keyboard.press("m")
    await expect(at(ann, "sound")).to_have_attribute("aria-label", "Turn the sound on")
    await expect(at(ann, "video")).to_have_js_property("muted", True)

    assert await has_moved(ann)
    await at(studio, "board-add").click()
    # The programme shows it, too; beside it, the camera is enough.
    await at(studio, "asset").click()
    await expect(at(ann, "stage")).to_have_attribute("data-main", "shown")
    await expect(at(ann, "video")).to_have_css("object-view-box", "inset(74% 1% 1% 74%)")
    await at(ann, "swap").click()
    await expect(at(ann, "stage")).to_have_attribute("data-main", "video")
    await at(studio, "page-hide").click()
    await expect(at(ann, "shown")).to_have_count(0)
    await expect(at(ann, "video")).to_have_css("object-view-box", "inset(0%)")

    await at(ann, "settings").click()
    await at(ann, "sound-only").check()
    await expect(at(ann, "stage-note")).to_have_text("Sound only")
    await expect(at(ann, "stage")).to_have_attribute("data-playing", "true")
    await comes_true(ann, PLAYS_SOUND_ONLY)
    await ann.reload()  # it is remembered
    await expect(at(ann, "stage-note")).to_have_text("Sound only")
    await at(ann, "unmute").click()
    await at(ann, "show-picture").click()
    await expect(at(ann, "stage")).to_have_attribute("data-picture", "yes")
    assert await has_moved(ann)

    # Where there is no place in the class, its stream can be seen.
    bob = await open_page("about:blank")
    await bob.route_web_socket(re.compile("/live$"), turn_away)
    await bob.goto(await lesson.link("student", "Bob"))
    await expect(at(bob, "over-full")).to_contain_text("The class is full")
    await at(bob, "watch").click()
    await expect(at(bob, "stream")).to_have_js_property("paused", False)
    await expect(at(bob, "stream")).not_to_have_js_property("videoWidth", 0)

    await at(studio, "camera-off").click()
    await expect(at(ann, "stage-note")).to_contain_text("Dr. Okafor’s video dropped")


async def test_what_is_said_can_be_read(studio, lesson, open_page):
    ann = await joined(open_page, lesson, "student", "Ann")
    await expect(at(ann, "captions")).to_have_count(0)
    await at(ann, "chat-input").press("c")  # in a text, a letter is a letter
    await expect(at(ann, "chat-input")).to_have_value("c")
    await expect(at(ann, "captions")).to_have_count(0)
    await ann.get_by_role("heading", level=1).click()
    await ann.keyboard.press("c")
    await expect(at(ann, "captions")).to_contain_text("appears here")
    line = {"text": "Let us begin.", "start_ms": 0, "end_ms": 900, "language": "en"}
    await lesson.command("caption.add", **line)
    await expect(at(ann, "captions").locator("p")).to_have_text(["Let us begin."])
    await at(ann, "settings").click()
    await at(ann, "caption-size").select_option("large")
    await expect(at(ann, "captions")).to_have_attribute("data-size", "large")


async def test_a_poll_does_not_take_a_half_written_line_away(studio, lesson, open_page):
    ann = await joined(open_page, lesson, "student", "Ann")
    await at(ann, "chat-input").press_sequentially("I think")
    await lesson.command("poll.open", prompt="Ready?", options=["Yes", "No"])
    await expect(at(ann, "poll-news")).to_have_text("Poll open: Ready?")
    await expect(at(ann, "tab-polls")).to_have_class("calling")
    await expect(at(ann, "chat-input")).to_have_value("I think")
    await expect(at(ann, "chat-input")).to_be_focused()
    await at(ann, "tab-polls").click()
    await expect(at(ann, "option")).to_have_count(2)
    await expect(at(ann, "tab-polls")).not_to_have_class("calling")


async def test_the_chat_is_read_out_until_somebody_silences_it(studio, lesson, open_page):
    ann = await joined(open_page, lesson, "student", "Ann")
    bob = await joined(open_page, lesson, "student", "Bob")
    news = at(ann, "chat-news")
    await expect(news).to_have_attribute("aria-live", "polite")
    await news.evaluate(NOTE_NEWS)
    await say(ann, "hello")  # one knows what one wrote
    await say(bob, "good morning")
    await comes_true(ann, "window.heard.length > 0")
    assert await ann.evaluate("window.heard") == ["Bob: good morning"]
    await expect(at(ann, "chat")).to_have_attribute("aria-live", "off")
    await at(ann, "settings").click()
    await at(ann, "chat-read").uncheck()
    await expect(news).to_have_attribute("aria-live", "off")
    await say(bob, "are you there?")
    await expect(at(ann, "message")).to_have_count(3)
    await expect(news).to_be_empty()


async def test_a_student_feels_with_the_class_and_keeps_notes(studio, lesson, open_page):
    ann = await joined(open_page, lesson, "student", "Ann")
    bob = await joined(open_page, lesson, "student", "Bob")
    await expect(at(ann, "floating")).to_have_attribute("data-count", "0")
    await at(bob, "react").click()
    await at(bob, "reaction").first.click()
    await expect(at(ann, "floating")).to_have_attribute("data-count", "1")
    await at(ann, "lost").click()
    await expect(at(ann, "lost-told")).to_have_text("The teacher sees that you are lost.")
    await expect(at(studio, "lost-count")).to_contain_text("1 is lost Ann")
    # A student who has signed in in this tab is not led out of the class.
    await ann.evaluate("sessionStorage.setItem('liveclass.home', 'token')")
    await ann.reload()
    await expect(at(ann, "lost")).to_have_attribute("aria-pressed", "true")
    await expect(at(ann, "home-link")).to_have_count(0)
    await at(bob, "lost").click()
    await expect(at(studio, "lost-count")).to_contain_text("2 are lost Bob, Ann")
    await studio.reload()  # it was said before this page was opened
    await expect(at(studio, "lost-count")).to_contain_text("2 are lost Bob, Ann")
    await at(bob, "lost").click()
    await expect(at(studio, "lost-count")).to_contain_text("1 is lost Ann")
    await at(ann, "tab-notes").click()
    await at(ann, "note-input").fill("epsilon and delta")
    await at(ann, "note-send").click()
    await expect(at(ann, "note")).to_contain_text("epsilon and delta")
    await at(bob, "tab-notes").click()
    await expect(at(bob, "note-input")).to_be_enabled()
    await expect(at(bob, "note")).to_have_count(0)
    await ann.reload()
    await at(ann, "tab-notes").click()
    await expect(at(ann, "note")).to_contain_text("epsilon and delta")


async def test_by_keyboard_alone_a_student_takes_part(studio, lesson, open_page):
    ann = await joined(open_page, lesson, "student", "Ann")
    await lesson.command("poll.open", prompt="Ready?", options=["Yes", "No"])
    await expect(at(ann, "option")).to_have_count(2)
    await ann.keyboard.press("r")
    await expect(at(ann, "hand")).to_contain_text("Hand raised · 1st in line")
    await ann.keyboard.press("p")
    await expect(at(ann, "option").first).to_be_focused()
    await ann.keyboard.press("ArrowDown")
    await ann.keyboard.press("Tab")
    await ann.keyboard.press("Enter")
    await expect(at(ann, "voted")).to_have_text("You voted: No")
    await ann.keyboard.press("q")
    await expect(at(ann, "question-input")).to_be_focused()
    await ann.keyboard.type("Why?")
    await ann.keyboard.press("Enter")
    vote = at(ann, "question").get_by_test_id("upvote")
    await expect(vote).to_have_attribute("aria-label", "Vote, 0 votes")
    await vote.press("Enter")
    await expect(vote).to_have_attribute("aria-label", "Vote, 1 vote, voted")

    await expect(at(ann, "hand")).to_have_attribute("aria-keyshortcuts", "R")
    await ann.keyboard.press("?")
    await expect(at(ann, "keys")).to_be_visible()
    await at(ann, "keys-on").press("Space")  # single keys off
    await ann.keyboard.press("Escape")
    await expect(at(ann, "keys")).to_be_hidden()
    await expect(at(ann, "hand")).not_to_have_attribute("aria-keyshortcuts", "R")
    await ann.keyboard.press("p")
    await expect(at(ann, "tab-questions")).to_have_attribute("aria-selected", "true")


async def test_who_was_away_is_told_what_was_missed_and_what_did_not_go_out(
    studio, lesson, open_page
):
    ann = await joined(open_page, lesson, "student", "Ann")
    bob = await joined(open_page, lesson, "student", "Bob")
    await at(studio, "tab-people").click()
    person = at(studio, "person").filter(has_text="Ann")
    await ann.context.set_offline(True)
    await expect(at(ann, "reconnecting")).to_contain_text("offline")
    await say(ann, "is anybody there?")
    await expect(at(ann, "pending")).to_contain_text("when you are connected again")
    await say(bob, "one")
    await say(bob, "two")
    await expect(at(bob, "message")).to_have_count(2)
    await person.get_by_test_id("person-menu").click()
    await person.get_by_test_id("mute-person").click()
    await expect(person.get_by_test_id("muted")).to_be_visible()
    await ann.context.set_offline(False)
    await expect(at(ann, "back")).to_have_text("You’re back. 2 messages while you were away.")
    await expect(at(ann, "unsent")).to_contain_text("Not sent")
    await person.get_by_test_id("person-menu").click()
    await person.get_by_test_id("unmute-person").click()
    await expect(at(ann, "chat-input")).to_be_enabled()
    await at(ann, "unsent").get_by_role("button", name="Retry").click()
    await expect(at(bob, "message").last).to_contain_text("is anybody there?")
    await expect(at(ann, "unsent")).to_have_count(0)


async def test_a_phone_upright_and_on_its_side(studio, lesson, open_page):
    upright = {"width": 390, "height": 844}
    ann = await joined(open_page, lesson, "student", "Ann", viewport=upright, has_touch=True)
    for side in ("width", "height"):
        await expect(at(ann, "hand")).to_have_css(side, "56px")
    await expect(at(ann, "stage")).to_have_css("width", "390px")
    await expect(at(ann, "chat-input")).to_be_in_viewport()

    await ann.set_viewport_size({"width": 390, "height": 430})  # as a keyboard leaves it
    await at(ann, "chat-input").tap()
    await expect(at(ann, "chat-input")).to_be_in_viewport(ratio=1)
    await expect(at(ann, "stage")).to_be_in_viewport()

    await ann.set_viewport_size({"width": 844, "height": 390})
    await expect(at(ann, "panel")).to_be_hidden()
    await expect(at(ann, "stage")).to_have_css("width", "844px")
    await expect(at(ann, "stage")).to_have_css("height", re.compile(r"3[2-9]\d(\.\d+)?px"))
    await at(ann, "panel-open").tap()
    await expect(at(ann, "chat-input")).to_be_in_viewport()
    assert await ann.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def turn_away(socket):
    async def answer(_):
        await socket.send(FULL)
        await socket.close(code=4129)

    socket.on_message(answer)
