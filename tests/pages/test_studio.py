"""The studio's panels: what a teacher sees of a class at a glance, and does about it."""

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.demo import free_port
from tests.pages.acts import (
    LIVE,
    MEASURED,
    at,
    choose,
    go_live,
    joined,
    press,
    reach,
    say,
    turn_camera_on,
)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

COUNT_TONES = """
    window.tones = 0;
    const create = AudioContext.prototype.createOscillator;
    AudioContext.prototype.createOscillator = function () {
        window.tones += 1;
        return create.call(this);
    };
"""


@pytest_asyncio.fixture(loop_scope="session")
async def people(lesson, open_page):
    """A teacher who is live without a camera, and a student."""
    studio = await joined(open_page, lesson, "teacher", "Dr. Okafor")
    await go_live(studio)
    return studio, await joined(open_page, lesson, "student", "Ann")


async def ask(room: Page, *prompts: str) -> None:
    await at(room, "tab-questions").click()
    for prompt in prompts:
        await at(room, "question-input").fill(prompt)
        await at(room, "question-send").click()
        await expect(at(room, "question").filter(has_text=prompt)).to_be_visible()


async def test_going_live_says_what_is_missing_and_forbids_nothing(lesson, open_page):
    studio = await joined(open_page, lesson, "teacher", "Dr. Okafor")
    await at(studio, "go-live").click()
    dialog = at(studio, "start-dialog")
    for check in ("check-camera", "check-microphone"):
        await expect(dialog.get_by_test_id(check)).to_have_attribute("data-good", "false")
    await expect(dialog.get_by_role("heading").first).to_be_focused()
    await studio.keyboard.press("Enter")  # does nothing: an action is chosen
    await dialog.get_by_test_id("start-records").check()
    await studio.keyboard.press("Escape")
    await expect(at(studio, "status")).to_have_text("NOT LIVE")

    await at(studio, "check-devices").click()
    await expect(at(studio, "devices")).to_be_visible()
    await at(studio, "rehearse").click()
    await at(studio, "go-live").click()
    for check in ("check-camera", "check-microphone"):
        await expect(dialog.get_by_test_id(check)).to_have_attribute("data-good", "true")
    await expect(dialog.get_by_test_id("check-uplink")).not_to_contain_text("not measured")
    await expect(dialog.get_by_test_id("start-records")).to_be_checked()  # remembered
    await at(studio, "go-live-confirm").click()
    await expect(at(studio, "status")).to_have_text(LIVE)
    await expect(at(studio, "recording-status")).to_have_text("● REC")
    await expect(studio).to_have_title("● Live – Limits & continuity")

    await studio.keyboard.press("Control+d")
    await expect(at(studio, "mute")).to_have_attribute("aria-pressed", "true")
    await studio.keyboard.press("Control+e")
    await expect(at(studio, "hide")).to_have_attribute("aria-pressed", "true")


async def test_questions_stand_still_while_one_reads_them(people):
    studio, ann = people
    await ask(ann, "Why?", "How?")
    await expect(at(studio, "question")).to_have_count(2)
    await at(studio, "question").first.hover()
    await at(ann, "question").filter(has_text="How?").get_by_test_id("upvote").click()
    await expect(at(studio, "question").nth(1).get_by_test_id("votes")).to_have_text("▲ 1")
    await expect(at(studio, "question").first).to_contain_text("Why?")
    await ask(ann, "Where?")
    await expect(at(studio, "questions-new")).to_have_text("1 new ↑")
    await expect(at(studio, "question")).to_have_count(2)

    await at(studio, "questions-new").click()
    await expect(at(studio, "question")).to_contain_text(["How?", "Why?", "Where?"])
    await at(studio, "questions-sort").select_option("time")
    await expect(at(studio, "question")).to_contain_text(["Why?", "How?", "Where?"])


async def test_a_question_is_answered_in_words_and_a_hidden_one_comes_back(people):
    studio, ann = people
    await ask(ann, "Why?", "How?")
    how = at(studio, "question").filter(has_text="How?")
    await choose(how, "question-menu", "dismiss-question")
    await at(studio, "undo").hover()  # it stays for who reaches for it
    await expect(at(studio, "question")).to_have_count(1)
    await at(studio, "undo-it").click()
    await expect(how).to_be_visible()

    await choose(how, "question-menu", "reply")
    await expect(at(studio, "reply-text")).to_be_focused()
    await at(studio, "reply-text").fill("By the squeeze theorem.")
    await at(studio, "reply-send").click()
    await expect(at(ann, "answered")).to_contain_text("By the squeeze theorem.")
    await at(studio, "tab-questions-answered").click()
    await expect(at(studio, "answered")).to_contain_text("By the squeeze theorem.")
    await at(studio, "reopen").click()
    await expect(at(studio, "tab-questions-open")).to_contain_text("2")


