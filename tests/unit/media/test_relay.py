"""One time line at a relay, however often its home is lost and found."""

from server.media.bus import Bus
from server.media.relay import FOLLOW_MS, Carried, Relay
from server.media.unit import Kind
from server.media.unit_queue import QueueLimits

ALL = QueueLimits(lag_ms=None, overflow_ms=None)


def unit(ms: int, *, key: bool = False, cached: bool = False) -> Carried:
    return Carried(Kind.VIDEO, ms, key, b"", None, cached)


def shown(*carried: Carried, rejoins_before: int) -> list[int]:
    """Return when what was carried is shown; the connection is made anew before one of it."""
    bus = Bus()
    relay = Relay("home", "s1", bus)
    taken = bus.subscribe(frozenset({Kind.VIDEO}), ALL)
    for number, each in enumerate(carried):
        if number == rejoins_before:
            relay._is_joined = False
        relay._take(each)
    return [each.dts_ms for each in iter(taken.queue.pop, None)]


def test_a_home_that_is_found_again_goes_on_where_it_is() -> None:
    # What it has cached was shown already: that makes it no other time line.
    times = shown(
        unit(1_000, key=True), unit(1_033), unit(1_066),
        unit(1_000, key=True, cached=True), unit(1_033, cached=True), unit(1_400),
        rejoins_before=3,
    )  # fmt: skip
    assert times == [1_000, 1_033, 1_066, 1_400]


def test_the_time_line_of_another_home_follows_on_that_of_the_one_before() -> None:
    times = shown(
        unit(60_000, key=True), unit(60_033),
        unit(10, key=True, cached=True), unit(500, key=True), unit(533),
        rejoins_before=2,
    )  # fmt: skip
    assert times == [60_000, 60_033, 60_033 + FOLLOW_MS, 60_066 + FOLLOW_MS]


def test_what_home_has_cached_is_here_for_who_comes_next() -> None:
    bus = Bus()
    relay = Relay("home", "s1", bus)
    for each in (unit(0, key=True, cached=True), unit(33, cached=True), unit(66)):
        relay._take(each)
    assert [each.dts_ms for each in bus.gop] == [0, 33, 66]
