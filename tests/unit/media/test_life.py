"""What is on air, with a clock that is only a number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.ingest.life import (
    HOLD_SECONDS,
    NEXT,
    Action,
    Life,
    Phase,
    Signal,
    due,
    step,
)


def after(*signals: Signal) -> tuple[Life, list[Action]]:
    life, actions = Life(), []
    for signal in signals:
        life, action = step(life, signal, 10.0)
        actions += [action] if action else []
    return life, actions


def test_a_stall_is_forgiven() -> None:
    life, actions = after(Signal.TAKEN, Signal.QUIET, Signal.HEARD)
    assert life.phase is Phase.STEADY
    assert actions == [Action.WARN]


def test_silence_puts_the_slate_on_air_until_somebody_is_taken() -> None:
    life, actions = after(Signal.TAKEN, Signal.QUIET, Signal.SILENT)
    assert life == Life(Phase.SLATE, slate_since=10.0)
    assert life.on_slate
    assert actions == [Action.WARN, Action.LOSE]
    life, _ = step(life, Signal.HEARD, 20.0)
    assert life == Life(Phase.RESUMING, slate_since=10.0)
    life, action = step(life, Signal.TAKEN, 21.0)
    assert life == Life(Phase.STEADY)
    assert action is Action.RESUME


@pytest.mark.parametrize("before", [(Signal.TAKEN,), (Signal.TAKEN, Signal.QUIET)])
def test_a_connection_that_ends_is_lost_at_once(before: tuple[Signal, ...]) -> None:
    life, actions = after(*before, Signal.GONE)
    assert life.phase is Phase.SLATE
    assert actions[-1] is Action.LOSE


def test_nobody_is_lost_who_was_never_on_air() -> None:
    life, actions = after(Signal.QUIET, Signal.SILENT, Signal.GONE, Signal.HELD)
    assert (life, actions) == (Life(), [])


def test_a_slate_that_was_held_for_too_long_ends() -> None:
    life, _ = after(Signal.TAKEN, Signal.GONE)
    assert due(life, 10.0 + HOLD_SECONDS - 0.1, None) is None
    assert due(life, 10.0 + HOLD_SECONDS, None) is Signal.HELD
    life, action = step(life, Signal.HELD, 10.0 + HOLD_SECONDS)
    assert (life, action) == (Life(), Action.RELEASE)


def test_who_comes_and_goes_does_not_prolong_the_slate() -> None:
    life, _ = after(Signal.TAKEN, Signal.GONE)
    for now in (100.0, 200.0):
        life, _ = step(life, Signal.HEARD, now)
        life, _ = step(life, Signal.SILENT, now + 3)
    assert life == Life(Phase.SLATE, slate_since=10.0)


@pytest.mark.parametrize(
    ("phase", "silence", "signal"),
    [
        (Phase.WAITING, 100.0, None),
        (Phase.STEADY, 0.6, None),
        (Phase.STEADY, 0.8, Signal.QUIET),
        (Phase.STALLED, 0.1, Signal.HEARD),
        (Phase.STALLED, 1.9, None),
        (Phase.STALLED, 2.1, Signal.SILENT),
        (Phase.SLATE, 0.1, Signal.HEARD),
        (Phase.SLATE, 5.0, None),
        (Phase.RESUMING, 1.9, None),
        (Phase.RESUMING, 2.1, Signal.SILENT),
    ],
)
def test_time_alone_tells(phase: Phase, silence: float, signal: Signal | None) -> None:
    life = Life(phase, 99.0 if phase in (Phase.SLATE, Phase.RESUMING) else None)
    assert due(life, 100.0, 100.0 - silence) is signal


@given(st.lists(st.sampled_from(Signal)))
def test_the_slate_goes_on_air_once_for_each_loss_and_off_once(signals: list[Signal]) -> None:
    life, shown = Life(), False
    for signal in signals:
        life, action = step(life, signal, 1.0)
        if action is Action.LOSE:
            assert not shown
            shown = True
        elif action in (Action.RESUME, Action.RELEASE):
            assert shown
            shown = False
        assert life.on_slate == shown == (life.slate_since is not None)


def test_every_phase_is_reached_and_left() -> None:
    assert {phase for phase, _ in NEXT} == set(Phase)
    assert {phase for phase, _ in NEXT.values()} == set(Phase)
    assert {signal for _, signal in NEXT} == set(Signal)


@given(st.sampled_from(Phase), st.floats(0, 1000))
def test_time_never_goes_round_in_circles(phase: Phase, silence: float) -> None:
    life = Life(phase, 0.0 if phase in (Phase.SLATE, Phase.RESUMING) else None)
    now = 1000.0
    for _ in range(4):
        signal = due(life, now, now - silence)
        if signal is None:
            return
        life, _ = step(life, signal, now)
    raise AssertionError(life)
