"""Verdicts from samples."""

import pytest

from server.media.ingest.health import UplinkJudge, UplinkSample


def uplink(
    second: int, *, fps: int = 30, loss: float = 0.0, connected: bool = True
) -> UplinkSample:
    packets = second * 300
    lost = round(packets * loss / (1 - loss))
    return UplinkSample(second, second * 312_500, second * fps, packets, lost, connected)


def test_a_good_uplink_is_good() -> None:
    health = UplinkJudge()
    for second in range(1, 5):
        verdict = health.add(uplink(second))
    assert verdict.state == "good"
    assert verdict.kbps == 2500
    assert verdict.fps == 30


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
    health = UplinkJudge()
    for second in range(1, 5):
        verdict = health.add(uplink(second, **kwargs))
    assert verdict.state == state
    assert verdict.text


def test_another_publisher_counts_from_zero() -> None:
    health = UplinkJudge()
    for second in range(100, 104):
        health.add(uplink(second))
    health.add(uplink(1))
    verdict = health.add(uplink(2))
    assert (verdict.state, verdict.kbps) == ("good", 2500)


def test_a_packet_that_was_late_and_not_lost_is_no_loss_below_zero() -> None:
    health = UplinkJudge()
    health.add(UplinkSample(1, 0, 0, packets=10, lost=1, connected=True))
    verdict = health.add(UplinkSample(2, 1_000, 1, packets=11, lost=0, connected=True))
    assert verdict.loss_percent == 0
    assert verdict.state == "unstable"
