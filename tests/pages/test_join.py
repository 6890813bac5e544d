"""One link for the whole class: copied in the studio, opened by whoever has it."""

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.pages.acts import at, go_live, joined, say
from tests.patience import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

CLIPBOARD = ["clipboard-read", "clipboard-write"]


@pytest_asyncio.fixture(loop_scope="session")
async def studio(lesson, open_page):
    """The studio of a teacher who is live."""
    studio = await joined(open_page, lesson, "teacher", "Dr. Okafor", permissions=CLIPBOARD)
    await go_live(studio)
    return studio


async def make_link(studio) -> str:
    """Make the link for the class in the studio, and return what is in the clipboard then."""
    await at(studio, "invite").click()
    await at(studio, "classlink-make").click()
    await expect(at(studio, "classlink-said")).to_have_text("Copied.")
    link = await studio.evaluate("navigator.clipboard.readText()")
    assert link == await at(studio, "classlink-url").input_value()
    return link


async def come_in(page, name: str) -> None:
    await at(page, "join-name").fill(name)
    await page.keyboard.press("Enter")
    await expect(at(page, "title")).to_have_text("Limits & continuity")


async def close_dialog(studio) -> None:
    await at(studio, "invite-dialog").get_by_role("button", name="Close").click()


async def has_link(lesson, **body) -> str:
    path = f"/v1/sessions/{lesson.session}/join-links"
    async with lesson.http.post(path, json=body) as answer:
        assert answer.status == 201, await answer.text()
        return (await answer.json())["join_link"]["url"]


async def test_who_opens_the_link_types_a_name_and_is_in(studio, open_page):
    link = await make_link(studio)
    await at(studio, "classlink-qr").click()
    await expect(at(studio, "qr")).to_be_visible()
    await close_dialog(studio)
    await at(studio, "tab-people").click()

    bea = await open_page(link)
    await expect(at(bea, "join-title")).to_have_text("Limits & continuity")
    await expect(at(bea, "join-host")).to_contain_text("Dr. Okafor")
    await expect(at(bea, "join-go")).to_be_disabled()
    await expect(at(bea, "join-name")).to_be_focused()
    await come_in(bea, "Bea")
    assert "token" not in bea.url
    await expect(at(studio, "person").filter(has_text="Bea")).to_be_visible()

    # Who loads the page again, or comes by the link again, is the same person …
    await bea.reload()
    await say(bea, "still me")
    again = await bea.context.new_page()
    await again.goto(link)
    await expect(at(again, "join-name")).to_have_value("Bea")
    await expect(at(again, "join")).to_contain_text("the same person")
    await at(again, "join-go").click()
    await say(again, "me once more")
    for page in (bea, again):
        await expect(at(page, "message")).to_have_count(2)
    await expect(at(studio, "person")).to_have_count(2)
    # … and with another name, at the same computer, somebody else.
    await again.goto(link)
    await come_in(again, "Cem")
    await expect(at(studio, "person").filter(has_text="Cem")).to_be_visible()
    await expect(at(studio, "person")).to_have_count(3)


async def test_a_locked_class_makes_newcomers_wait_and_a_revoked_link_ends(studio, open_page):
    link = await make_link(studio)
    await close_dialog(studio)
    bea = await open_page(link)
    await come_in(bea, "Bea")
    await at(studio, "lock").click()
    await expect(at(studio, "lock")).to_have_attribute("aria-pressed", "true")
    dee = await open_page(link)
    await at(dee, "join-name").fill("Dee")
    await at(dee, "join-go").click()
    await expect(at(dee, "lobby")).to_be_visible()

    await at(studio, "invite").click()
    await at(studio, "classlink-revoke").click()
    await at(studio, "classlink-revoke-yes").click()
    await expect(at(studio, "classlink-make")).to_be_visible()
    late = await open_page(link)
    await expect(at(late, "join-gone")).to_contain_text("does not work any more")
    await bea.reload()
    await expect(at(bea, "status")).to_contain_text("LIVE")
    # Who was in finds back, also by the link.
    await bea.goto(link)
    await at(bea, "join-back").click()
    await expect(at(bea, "status")).to_contain_text("LIVE")


async def test_the_front_door_takes_the_link_of_a_class_too(lesson, open_page):
    page = await open_page(lesson.url)
    await at(page, "link").fill(await has_link(lesson))
    await at(page, "open").click()
    await come_in(page, "Ann")
    await expect(at(page, "status")).to_have_text("Not started")


async def test_a_link_that_is_full_says_so_and_one_cut_short_too(lesson, open_page):
    link = await has_link(lesson, max_uses=1)
    ann, bob = await open_page(link), await open_page(link)
    await expect(at(bob, "join-name")).to_be_visible()
    await come_in(ann, "Ann")
    await at(bob, "join-name").fill("Bob")
    await at(bob, "join-go").click()
    await expect(at(bob, "join-full")).to_be_visible()
    await bob.goto(link[:-1])
    await expect(at(bob, "join-gone")).to_be_visible()


async def test_without_a_network_it_goes_on_when_that_is_back(lesson, open_page):
    page = await open_page(await has_link(lesson))
    await at(page, "join-name").fill("Ann")
    await page.context.set_offline(True)
    await at(page, "join-go").click()
    await expect(at(page, "join-offline")).to_be_visible()
    await page.context.set_offline(False)
    await expect(at(page, "title")).to_have_text("Limits & continuity")


async def test_a_class_that_is_over_says_so(lesson, open_page):
    link = await has_link(lesson)
    await lesson.command("session.start")
    await lesson.command("session.end")

    async def is_over() -> bool:
        async with lesson.http.get(f"/v1/sessions/{lesson.session}") as answer:
            return (await answer.json())["status"] == "ended"

    await eventually(is_over)
    page = await open_page(link)
    await expect(at(page, "join-over")).to_contain_text("has ended")
