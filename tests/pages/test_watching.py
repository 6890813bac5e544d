"""What a student sees whom no WebRTC reaches: the class as HLS, by the browser and by hls.js."""

import re

import pytest
from playwright.async_api import expect

from tests.pages.acts import at, go_live, has_moved, joined, turn_camera_on

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

NO_ROOM = {"code": "overloaded", "title": "Service Unavailable", "status": 503, "detail": "Full."}
NO_CODEC = {"code": "unsupported_codec", "title": "No", "status": 422, "detail": "Offer H.264."}
# A browser that does not play HLS itself, as Firefox.
ALL_BY_SCRIPT = """
    const canPlayType = HTMLMediaElement.prototype.canPlayType;
    HTMLMediaElement.prototype.canPlayType = function (type) {
        return type.includes("mpegurl") ? "" : canPlayType.call(this, type);
    };
"""


def refusal(problem):
    async def refuse(route):
        await route.fulfill(status=problem["status"], json=problem)

    return refuse


async def test_whom_webrtc_does_not_reach_sees_moving_pictures_as_hls(lesson, open_page):
    studio = await joined(open_page, lesson, "teacher", "Ms Gray")
    await turn_camera_on(studio)
    await go_live(studio)

    students = []
    # There is no room for one; the other's browser has no H.264, as a Firefox without its plugin.
    for script, problem in ((None, NO_ROOM), (ALL_BY_SCRIPT, NO_CODEC)):
        page = await open_page("about:blank")
        if script is not None:
            await page.context.add_init_script(script)
        await page.context.route(re.compile(r"/whep$"), refusal(problem))
        await page.goto(await lesson.link("student", "Ben"))
        students.append(page)
    for page in students:
        await expect(at(page, "stage")).to_have_attribute("data-playing", "true", timeout=60_000)
        # A player may stop once, at the end of the first segments that there are.
        assert await has_moved(page) or await has_moved(page)
    native, scripted = [
        await at(page, "video").evaluate("(video) => video.src") for page in students
    ]
    assert "/live/" in native
    assert scripted.startswith("blob:")
