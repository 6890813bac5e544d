"""What a teacher does before and after a class, from the page at ``/``, without a single curl."""

import json
import re
from base64 import urlsafe_b64decode
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from server.ids import new_id
from server.standalone import sign_in_link
from tests.demo import free_port
from tests.pages.acts import LIVE, at, go_live, turn_camera_on
from tests.patience import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

SLOW_MS = 60_000
KEY = "home-canary-key"


@pytest.fixture
def admin(server):
    return server.ready["tokens"]["admin"]


async def signed_in(open_page, server, admin, path="/", **options):
    page = await open_page(f"{server.ready['url']}{path}#token={admin}", **options)
    await expect(at(page, "me")).to_have_text("Demo admin")
    return page


def named(page, row, name, text):
    """The one row whose name is this."""
    return at(page, row).filter(has=page.get_by_test_id(name).get_by_text(text, exact=True))


async def fill_in_class(place, title, when=None):
    """Fill in and save the open dialog; without ``when`` its time stays as it is."""
    dialog = at(place, "schedule-dialog").locator("visible=true")
    await at(dialog, "class-title").fill(title)
    if when is not None:
        await at(dialog, "class-when").fill(when)
    await at(dialog, "schedule-save").click()


async def test_a_link_signs_in_once_and_the_tab_remembers(server, admin, open_page):
    claims = json.loads(urlsafe_b64decode(admin.split(".")[1] + "=="))
    ready = server.ready
    link = await sign_in_link(ready["database_url"], ready["url"], ready["tenant"], claims["sub"])
    page = await open_page(link)
    await expect(at(page, "me")).to_have_text("Demo admin")
    assert page.url == f"{ready['url']}/"
    await page.reload()
    await expect(at(page, "me")).to_have_text("Demo admin")
    await at(page, "sign-out").click()
    await expect(at(page, "link")).to_be_visible()
    assert await page.evaluate("sessionStorage.length") == 0
    await at(page, "link").fill(link)
    await at(page, "open").click()
    await expect(at(page, "door-note")).to_contain_text("was used before")
    await at(page, "link").fill(f"{ready['url']}/courses#token=rubbish")
    await at(page, "open").click()
    await expect(at(page, "door-note")).to_contain_text("not signed in")


async def test_a_class_is_planned_shared_found_and_opened(server, admin, open_page):
    page = await signed_in(
        open_page, server, admin, "/courses",
        timezone_id="America/New_York", permissions=["clipboard-read", "clipboard-write"],
    )  # fmt: skip
    course, word = f"Botany {new_id()[-6:]}", f"stomata{new_id()[-6:]}"
    await at(page, "course-title").fill(course)
    await at(page, "course-make").click()
    await expect(at(page, "course-name")).to_have_text(course)
    await at(page, "course-toggle").click()
    await expect(at(page, "course-status")).to_have_text("Published")
    for title in ("Roots", "Leaves"):
        await at(page, "lesson-title").fill(title)
        await at(page, "lesson-make").click()
        await expect(named(page, "lesson", "lesson-name", title)).to_be_visible()
    await named(page, "lesson", "lesson-name", "Leaves").get_by_test_id("lesson-up").click()
    await expect(at(page, "lesson-name").first).to_have_text("Leaves")

    leaves = named(page, "lesson", "lesson-name", "Leaves")
    await leaves.get_by_test_id("lesson-schedule").click()
    await fill_in_class(leaves, f"Leaves and {word}", when="2031-03-01T09:30")
    await expect(at(leaves, "session-title")).to_have_text(f"Leaves and {word}")

    # It is among all classes, at its time here, which is another time in UTC.
    await page.get_by_role("link", name="Classes").click()
    row = named(page, "session", "session-title", f"Leaves and {word}")
    await expect(row).to_contain_text("9:30")
    await expect(row).to_contain_text(course)
    await at(row, "invite").click()
    await at(row, "invite-names").fill("Ann\n\nBob")
    await at(row, "invite-make").click()
    await expect(at(row, "invite-url")).to_have_count(2)
    await at(row, "invite-copy").first.click()
    await expect(at(row, "invite-said")).to_have_text("Copied.")
    link = await page.evaluate("navigator.clipboard.readText()")
    ann = await open_page(link, timezone_id="UTC")
    await expect(at(ann, "title")).to_have_text(f"Leaves and {word}")
    await expect(ann.get_by_text("2:30")).to_be_visible()
    await page.keyboard.press("Escape")

    studio = at(row, "open-studio")
    assert "token" not in await studio.get_attribute("href")
    async with page.context.expect_page() as another:
        await studio.click(modifiers=["Control"])
    await expect(at(await another.value, "title")).to_have_text(f"Leaves and {word}")
    await (await another.value).close()
    await studio.click()
    await expect(at(page, "title")).to_have_text(f"Leaves and {word}")
    async with page.context.expect_page() as another:
        await at(page, "add-destination").click()
    await expect(at(await another.value, "me")).to_have_text("Demo admin")
    await (await another.value).close()
    await page.go_back()
    await at(page, "find").fill(word)
    await at(page, "find").press("Enter")
    await expect(at(page, "hit").filter(has_text="Class")).to_contain_text(word)


