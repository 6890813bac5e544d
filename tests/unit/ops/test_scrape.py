"""What a scraper is told, of this process and of media workers on their sockets."""

import contextlib
import socket
import tempfile
from pathlib import Path

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from server.ops.app import build_ops_app
from server.ops.health import Health
from tests.unit.auth.test_tokens import Clock


def counting(written: float) -> bytes:
    """What a worker says that wrote once, so many seconds late."""
    registry = CollectorRegistry()
    seconds = Histogram("media_write_seconds", "Late.", buckets=(0.1, 1), registry=registry)
    seconds.observe(written)
    Gauge("media_viewers", "They watch.", registry=registry).set(written * 10)
    kinds = Counter("media_kinds", "By kind.", ["kind"], registry=registry)
    kinds.labels("a").inc()
    kinds.labels(f"of {written}").inc()
    return generate_latest(registry)


@contextlib.asynccontextmanager
async def worker(text: bytes):
    """A worker on a socket of its own."""

    async def show(_request):
        return web.Response(body=text)

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "socket"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        app = web.Application()
        app.add_routes([web.get("/metrics", show)])
        runner = web.AppRunner(app)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        yield path
        await runner.cleanup()


@pytest.fixture
def scraped(aiohttp_client):
    async def scraped(*sockets, **headers):
        client = await aiohttp_client(build_ops_app(Health(Clock()), sockets))
        async with client.get("/metrics", headers=headers) as response:
            assert response.status == 200
            return response.headers["Content-Type"], await response.text()

    return scraped


def samples(text):
    return {
        (each.name, *each.labels.values()): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


async def test_metrics_are_shown_in_the_text_format(scraped) -> None:
    kind, text = await scraped()
    assert kind.startswith("text/plain; version=")
    assert "# TYPE liveclass_sessions_live gauge" in text
    assert "# TYPE liveclass_commands_total counter" in text
    assert "liveclass_media_workers" not in text, "who asks no worker says nothing of them"


async def test_what_media_workers_count_is_added_up(scraped) -> None:
    async with worker(counting(0.05)) as one, worker(counting(0.5)) as other:
        kind, text = await scraped(one, other)
        found = samples(text)
        assert found["media_write_seconds_bucket", "0.1"] == 1
        assert found["media_write_seconds_bucket", "1.0"] == 2
        assert found["media_write_seconds_count",] == 2
        assert found["media_write_seconds_sum",] == 0.55
        assert found["media_viewers",] == 5.5
        assert found["media_kinds_total", "a"] == 2
        assert found["media_kinds_total", "of 0.5"] == 1
        assert found["liveclass_media_workers", "there"] == 2
        assert text.count("# TYPE media_write_seconds histogram") == 1
        assert "media_kinds_created" not in text
        kind, text = await scraped(one, other, Accept="application/openmetrics-text; version=1.0.0")
        assert kind.startswith("application/openmetrics-text")
        assert 'media_write_seconds_bucket{le="0.1"} 1.0' in text


async def test_a_worker_that_is_away_costs_a_scrape_nothing_else(scraped, tmp_path) -> None:
    async with worker(counting(1)) as one:
        _, text = await scraped(tmp_path / "none", one)
    found = samples(text)
    assert found["liveclass_media_workers", "there"] == 1
    assert found["liveclass_media_workers", "away"] == 1
    assert found["media_viewers",] == 10
    assert ("liveclass_sessions_live",) in found
