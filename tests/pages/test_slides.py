"""Slides and boards: a file becomes pages, everybody sees the page and what is drawn on it."""

import pytest
from playwright.async_api import expect

from tests.documents import pictures_pdf
from tests.pages.acts import at, draw_a_line, go_live, joined

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

SLOW_MS = 120_000
"""Pages are drawn with less of the processor than a class on air."""


async def test_a_file_becomes_slides_that_everybody_follows_and_draws_on(lesson, open_page):
    studio = await joined(open_page, lesson, "teacher", "Dr. Okafor")
    ann = await joined(open_page, lesson, "student", "Ann")
    await go_live(studio)
    await at(studio, "slides-file").set_input_files(
        {"name": "Limits.pdf", "mimeType": "application/pdf", "buffer": pictures_pdf(3)}
    )
    await expect(at(studio, "asset")).to_have_text("Limits.pdf 3", timeout=SLOW_MS)
    await expect(at(studio, "slides-progress")).to_be_empty()
    await expect(at(ann, "shown")).to_have_count(0)

    await at(studio, "asset").click()
    for page in (studio, ann):
        await expect(at(page, "slide")).to_have_attribute("data-loaded", "true")
        await expect(at(page, "slide")).to_have_attribute("alt", "Limits.pdf, page 1 of 3")
    await at(studio, "page-next").click()
    await expect(at(studio, "page-number")).to_have_text("2 / 3")
    await expect(at(ann, "shown")).to_have_attribute("data-page", "2")
    await expect(at(ann, "slide")).to_have_attribute("data-loaded", "true")
    assert await at(ann, "slide").evaluate(
        "async (image) => (await image.decode(), image.naturalWidth)"
    ) == 1600  # fmt: skip

    # A presenter's remote control is a keyboard with two keys.
    await studio.keyboard.press("PageDown")
    await expect(at(studio, "page-number")).to_have_text("3 / 3")  # what is turned next
    await expect(at(ann, "shown")).to_have_attribute("data-page", "3")
    await studio.keyboard.press("PageUp")
    await expect(at(studio, "page-number")).to_have_text("2 / 3")
    await expect(at(ann, "shown")).to_have_attribute("data-page", "2")

    # A line through the middle of the page, as a finger would draw it.
    await at(studio, "pen").click()
    await draw_a_line(studio, 0.2, 0.8)
    for page in (studio, ann):
        await expect(at(page, "strokes")).to_have_attribute("data-count", "1")
    assert await ink(ann, 0.5, 0.5) == [217, 45, 32, 255]
    assert (await ink(ann, 0.5, 0.2))[3] == 0

    await at(studio, "board-undo").click()
    await expect(at(ann, "strokes")).to_have_attribute("data-count", "0")
    await at(studio, "page-hide").click()
    await expect(at(ann, "shown")).to_have_count(0)


async def test_a_board_is_a_page_of_its_own_and_keeps_what_was_drawn(lesson, open_page):
    studio = await joined(open_page, lesson, "teacher", "Dr. Okafor")
    await go_live(studio)
    await at(studio, "board-add").click()
    await at(studio, "asset").click()
    await at(studio, "highlighter").click()
    await at(studio, "strokes").click()
    await expect(at(studio, "strokes")).to_have_attribute("data-count", "1")

    ann = await joined(open_page, lesson, "student", "Ann")  # who comes later sees it, too
    await expect(at(ann, "board")).to_have_attribute("aria-label", "Board: Board 1")
    await expect(at(ann, "strokes")).to_have_attribute("data-count", "1")
    assert 90 <= (await ink(ann, 0.5, 0.5))[3] <= 110
    await at(ann, "swap").click()
    await expect(at(ann, "stage")).to_have_attribute("data-main", "video")
    await at(studio, "board-clear").click()
    await expect(at(ann, "strokes")).to_have_attribute("data-count", "0")


async def test_a_file_that_is_no_slides_says_why(lesson, open_page):
    studio = await joined(open_page, lesson, "teacher", "Dr. Okafor")
    await at(studio, "slides-file").set_input_files(
        {"name": "Limits.pdf", "mimeType": "application/pdf", "buffer": b"not a PDF at all"}
    )
    await expect(at(studio, "slides-progress")).to_contain_text("Limits.pdf:", timeout=SLOW_MS)
    await at(studio, "slides-progress").get_by_role("button").click()
    await expect(at(studio, "slides-progress")).to_be_empty()
    await expect(at(studio, "asset")).to_have_count(0)


async def ink(page, x, y):
    """Return the colour drawn at a place of the page, from 0 to 1: red, green, blue, opacity."""
    return await at(page, "strokes").evaluate(
        """async (canvas, [x, y]) => {
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            const { width, height } = canvas;
            const place = [Math.floor(x * width), Math.floor(y * height), 1, 1];
            return [...canvas.getContext("2d").getImageData(...place).data];
        }""",
        [x, y],
    )
