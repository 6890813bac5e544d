"""``make screenshots``: the pictures in README and docs, and every state of every page.

The first are taken of a class that is going on, and over, and stand in ``docs/images``; a test sees
that the documents show no others. The states come from ``tests.gallery`` and go to
``build/screenshots``, with a page that shows them side by side: for whoever changes a page.

Prints one JSON line: how many files were written, and where.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, async_playwright, expect

from server.ids import new_id
from tests import peers
from tests.demo import Demo
from tests.directories import reachable_directory
from tests.gallery.server import STATES, application
from tests.gallery.states import State
from tests.gallery.visit import visit
from tests.pages.acts import has_moved
from tests.pages.conftest import FLAGS

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
STATES_PLACE = ROOT / "build" / "screenshots"
PICTURES = (
    "studio.jpg", "join.jpg", "room.jpg", "room-phone.jpg", "replay.jpg", "report.jpg", "home.jpg",
    "school.jpg", "load-report.jpg",
)  # fmt: skip
"""What ``docs/images`` holds, and nothing else."""

DESKTOP, PHONE = {"width": 1200, "height": 760}, {"width": 390, "height": 844}
LOOKS: Mapping[str, dict[str, Any]] = {
    "dark": {"color_scheme": "dark", "viewport": {"width": 1440, "height": 900}},
    "light": {"color_scheme": "light", "viewport": {"width": 1440, "height": 900}},
    "phone": {"color_scheme": "dark", "viewport": PHONE, "has_touch": True, "is_mobile": True},
}
PLANNED = (
    (0, "Sine and cosine, once more"),
    (3, "What the unit circle is good for"),
    (26, "Questions before the test"),
)
JPEG: Any = {"type": "jpeg", "quality": 82}
AT_ONCE = 4
SETTLE_SECONDS = 25
"""Until hands are up, questions asked and a poll is open."""
LOAD = ("--classes", "4", "--students", "25", "--duration", "40s", "--profile", "quiz",
        "--storm", "100%@20s", "--threshold", "delivery_p99<250ms")  # fmt: skip
_SHEET = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Every state</title>
<style>body {{ font: 14px/1.4 system-ui; background: #888; }} td {{ vertical-align: top; padding: 8px; }}
img {{ max-width: 460px; display: block; }} .phone img {{ max-width: 195px; }}</style>
<table>{rows}</table></html>"""  # noqa: E501 - one tag, one line


async def documents(browser: Browser) -> list[str]:
    """Take the pictures of README and docs, of a demo; return their names."""
    IMAGES.mkdir(exist_ok=True)
    with reachable_directory() as place:
        demo = await Demo(place / "class", "--students", "14").start()
        try:
            await _a_class(browser, demo)
            await _its_link(browser, demo)
            await _the_home_of_it(browser, demo)
            await _its_replay(browser, demo)
            await _its_report(browser, demo)
            await _a_load_run(browser, demo, place)
        finally:
            await demo.stop()
    return [str((IMAGES / name).relative_to(ROOT)) for name in PICTURES]


async def _a_class(browser: Browser, demo: Demo) -> None:
    await asyncio.sleep(SETTLE_SECONDS)
    await _command(demo, "recording.start")
    tokens = demo.ready["tokens"]
    for file, name, token, size in (
        ("studio", "studio", tokens["teacher"], DESKTOP),
        ("room", "room", tokens["students"][0], DESKTOP),
        ("room-phone", "room", tokens["students"][1], PHONE),
    ):
        page = await _opened(browser, demo, name, token, viewport=size)
        await expect(page.get_by_test_id("status")).to_contain_text("LIVE")
        await asyncio.sleep(4)  # the picture moves by then
        await _take(page, f"{file}.jpg")


async def _its_link(browser: Browser, demo: Demo) -> None:
    path = f"/v1/sessions/{demo.ready['session']}/join-links"
    async with _http(demo) as http, http.get(path) as answer:
        (link,) = (await answer.json())["items"]
    page = await browser.new_page(viewport=DESKTOP, color_scheme="dark")
    await page.goto(link["url"])
    await page.get_by_test_id("join-name").fill("Ann Lindqvist")
    await _take(page, "join.jpg")


async def _the_home_of_it(browser: Browser, demo: Demo) -> None:
    tomorrow = datetime.now(UTC).replace(hour=9, minute=0) + timedelta(days=1)
    async with _http(demo) as http:
        async with http.get(f"/v1/sessions/{demo.ready['session']}") as answer:
            lesson = (await answer.json())["lesson"]
        for hours, title in PLANNED:
            body = {"title": title, "scheduled_at": (tomorrow + timedelta(hours=hours)).isoformat()}
            async with http.post(f"/v1/lessons/{lesson}/sessions", json=body) as answer:
                answer.raise_for_status()
    page = await browser.new_page(viewport=DESKTOP, color_scheme="dark")
    await page.goto(f"{demo.ready['url']}/#token={demo.ready['tokens']['admin']}")
    await expect(page.get_by_test_id("session")).to_have_count(1 + len(PLANNED))
    courses = page.get_by_role("main").get_by_role("link", name="Mathematics")
    await expect(courses).to_have_count(1 + len(PLANNED))
    await page.screenshot(path=IMAGES / "home.jpg", **JPEG)
    await page.goto(f"{demo.ready['url']}/school")
    await expect(page.get_by_test_id("people").get_by_role("listitem").first).to_be_visible()
    await _take(page, "school.jpg")


