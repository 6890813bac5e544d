"""What people do on the pages, in one line each."""

from playwright.async_api import Locator, Page, expect


def at(page: Page, testid: str) -> Locator:
    return page.get_by_test_id(testid)


async def joined(open_page, lesson, role: str, name: str, **options) -> Page:
    """Open the page of somebody's own link and wait until they are in the class."""
    page = await open_page(await lesson.link(role, name), **options)
    await expect(at(page, "title")).to_have_text("Limits & continuity")
    return page


async def go_live(studio: Page) -> None:
    await at(studio, "go-live").click()
    await at(studio, "go-live-confirm").click()
    await expect(at(studio, "status")).to_contain_text("LIVE")


async def turn_camera_on(studio: Page) -> None:
    await at(studio, "camera-on").click()
    await expect(at(studio, "devices")).to_be_visible()


async def say(page: Page, text: str) -> None:
    await at(page, "chat-input").fill(text)
    await at(page, "chat-send").click()


async def choose(row: Locator, menu: str, action: str) -> None:
    """Choose an action from the small menu of one person, message or question."""
    await row.get_by_test_id(menu).click()
    await row.get_by_test_id(action).click()


async def has_moved(page: Page, testid: str = "video") -> bool:
    """Return whether new pictures are drawn soon enough to be seen as a film."""
    return await at(page, testid).evaluate(
        """async (video) => {
            const drawn = () => video.getVideoPlaybackQuality().totalVideoFrames;
            const before = drawn();
            for (let look = 0; look < 400; look += 1) {
                await new Promise((done) => setTimeout(done, 50));
                if (video.videoWidth > 0 && drawn() >= before + 5) return true;
            }
            return false;
        }"""
    )
