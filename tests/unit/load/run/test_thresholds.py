"""Thresholds: what they mean, and what is said of those that mean nothing."""

import math

import pytest

from load.run import thresholds
from load.run.thresholds import SCALARS, judge, parse, shown


@pytest.mark.parametrize(
    ("text", "metric", "value"),
    [
        ("delivery_p99<250ms", "delivery_p99", 250),
        ("ack_p99.9 <= 1.5s", "ack_p99.9", 1500),
        ("connect_max<1min", "connect_max", 60_000),
        ("lateness_p50<500us", "lateness_p50", 0.5),
        ("storm_recovery<3s", "storm_recovery", 3000),
        ("deliveries_per_second>=20k", "deliveries_per_second", 20_000),
        ("acks_per_second>100", "acks_per_second", 100),
        ("server_cpu<80%", "server_cpu", 0.8),
        ("generator_cpu<350%", "generator_cpu", 3.5),
        ("server_rss<2GB", "server_rss", 2e9),
        ("refused<0.1%", "refused", 0.001),
        ("violations<=0", "violations", 0),
    ],
)
def test_each_metric_has_its_unit(text, metric, value):
    threshold = parse(text)
    assert (threshold.metric, threshold.value) == (metric, pytest.approx(value))
    assert threshold.text == text.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("delivery_p99", "write it as delivery_p99<250ms"),
        ("delivery_p99=250ms", "write it as delivery_p99<250ms"),
        ("delivery_p99<250", "250ms or 1.5s"),
        ("delivery_p99<250%", "250ms or 1.5s"),
        ("server_rss<80%", "512MB"),
        ("server_cpu<80", "80%"),
        ("delivery<250ms", "“delivery” is not measured; there are connect_p99"),
        ("delivery_p999<250ms", "is not measured"),
        ("throughput>5", "is not measured"),
    ],
)
def test_what_is_no_threshold_says_what_would_be(text, says):
    with pytest.raises(ValueError, match=r"threshold|written|measured") as error:
        parse(text)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("relation", "holds"), [("<", (True, False, False)), ("<=", (True, True, False)),
                            (">", (False, False, True)), (">=", (False, True, True))],
)  # fmt: skip
def test_the_relation_is_that_of_what_was_reached_to_the_value(relation, holds):
    threshold = parse(f"ack_p99{relation}10ms")
    assert tuple(threshold.holds(reached) for reached in (9.0, 10.0, 11.0)) == holds


def test_what_was_not_measured_is_not_met():
    outcomes = judge([parse("resume_p99<1s")], lambda _: None)
    assert [each.is_met for each in outcomes] == [False]
    assert not parse("resume_p99<1s").holds(math.nan)


def test_every_metric_can_be_shown():
    for metric, unit in SCALARS.items():
        assert shown(12.0, thresholds.unit_of(metric)), unit
    assert shown(1500, "time") == "1.50 s"
    assert shown(2.5, "time") == "2.5 ms"
    assert shown(0.5, "share") == "50.0 %"