async def _its_replay(browser: Browser, demo: Demo) -> None:
    await _command(demo, "chapter.mark", title="Questions")
    await _command(demo, "session.end")
    page = await _opened(browser, demo, "replay", demo.ready["tokens"]["teacher"])
    async with asyncio.timeout(60):
        while True:
            await expect(page.get_by_test_id("time")).to_be_visible()
            if await page.get_by_test_id("no-recording").count() == 0:
                break
            await asyncio.sleep(1)
            await page.reload()
    await page.get_by_test_id("play").click()
    await has_moved(page, "player")
    await page.get_by_test_id("seek").focus()
    await page.keyboard.press("8")
    await asyncio.sleep(2)
    await _take(page, "replay.jpg")


async def _its_report(browser: Browser, demo: Demo) -> None:
    page = await _opened(browser, demo, "report", demo.ready["tokens"]["teacher"])
    await expect(page.get_by_test_id("attendee").first).to_be_visible()
    await expect(page.get_by_test_id("chart").first).to_be_visible()
    await _take(page, "report.jpg")


async def _a_load_run(browser: Browser, demo: Demo, place: Path) -> None:
    ready, report = place / "ready.json", place / "report.html"
    ready.write_text(json.dumps(demo.ready))
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "load", "run", "--ready-file", ready, *LOAD, "--html", report,
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    await run.wait()
    page = await browser.new_page(viewport={"width": 1100, "height": 820}, color_scheme="light")
    await page.goto(report.as_uri())
    await _take(page, "load-report.jpg")


def _http(demo: Demo) -> aiohttp.ClientSession:
    """Return what speaks for the admin."""
    bearer = {"Authorization": f"Bearer {demo.ready['tokens']['admin']}"}
    return aiohttp.ClientSession(demo.ready["url"], headers=bearer)


async def _command(demo: Demo, op: str, **data: object) -> None:
    body = {"key": new_id(), "op": op, "data": data}
    path = f"/v1/sessions/{demo.ready['session']}/commands"
    async with _http(demo) as http, http.post(path, json=body) as answer:
        if not answer.ok:
            raise SystemExit(f"{op}: {await answer.text()}")


async def _opened(
    browser: Browser, demo: Demo, name: str, token: str, viewport: Mapping[str, int] = DESKTOP
) -> Page:
    page = await browser.new_page(viewport=viewport, color_scheme="dark")
    await page.goto(f"{demo.ready['url']}/sessions/{demo.ready['session']}/{name}#token={token}")
    return page


async def _take(page: Page, name: str) -> None:
    await page.screenshot(path=IMAGES / name, **JPEG)
    await page.close()


async def states(browser: Browser) -> list[str]:
    """Take every state of every page in every look; return the page that shows them."""
    STATES_PLACE.mkdir(parents=True, exist_ok=True)
    for stale in STATES_PLACE.glob("*.png"):
        stale.unlink()
    async with TestServer(application()) as server:
        url = str(server.make_url("/")).rstrip("/")
        for look, options in LOOKS.items():
            context = await browser.new_context(reduced_motion="reduce", **options)
            left = list(STATES)

            async def look_at(left=left, context=context, look=look) -> None:
                while left:
                    state = left.pop()
                    page = await context.new_page()
                    await visit(page, url, state)
                    await page.screenshot(path=STATES_PLACE / _file(state, look))
                    await page.close()

            await asyncio.gather(*(look_at() for _ in range(AT_ONCE)))
            await context.close()
    sheet = STATES_PLACE / "index.html"
    sheet.write_text(_SHEET.format(rows="".join(map(_row, STATES))), encoding="utf-8")
    return [str(sheet.relative_to(ROOT))]


def _file(state: State, look: str) -> str:
    return f"{state.page}-{state.name}-{look}.png"


def _row(state: State) -> str:
    name = escape(f"{state.page}: {state.name}")
    cells = "".join(
        f'<td class="{look}"><img loading="lazy" src="{_file(state, look)}" alt="{name}, {look}">'
        for look in LOOKS
    )
    return f"<tr><th>{name}{cells}"


async def main(wanted: str | None) -> None:
    """Write what is wanted, or everything."""
    binary = peers.chromium()
    if binary is None:
        raise SystemExit("Chromium is missing: python -m tests.peers says how to get it")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=binary, args=FLAGS)
        written = []
        if wanted != "docs":
            written += await states(browser)
        if wanted != "states":
            written += await documents(browser)
        await browser.close()
    print(json.dumps({"states": len(STATES), "looks": len(LOOKS), "written": written}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("docs", "states"))
    asyncio.run(main(parser.parse_args().only))
