"""The room of five hundred who never stop talking: what it loads, and that it does not grow.

How fast it is, tests/soak/test_crowd.py measures.
"""

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import expect

from tests.crowd.measure import growth, opened
from tests.crowd.server import PEOPLE, Crowd
from tests.pages.acts import at

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

FIRST_LOAD_BYTES = 60 * 1024
GROWTH_BYTES = 1024 * 1024
EVENTS = 10_000
DRAWN = 20


async def test_a_room_loads_little_and_stays_as_small_as_it_was(browser):
    crowd = Crowd()
    async with TestServer(crowd.application()) as server:
        room = await opened(browser, server, crowd)
        try:
            assert room.loaded_bytes <= FIRST_LOAD_BYTES
            await expect(at(room.page, "online")).to_contain_text(str(PEOPLE))
            # Of what is followed, the last lines are drawn; all of them for who looks further up.
            lines = at(room.page, "message")
            await expect(lines).to_have_count(DRAWN)
            first = lines.filter(has_text=await lines.first.locator("p").inner_text())
            await lines.first.scroll_into_view_if_needed()
            await expect(at(room.page, "earlier")).to_have_count(0)
            assert await lines.count() > 2 * DRAWN
            await expect(first).to_be_in_viewport()  # what is read stays where it is
            await at(room.page, "to-newest").click()
            await expect(lines).to_have_count(DRAWN)

            grown, nodes = await growth(room, EVENTS)
            assert grown <= GROWTH_BYTES
            assert nodes <= 500, "lines differ in what they hold; as many leave as come"
        finally:
            await room.page.context.close()
