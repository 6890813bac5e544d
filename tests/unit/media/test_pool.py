"""Where sessions live, while workers come and go and wishes change meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.media import placement
from server.media.fabric import Desired
from server.media.pool import WorkerPool
from tests.patience import eventually

LIVE = Desired(live=True)


class Worker:
    """A worker as the pool speaks to it."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()
        self.has: dict[str, Desired] = {}
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def sessions(self) -> dict[str, bool]:
        await self.may_answer.wait()
        return dict.fromkeys(self.has, False)

    async def apply(self, session: str, _epoch: int, desired: Desired) -> None:
        await asyncio.sleep(0)
        self.has[session] = desired

    async def release(self, session: str, *, at_once: bool = False) -> None:
        self.has.pop(session, None)


async def nothing(*_: object) -> None:
    pass


@pytest.fixture
async def pool(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[WorkerPool]:
    monkeypatch.setattr(placement, "GRACE_SECONDS", 0.05)
    pool = WorkerPool(
        [Path("0"), Path("1")],
        on_event=nothing,
        resolve_secret=nothing,
        on_health=lambda *_: None,
    )
    for member in pool._members:
        member.fabric = Worker()
    yield pool
    await pool._tasks.close()


def workers(pool: WorkerPool) -> list[Worker]:
    return [member.fabric for member in pool._members]


def come(pool: WorkerPool, number: int) -> None:
    member = pool._members[number]
    member.fabric.connected.set()
    pool._placement.came(member)


def go(pool: WorkerPool, number: int) -> None:
    member = pool._members[number]
    member.fabric.connected.clear()
    pool._placement.went(member)


async def test_a_session_that_is_released_while_a_home_is_looked_for_has_none(
    pool: WorkerPool,
) -> None:
    come(pool, 0)
    first = workers(pool)[0]
    await asyncio.sleep(0.01)
    first.may_answer.clear()
    applying = asyncio.create_task(pool.apply("s1", 1, LIVE))
    await asyncio.sleep(0.01)
    await pool.release("s1")
    first.may_answer.set()
    await applying
    assert not first.has
    assert not pool._placement._homes
    assert not pool._members[0].homes


async def test_sessions_of_a_worker_that_stays_away_go_to_the_next_that_comes(
    pool: WorkerPool,
) -> None:
    come(pool, 0)
    await pool.apply("s1", 1, LIVE)
    go(pool, 0)
    # Nobody is there to take it, for longer than is waited.
    await asyncio.sleep(0.1)
    come(pool, 1)
    await eventually(lambda: "s1" in workers(pool)[1].has)
