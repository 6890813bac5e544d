"""A class on the pages: seen, heard, asked, voted, lost and found again."""

import asyncio
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.pages.acts import (
    MEASURED,
    at,
    choose,
    go_live,
    has_moved,
    joined,
    open_poll,
    say,
    turn_camera_on,
)
from tests.patience import PATIENCE

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

OWN_OFFER_SECONDS = 2.1
"""For how long after its own offer a studio takes a replacement for its own doing."""


@pytest_asyncio.fixture(loop_scope="session")
async def people(lesson, open_page):
    """A teacher who is live without a camera, and two students."""
    studio = await joined(open_page, lesson, "teacher", "Dr. Okafor")
    await go_live(studio)
    ann = await joined(open_page, lesson, "student", "Ann")
    bob = await joined(open_page, lesson, "student", "Bob")
    return studio, ann, bob


async def test_the_class_starts_by_itself_and_shows_the_teacher(lesson, open_page):
    ann = await joined(open_page, lesson, "student", "Ann")
    await expect(at(ann, "status")).to_have_text("Not started")
    await expect(at(ann, "stage-note")).to_contain_text("start by itself")
    await expect(at(ann, "chat-input")).to_be_disabled()

    studio = await joined(open_page, lesson, "teacher", "Dr. Okafor")
    await turn_camera_on(studio)
    await at(studio, "rehearse").click()
    await expect(at(studio, "status")).to_have_text("REHEARSAL")
    await expect(at(ann, "stage-note")).to_contain_text("start by itself")

    await go_live(studio)
    await expect(at(studio, "publishing")).to_contain_text("The server receives 1280 × 720")
    await expect(at(ann, "stage")).to_have_attribute("data-playing", "true")
    assert await has_moved(ann)
    await expect(at(studio, "uplink")).to_contain_text(MEASURED)
    async with asyncio.timeout(PATIENCE):  # the fake microphone beeps each second
        while await at(studio, "level").get_attribute("aria-valuenow") == "0":
            await asyncio.sleep(0.05)

    await studio.reload()  # in mid-class: it goes on sending without being asked
    await expect(at(studio, "stage")).to_have_attribute("data-sending", "live")
    await expect(at(ann, "stage")).to_have_attribute("data-playing", "true")
    assert await has_moved(ann)


async def test_a_newer_studio_takes_over_without_a_fight(lesson, open_page):
    link = await lesson.link("teacher", "Dr. Okafor")
    desk = await open_page(link)
    await go_live(desk)
    await turn_camera_on(desk)
    await expect(at(desk, "stage")).to_have_attribute("data-sending", "live")
    await asyncio.sleep(OWN_OFFER_SECONDS)

    lectern = await open_page(link)
    await expect(at(lectern, "stage")).to_contain_text("sent from elsewhere")
    await turn_camera_on(lectern)
    await expect(at(lectern, "stage")).to_have_attribute("data-sending", "live")
    await expect(at(desk, "replaced")).to_be_visible()
    await expect(at(desk, "stage")).to_have_attribute("data-sending", "idle")

    await at(lectern, "camera-off").click()
    await at(desk, "replaced").get_by_role("button").click()
    await expect(at(desk, "stage")).to_have_attribute("data-sending", "live")
    await expect(at(lectern, "stage")).to_contain_text("sent from elsewhere")


async def test_the_token_leaves_the_address_bar_and_survives_a_reload(lesson, open_page):
    ann = await joined(open_page, lesson, "student", "Ann")
    assert urlsplit(ann.url).fragment == ""
    await ann.reload()
    await expect(at(ann, "title")).to_have_text("Limits & continuity")


async def test_everybody_reads_a_line_once_and_as_it_was_written(people):
    studio, ann, bob = people
    await at(studio, "tab-chat").click()
    await say(ann, "hello <b>class</b>")
    for page in people:
        await expect(at(page, "message")).to_have_count(1)
        await expect(at(page, "message").locator("p")).to_have_text("hello <b>class</b>")
    await at(bob, "chat-to-staff").check()
    await say(bob, "I cannot hear")
    await expect(at(studio, "message")).to_have_count(2)
    await expect(at(bob, "message")).to_have_count(2)
    await say(studio, "I will speak up")
    await expect(at(ann, "message")).to_have_count(2)
    await expect(at(ann, "message").last).to_contain_text("I will speak up")
    for page in people:
        await expect(at(page, "pending")).to_have_count(0)


async def test_hands_stand_in_order_and_everybody_knows_their_place(people):
    studio, ann, bob = people
    await at(bob, "hand").click()
    await expect(at(bob, "hand-position")).to_contain_text("1st in line")
    await at(ann, "hand").click()
    await expect(at(ann, "hand-position")).to_contain_text("2nd in line")
    await expect(at(studio, "raised-hand")).to_have_count(2)
    await expect(at(studio, "raised-hand").first).to_contain_text("Bob")
    await at(studio, "lower").first.click()
    await expect(at(ann, "hand-position")).to_contain_text("1st in line")
    await expect(at(bob, "hand")).to_have_attribute("aria-pressed", "false")
    await at(ann, "hand").click()
    await expect(at(studio, "hands-count")).to_have_text("0")
    for page in (ann, bob):
        await expect(at(page, "hand")).to_have_attribute("aria-pressed", "false")
        await at(page, "hand").click()
    await expect(at(studio, "raised-hand")).to_have_count(2)
    await at(studio, "lower-all").click()
    for page in (ann, bob):
        await expect(at(page, "hand")).to_have_attribute("aria-pressed", "false")


