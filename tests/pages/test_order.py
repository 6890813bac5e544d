"""How staff keep order, and that whoever it concerns sees why."""

import json
from base64 import urlsafe_b64decode
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.pages.acts import at, choose, comes_true, go_live, joined, say

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

SLOW_SECONDS = 10
MAY_NOT_WRITE_YET = """() => {
    const { textContent: note } = document.querySelector("[data-testid=chat-note]");
    const { disabled } = document.querySelector("[data-testid=chat-input]");
    return disabled && note.includes("you can write again in 0:");
}"""


def claims(link: str):
    """Return what the token of a link says, for everybody to read."""
    payload = urlsplit(link).fragment.removeprefix("token=").split(".")[1]
    return json.loads(urlsafe_b64decode(payload + "=="))


@pytest_asyncio.fixture(loop_scope="session")
async def studio(lesson, open_page):
    """A teacher who is live, without a camera."""
    studio = await joined(open_page, lesson, "teacher", "Dr. Okafor")
    await go_live(studio)
    return studio


async def test_newcomers_to_a_locked_class_wait_until_somebody_opens(studio, lesson, open_page):
    await at(studio, "lock").click()
    await expect(at(studio, "lock")).to_have_attribute("aria-pressed", "true")
    ann, bob, eve = [
        await open_page(await lesson.link("student", name)) for name in ("Ann", "Bob", "Eve")
    ]
    for page in (ann, bob, eve):
        await expect(at(page, "lobby")).to_contain_text("Limits & continuity")
        await expect(at(page, "lobby")).to_contain_text("Dr. Okafor will let you in")
    await expect(at(studio, "waiting-person")).to_have_count(3)
    await at(studio, "tab-people").click()
    await expect(at(studio, "person")).to_have_count(1)

    waiting = at(studio, "waiting-person")
    await waiting.filter(has_text="Ann").get_by_test_id("admit").click()
    await expect(at(ann, "title")).to_have_text("Limits & continuity")  # without a reload
    await expect(at(studio, "person").filter(has_text="Ann")).to_be_visible()
    await at(studio, "tab-chat").click()
    await say(ann, "here I am")
    await expect(at(studio, "message")).to_contain_text("here I am")

    await waiting.filter(has_text="Eve").get_by_test_id("deny").click()
    await expect(at(eve, "over-denied")).to_be_visible()
    await expect(at(bob, "lobby")).to_be_visible()
    await at(studio, "lock").click()  # unlocking lets in whoever still waits
    await expect(at(bob, "message")).to_contain_text("here I am")
    await expect(waiting).to_have_count(0)


async def test_a_removed_message_is_gone_until_it_is_restored(studio, lesson, open_page):
    ann = await joined(open_page, lesson, "student", "Ann")
    await at(studio, "tab-chat").click()
    await say(ann, "said in anger")
    line = at(studio, "message").filter(has_text="said in anger")
    await choose(line, "message-menu", "pin")
    await expect(at(ann, "pinned")).to_contain_text("said in anger")

    await choose(line, "message-menu", "remove-message")
    for page in (studio, ann):
        await expect(at(page, "removed-message")).to_contain_text("This message was removed.")
        await expect(page.get_by_text("said in anger")).to_have_count(0)
        await expect(at(page, "pinned")).to_have_count(0)
    bob = await joined(open_page, lesson, "student", "Bob")
    await expect(at(bob, "removed-message")).to_have_count(1)
    assert "said in anger" not in await bob.content()

    await choose(at(studio, "removed-message"), "message-menu", "restore")
    for page in (studio, ann, bob):
        await expect(at(page, "message")).to_contain_text("said in anger")
    await choose(at(ann, "message"), "message-menu", "remove-message")  # one's own
    await expect(at(bob, "message")).to_have_count(0)


async def test_somebody_who_is_muted_sees_why(studio, lesson, open_page):
    ann = await joined(open_page, lesson, "student", "Ann")
    await expect(at(ann, "chat-input")).to_be_enabled()
    await at(studio, "tab-people").click()
    person = at(studio, "person").filter(has_text="Ann")
    await choose(person, "person-menu", "mute-person")
    await expect(person.get_by_test_id("muted")).to_be_visible()
    await expect(at(ann, "chat-note")).to_contain_text("muted you")
    await expect(at(ann, "chat-input")).to_be_disabled()
    await at(ann, "tab-questions").click()
    await expect(at(ann, "question-note")).to_contain_text("muted you")
    await expect(at(ann, "question-input")).to_be_disabled()

    await choose(person, "person-menu", "unmute-person")
    await expect(at(ann, "question-input")).to_be_enabled()
    await expect(person.get_by_test_id("muted")).to_have_count(0)