async def test_who_works_by_keyboard_keeps_their_place(people):
    studio, ann = people
    await ask(ann, "Why?", "How?", "Where?")
    await expect(at(studio, "question")).to_have_count(3)
    why, how, where = (
        at(studio, "question").filter(has_text=prompt) for prompt in ("Why?", "How?", "Where?")
    )
    await press(why.get_by_test_id("present"))
    await expect(how.get_by_test_id("present")).to_be_focused()
    await studio.keyboard.press("Enter")
    await expect(where.get_by_test_id("present")).to_be_focused()
    await reach(where.get_by_test_id("question-menu"), "Shift+Tab")
    await studio.keyboard.press("Enter")
    await reach(where.get_by_test_id("dismiss-question"))
    await studio.keyboard.press("Enter")
    await at(studio, "undo").hover()  # it stays, however long the rest takes
    await expect(where).to_have_count(0)
    await expect(why.get_by_test_id("question-menu")).to_be_focused()  # the only one left
    await expect(at(studio, "undo-it")).to_have_attribute("aria-keyshortcuts", "Control+Z")
    await studio.keyboard.press("Control+z")
    await expect(at(studio, "undo")).to_have_count(0)
    await expect(at(studio, "tab-questions-hidden")).to_have_text("Hidden")

    await press(at(studio, "lock"))  # it rests while that is on its way
    await expect(at(studio, "lock")).to_have_attribute("aria-pressed", "true")
    await expect(at(studio, "lock")).to_be_focused()
    await press(at(studio, "camera-on"))
    await press(at(studio, "devices"))
    await press(at(studio, "device-check-done"))
    await expect(at(studio, "devices")).to_be_focused()


async def test_a_message_is_taken_out_and_put_back_and_its_author_muted(people):
    studio, ann = people
    await at(studio, "tab-chat").click()
    await say(ann, "said in anger")
    await choose(at(studio, "message"), "message-menu", "remove-message")
    await at(studio, "undo").hover()
    await expect(at(ann, "removed-message")).to_have_count(1)
    await at(studio, "undo-it").click()
    await expect(at(ann, "message")).to_contain_text("said in anger")

    await choose(at(studio, "message"), "message-menu", "mute-author-briefly")
    muted = at(studio, "undo").filter(has_text="Muted")
    await muted.hover()
    await expect(at(ann, "chat-note")).to_contain_text("muted you until")
    await muted.get_by_test_id("undo-it").click()
    await expect(at(ann, "chat-input")).to_be_enabled()

    await at(studio, "chat-settings").click()
    await at(studio, "chat-enabled").uncheck()
    await expect(at(studio, "chat-mode")).to_have_text("Only teachers can write.")
    await expect(at(ann, "chat-input")).to_be_disabled()


async def test_people_get_roles_and_permissions(people):
    studio, ann = people
    await at(studio, "tab-people").click()
    person = at(studio, "person").filter(has_text="Ann")
    await choose(person, "person-menu", "permissions")
    await at(studio, "permit-questions").click()
    await expect(at(studio, "permit-questions")).not_to_be_checked()
    await at(studio, "permissions-dialog").get_by_role("button", name="Close").click()
    await expect(person.get_by_test_id("granted")).to_be_visible()
    await at(ann, "tab-questions").click()
    await at(ann, "question-input").fill("May I?")
    await at(ann, "question-send").click()
    await expect(at(ann, "refusal")).to_contain_text("may not ask a question in this class")

    await choose(person, "person-menu", "make-assistant")
    await expect(person.get_by_test_id("role")).to_have_text("assistant")
    await expect(at(ann, "tab-questions")).to_be_visible()


async def test_a_poll_from_a_template_is_counted_closed_and_used_again(people):
    studio, ann = people
    await at(studio, "tab-polls").click()
    await at(studio, "poll-compose").click()
    await at(studio, "poll-template-understood").click()
    await at(studio, "poll-correct").first.click()
    await at(studio, "poll-open").click()
    await expect(at(studio, "poll-answered")).to_have_text("0 of 1 answered")
    await at(ann, "option").first.check()
    await at(ann, "vote").click()
    await expect(at(studio, "poll-answered")).to_have_text("1 of 1 answered")
    await at(studio, "poll-close").click()
    await at(studio, "poll-publish").click()
    await expect(at(ann, "bars")).to_contain_text("correct")
    await at(studio, "poll-reuse").click()
    await expect(at(studio, "poll-prompt")).to_have_value("Is that clear so far?")
    await at(studio, "poll-open").click()
    await expect(at(studio, "poll-status")).to_have_text(["open", "results"])


