"""Rounds of work: at once, whenever told, every so often, and again after an outage."""

import asyncio

from server.errors import UnavailableError
from server.rounds import Rounds
from tests.patience import PATIENCE, eventually


async def rounds_of(work, *, seconds, tell=0):
    """Run until ``work`` cancels its own rounds, telling them ``tell`` times."""
    rounds = Rounds("work", work, seconds)
    task = asyncio.ensure_future(rounds.run())
    for _ in range(tell):
        await asyncio.sleep(0.01)
        rounds.notify()
    done, _ = await asyncio.wait({task}, timeout=PATIENCE)
    task.cancel()
    return bool(done) and isinstance(task.exception(), Enough)


class Enough(Exception):
    pass


class Work:
    def __init__(self, fails_until=0, enough=3):
        self.done, self._fails_until, self._enough = 0, fails_until, enough

    async def __call__(self):
        self.done += 1
        if self.done == self._enough:
            raise Enough
        if self.done <= self._fails_until:
            raise UnavailableError


async def test_it_works_again_every_so_often():
    assert await rounds_of(Work(), seconds=0.01)


async def test_it_works_at_once_when_told():
    assert await rounds_of(Work(), seconds=60, tell=2)


async def test_untold_it_waits():
    work = Work()
    rounds = asyncio.ensure_future(Rounds("work", work, 60).run())
    await asyncio.sleep(0.05)
    rounds.cancel()
    assert work.done == 1


async def test_an_outage_ends_a_round_and_not_the_work():
    assert await rounds_of(Work(fails_until=2), seconds=0.01)


async def test_what_is_not_done_yet_is_gone_on_with_at_once():
    left = [True, True, False]

    async def work():
        return left.pop(0)

    rounds = asyncio.ensure_future(Rounds("work", work, 60).run())
    await eventually(lambda: not left)
    rounds.cancel()
