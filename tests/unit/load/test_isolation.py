"""What the benchmark of those who disturb makes of its rounds."""

import time

import pytest

from load.bench.isolation import Class, _row


def rounds(*tails):
    """Rounds whose 99th percentile is as given, in milliseconds."""
    taken = []
    for tail in tails:
        each = Class()
        for milliseconds in [1.0] * 90 + [tail] * 10:
            each.deliveries.add(milliseconds)
            each.acks.add(milliseconds)
        taken.append(each)
    return taken


@pytest.mark.parametrize(
    ("disturbed", "is_within"),
    [((10, 10, 10), True), ((13.8, 13.8, 900), True), ((5, 14.3, 14.3), False)],
)
def test_the_medians_of_the_rounds_decide_with_a_tolerance(disturbed, is_within):
    row = _row("slow", rounds(10, 2, 200), rounds(*disturbed), {"connections": 3}, 0)
    assert row["is_within"] == is_within
    assert row["p99_ms"]["without"] == pytest.approx(10, rel=0.02)
    assert row["deliveries_per_round"] == 100


def test_a_round_begins_with_nothing_counted_and_what_is_on_its_way():
    group, now = Class(), time.perf_counter()
    group.due = {"old": now - 60, "new": now - 1}
    group.deliveries.add(5)
    group.begin_round()
    assert (len(group.deliveries), len(group.acks), set(group.due)) == (0, 0, {"new"})
