"""Who does not get in is told why, in plain words."""

import pytest
from playwright.async_api import expect

from tests.pages.acts import at, joined

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

NOWHERE = "01900000-0000-7000-8000-000000000404"


@pytest.mark.parametrize("name", ["studio", "room", "replay"])
async def test_without_a_token(lesson, open_page, name):
    page = await open_page(lesson.page(name))
    await expect(at(page, "over-no_token")).to_contain_text("You need a link")


@pytest.mark.parametrize("name", ["studio", "room"])
async def test_with_rubbish(lesson, open_page, name):
    page = await open_page(lesson.page(name, "rubbish"))
    await expect(at(page, "over-invalid")).to_contain_text("does not work")


async def test_with_the_token_of_another_class(lesson, server, open_page):
    page = await open_page(lesson.page("room", server.ready["tokens"]["students"][0]))
    await expect(at(page, "over-not_found")).to_contain_text("no such class")


async def test_a_class_that_does_not_exist(lesson, server, open_page):
    token = server.ready["tokens"]["admin"]
    page = await open_page(f"{lesson.url}/sessions/{NOWHERE}/room#token={token}")
    await expect(at(page, "over-not_found")).to_contain_text("no such class")


async def test_a_student_in_the_studio(lesson, open_page):
    link = await lesson.link("student", "Ann")
    page = await open_page(link.replace("/room#", "/studio#"))
    await expect(at(page, "over-not_staff")).to_contain_text("for teachers")
    await page.get_by_role("link", name="Go to the class").click()
    await expect(at(page, "status")).to_have_text("Not started")


async def test_the_front_door_leads_to_a_class_and_nowhere_else(lesson, open_page):
    page = await open_page(lesson.url)
    await at(page, "link").fill("https://elsewhere.example/sessions/1/room")
    await at(page, "open").click()
    await expect(page.get_by_role("status")).to_contain_text("not a link to a class")
    await at(page, "link").fill(await lesson.link("student", "Ann"))
    await at(page, "open").click()
    await expect(at(page, "title")).to_have_text("Limits & continuity")


async def test_the_room_fits_a_phone(lesson, open_page):
    page = await joined(
        open_page, lesson, "student", "Ann", viewport={"width": 320, "height": 640}, has_touch=True
    )
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
