"""The token bucket."""

from hypothesis import given
from hypothesis import strategies as st

from server.hub.bucket import Bucket


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
