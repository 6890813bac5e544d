import asyncio

from server.errors import UnavailableError
from server.ops.app import build_ops_app
from server.ops.health import CACHE_SECONDS, CHECK_SECONDS, Health
from tests.unit.auth.test_tokens import Clock


class Part:
    """A service that answers, or not, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None

    async def check(self) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error


async def started(aiohttp_client):
    clock, part = Clock(), Part()
    health = Health(clock)
    health.watch("postgresql", part.check)
    client = await aiohttp_client(build_ops_app(health))
    return clock, part, health, client


async def answer(client, path):
    async with client.get(path) as response:
        return response.status, await response.json()


async def test_it_is_ready_between_start_and_drain(aiohttp_client) -> None:
    _, _, health, client = await started(aiohttp_client)
    assert (await answer(client, "/healthz/startup"))[0] == 503
    assert (await answer(client, "/healthz/ready"))[0] == 503
    health.phase = "serving"
    assert await answer(client, "/healthz/startup") == (200, {"status": "serving"})
    assert await answer(client, "/healthz/ready") == (
        200,
        {"status": "serving", "parts": {"postgresql": "ok"}},
    )
    health.phase = "draining"
    assert (await answer(client, "/healthz/startup"))[0] == 200
    assert (await answer(client, "/healthz/ready"))[0] == 503
    assert (await answer(client, "/healthz/live"))[0] == 200


async def test_a_part_that_is_away_makes_it_unready_and_stays_cached(aiohttp_client) -> None:
    clock, part, health, client = await started(aiohttp_client)
    health.phase = "serving"
    part.error = UnavailableError("postgresql://user@host is away")
    for _ in range(3):
        status, body = await answer(client, "/healthz/ready")
        assert status == 503
        assert body["parts"] == {"postgresql": "away"}
    assert part.asked == 1
    assert (await answer(client, "/healthz/live"))[0] == 200
    assert part.asked == 1
    part.error = None
    clock.ms += round(CACHE_SECONDS * 1000)
    assert (await answer(client, "/healthz/ready"))[0] == 200


async def test_a_part_that_does_not_answer_is_not_waited_for(aiohttp_client, monkeypatch) -> None:
    monkeypatch.setattr("server.ops.health.CHECK_SECONDS", 0.01)
    assert CHECK_SECONDS > 0.01
    _, _, health, client = await started(aiohttp_client)
    health.phase = "serving"
    health.watch("redis", asyncio.Event().wait)
    status, body = await answer(client, "/healthz/ready")
    assert status == 503
    assert body["parts"] == {"postgresql": "ok", "redis": "no answer"}


async def test_metrics_are_shown_in_the_text_format(aiohttp_client) -> None:
    _, _, _, client = await started(aiohttp_client)
    async with client.get("/metrics") as response:
        text = await response.text()
        assert response.headers["Content-Type"].startswith("text/plain; version=")
    assert "# TYPE liveclass_sessions_live gauge" in text
    assert "# TYPE liveclass_commands_total counter" in text
