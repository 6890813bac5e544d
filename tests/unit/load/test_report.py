import math

import pytest

from load.report import Latencies, Report


def test_percentiles_are_those_of_the_sorted_durations_within_one_percent():
    latencies = Latencies()
    for milliseconds in range(1000, 0, -1):
        latencies.add(milliseconds)
    assert latencies.percentile(50) == pytest.approx(500, rel=0.01)
    assert latencies.percentile(99) == pytest.approx(990, rel=0.01)
    assert latencies.percentile(100) == pytest.approx(1000, rel=0.01)
    assert latencies.percentile(0) == pytest.approx(1, rel=0.01)


def test_one_slow_answer_in_a_hundred_shows_only_above_the_99th_percentile():
    latencies = Latencies()
    for _ in range(99):
        latencies.add(1)
    latencies.add(700)
    assert latencies.percentile(99) == pytest.approx(1, rel=0.01)
    assert latencies.percentile(99.9) == pytest.approx(700, rel=0.01)


def test_no_percentile_exceeds_the_largest_duration():
    latencies = Latencies()
    latencies.add(3.0)
    assert latencies.percentile(100) <= 3.0


def test_durations_of_zero_or_less_count_as_shortest():
    latencies = Latencies()
    latencies.add(0.0)
    latencies.add(-2.0)
    assert len(latencies) == 2
    assert latencies.percentile(99) <= 0.001


def test_without_a_duration_there_is_no_percentile():
    assert math.isnan(Latencies().percentile(50))
    assert Latencies().summary() == {"count": 0}


def test_a_report_counts_every_violation_and_keeps_the_first_ones():
    report = Report()
    for number in range(1000):
        report.violate("Ada", f"rule {number}")
    assert report.violations == 1000
    assert report.kept[0] == "Ada: rule 0"
    assert len(report.kept) < 100
    assert "Ada: rule 0" in report.table()
    assert report.as_dict()["violations"] == 1000
