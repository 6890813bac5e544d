"""How a browser comes to a state."""

from playwright.async_api import Page, expect

from tests.gallery.server import address
from tests.gallery.states import State


async def visit(page: Page, url: str, state: State) -> None:
    """Open ``state`` at the gallery of that URL, and wait until all of it is there."""
    if state.script:
        await page.add_init_script(state.script)
    await page.goto(url + address(state))
    await expect(page.locator("h1")).to_be_visible()
    await page.wait_for_load_state("networkidle")
    for testid in state.clicks:
        await page.get_by_test_id(testid).first.click()