async def test_the_most_wanted_question_comes_first(people):
    studio, ann, bob = people
    for page in (ann, bob):
        await at(page, "tab-questions").click()
    for prompt in ("Why?", "How?"):
        await at(ann, "question-input").fill(prompt)
        await at(ann, "question-send").click()
        await expect(at(studio, "question").filter(has_text=prompt)).to_be_visible()
    how = at(bob, "question").filter(has_text="How?")
    await how.get_by_test_id("upvote").click()
    await expect(how.get_by_test_id("upvote")).to_have_attribute("aria-pressed", "true")
    await expect(at(studio, "question").first).to_contain_text("How?")
    await expect(at(studio, "votes").first).to_have_text("▲ 1")
    await at(studio, "answer").first.click()
    await expect(at(studio, "question")).to_have_count(1)
    await at(studio, "tab-questions-answered").click()
    for page in people:
        await expect(at(page, "answered")).to_contain_text("How?")
    for page in (ann, bob):
        await expect(at(page, "question")).to_have_count(1)


async def test_a_poll_from_the_question_to_the_results(people):
    studio, ann, bob = people
    await open_poll(studio, "Ready?", "Yes", "No")
    for page, choice in ((ann, 0), (bob, 0)):
        await at(page, "option").nth(choice).check()  # the poll came to the front by itself
        await at(page, "vote").click()
        await expect(at(page, "voted")).to_have_text("You voted: Yes")
        await expect(at(page, "bars")).to_have_count(0)
    await at(bob, "option").nth(1).check()
    await at(bob, "vote").click()
    await expect(at(bob, "voted")).to_have_text("You voted: No")
    await expect(at(studio, "option-votes")).to_have_text(["1", "1"])
    await at(studio, "poll-close").click()
    await expect(at(ann, "poll-status")).to_have_text("closed")
    await at(studio, "poll-publish").click()
    for page in people:
        await expect(at(page, "poll-status")).to_have_text("results")
        await expect(at(page, "option-votes")).to_have_text(["1", "1"])


async def test_a_broken_network_is_told_and_nothing_said_is_lost(people):
    studio, ann, bob = people
    await at(studio, "tab-chat").click()
    await ann.context.set_offline(True)
    await expect(at(ann, "reconnecting")).to_be_visible()
    await say(ann, "written without a network")
    await at(ann, "hand").click()
    await expect(at(ann, "pending")).to_have_count(1)
    await say(bob, "meanwhile")
    await ann.context.set_offline(False)
    await expect(at(ann, "message")).to_have_count(2)
    await expect(at(ann, "reconnecting")).to_have_count(0)
    await expect(at(ann, "pending")).to_have_count(0)
    await expect(at(studio, "message")).to_have_count(2)
    await expect(at(studio, "raised-hand")).to_have_count(1)


async def test_scenes_are_made_and_switched(people):
    studio, *_ = people
    await studio.get_by_text("Make another scene").click()
    for name in ("Break", "Homework"):
        await at(studio, "scene-name").fill(name)
        await at(studio, "scene-create").click()
        await expect(at(studio, "scene").filter(has_text=name)).to_be_visible()
    await at(studio, "scene").last.click()
    await expect(at(studio, "scene").last).to_have_attribute("aria-pressed", "true")
    await expect(at(studio, "scene").first).to_have_attribute("aria-pressed", "false")


async def test_somebody_who_is_removed_is_told(people):
    studio, _, bob = people
    await at(studio, "tab-people").click()
    await choose(at(studio, "person").filter(has_text="Bob"), "person-menu", "remove")
    await at(studio, "confirm").click()
    await expect(at(bob, "over-removed")).to_be_visible()
    await expect(at(studio, "person")).to_have_count(2)
    await bob.reload()
    await expect(at(bob, "over-removed")).to_be_visible()
    await at(studio, "outsider").filter(has_text="Bob").get_by_test_id("let-back").click()
    await expect(at(studio, "outsider")).to_have_count(0)
    await bob.reload()
    await expect(at(studio, "person")).to_have_count(3)


async def test_an_invited_student_gets_in(people, open_page):
    studio, *_ = people
    await at(studio, "invite").click()
    await at(studio, "invite-name").fill("Dora")
    await at(studio, "invite-make").click()
    link = await at(studio, "invite-url").input_value()
    dora = await open_page(link)
    await expect(at(dora, "title")).to_have_text("Limits & continuity")
    await at(studio, "invite-dialog").get_by_role("button", name="Close").click()
    await at(studio, "tab-people").click()
    await expect(at(studio, "person").filter(has_text="Dora")).to_be_visible()


async def test_the_end_is_the_end_and_the_replay_is_there(people):
    studio, ann, bob = people
    await say(ann, "good-bye")
    await expect(at(bob, "message")).to_have_count(1)
    await at(studio, "end-class").click()
    await expect(at(studio, "end-dialog")).to_contain_text("3 people are here")
    await at(studio, "end-class-confirm").click()
    for page in (ann, bob):
        await expect(at(page, "over-ended")).to_be_visible()
    await expect(at(studio, "status")).to_contain_text("Ended")
    await ann.get_by_role("link", name="Open the replay").click()
    await expect(at(ann, "message")).to_contain_text("good-bye")
    await expect(at(ann, "not-published")).to_be_visible()
