"""Who may connect, and when."""

import asyncio

import pytest

from server.media.destinations.gate import AT_ONCE, BURST, PER_SECOND, ConnectGate
from tests.patience import eventually


class Clock:
    now = 50.0

    def monotonic(self) -> float:
        return self.now

    def now_ms(self) -> int:
        return round(self.now * 1000)


async def test_few_connect_to_one_host_at_once_and_others_do_not_wait() -> None:
    gate = ConnectGate(Clock())
    inside: list[str] = []
    leave = asyncio.Event()

    async def connect(host: str, provider: str) -> None:
        async with gate.enter(host, provider):
            inside.append(host)
            await leave.wait()

    tasks = [asyncio.ensure_future(connect("a", "one")) for _ in range(AT_ONCE + 3)]
    tasks.append(asyncio.ensure_future(connect("b", "two")))
    await eventually(lambda: len(inside) > AT_ONCE)
    await asyncio.sleep(0.01)
    assert sorted(inside) == ["a"] * AT_ONCE + ["b"]
    tasks[0].cancel()
    await eventually(lambda: inside.count("a") > AT_ONCE)
    await asyncio.sleep(0.01)
    assert inside.count("a") == AT_ONCE + 1
    leave.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert inside.count("a") == AT_ONCE + 3
    assert not gate._hosts
    assert not gate._users


async def test_a_provider_is_connected_to_at_an_even_pace_after_a_burst() -> None:
    clock = Clock()
    gate = ConnectGate(clock)
    waits = [gate._wait("one") for _ in range(BURST + 3)]
    assert waits[:BURST] == pytest.approx([0.0] * BURST)
    assert waits[BURST:] == pytest.approx([n / PER_SECOND for n in (1, 2, 3)])
    assert gate._wait("two") == 0
    clock.now += 60
    assert gate._wait("one") == 0
    assert gate._due.keys() == {"one"}
