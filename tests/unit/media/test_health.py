"""Verdicts from samples."""

import pytest

from server.media.destinations.destination import Phase
from server.media.destinations.health import DestinationHealth, DestinationSample
from server.media.ingest.health import UplinkHealth, UplinkSample


def uplink(
    second: int, *, fps: int = 30, loss: float = 0.0, connected: bool = True
) -> UplinkSample:
    packets = second * 300
    lost = round(packets * loss / (1 - loss))
    return UplinkSample(second, second * 312_500, second * fps, packets, lost, connected)


def test_a_good_uplink_is_good() -> None:
    health = UplinkHealth()
    for second in range(1, 5):
        verdict = health.add(uplink(second))
    assert verdict["state"] == "good"
    assert verdict["side"] == "uplink"
    assert verdict["kbps"] == 2500
    assert verdict["fps"] == 30


@pytest.mark.parametrize(
    ("kwargs", "state"),
    [
        ({"loss": 0.05}, "unstable"),
        ({"loss": 0.3}, "failing"),
        ({"fps": 5}, "unstable"),
        ({"fps": 0}, "failing"),
        ({"connected": False}, "no_data"),
    ],
)
def test_a_bad_uplink_is_told(kwargs: dict[str, object], state: str) -> None:
    health = UplinkHealth()
    for second in range(1, 5):
        verdict = health.add(uplink(second, **kwargs))
    assert verdict["state"] == state
    assert verdict["text"]


def test_another_publisher_counts_from_zero() -> None:
    health = UplinkHealth()
    for second in range(100, 104):
        health.add(uplink(second))
    health.add(uplink(1))
    verdict = health.add(uplink(2))
    assert (verdict["state"], verdict["kbps"]) == ("good", 2500)


def sample(second: int, phase: Phase, **kwargs: object) -> DestinationSample:
    given = {"bytes": second * 125_000, "dropped": 0, "lag_ms": 0, "source_sends": True, **kwargs}
    return DestinationSample(second, phase, **given)


@pytest.mark.parametrize(
    ("phase", "kwargs", "state", "side"),
    [
        (Phase.LIVE, {}, "good", "platform"),
        (Phase.LIVE, {"lag_ms": 1500}, "unstable", "platform"),
        (Phase.LIVE, {"source_sends": False}, "no_data", "uplink"),
        (Phase.DEGRADED, {}, "unstable", "platform"),
        (Phase.CONNECTING, {}, "unstable", "platform"),
        (Phase.BACKOFF, {}, "failing", "platform"),
        (Phase.FAILED, {}, "failing", "platform"),
        (Phase.ARMED, {}, "no_data", "uplink"),
    ],
)
def test_a_destination_is_judged(
    phase: Phase, kwargs: dict[str, object], state: str, side: str
) -> None:
    health = DestinationHealth()
    health.add(sample(1, phase, **kwargs))
    verdict = health.add(sample(2, phase, **kwargs))
    assert (verdict["state"], verdict["side"]) == (state, side)
    assert verdict["kbps"] == 1000


def test_dropping_is_unstable_until_it_is_over() -> None:
    health = DestinationHealth()
    health.add(sample(1, Phase.LIVE))
    assert health.add(sample(2, Phase.LIVE, dropped=5))["state"] == "unstable"
    for second in range(3, 8):
        verdict = health.add(sample(second, Phase.LIVE, dropped=5))
    assert verdict["state"] == "good"
