import pytest

from load.bench.open_loop import OpenLoop


def test_requests_are_due_evenly():
    loop = OpenLoop(rate=10, count=3)
    assert loop.due(0.0) == [0.0]
    assert loop.due(0.05) == []
    assert loop.next_at == pytest.approx(0.1)
    assert loop.due(0.1) == [pytest.approx(0.1)]
    assert not loop.is_over
    assert loop.due(0.2) == [pytest.approx(0.2)]
    assert loop.is_over


def test_what_was_held_up_keeps_the_time_it_was_due():
    loop = OpenLoop(rate=1000, count=5)
    assert loop.due(10.0) == pytest.approx([0, 0.001, 0.002, 0.003, 0.004])
    assert loop.due(11.0) == []


def test_a_minute_at_a_thousand_a_second_does_not_drift():
    loop = OpenLoop(rate=1000, count=60_000)
    taken = sum(len(loop.due(step / 100)) for step in range(6000))
    taken += len(loop.due(60.0))
    assert taken == 60_000
