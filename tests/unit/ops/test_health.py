import asyncio

import pytest

from server.errors import UnavailableError
from server.ops.app import build_ops_app
from server.ops.health import CACHE_SECONDS, PATIENCE_SECONDS, Health
from tests.unit.auth.test_tokens import Clock


class Part:
    """A service that answers, or not, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.says: str | None = None

    async def check(self) -> str | None:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.says


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def part():
    return Part()


@pytest.fixture
def health(clock, part):
    health = Health(clock)
    health.watch("postgresql", part.check)
    return health


@pytest.fixture
async def client(aiohttp_client, health):
    return await aiohttp_client(build_ops_app(health))


async def answer(client, path):
    async with client.get(path) as response:
        return response.status, await response.json()


def passes(clock, seconds):
    clock.ms += round(seconds * 1000)


async def test_it_is_ready_between_start_and_drain(client, health) -> None:
    assert (await answer(client, "/healthz/startup"))[0] == 503
    assert (await answer(client, "/healthz/ready"))[0] == 503
    health.phase = "serving"
    assert await answer(client, "/healthz/startup") == (200, {"status": "serving"})
    ready = {"status": "serving", "parts": {"postgresql": {"state": "ok", "needed": True}}}
    assert await answer(client, "/healthz/ready") == (200, ready)
    assert await answer(client, "/readyz") == (200, ready)
    health.phase = "draining"
    assert (await answer(client, "/healthz/startup"))[0] == 200
    assert (await answer(client, "/healthz/ready"))[0] == 503
    assert (await answer(client, "/healthz/live"))[0] == 200
    assert (await answer(client, "/healthz"))[0] == 200


async def test_a_part_is_not_asked_by_everybody(client, clock, part) -> None:
    for _ in range(3):
        await answer(client, "/healthz/ready")
    assert part.asked == 1
    assert (await answer(client, "/healthz/live"))[0] == 200
    assert part.asked == 1
    passes(clock, CACHE_SECONDS)
    await answer(client, "/healthz/ready")
    assert part.asked == 2


async def test_a_part_that_is_needed_and_away_for_long_makes_it_unready(
    client, clock, part, health
) -> None:
    health.phase = "serving"
    part.error = UnavailableError("postgresql://user@host is away")
    status, body = await answer(client, "/healthz/ready")
    assert status == 200
    assert body["parts"] == {"postgresql": {"state": "away", "needed": True, "seconds": 0.0}}
    passes(clock, PATIENCE_SECONDS - 0.1)
    assert (await answer(client, "/healthz/ready"))[0] == 200
    passes(clock, 0.1)
    status, body = await answer(client, "/healthz/ready")
    assert status == 503
    assert body["parts"]["postgresql"]["seconds"] == PATIENCE_SECONDS
    assert (await answer(client, "/healthz/live"))[0] == 200
    part.error = None
    passes(clock, CACHE_SECONDS)
    assert (await answer(client, "/healthz/ready"))[0] == 200
    part.error = UnavailableError()
    passes(clock, CACHE_SECONDS)
    assert (await answer(client, "/healthz/ready"))[0] == 200, "it counts anew"


async def test_without_a_part_that_is_not_needed_the_rest_goes_on(client, clock, health) -> None:
    health.phase = "serving"
    objects = Part()
    objects.error = OSError("no route to 10.0.0.1")
    health.watch("objects", objects.check, is_needed=False, every_seconds=30)
    for _ in range(3):
        status, body = await answer(client, "/healthz/ready")
        assert status == 200
        assert body["parts"]["objects"]["state"] == "away"
        passes(clock, PATIENCE_SECONDS)
    assert objects.asked == 1
    objects.error, objects.says = None, "12 ms"
    _, body = await answer(client, "/healthz/ready")
    assert body["parts"]["objects"] == {"state": "ok", "needed": False, "says": "12 ms"}


async def test_a_part_that_does_not_answer_is_not_waited_for(client, health, monkeypatch) -> None:
    monkeypatch.setattr("server.ops.health.CHECK_SECONDS", 0.01)
    health.watch("redis", asyncio.Event().wait)
    _, body = await answer(client, "/healthz/ready")
    assert body["parts"]["redis"]["state"] == "no answer"
    assert body["parts"]["postgresql"]["state"] == "ok"
