"""Who needs no token asks so often and no more; and the memory for it is bounded."""

import pytest

from protocol.errors import Refusal
from server.hub.bucket import Rate
from server.rest.throttle import Throttle


class Clock:
    now = 100.0

    def monotonic(self):
        return self.now


def is_taken(throttle, key):
    try:
        throttle.take(key)
    except Refusal:
        return False
    return True


def test_each_has_a_rate_of_their_own():
    clock = Clock()
    throttle = Throttle(Rate(per_second=2, burst=3), clock)
    assert [is_taken(throttle, "a") for _ in range(4)] == [True] * 3 + [False]
    assert is_taken(throttle, "b")
    with pytest.raises(Refusal) as refused:
        throttle.take("a")
    assert (refused.value.code, refused.value.retry_ms) == ("rate_limited", 500)
    clock.now += 0.5
    assert [is_taken(throttle, "a") for _ in range(2)] == [True, False]


def test_who_asked_longest_ago_is_forgotten_first():
    throttle = Throttle(Rate(per_second=1, burst=1), Clock(), most=2)
    for key in ("a", "b"):
        throttle.take(key)
    assert not is_taken(throttle, "a")  # seen again: now "b" is the older
    throttle.take("c")
    assert not is_taken(throttle, "a")
    assert is_taken(throttle, "b")
