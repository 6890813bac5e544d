"""The token bucket, and the buckets of a connection."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.commands import COMMANDS
from protocol.limits import ABUSE_FACTOR
from server.hub.bucket import RATES, AbuseError, Bucket, Buckets, class_of


def test_a_burst_then_the_rate():
    bucket = Bucket(10, 20, 0.0)
    assert [bucket.take(0.0) for _ in range(21)] == [True] * 20 + [False]
    assert bucket.wait_ms == 100
    assert not bucket.take(0.099)
    assert bucket.wait_ms == 1
    assert bucket.take(0.1)
    assert not bucket.take(0.1)
    assert [bucket.take(100.0) for _ in range(21)] == [True] * 20 + [False]


@given(st.lists(st.floats(0, 3), max_size=100), st.integers(1, 20), st.integers(1, 40))
def test_never_more_than_the_burst_and_the_rate_allow(pauses, rate, burst):
    bucket, now, taken = Bucket(rate, burst, 0.0), 0.0, 0
    for pause in pauses:
        now += pause
        taken += bucket.take(now)
        assert taken <= burst + now * rate + 1e-6


@given(st.floats(0, 1), st.integers(1, 100))
def test_after_the_wait_there_is_one(spent, rate):
    bucket = Bucket(rate, 1, 0.0)
    bucket.take(0.0)
    if not bucket.take(spent / rate):
        assert bucket.take(spent / rate + bucket.wait_ms / 1000 + 0.0005)


@pytest.mark.parametrize("kind", RATES)
def test_a_class_has_its_rate_and_ten_times_as_much_is_abuse(kind):
    rate, burst = RATES[kind]
    buckets = Buckets()
    taken = [buckets.take(kind, 0.0) for _ in range(burst * ABUSE_FACTOR)]
    assert taken == [True] * burst + [False] * (burst * (ABUSE_FACTOR - 1))
    assert buckets.wait_ms(kind) == round(1000 / rate)
    with pytest.raises(AbuseError):
        buckets.take(kind, 0.0)
    for other in RATES.keys() - {kind}:
        assert buckets.take(other, 0.0)


def test_who_keeps_to_nine_times_the_rate_is_refused_and_not_ended():
    buckets, taken = Buckets(), 0
    for n in range(9 * 10 * 60):  # a minute of it
        taken += buckets.take("talk", n / 90)
    assert 600 <= taken <= 621


def test_every_operation_has_a_class():
    assert {class_of(op) for op in COMMANDS} <= RATES.keys()
    assert class_of("nonsense") == class_of("") == "control"
    assert class_of("chat.post") != class_of("poll.vote") != class_of("session.end")