async def test_a_ban_lasts_until_it_is_lifted(studio, lesson, open_page):
    link = await lesson.link("student", "Eve")
    eve = await open_page(link)
    await at(studio, "tab-people").click()
    await choose(at(studio, "person").filter(has_text="Eve"), "person-menu", "ban")
    await at(studio, "confirm").click()
    await expect(at(eve, "over-banned")).to_be_visible()
    await eve.reload()
    await expect(at(eve, "over-banned")).to_be_visible()
    await at(studio, "outsider").filter(has_text="Eve").get_by_test_id("let-back").click()
    await expect(at(studio, "outsider")).to_have_count(0)
    await eve.reload()
    await expect(at(eve, "title")).to_have_text("Limits & continuity")


async def test_the_chat_says_why_it_is_closed(studio, lesson, open_page):
    ann = await joined(open_page, lesson, "student", "Ann")
    await at(studio, "tab-chat").click()
    await at(studio, "chat-settings").click()
    await at(studio, "chat-enabled").uncheck()
    await expect(at(ann, "chat-note")).to_contain_text("closed the chat")
    await expect(at(ann, "chat-input")).to_be_disabled()
    await at(studio, "chat-enabled").check()

    await at(studio, "chat-staff_only").check()
    await expect(at(ann, "chat-note")).to_contain_text("goes to the teacher alone")
    await say(ann, "just for you")
    await expect(at(studio, "message")).to_contain_text("to staff")
    await at(studio, "chat-staff_only").uncheck()

    await lesson.command("chat.configure", slow_mode_s=SLOW_SECONDS)
    await expect(at(studio, "chat-slow")).to_have_value(str(SLOW_SECONDS))
    await say(ann, "one")
    await comes_true(ann, MAY_NOT_WRITE_YET)
    await expect(at(ann, "chat-input")).to_be_enabled()  # by itself
    await say(ann, "two")
    await expect(at(studio, "message").last).to_contain_text("two")
    await expect(at(ann, "unsent")).to_have_count(0)


async def test_a_question_is_answered_on_the_stage(studio, lesson, open_page):
    ann = await joined(open_page, lesson, "student", "Ann")
    await at(ann, "tab-questions").click()
    for prompt in ("Why?", "How?"):
        await at(ann, "question-input").fill(prompt)
        await at(ann, "question-send").click()
        await expect(at(studio, "question").filter(has_text=prompt)).to_be_visible()
    await at(studio, "question").filter(has_text="How?").get_by_test_id("present").click()
    await at(ann, "tab-chat").click()
    for page in (studio, ann):
        await expect(at(page, "presented")).to_contain_text("How?")
    await choose(
        at(studio, "question").filter(has_text="Why?"), "question-menu", "dismiss-question"
    )
    await at(studio, "tab-questions-hidden").click()
    await expect(at(studio, "hidden")).to_contain_text("Why?")
    await at(studio, "tab-questions-answering").click()
    await at(studio, "answer").click()
    await expect(at(ann, "presented")).to_have_count(0)
    await at(ann, "tab-questions").click()
    await expect(at(ann, "answered")).to_contain_text("How?")
    await expect(at(ann, "question")).to_contain_text("Why?")  # students are not told of that


async def test_another_role_is_another_view_at_once(studio, lesson, open_page):
    link = await lesson.link("student", "Ann")
    ann = await open_page(link)
    bob = await joined(open_page, lesson, "student", "Bob")
    await at(bob, "chat-to-staff").check()
    await say(bob, "I cannot hear")
    await expect(at(bob, "message")).to_have_count(1)
    await at(ann, "chat-input").fill("half a line")
    await expect(at(ann, "chat-settings")).to_have_count(0)

    user = claims(link)["sub"]
    await lesson.command("participant.set_role", user=user, role="assistant")
    await expect(at(ann, "message")).to_contain_text("I cannot hear")
    await expect(at(ann, "chat-settings")).to_be_visible()
    await expect(at(ann, "chat-input")).to_have_value("half a line")
    await at(ann, "chat-send").click()
    await expect(at(bob, "message").last).to_contain_text("half a line")

    await lesson.command("participant.set_role", user=user, role="student")
    await expect(at(ann, "chat-settings")).to_have_count(0)
    await expect(at(ann, "message")).to_have_count(1)  # what went to staff is gone
    await at(ann, "hand").click()
    await expect(at(studio, "raised-hand")).to_contain_text("Ann")
