"""What is dropped, what is kept, and who feels it."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.bus import GOP_UNITS, SOUND_WAITS_SECONDS, Bus, GopCache
from server.media.unit import EncodedUnit, Kind
from server.media.unit_queue import RECORDER_LIMITS, RTMP_LIMITS, QueueLimits, UnitQueue
from server.tasks import contain
from tests.patience import PATIENCE

BOTH = frozenset({Kind.VIDEO, Kind.AUDIO})


def video(ms: int, *, key: bool = False, size: int = 100) -> EncodedUnit:
    return EncodedUnit(Kind.VIDEO, ms, key, bytes(size))


def audio(ms: int) -> EncodedUnit:
    return EncodedUnit(Kind.AUDIO, ms, False, bytes(20))


def stream(seconds: int, *, gop_ms: int = 2000, fps: int = 25) -> list[EncodedUnit]:
    units = []
    for ms in range(0, seconds * 1000, 1000 // fps):
        units.append(video(ms, key=ms % gop_ms == 0))
        units.append(audio(ms))
    return units


def drain(queue: UnitQueue) -> list[EncodedUnit]:
    units = []
    while (unit := queue.pop()) is not None:
        units.append(unit)
    return units


def test_a_queue_begins_with_a_keyframe() -> None:
    queue = UnitQueue(RTMP_LIMITS)
    for unit in (audio(0), video(1), audio(2), video(3, key=True), audio(4), video(5)):
        queue.put(unit)
    assert [u.dts_ms for u in drain(queue)] == [3, 4, 5]
    assert queue.dropped == 0


def test_a_consumer_that_lags_resumes_at_the_newest_keyframe() -> None:
    queue = UnitQueue(RTMP_LIMITS)
    for unit in stream(3):
        queue.put(unit)
    units = drain(queue)
    pictures = [u for u in units if u.kind is Kind.VIDEO]
    assert pictures[0].key
    assert pictures[0].dts_ms == 2000
    assert queue.dropped > 0
    assert queue.lag_ms == 0


def test_without_a_keyframe_to_resume_at_pictures_wait_for_the_next() -> None:
    queue = UnitQueue(RTMP_LIMITS)
    queue.put(video(0, key=True))
    for ms in range(40, 2_400, 40):
        queue.put(video(ms))
        queue.put(audio(ms))
    assert queue.waits_for_key
    assert all(u.kind is Kind.AUDIO for u in drain(queue))
    queue.put(video(2_440))
    queue.put(video(2_480, key=True))
    queue.put(video(2_520))
    assert [u.dts_ms for u in drain(queue)] == [2_480, 2_520]


def test_the_recorder_loses_nothing_until_it_is_given_up() -> None:
    queue = UnitQueue(RECORDER_LIMITS)
    for unit in stream(30):
        queue.put(unit)
    assert queue.dropped == 0
    assert len(queue) == 30 * 50
    queue.put(video(40_000, size=33 << 20))
    assert queue.overflowed


def test_pictures_that_were_taken_need_no_other_keyframe() -> None:
    queue = UnitQueue(RTMP_LIMITS)
    queue.put(video(0, key=True))
    assert queue.pop() is not None
    for ms in range(40, 2_400, 40):
        queue.put(audio(ms))
    queue.put(video(2_440))
    assert not queue.waits_for_key
    assert [u.kind for u in drain(queue)][-1] is Kind.VIDEO


def test_a_queue_that_nothing_is_taken_of_for_five_seconds_is_given_up() -> None:
    queue = UnitQueue(RTMP_LIMITS)
    units = stream(12)
    for unit in units[:100]:
        queue.put(unit)
        queue.pop()
    stuck = [unit for unit in units[100:] if not queue.overflowed and queue.put(unit) is None]
    assert stuck[-1].dts_ms - units[99].dts_ms == pytest.approx(5_000, abs=80)
    assert queue.bytes < 1 << 20


def test_one_that_is_slow_is_kept_however_long_it_lags() -> None:
    queue = UnitQueue(RTMP_LIMITS)
    taken = []
    for number, unit in enumerate(stream(30)):
        queue.put(unit)
        if number % 4 < 2:
            taken.append(queue.pop())
    assert not queue.overflowed
    assert queue.dropped > 100
    pictures = [u for u in taken if u is not None and u.kind is Kind.VIDEO]
    for before, after in pairwise(pictures):
        assert after.dts_ms - before.dts_ms == 40 or after.key


def test_too_many_bytes_are_given_up() -> None:
    queue = UnitQueue(RTMP_LIMITS)
    queue.put(video(0, key=True, size=17 << 20))
    assert queue.overflowed


async def test_an_old_group_of_pictures_is_replayed_whole() -> None:
    bus = Bus()
    for unit in stream(5, gop_ms=5_000):
        bus.publish(unit)
    late = bus.subscribe(BOTH, RTMP_LIMITS, replay=True)
    assert late.queue.lag_ms == 0
    bus.publish(video(5_000))
    assert late.queue.lag_ms == 40
    assert late.queue.dropped == 0
    assert len(late.queue) == 251


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["key", "delta", "audio", "pop"]),
            st.integers(min_value=1, max_value=900),
        ),
        max_size=120,
    )
)
def test_no_picture_is_handed_out_whose_reference_was_dropped(
    steps: list[tuple[str, int]],
) -> None:
    queue = UnitQueue(QueueLimits(lag_ms=2_000, overflow_ms=5_000))
    ms = 0
    previous: EncodedUnit | None = None
    out: list[EncodedUnit] = []
    before: dict[int, EncodedUnit | None] = {}
    for step, advance in steps:
        ms += advance
        if step == "pop":
            unit = queue.pop()
            if unit is not None:
                out.append(unit)
            continue
        unit = audio(ms) if step == "audio" else video(ms, key=step == "key")
        if unit.kind is Kind.VIDEO:
            before[unit.dts_ms] = previous
            previous = unit
        queue.put(unit)
        assert queue.lag_ms <= 2_000
        assert queue.bytes == sum(len(u.data) for _, u in queue._units)
    out += drain(queue)
    pictures = [u for u in out if u.kind is Kind.VIDEO]
    assert all(a.dts_ms < b.dts_ms for a, b in pairwise(out))
    for index, picture in enumerate(pictures):
        if not picture.key:
            assert index > 0
            assert pictures[index - 1] is before[picture.dts_ms]


def test_the_gop_cache_is_bounded_until_the_next_keyframe() -> None:
    cache = GopCache()
    cache.put(video(0))
    assert list(cache) == []
    cache.put(video(40, key=True))
    for number in range(GOP_UNITS - 1):
        cache.put(audio(41 + number))
    assert len(list(cache)) == GOP_UNITS
    cache.put(audio(900))
    assert list(cache) == []
    cache.put(video(940))
    assert list(cache) == []
    cache.put(video(980, key=True))
    assert [u.dts_ms for u in cache] == [980]
    cache.put(video(7_000))
    assert list(cache) == []


async def test_a_late_subscriber_begins_with_the_cached_group_of_pictures() -> None:
    bus = Bus()
    for unit in stream(3):
        bus.publish(unit)
    late = bus.subscribe(BOTH, RTMP_LIMITS, replay=True)
    first = await late.get()
    assert first is not None
    assert (first.kind, first.key, first.dts_ms) == (Kind.VIDEO, True, 2000)


async def test_a_subscription_that_is_closed_hands_out_what_it_has() -> None:
    bus = Bus()
    subscription = bus.subscribe(BOTH, RTMP_LIMITS)
    bus.publish(video(0, key=True))
    bus.unsubscribe(subscription)
    bus.publish(video(40))
    assert (await subscription.get()) is not None
    assert (await subscription.get()) is None


async def test_one_consumer_that_stops_is_not_felt_by_another() -> None:
    bus = Bus()
    stuck = bus.subscribe(BOTH, RTMP_LIMITS)
    good = bus.subscribe(BOTH, RTMP_LIMITS)
    units = stream(10)
    got = []
    for unit in units:
        bus.publish(unit)
        got.append(await good.get())
    assert got == units
    assert good.queue.dropped == 0
    assert stuck.queue.dropped > 0
    assert stuck.queue.lag_ms <= 2_000


async def test_a_waiting_consumer_is_woken() -> None:
    bus = Bus()
    subscription = bus.subscribe(BOTH, RTMP_LIMITS)
    waiting = asyncio.ensure_future(subscription.get())
    await asyncio.sleep(0)
    unit = video(0, key=True)
    bus.publish(unit)
    assert await waiting is unit


def test_what_every_consumer_needs_is_made_once() -> None:
    made = []

    def make(unit: EncodedUnit) -> int:
        made.append(unit)
        return len(made)

    unit = video(0)
    assert [unit.once(make) for _ in range(3)] == [1, 1, 1]
    assert made == [unit]


@pytest.mark.parametrize("kind", list(Kind))
def test_a_subscription_hears_only_its_kinds(kind: Kind) -> None:
    bus = Bus()
    subscription = bus.subscribe(frozenset({kind}), RTMP_LIMITS, from_keyframe=False)
    for each in Kind:
        bus.publish(EncodedUnit(each, 0, True, b"x"))
    assert [u.kind for u in drain(subscription.queue)] == [kind]


class Called:
    """A consumer that is called, and what it found each time."""

    def __init__(self, bus: Bus) -> None:
        self.found: list[list[int]] = []
        self._subscription = bus.subscribe(BOTH, RTMP_LIMITS)
        self._subscription.push(self._look)

    def _look(self) -> None:
        self.found.append([unit.dts_ms for unit in drain(self._subscription.queue)])


async def test_sound_goes_along_with_the_next_picture() -> None:
    bus = Bus()
    first, second = Called(bus), Called(bus)
    for unit in (video(0, key=True), audio(10), audio(31), video(33), video(66)):
        bus.publish(unit)
    assert first.found == second.found == [[], [0], [10, 31, 33], [66]]
    await asyncio.sleep(2 * SOUND_WAITS_SECONDS)
    assert len(first.found) == 4, "nothing is due any more"


async def test_sound_leaves_by_itself_where_no_picture_comes() -> None:
    bus = Bus()
    called = Called(bus)
    bus.publish(video(0, key=True))
    loop = asyncio.get_running_loop()
    for number in range(3):
        began, before = loop.time(), len(called.found)
        bus.publish(audio(40 * number + 1))
        bus.publish(audio(40 * number + 22))
        async with asyncio.timeout(PATIENCE):
            while len(called.found) == before:
                await asyncio.sleep(0.001)
        assert loop.time() - began >= 0.9 * SOUND_WAITS_SECONDS
        assert called.found[-1] == [40 * number + 1, 40 * number + 22]


async def test_who_is_called_is_called_for_the_last_time_when_it_is_over() -> None:
    bus = Bus()
    called = Called(bus)
    bus.publish(video(0, key=True))
    bus.publish(audio(10))
    bus.unsubscribe(called._subscription)
    assert called.found == [[], [0], [10]]
    bus.publish(video(20))
    await asyncio.sleep(2 * SOUND_WAITS_SECONDS)
    assert len(called.found) == 3


async def test_what_fails_in_a_call_fails_where_it_is_awaited() -> None:
    bus = Bus()
    failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    calls: list[int] = []

    def fail() -> None:
        calls.append(0)
        raise LookupError(len(calls))

    bus.subscribe(BOTH, RTMP_LIMITS).push(lambda: contain(fail, failure))
    called = Called(bus)
    bus.publish(video(0, key=True))
    assert called.found == [[], [0]], "the others feel nothing"
    assert len(calls) == 2
    with pytest.raises(LookupError, match="1"):
        await failure


async def test_a_bus_that_is_closed_ends_who_reads_it_now_and_who_comes_later() -> None:
    bus = Bus()
    early = bus.subscribe(BOTH, RTMP_LIMITS)
    reading = asyncio.ensure_future(early.get())
    await asyncio.sleep(0)
    bus.close()
    assert await asyncio.wait_for(reading, PATIENCE) is None
    assert await asyncio.wait_for(bus.subscribe(BOTH, RTMP_LIMITS).get(), PATIENCE) is None
    bus.publish(audio(0))
    assert not bus.watched
