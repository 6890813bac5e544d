"""How the object store, the disk and the loop do."""

import asyncio
import shutil
import time
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry, Histogram

from server.errors import NotFoundError, UnavailableError
from server.ops.loop_lag import BUSY_SECONDS, LoopLag
from server.ops.parts import RESERVE_BYTES, room_on, seen


class Store:
    def __init__(self, error):
        self.error = error

    async def head(self, key):
        raise self.error


async def test_an_object_store_that_answers_is_there() -> None:
    assert (await seen(Store(NotFoundError()))).endswith(" ms")
    with pytest.raises(UnavailableError):
        await seen(Store(UnavailableError()))


async def test_a_full_disk_is_away(tmp_path, monkeypatch) -> None:
    assert (await room_on(tmp_path)).endswith(" GiB free")
    with pytest.raises(OSError, match="none"):
        await room_on(tmp_path / "none")
    full = SimpleNamespace(free=RESERVE_BYTES - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    with pytest.raises(UnavailableError):
        await room_on(tmp_path)


async def test_a_loop_that_is_held_up_is_late(monkeypatch) -> None:
    monkeypatch.setattr("server.ops.loop_lag.WATCH_SECONDS", 0.0)
    registry = CollectorRegistry()
    lag = LoopLag(Histogram("lag", "Late.", registry=registry))
    watching = asyncio.ensure_future(lag.run())
    await asyncio.sleep(0)
    time.sleep(0.02)  # as something that blocks does
    while lag.latest < 0.01:
        await asyncio.sleep(0)
    watching.cancel()
    assert registry.get_sample_value("lag_count") > 0
    lag.latest = BUSY_SECONDS + 0.1
    with pytest.raises(UnavailableError):
        await lag.check()
    lag.latest = 0.003
    assert await lag.check() == "3 ms late"
