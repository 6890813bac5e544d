"""What people do on the pages, in one line each."""

import re

from playwright.async_api import Locator, Page, expect

from tests.patience import PATIENCE, eventually

LIVE = re.compile("● LIVE")
"""What a live class says, and one that is not live does not."""
MEASURED = re.compile("Good|Weak connection|Bad connection")
"""What is said of a connection once it is measured: how good it is, the machine decides."""
MOST_TABS = 150
"""More controls than any page of ours has: who presses Tab so often has been round."""


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
    await expect(at(studio, "status")).to_have_text(LIVE)


async def turn_camera_on(studio: Page) -> None:
    await at(studio, "camera-on").click()
    await expect(at(studio, "devices")).to_be_visible()


async def say(page: Page, text: str) -> None:
    await at(page, "chat-input").fill(text)
    await at(page, "chat-send").click()


async def open_poll(studio: Page, prompt: str, *options: str) -> None:
    """Ask the class something."""
    await at(studio, "tab-polls").click()
    await at(studio, "poll-compose").click()
    await at(studio, "poll-prompt").fill(prompt)
    for number, option in enumerate(options):
        await at(studio, "poll-option").nth(number).fill(option)
    await at(studio, "poll-open").click()


async def choose(row: Locator, menu: str, action: str) -> None:
    """Choose an action from the small menu of one person, message or question."""
    await row.get_by_test_id(menu).click()
    await row.get_by_test_id(action).click()


async def put_on_air(studio: Page, kind: str) -> None:
    """Put one of the studio's own scenes on air."""
    tile = scene(studio, kind)
    await tile.click()
    await expect(tile).to_have_attribute("aria-pressed", "true")


def scene(studio: Page, kind: str) -> Locator:
    return studio.locator(f'[data-testid=scene][data-kind="{kind}"]')


async def draw_a_line(studio: Page, start: float = 0.25, end: float = 0.5) -> None:
    """Draw with what is in hand through the middle of the page; again, if it moved meanwhile."""
    strokes = at(studio, "strokes")
    while True:
        await strokes.hover()  # in sight, and where it stays
        box = await strokes.bounding_box()
        assert box is not None
        middle = box["y"] + box["height"] / 2
        await studio.mouse.move(box["x"] + start * box["width"], middle)
        await studio.mouse.down()
        await studio.mouse.move(box["x"] + end * box["width"], middle, steps=4)
        await studio.mouse.up()
        if await strokes.bounding_box() == box:
            return
        await at(studio, "board-undo").click()


async def click_along(target: Locator, part: float) -> None:
    """Click on something long, at this part of its length."""
    await target.hover()  # once it stays as it is
    box = await target.bounding_box()
    assert box is not None
    await target.click(position={"x": part * (box["width"] - 1), "y": box["height"] / 2})


async def comes_true(page: Page, expression: str) -> None:
    """Wait until this is true in the page.

    Not Playwright's ``wait_for_function``, which a page whose policy forbids ``eval`` stops as soon
    as it has to look again.
    """
    await eventually(lambda: page.evaluate(expression))


async def reach(target: Locator, key: str = "Tab") -> None:
    """Press Tab, or Shift+Tab, until the focus is there, as who has no mouse does."""
    await expect(target).to_be_visible()
    await expect(target).to_be_enabled()
    for _ in range(MOST_TABS):
        await target.page.keyboard.press(key)
        if await target.evaluate("(element) => element === document.activeElement"):
            return
    raise AssertionError(f"{key} never comes to {target}")


async def press(target: Locator, key: str = "Enter") -> None:
    """Go there by Tab, and press a key."""
    await reach(target)
    await target.page.keyboard.press(key)


async def has_moved(page: Page, testid: str = "video", *, since: int | None = None) -> bool:
    """Return whether new pictures are drawn: more than now, or than ``since`` of them.

    A recording may be over before anybody looks: of one that stood still, count from 0.
    """
    return await at(page, testid).evaluate(
        """async (video, [since, patience]) => {
            const drawn = () => video.getVideoPlaybackQuality().totalVideoFrames;
            const before = since ?? drawn();
            for (const end = Date.now() + patience; Date.now() < end;) {
                if (video.videoWidth > 0 && drawn() >= before + 5) return true;
                await new Promise((done) => setTimeout(done, 50));
            }
            return false;
        }""",
        [since, PATIENCE * 1000],
    )
