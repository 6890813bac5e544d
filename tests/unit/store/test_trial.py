"""While a database is away one asks, and the others are told what came of it."""

import asyncio

import pytest

from server.errors import UnavailableError
from server.store import trial as module
from server.store.trial import Trial


async def test_nobody_waits_for_a_database_that_is_there():
    trial = Trial()
    assert [await trial.begin() for _ in range(3)] == [False] * 3


async def test_one_tries_and_the_others_learn_what_came_of_it(monkeypatch):
    monkeypatch.setattr(module, "REST_SECONDS", 0.0)
    trial = Trial()
    trial.failed()
    assert await trial.begin()
    others = [asyncio.ensure_future(trial.begin()) for _ in range(3)]
    await asyncio.sleep(0)
    trial.end()
    for each in others:
        with pytest.raises(UnavailableError):
            await each
    assert await trial.begin()
    others = [asyncio.ensure_future(trial.begin()) for _ in range(3)]
    await asyncio.sleep(0)
    trial.end(was_reached=True)
    trial.end()
    assert await asyncio.gather(*others) == [False] * 3
    assert not await trial.begin()


async def test_nobody_waits_long_for_who_tries(monkeypatch):
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01)
    trial = Trial()
    trial.failed()
    assert await trial.begin()
    with pytest.raises(UnavailableError):
        await trial.begin()


async def test_after_a_trial_in_vain_nobody_tries_for_a_moment(monkeypatch):
    trial = Trial()
    trial.failed()
    assert await trial.begin(), "what was lost once may be there again at once"
    trial.end()
    with pytest.raises(UnavailableError):
        await trial.begin()
    monkeypatch.setattr(trial, "_rests_until", 0.0)
    assert await trial.begin()
