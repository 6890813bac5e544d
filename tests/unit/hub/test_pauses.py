"""What a large class gathers is told at the same moments, that of a small one each in its time."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hub.pauses import FEW, STEP_LISTENERS, STEP_SECONDS, Pauses, end_of_pause
from tests.patience import eventually

TIMES = st.floats(0, 1e6)
PAUSES = st.sampled_from((0.25, 0.5))


@given(TIMES, PAUSES, st.integers(0, FEW))
def test_a_pause_of_a_small_class_is_as_long_as_it_says(now, seconds, listeners):
    assert end_of_pause(now, seconds, listeners) == now + seconds


@given(TIMES, PAUSES, st.integers(FEW + 1, 20_000))
def test_pauses_of_a_large_class_end_on_a_grid_and_never_early(now, seconds, listeners):
    grid = STEP_SECONDS * -(-listeners // STEP_LISTENERS)
    end = end_of_pause(now, seconds, listeners)
    assert end % grid == 0
    assert now + seconds <= end < now + seconds + grid + 1e-9


@pytest.mark.parametrize(("listeners", "in_one_tick"), [(1, 1), (5_000, 3)])
async def test_what_many_are_told_they_are_told_in_one_tick(listeners, in_one_tick):
    told, by_the_next, loop = [], [], asyncio.get_running_loop()
    pauses = Pauses(lambda: listeners)

    def tell():
        told.append(listeners)
        loop.call_soon(lambda: by_the_next.append(len(told)))

    grid = STEP_SECONDS * -(-listeners // STEP_LISTENERS)
    await asyncio.sleep(-loop.time() % grid)  # a whole step is before us
    for milliseconds in (1, 11, 21):
        pauses.after(milliseconds, tell)
    await eventually(lambda: len(by_the_next) == 3)
    assert by_the_next[0] == in_one_tick


async def test_nothing_is_told_after_the_end():
    pauses, told = Pauses(lambda: 1), []
    pauses.after(1, lambda: told.append("it"))
    pauses.close()
    await asyncio.sleep(0.02)
    assert told == []
    pauses.after(1, lambda: told.append("more"))
    await eventually(lambda: told == ["more"])