async def test_nobody_is_forgotten_when_links_are_made_for_many(server, admin, open_page):
    page = await signed_in(open_page, server, admin)
    title = f"Many {new_id()[-6:]}"
    await at(page, "schedule").click()
    await fill_in_class(page, title)
    row = named(page, "session", "session-title", title)
    await at(row, "invite").click()
    names, make, links = (at(row, f"invite-{what}") for what in ("names", "make", "url"))
    await names.fill(f"Ann\n{'long' * 51}\nBob")
    await make.click()
    await expect(row.get_by_text("is too long for a name")).to_be_visible()
    await expect(links).to_have_count(0)

    async def cut_off_eve(route):
        is_hers = json.loads(route.request.post_data)["name"] == "Eve"
        await (route.abort() if is_hers else route.continue_())

    await page.route("**/join-tokens", cut_off_eve)
    await names.fill("Ann\nEve\nBob\nCid\nDan")
    await make.click()
    await expect(links).to_have_count(3)  # of the four at once
    await expect(names).to_have_value("Eve\nDan")
    await page.unroute("**/join-tokens")
    await make.click()
    await expect(links).to_have_count(5)
    await expect(names).to_have_value("")


async def test_a_class_is_changed_deleted_and_started_at_once(server, admin, open_page):
    page = await signed_in(open_page, server, admin)
    title = f"Once {new_id()[-6:]}"
    await at(page, "schedule").click()
    await fill_in_class(page, title, when="")
    row = named(page, "session", "session-title", title)
    await at(row, "session-actions").click()
    await at(row, "edit").click()
    await fill_in_class(row, f"{title}, again")
    row = named(page, "session", "session-title", f"{title}, again")
    await at(row, "session-actions").click()
    await at(row, "encoder").click()
    await at(row, "encoder-make").click()
    assert (await at(row, "encoder-token").input_value()).startswith("lcpub_")
    await page.keyboard.press("Escape")
    await at(row, "session-actions").click()
    await at(row, "delete").click()
    await at(row, "confirm").click()
    await expect(row).to_have_count(0)
    await at(page, "start-now").click()
    await expect(page).to_have_url(re.compile("/studio$"))
    await expect(at(page, "title")).to_contain_text("Class on Today")


