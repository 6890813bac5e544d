"""A class whose files are in S3, an origin of its own: sent there, shown from there, played."""

import asyncio

import pytest
import pytest_asyncio
from playwright.async_api import expect

from server.store import tenants
from tests.directories import reachable_directory
from tests.documents import pictures_pdf
from tests.faults.served import Served
from tests.pages.acts import at, go_live, has_moved, joined, turn_camera_on
from tests.pages.conftest import school
from tests.s3 import aws, bucket, moto_url

__all__ = ["aws", "bucket", "moto_url"]

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

SLOW_MS = 60_000
RECORDED_SECONDS = 3
GIF = bytes.fromhex("47494638396101000100800000ff0000ffffff2c00000000010001000002024401003b")
SEEN = """async (url) => {
    const picture = new Image();
    const film = document.createElement("video");
    const loaded = (element) => new Promise((done) => {
        element.onload = element.onloadeddata = () => done("seen");
        element.onerror = () => done("refused");
        element.src = url;
    });
    let by = "";
    addEventListener("securitypolicyviolation", (event) => (by = event.effectiveDirective));
    return [await loaded(picture), await loaded(film), by];
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def lesson(bucket):
    """A class on a server of its own."""
    with reachable_directory() as directory:
        async with Served.start(directory, objects_url=f"s3://{bucket}/classes") as served:
            founded = await tenants.found(served.pools, "Academy", admin="Ada")
            admin = served.tokens.issue(
                subject=founded.admin, tenant=founded.tenant.id, role="admin", name="Ada",
                ttl_seconds=600,
            )  # fmt: skip
            async with school(served.url, admin) as lesson:
                yield lesson


async def test_files_go_to_the_store_and_come_from_it(lesson, aws, open_page):
    studio = await joined(open_page, lesson, "teacher", "Dr. Okafor")
    ann = await joined(open_page, lesson, "student", "Ann")
    sent = []
    studio.on("request", lambda asked: sent.append(asked.url) if asked.method == "PUT" else None)
    await turn_camera_on(studio)
    await go_live(studio)
    await at(studio, "record").click()
    await expect(at(studio, "recording-status")).to_contain_text("REC")

    await at(studio, "slides-file").set_input_files(
        {"name": "Limits.pdf", "mimeType": "application/pdf", "buffer": pictures_pdf(2)}
    )
    await at(studio, "asset").click(timeout=SLOW_MS)
    assert [url.startswith(aws) for url in sent] == [True], "the server carries no uploads"
    await expect(at(ann, "slide")).to_have_attribute("data-loaded", "true")
    assert await at(ann, "slide").evaluate("async (it) => (await it.decode(), it.naturalWidth)")

    await at(studio, "slides-file").set_input_files(
        {"name": "moving.gif", "mimeType": "image/gif", "buffer": GIF}
    )
    await expect(at(studio, "asset")).to_have_count(2, timeout=SLOW_MS)
    url = await media(lesson)
    assert url.startswith(aws)
    # A GIF is no film: the store was asked for it, though, and no policy was in the way.
    assert await ann.evaluate(SEEN, url) == ["seen", "refused", ""]

    await asyncio.sleep(RECORDED_SECONDS)
    await at(studio, "end-class").click()
    await at(studio, "end-class-confirm").click()
    await studio.get_by_role("link", name="Open the replay").click()
    await expect(at(studio, "mute")).to_be_visible(timeout=SLOW_MS)  # once it is finalized
    await at(studio, "begin").click()
    assert await has_moved(studio, "player", since=0)


async def media(lesson):
    """Return where the class's media is."""
    async with lesson.http.get(f"/v1/sessions/{lesson.session}/assets") as answer:
        (found,) = [each for each in (await answer.json())["items"] if each["url"]]
        return found["url"]
