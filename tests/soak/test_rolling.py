"""Rolling restarts of three servers under load, and how soon everybody is live again."""

import time

import pytest

from tests.faults.rolling import Rolling, restart_all
from tests.faults.servers import serving
from tests.patience import Stopwatch

CLASSES, STUDENTS = 6, 15
PAUSE_SECONDS = 2.0
"""Between two commands of one person: the clients' process must not be what is slow."""


@pytest.fixture
async def servers(data_dir):
    async with serving(data_dir, 3, drain_seconds="5") as servers:
        yield servers


def quantile(values: list[float], share: float) -> float:
    """Return a value that ``share`` of all do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def test_rolling_restarts_lose_nothing(servers, seconds, report):
    rolling = Rolling(servers, CLASSES, STUDENTS)
    until, rolls = time.monotonic() + seconds * 0.6, 0
    watch = Stopwatch()

    async def restart(_):
        nonlocal rolls
        while not rolls or time.monotonic() < until:
            await restart_all(rolling)
            rolls += 1

    found = await rolling.run(restart, PAUSE_SECONDS)
    away = rolling.returns.seconds
    report(
        violations=len(found), restarts=rolls * len(servers.all), commands=rolling.asked,
        returns=len(away), p50_s=round(quantile(away, 0.5), 3),
        p99_s=round(quantile(away, 0.99), 3),
        max_s=round(max(away), 3), machine_lost_s=round(watch.lost, 2),
        handed_over=sum(e["sessions"] for s in servers.all for e in s.said("handed_over")),
        kept=sum(e["kept"] for s in servers.all for e in s.said("handed_over")),
    )  # fmt: skip
    assert found == [], "\n\n".join(found[:5])
    assert rolling.returns.away == 0