async def test_a_destination_is_added_tested_and_given_another_key(
    server, admin, open_page, platform
):
    page = await signed_in(open_page, server, admin, "/destinations")
    name = f"Auditorium {new_id()[-6:]}"
    await at(page, "add-destination").click()
    await at(page, "provider-custom").check()
    await at(page, "destination-name-field").fill(name)
    await at(page, "destination-url").fill(f"rtmp://127.0.0.1:{free_port()}/live")
    await at(page, "stream-key").fill(KEY)
    await at(page, "destination-save").click()
    row = named(page, "destination", "destination-name", name)
    await expect(row).to_contain_text("unencrypted")
    await at(row, "destination-test").click()
    await expect(at(row, "trial")).to_have_attribute("data-outcome", "refused")
    await expect(at(row, "trial")).to_contain_text("FAILED (tcp_refused)")

    await at(row, "destination-actions").click()
    await at(row, "destination-delete").click()
    await at(row, "confirm").click()
    await expect(row).to_have_count(0)
    await at(page, "add-destination").click()
    await at(page, "provider-custom").check()
    await at(page, "destination-name-field").fill(name)
    await at(page, "destination-url").fill(platform.url("one"))
    await at(page, "stream-key").fill("first-key")
    await at(page, "destination-save").click()
    await at(row, "destination-key").click()
    await at(row, "stream-key").fill(KEY)
    await at(row, "key-save").click()
    await expect(at(row, "key-dialog")).to_be_hidden()
    await at(row, "destination-test").click()
    trial = at(row, "trial")
    await expect(trial).to_have_attribute("data-outcome", "taken", timeout=SLOW_MS)
    await expect(trial).to_contain_text("It accepted the stream key.")
    await eventually(lambda: KEY in (platform.directory / "error.log").read_text())
    assert KEY not in await page.content()


async def test_a_replay_is_published_and_taken_back(lesson, server, admin, open_page):
    title = f"Recorded {new_id()[-6:]}"
    async with lesson.http.patch(f"/v1/sessions/{lesson.session}", json={"title": title}) as done:
        assert done.ok
    studio = await open_page(await lesson.link("teacher", "Dr. Okafor"))
    await turn_camera_on(studio)
    await go_live(studio)
    page = await signed_in(open_page, server, admin)
    live = named(page, "session", "session-title", title)
    await expect(live).to_contain_text(LIVE)
    await expect(at(studio, "stage")).to_have_attribute("data-sending", "live")
    await at(studio, "record").click()
    await expect(at(studio, "recording-status")).to_contain_text("REC")
    await lesson.command("chapter.mark", title="The only part")
    await studio.wait_for_timeout(5_000)  # of something to play, from a key frame on
    await at(studio, "end-class").click()
    await at(studio, "end-class-confirm").click()
    await expect(studio.get_by_role("link", name="Open the replay")).to_be_visible()

    await page.reload()
    row = named(page, "past-class", "past-title", title)
    status = at(row, "replay-status")
    await expect(status).to_have_text("Draft, seen by staff", timeout=SLOW_MS)
    await expect(at(row, "publish")).to_be_visible()
    await at(row, "publish").click()
    await expect(status).to_have_text("Published")
    async with page.expect_download() as saved:
        await at(row, "past-actions").click()
        await at(row, "attendance").click()
    assert "Dr. Okafor" in (await (await saved.value).path()).read_text()
    await at(row, "unpublish").click()
    await expect(status).to_have_text("Draft, seen by staff")
    await at(row, "open-replay").click()
    await expect(at(page, "title")).to_have_text(title)
    await at(page, "home-link").click()
    await expect(status).to_have_text("Draft, seen by staff")


async def test_a_class_without_a_recording_has_nothing_to_publish(lesson, server, admin, open_page):
    title = f"Unrecorded {new_id()[-6:]}"
    async with lesson.http.patch(f"/v1/sessions/{lesson.session}", json={"title": title}) as done:
        assert done.ok
    await lesson.command("session.start")
    await lesson.command("session.end")
    page = await signed_in(open_page, server, admin)
    row = named(page, "past-class", "past-title", title)
    await expect(at(row, "replay-status")).to_have_text("No recording")
    await expect(at(row, "publish")).to_have_count(0)


async def test_a_link_to_one_class_leads_there_and_is_remembered(lesson, open_page):
    link = await lesson.link("teacher", "Dr. Okafor")
    page = await open_page(f"{lesson.url}/#{urlsplit(link).fragment}")
    await expect(at(page, "title")).to_have_text("Limits & continuity")
    await page.goto(lesson.url)
    await at(page, "entered").get_by_role("link").click()
    await expect(at(page, "status")).to_have_text("NOT LIVE")
