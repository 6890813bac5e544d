"""A view tells at once what it shows; where it shows nothing, only its position, after a pause."""

import asyncio
import json

import pytest

from protocol import codec
from protocol.events import ChatPosted, FeedbackMarked
from protocol.frames import SnapshotFrame
from server.hub import views
from server.hub.draft import Recorded
from server.hub.pauses import Pauses
from server.hub.views import View
from tests.patience import PATIENCE

AT = "2026-11-23T09:00:00.000Z"
CHAT = ChatPosted("m", "Ann", "hello", "everyone", None)
MARK = FeedbackMarked("lost")
"""Staff see it, students do not."""


class Told:
    """Stands where the feed does, and keeps what it is told."""

    def __init__(self):
        self.ranges = []

    def publish(self, first, last, payload):
        frame = json.loads(payload)
        assert (frame["from"], frame["to"]) == (first, last)
        self.ranges.append((first, last, [each["sequence"] for each in frame["events"]]))

    def restart(self, head):
        self.ranges.clear()


@pytest.fixture
def feed():
    return Told()


@pytest.fixture
def student(feed, monkeypatch):
    monkeypatch.setattr(views, "COUNTERS_COALESCE_MS", 1)
    return View("student", feed, Pauses(lambda: 1))


def commit(view, *happened):
    first = view.sequence + 1
    recorded = [
        Recorded(number, event, AT, "u", None, codec.encode_state(event))
        for number, event in enumerate(happened, first)
    ]
    view.commit(recorded, recorded[-1].sequence, {})


async def test_what_shows_nothing_is_told_with_what_comes_next(student, feed):
    for _ in range(3):
        commit(student, MARK)
    assert (student.sequence, feed.ranges) == (3, [])
    commit(student, MARK, CHAT, MARK)
    assert feed.ranges == [(1, 6, [5])]
    commit(student, CHAT)
    assert feed.ranges[1:] == [(7, 7, [7])]


async def test_the_position_is_told_after_a_pause_and_once(student, feed):
    commit(student, MARK)
    commit(student, MARK)
    async with asyncio.timeout(PATIENCE):
        while not feed.ranges:
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.005)
    assert feed.ranges == [(1, 2, [])]
    commit(student, MARK)  # … and the next one after the next pause
    async with asyncio.timeout(PATIENCE):
        while len(feed.ranges) < 2:
            await asyncio.sleep(0.001)
    assert feed.ranges[1:] == [(3, 3, [])]


async def test_a_pause_that_ends_after_something_was_told_tells_nothing(student, feed):
    commit(student, MARK)
    commit(student, CHAT)
    await asyncio.sleep(0.01)
    student.catch_up()
    assert feed.ranges == [(1, 2, [2])]


async def test_staff_are_told_at_once(feed):
    staff = View("staff", feed, Pauses(lambda: 1))
    commit(staff, MARK)
    assert feed.ranges == [(1, 1, [1])]


async def test_a_snapshot_is_at_the_end_of_the_log_whether_told_or_not(student):
    for happened in (CHAT, MARK, MARK, CHAT):
        commit(student, happened)
        frame = SnapshotFrame(student.sequence, student._state)
        assert student.snapshot == codec.encode(frame)
        assert student.snapshot is student.snapshot, "encoded once"
