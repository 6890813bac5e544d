"""Whoever has lost the owner of a class is told of the next one, all by one question."""

import asyncio

import pytest

from server.clock import SystemClock
from server.errors import UnavailableError
from server.hub import news as module
from server.hub.news import News
from server.store.succession import Glance
from tests.patience import PATIENCE

LINK = "http://owner"


class Database:
    """What it would say, and how often it was asked."""

    def __init__(self):
        self.rows = {}
        self.dead = set()
        self.asked = []
        self.is_away = False

    def has(self, session, *, node="owner", link=LINK, head=5):
        self.rows[session] = Glance(session, node, 1, link, head)

    async def look(self, sessions):
        self.asked.append(len(sessions))
        if self.is_away:
            raise UnavailableError
        return [self.rows[each] for each in sessions if each in self.rows]

    async def is_dead(self, node):
        return node in self.dead


@pytest.fixture
def database(monkeypatch):
    monkeypatch.setattr(module, "FIRST_SECONDS", 0.001)
    monkeypatch.setattr(module, "MOST_SECONDS", 0.008)
    return Database()


@pytest.fixture
def news(database):
    return News(database.look, database.is_dead, SystemClock())


async def asked(database, times):
    async with asyncio.timeout(PATIENCE):
        while len(database.asked) < times:
            await asyncio.sleep(0)


async def test_a_hundred_classes_are_asked_after_by_one_question_at_a_time(news, database):
    sessions = [f"{number}" for number in range(100)]
    for session in sessions:
        database.has(session)
    waiting = [asyncio.ensure_future(news.grown(each, LINK, 5, 60)) for each in sessions]
    await asked(database, 5)
    assert set(database.asked) == {100}
    assert not any(each.done() for each in waiting)
    database.dead.add("owner")
    assert await asyncio.gather(*waiting) == [False] * 100
    assert len(database.asked) < 10


async def test_the_log_is_told_while_the_owner_stays_away(news, database):
    database.has("a")
    waiting = asyncio.ensure_future(news.grown("a", LINK, 5, 60))
    await asked(database, 2)
    database.has("a", head=6)
    assert await waiting is True
    assert await news.grown("a", LINK, 6, 0.05) is False, "time to try the link again"


@pytest.mark.parametrize("link", ["http://another", None])
async def test_another_owner_or_one_that_has_left_is_news_at_once(news, database, link):
    database.has("a", link=link)
    assert await news.grown("a", LINK, 5, 60) is False
    assert len(database.asked) == 1


async def test_a_database_that_is_away_is_no_news_and_is_asked_seldom(news, database, monkeypatch):
    monkeypatch.setattr(module, "MOST_SECONDS", 0.05)
    database.has("a")
    database.is_away = True
    began = asyncio.get_running_loop().time()
    waiting = asyncio.ensure_future(news.grown("a", LINK, 5, 60))
    await asked(database, 4)
    assert asyncio.get_running_loop().time() - began > 3 * 0.05 / 2
    assert not waiting.done()
    waiting.cancel()


async def test_who_stops_waiting_leaves_the_others_to_wait(news, database):
    for session in ("a", "b"):
        database.has(session)
    first = asyncio.ensure_future(news.grown("a", LINK, 5, 60))
    second = asyncio.ensure_future(news.grown("b", LINK, 5, 60))
    await asked(database, 1)
    first.cancel()
    await asked(database, len(database.asked) + 2)
    assert database.asked[-1] == 1
    database.dead.add("owner")
    assert await second is False