async def test_a_hand_is_heard_unless_that_is_switched_off(lesson, open_page):
    studio = await joined(open_page, lesson, "teacher", "Dr. Okafor")
    await studio.context.add_init_script(COUNT_TONES)
    await studio.reload()
    await go_live(studio)
    ann = await joined(open_page, lesson, "student", "Ann")
    bob = await joined(open_page, lesson, "student", "Bob")
    await at(ann, "hand").click()
    await expect(at(studio, "raised-hand")).to_contain_text("Ann")
    assert await studio.evaluate("tones") == 2
    await expect(at(studio, "raised-hand").locator("time")).not_to_have_text("0:00")
    await at(studio, "tone").click()
    await at(bob, "hand").click()
    await expect(at(studio, "raised-hand")).to_have_count(2)
    assert await studio.evaluate("tones") == 2
    await studio.reload()
    await expect(at(studio, "tone")).to_have_attribute("aria-pressed", "false")  # remembered


async def place(lesson, url: str) -> str:
    """Set up a destination, and return its name: nobody else's."""
    name = f"Hall {lesson.session}"
    body = {"provider": "custom"}
    async with lesson.http.post("/v1/integrations", json=body) as answer:
        account = (await answer.json())["id"]
    body = {"integration": account, "name": name, "url": url, "stream_key": "k"}
    async with lesson.http.post("/v1/destinations", json=body) as answer:
        assert answer.status == 201, await answer.text()
    return name


async def test_a_key_is_changed_by_who_may(lesson, open_page, platform, server):
    name = await place(lesson, platform.url("closed"))
    studio = await joined(open_page, lesson, "teacher", "Dr. Okafor")
    await turn_camera_on(studio)
    row = at(studio, "destination").filter(has_text=name)
    await row.get_by_test_id("destination-switch").click()
    await go_live(studio)
    # This platform says no by hanging up, each time.
    await row.get_by_test_id("destination-key").click()
    await at(studio, "key-input").fill("another")
    await at(studio, "key-save").click()
    # This link opens one class; a key is for all of them.
    await expect(at(studio, "key-trouble")).to_contain_text("Your link opens this class only")

    admin = await open_page(lesson.page("studio", server.ready["tokens"]["admin"]))
    await (
        admin.locator("[data-testid=destination]", has_text=name)
        .get_by_test_id("destination-key")
        .click()
    )
    await at(admin, "key-input").fill("another")
    await at(admin, "key-save").click()
    await expect(at(admin, "key-dialog")).not_to_be_visible()


async def test_the_strip_says_who_is_at_fault_and_the_details_what_happened(lesson, open_page):
    name = await place(lesson, f"rtmp://127.0.0.1:{free_port()}/live")
    studio = await joined(open_page, lesson, "teacher", "Dr. Okafor")
    await turn_camera_on(studio)
    row = at(studio, "destination").filter(has_text=name)
    await row.get_by_test_id("destination-switch").click()
    await expect(row.get_by_test_id("destination-state")).to_contain_text("ready")
    await go_live(studio)
    await expect(row.get_by_test_id("destination-state")).to_contain_text("reconnecting")
    await expect(row.get_by_test_id("destination-why")).to_contain_text(f"{name}: ")
    await expect(row.get_by_test_id("destination-why")).to_contain_text("refused the connection")

    await at(studio, "details").click()
    dialog = at(studio, "details-dialog")
    await dialog.get_by_role("tab", name=name).click()
    events = dialog.get_by_test_id("details-events")
    await expect(events).to_contain_text(f"{name} was switched on.")
    await expect(events).to_contain_text("The next attempt comes after")
    await dialog.get_by_role("tab", name="Your connection").click()
    await expect(dialog.get_by_test_id("details-state")).to_have_text(MEASURED)
    charts = dialog.get_by_test_id("chart")
    await expect(charts.first).to_contain_text("kb/s")
    # The way in falls silent: the line stays where it was, in grey.
    await studio.context.set_offline(True)
    await expect(dialog).to_contain_text("No data since")
    await expect(charts.first).to_have_class("chart  stale")
    await studio.context.set_offline(False)


async def test_one_may_leave_a_class_without_ending_it(people):
    studio, ann = people
    await choose(studio.locator(".bar"), "more", "leave")
    await expect(at(studio, "confirm-dialog")).to_contain_text("You are the only teacher here")
    await at(studio, "confirm").click()
    await expect(at(studio, "left")).to_be_visible()
    await expect(at(ann, "status")).to_have_text(LIVE)
    await at(studio, "left").get_by_role("button").click()
    await expect(at(studio, "status")).to_have_text(LIVE)


async def test_panels_are_reached_by_single_keys(people):
    studio, _ = people
    await studio.keyboard.press("c")
    await expect(at(studio, "tab-chat")).to_be_focused()
    await at(studio, "chat-input").press_sequentially("quick")
    await expect(at(studio, "chat-input")).to_have_value("quick")
    await at(studio, "tab-chat").focus()
    await studio.keyboard.press("u")
    await expect(at(studio, "tab-people")).to_have_attribute("aria-selected", "true")
    await studio.keyboard.press("?")
    await expect(at(studio, "keys")).to_contain_text("Control+D")
