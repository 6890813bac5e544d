import math
import random

import pytest

from load.latencies import Latencies


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


def exact(durations, percent):
    return sorted(durations)[max(1, math.ceil(len(durations) * percent / 100)) - 1]


@pytest.mark.parametrize("percent", [1, 10, 50, 90, 99, 99.9, 100])
@pytest.mark.parametrize("spread", [0.1, 1.0, 3.0])
def test_percentiles_of_any_spread_are_within_one_percent_of_the_exact_ones(percent, spread):
    rng = random.Random(7)
    durations = [rng.lognormvariate(2, spread) for _ in range(5000)]
    latencies = Latencies()
    for duration in durations:
        latencies.add(duration)
    assert latencies.percentile(percent) == pytest.approx(
        exact(durations, percent), rel=0.01, abs=0.001
    )


def test_every_microsecond_falls_into_a_bucket_that_is_within_one_percent():
    for microseconds in (
        *range(3000),
        *(2**power + step for power in range(12, 36) for step in (-1, 0, 1)),
    ):
        latencies = Latencies()
        latencies.add_ns(microseconds * 1000)
        latencies.add_ns(10**15)  # or the largest would be told exactly
        assert latencies.percentile(50) * 1000 == pytest.approx(microseconds, rel=0.01)


def test_what_several_processes_recorded_is_what_one_would_have():
    one, parts = Latencies(), [Latencies(), Latencies(), Latencies()]
    rng = random.Random(1)
    for _ in range(1000):
        duration = rng.expovariate(0.01)
        one.add(duration)
        rng.choice(parts).add(duration)
    merged = Latencies()
    for part in parts:
        merged.merge(Latencies.unpack(part.pack()))
    assert merged.summary() == one.summary()


def test_what_takes_a_week_counts_as_very_long():
    latencies = Latencies()
    latencies.add(7 * 86_400_000)
    assert latencies.percentile(50) > 60 * 60 * 1000
    assert latencies.largest == 7 * 86_400_000
