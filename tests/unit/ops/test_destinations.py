"""What operators see of destinations."""

import pytest
from prometheus_client import REGISTRY

from protocol.health import DestinationHealth, HealthError
from server.ops.destinations import DestinationMetrics


def health(provider: str, state: str = "good", **kwargs: object) -> DestinationHealth:
    return DestinationHealth(state, "platform", "", 2_000, "live", provider, **kwargs)


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"liveclass_destination{name}", labels) or 0.0


@pytest.fixture
def metrics() -> DestinationMetrics:
    return DestinationMetrics()


def test_gauges_are_sums_over_sessions_and_fall_to_zero(metrics: DestinationMetrics) -> None:
    metrics.observe("a", {"1": health("x", lag_ms=200), "2": health("x", "unstable", lag_ms=900)})
    metrics.observe("b", {"3": health("x")})
    assert value("s", provider="x", state="good") == 2
    assert value("s", provider="x", state="unstable") == 1
    assert value("_bits_per_second", provider="x") == 6_000_000
    assert value("_lag_seconds", provider="x") == 0.9
    metrics.forget("a")
    metrics.observe("b", {})
    assert value("s", provider="x", state="good") == 0
    assert value("_bits_per_second", provider="x") == 0


def test_counters_grow_by_the_difference_and_survive_a_new_worker(
    metrics: DestinationMetrics,
) -> None:
    before = value("_bytes_total", provider="kick")
    metrics.observe("a", {"1": health("kick", bytes=1_000, connects=1)})
    metrics.observe("a", {"1": health("kick", bytes=1_500, connects=1)})
    metrics.observe("a", {"1": health("kick", bytes=200, connects=1)})
    assert value("_bytes_total", provider="kick") - before == 1_700
    assert value("_connects_total", provider="kick") == 2


def test_errors_are_counted_by_their_code(metrics: DestinationMetrics) -> None:
    at = "2026-11-22T09:00:00.000Z"
    metrics.observe("a", {"1": health("vimeo")})
    metrics.observe("a", {"1": health("vimeo", retries=1, last_error=HealthError("reset", at))})
    metrics.observe("a", {"1": health("vimeo", retries=3, last_error=HealthError("stall", at))})
    assert value("_errors_total", provider="vimeo", code="reset") == 1
    assert value("_errors_total", provider="vimeo", code="stall") == 2
