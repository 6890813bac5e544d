"""An outage is told when it begins and when it is over, and no more often than that."""

import pytest

from server import outages
from server.ops import metrics
from server.outages import QUIET_SECONDS, Outage


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        seconds = 100.0

    monkeypatch.setattr(outages.time, "monotonic", lambda: Clock.seconds)
    return Clock


def test_an_outage_is_two_lines_however_often_it_is_met(clock, outage_lines):
    outage = Outage("postgresql")
    counted = metrics.outages.labels("postgresql")._value.get()
    outage.worked()
    for _ in range(1000):
        outage.failed(OSError("gone"))
        clock.seconds += 0.01
    outage.worked()
    outage.worked()
    away, back = outage_lines
    assert (away["event"], away["part"]) == ("part_away", "postgresql")
    assert "gone" in away["reason"]
    assert (back["event"], back["seconds"], back["failures"]) == ("part_back", 10.0, 1000)
    assert metrics.outages.labels("postgresql")._value.get() == counted + 1


def test_what_comes_and_goes_is_not_told_each_time(clock, outage_lines):
    outage = Outage("redis")
    for _ in range(100):
        outage.failed(TimeoutError())
        outage.worked()
        clock.seconds += QUIET_SECONDS / 10
    assert [line["event"] for line in outage_lines] == ["part_away", "part_back"] * 10
