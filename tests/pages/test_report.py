"""The report: who was there, what is left to answer, how people voted, where they were lost."""

import csv
import io
import re

import pytest
from playwright.async_api import expect

from tests.pages.acts import at, go_live, joined

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

EARLY_IN_A_MINUTE = re.compile(r":[0-2]\d$")
"""Who is lost is counted minute by minute: these two are in the same one."""
BOTH_LOST = re.compile(r"Most were lost at \d+:00: 2\.")


async def test_staff_read_what_a_class_was_like(lesson, open_page):
    studio = await joined(open_page, lesson, "teacher", "Dr. Okafor")
    await go_live(studio)
    ann = await joined(open_page, lesson, "student", "=Ann()")
    bob = await joined(open_page, lesson, "student", "Bob")
    await at(ann, "tab-questions").click()
    for number, prompt in enumerate(("Why divide by h?", "Where is the book?"), 1):
        await at(ann, "question-input").fill(prompt)
        await at(ann, "question-send").click()
        await expect(at(studio, "question")).to_have_count(number)
    await at(bob, "tab-questions").click()
    await at(bob, "upvote").first.click()
    await expect(at(studio, "question").first).to_contain_text("▲ 1")
    await at(studio, "question").last.get_by_test_id("answer").click()
    await expect(at(studio, "question")).to_have_count(1)
    await expect(at(studio, "elapsed")).to_have_text(EARLY_IN_A_MINUTE)
    for page in (ann, bob):
        await page.evaluate(MARK_LOST)
    await at(studio, "end-class").click()
    await at(studio, "end-class-confirm").click()
    await expect(at(ann, "over-ended")).to_be_visible()

    await studio.get_by_role("link", name="Report").click()
    await expect(at(studio, "tile-people")).to_have_text("3")
    await expect(at(studio, "tile-peak")).to_have_text("3")
    await expect(at(studio, "tile-open")).to_have_text("1")
    await expect(at(studio, "question-open")).to_contain_text("Why divide by h?")
    await expect(at(studio, "question-open")).to_contain_text("▲ 1")
    await expect(at(studio, "attendee")).to_have_count(3)
    await expect(studio.get_by_role("group", name=BOTH_LOST)).to_be_visible()
    await at(studio, "follow-table").click()
    await expect(at(studio, "follow").get_by_role("cell").first).to_have_text("2")

    attendance = await table(studio, "attendance")
    assert {row["name"] for row in attendance} == {"Dr. Okafor", "'=Ann()", "Bob"}
    questions = await table(studio, "questions")
    assert [(row["prompt"], row["votes"], row["status"]) for row in questions] == [
        ("Why divide by h?", "1", "open"),
        ("Where is the book?", "0", "answered"),
    ]
    assert await table(studio, "polls") == []

    # A bar of the chart is a way to that moment.
    await at(studio, "chart").get_by_role("link").click()
    await expect(at(studio, "time")).to_be_visible()

    await bob.goto(lesson.page("report"))
    await expect(at(bob, "report-not_staff")).to_be_visible()


MARK_LOST = """async () => {
    const session = location.pathname.split("/")[2];
    const answer = await fetch(`/v1/sessions/${session}/commands`, {
        method: "POST",
        headers: {
            authorization: `Bearer ${sessionStorage.getItem(`liveclass.token.${session}`)}`,
            "content-type": "application/json",
        },
        body: JSON.stringify({
            key: crypto.randomUUID(), op: "feedback.mark", data: { kind: "lost" },
        }),
    });
    if (!answer.ok) throw new Error(await answer.text());
}"""


async def table(page, section):
    """Save a table of the report and return its rows."""
    async with page.expect_download() as saved:
        await at(page, section).get_by_test_id("csv").click()
    path = await (await saved.value).path()
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
