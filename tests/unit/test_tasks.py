"""Background tasks end when they are told to."""

import asyncio

from server import tasks as module
from server.tasks import Supervisor
from tests.patience import PATIENCE


async def test_a_cancellation_that_was_lost_is_said_again(monkeypatch):
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.01)
    lost = 0

    async def careless():
        nonlocal lost
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost += 1  # as a connection that breaks in the very moment does
                if lost == 3:
                    raise

    async with asyncio.timeout(PATIENCE):
        async with Supervisor("test") as tasks:
            tasks.start("careless", careless())
            await asyncio.sleep(0)
    assert lost == 3
