"""What an administrator does for their school, from its page and without a single curl."""

import re
from base64 import b64decode

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import expect

from server.ids import new_id
from tests.pages.acts import at, choose, press

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(150)]


@pytest.fixture
def admin(server):
    return server.ready["tokens"]["admin"]


async def signed_in(open_page, server, admin, path):
    page = await open_page(f"{server.ready['url']}{path}#token={admin}")
    await expect(at(page, "me")).to_have_text("Demo admin")
    return page


@pytest_asyncio.fixture(loop_scope="session")
async def receiver():
    """Another system of the school's: where it is, and its answers, of which the last holds."""
    answers = [200]

    async def take(request):
        assert (await request.json())["type"] == "webhook.ping"
        return web.Response(status=answers[-1])

    app = web.Application()
    app.add_routes([web.post("/hooks", take)])
    server = TestServer(app)
    await server.start_server()
    yield str(server.make_url("/hooks")), answers
    await server.close()


async def add(page, name, address):
    await at(page, "add-person").click()
    await at(page, "person-name").fill(name)
    await at(page, "person-email").fill(address)
    await at(page, "person-save").click()


async def test_a_teacher_is_added_comes_in_and_is_put_out(server, admin, open_page):
    page = await signed_in(open_page, server, admin, "/")
    await page.get_by_role("link", name="School", exact=True).click()
    name = f"Ida {new_id()[-6:]}"
    address = f"{new_id()[-12:]}@school.example"
    await add(page, name, address)
    await at(page, "make-sign-in-link").click()
    link = await at(page, "sign-in-link").input_value()
    await page.keyboard.press("Escape")
    await add(page, name, address)
    await expect(at(page, "person-email-error")).to_have_text(
        "This address belongs to somebody else."
    )
    await page.keyboard.press("Escape")

    await at(page, "people-find").fill(address[:12])
    person = at(page, "person").filter(has_text=name)
    await expect(at(page, "person")).to_have_count(1)
    await expect(at(person, "person-role")).to_have_text("teacher")
    ida = await open_page(link)
    await expect(at(ida, "me")).to_have_text(name)
    await expect(at(ida, "schedule")).to_be_visible()
    # A teacher is not shown the school, not even at its address.
    await ida.goto(f"{server.ready['url']}/school")
    await expect(at(ida, "schedule")).to_be_visible()
    await expect(ida.get_by_role("link", name="School", exact=True)).to_have_count(0)

    await at(person, "person-roles").click()
    await at(page, "take-role").click()
    await expect(at(page, "no-roles")).to_be_visible()
    await at(page, "give-role").select_option("assistant")
    await at(page, "give").click()
    await expect(at(page, "given-role")).to_contain_text("Assistant in the whole school")
    await page.keyboard.press("Escape")
    await expect(at(person, "person-role")).to_have_text("assistant")

    await choose(person, "person-actions", "person-deactivate")
    await at(page, "confirm").click()
    await expect(person).to_have_attribute("data-status", "inactive")
    await ida.reload()
    await expect(at(ida, "door-note")).to_contain_text("not signed in any more")
    await at(person, "person-reactivate").click()
    await expect(person).to_have_attribute("data-status", "active")
    await choose(person, "person-actions", "person-erase")
    await press(at(page, "confirm"))
    await expect(person).to_have_count(0)


async def test_settings_are_changed_and_what_they_delete_is_asked_first(server, admin, open_page):
    page = await signed_in(open_page, server, admin, "/school/settings")
    before = await at(page, "school-name-field").input_value()
    await at(page, "school-name-field").fill(f"{before} & friends")
    await at(page, "school-name-save").click()
    await expect(at(page, "school-name-said")).to_have_text("Saved.")
    await expect(page.locator(".brand")).to_have_text(f"{before} & friends")

    await at(page, "recordings_days").fill("3000")
    await at(page, "retention-save").click()
    await expect(at(page, "retention-shorter")).to_have_text("Recordings, in days: 3000")
    await page.keyboard.press("Escape")
    await page.reload()
    await expect(at(page, "recordings_days")).to_have_value("")
    await at(page, "recordings_days").fill("3000")
    await at(page, "retention-save").click()
    await at(page, "confirm").click()
    await expect(at(page, "retention-said")).to_have_text("Saved.")

    await at(page, "origins").fill("https://lms.school.example/course/7")
    await at(page, "embedding-save").click()
    await expect(at(page, "origins-error")).to_contain_text("is no address of a site")
    await at(page, "origins").fill("https://LMS.school.example/\nhttps://*.maple.example")
    await at(page, "embedding-save").click()
    await expect(at(page, "embedding-said")).to_have_text("Saved.")
    await page.reload()
    await expect(at(page, "recordings_days")).to_have_value("3000")
    await expect(at(page, "origins")).to_have_value(
        "https://lms.school.example\nhttps://*.maple.example"
    )
    # As it was: other tests have the same school.
    await at(page, "origins").fill("")
    await at(page, "embedding-save").click()
    await expect(at(page, "embedding-said")).to_have_text("Saved.")
    await at(page, "recordings_days").fill("")
    await at(page, "retention-save").click()
    await expect(at(page, "retention-said")).to_have_text("Saved.")
    await at(page, "school-name-field").fill(before)
    await at(page, "school-name-save").click()
    await expect(page.locator(".brand")).to_have_text(before)


async def test_another_system_is_told_tried_and_told_no_more(server, admin, open_page, receiver):
    url, answers = receiver
    page = await signed_in(open_page, server, admin, "/school/webhooks")
    await at(page, "add-webhook").click()
    await at(page, "webhook-url").fill("http://10.0.0.1/hooks")
    await at(page, "webhook-description").fill(f"Timetable {new_id()[-6:]}")
    name = await at(page, "webhook-description").input_value()
    await at(page, "event-participant.joined").check()
    await at(page, "webhook-save").click()
    await expect(at(page, "webhook-url-error")).to_contain_text("public address")
    await at(page, "webhook-url").fill(url)
    await at(page, "webhook-save").click()
    secret = await at(page, "webhook-secret").input_value()
    assert len(b64decode(secret.removeprefix("whsec_"))) >= 24
    await at(page, "secret-done").click()

    row = at(page, "webhook").filter(has_text=name)
    await at(row, "webhook-test").click()
    await expect(at(row, "delivery")).to_have_attribute("data-status", "delivered")
    answers.append(503)
    await at(row, "webhook-test").click()
    await expect(at(row, "delivery").first).to_contain_text("It answered 503. Tried again at")
    await expect(at(row, "delivery")).to_have_count(2)

    await choose(row, "webhook-actions", "webhook-toggle")
    await expect(at(row, "webhook-why")).to_contain_text("Switched off by an administrator")
    await expect(at(row, "webhook-test")).to_be_disabled()
    await choose(row, "webhook-actions", "webhook-rotate")
    await at(row, "confirm").click()
    await expect(at(row, "webhook-secret")).to_have_value(re.compile("^whsec_"))
    assert await at(row, "webhook-secret").input_value() != secret
    await at(row, "secret-done").click()
    await choose(row, "webhook-actions", "webhook-delete")
    await at(row, "confirm").click()
    await expect(row).to_have_count(0)
