"""A destination's life, with a clock that is only a number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.codes import Code
from server.media.destinations.destination import (
    FINAL,
    FLAPS,
    NEXT,
    OF_ADDRESS,
    PERMANENT,
    Destination,
    Happening,
    Phase,
    Signal,
    fail,
    redirect,
    step,
)

LIVE = (Signal.SOURCE_READY, Signal.RESOLVED, Signal.PUBLISHED, Signal.PROGRESSED)


class Life:
    """Drives one destination and keeps what it told."""

    def __init__(self, *, backup: bool = False) -> None:
        self.state = Destination("one", has_backup=backup)
        self.now = 1_000_000
        self.told: list[Happening] = []

    def signal(self, *signals: Signal, code: Code | None = None) -> "Life":
        for signal in signals:
            self.state, happenings = step(self.state, signal, self.now, code=code)
            self.told += happenings
        return self

    def fail(self, code: Code, chance: float = 0.5) -> "Life":
        self.state, happenings = fail(self.state, code, self.now, chance)
        self.told += happenings
        return self

    def after(self, milliseconds: int) -> "Life":
        self.now += milliseconds
        return self

    def again(self, code: Code) -> "Life":
        """Wait out the back-off and fail once more."""
        return (
            self.after(self.state.delay_ms).signal(Signal.ELAPSED, Signal.SOURCE_READY).fail(code)
        )

    @property
    def names(self) -> list[str]:
        return [name.removeprefix("destination.") for name, _ in self.told]


def test_the_way_to_live_is_told_twice() -> None:
    life = Life().signal(*LIVE[:-1]).after(420).signal(Signal.PROGRESSED)
    assert life.state.phase is Phase.LIVE
    assert life.told == [
        ("destination.connecting", {"destination": "one", "attempt": 1}),
        ("destination.live", {"destination": "one", "ttff_ms": 420}),
    ]


def test_no_first_picture_comes_before_it_was_tried_whatever_becomes_of_the_clock() -> None:
    life = Life().signal(*LIVE[:-1]).after(-60_000).signal(Signal.PROGRESSED)
    assert life.told[-1] == ("destination.live", {"destination": "one", "ttff_ms": 0})


def test_lag_is_told_once_and_so_is_its_end() -> None:
    life = Life().signal(*LIVE).signal(Signal.LAGGED, Signal.LAGGED, code=Code.STALL)
    life.signal(Signal.CAUGHT_UP, Signal.CAUGHT_UP)
    assert life.names == ["connecting", "live", "degraded", "recovered"]
    assert life.told[2][1] == {"destination": "one", "code": "stall"}


def test_back_off_doubles_up_to_thirty_seconds_and_is_spread() -> None:
    life = Life().signal(*LIVE)
    delays = []
    life.fail(Code.RESET, chance=0.0)
    for _ in range(8):
        delays.append(life.state.delay_ms)
        life.after(life.state.delay_ms).signal(Signal.ELAPSED, Signal.SOURCE_READY)
        life.fail(Code.RESET, chance=0.0)
    assert delays == [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]
    assert Life().signal(*LIVE).fail(Code.RESET, chance=0.999).state.delay_ms == 1_000


def test_a_minute_live_forgives_what_was_before() -> None:
    life = Life().signal(*LIVE).fail(Code.RESET)
    for _ in range(3):
        life.again(Code.RESET)
    assert life.state.failures == 4
    life.after(life.state.delay_ms).signal(Signal.ELAPSED, *LIVE).after(60_000).fail(Code.RESET)
    assert life.state.failures == 1
    assert life.state.delay_ms <= 1_000


def test_one_that_was_never_live_is_given_up_after_six_attempts() -> None:
    life = Life().signal(Signal.SOURCE_READY).fail(Code.TCP_REFUSED)
    while life.state.phase is Phase.BACKOFF:
        life.again(Code.TCP_REFUSED)
    assert life.told[-1] == (
        "destination.failed",
        {"destination": "one", "code": "tcp_refused", "attempts": 6},
    )


def test_one_that_was_never_live_is_given_up_after_two_minutes() -> None:
    life = Life().signal(Signal.SOURCE_READY).after(119_000).fail(Code.TCP_TIMEOUT)
    assert life.state.phase is Phase.BACKOFF
    life.again(Code.TCP_TIMEOUT).again(Code.TCP_TIMEOUT)
    assert life.state.phase is Phase.FAILED


@pytest.mark.parametrize("code", sorted(PERMANENT - FINAL))
def test_what_trying_again_cannot_change_is_tried_twice(code: Code) -> None:
    life = Life().signal(Signal.SOURCE_READY).fail(code)
    assert life.state.phase is Phase.BACKOFF
    life.again(code)
    assert life.state.phase is Phase.FAILED


def test_a_revoked_account_is_given_up_at_once() -> None:
    life = Life(backup=True).signal(Signal.SOURCE_READY).fail(Code.INTEGRATION_REVOKED)
    assert life.state.phase is Phase.FAILED
    assert life.told[-1][1] == {"destination": "one", "code": "integration_revoked", "attempts": 1}


@pytest.mark.parametrize("code", sorted(OF_ADDRESS))
def test_an_address_that_refuses_for_good_leaves_the_other(code: Code) -> None:
    life = Life(backup=True).signal(Signal.SOURCE_READY).fail(code).again(code)
    assert (life.state.phase, life.state.on_backup) == (Phase.BACKOFF, True)
    life.again(code)
    assert life.state.phase is Phase.BACKOFF
    life.again(code)
    assert (life.state.phase, life.state.attempt) == (Phase.FAILED, 4)


def test_a_source_that_is_gone_ends_the_stream_and_forgets_what_failed() -> None:
    for signals in range(1, len(LIVE) + 1):
        life = Life().signal(Signal.SOURCE_READY).fail(Code.RESET)
        life.after(1_000).signal(Signal.ELAPSED, *LIVE[:signals]).signal(Signal.SOURCE_GONE)
        assert life.state == Destination("one")
        assert life.names[-1] == "stopped"
    life = Life().signal(Signal.SOURCE_READY).fail(Code.RESET).signal(Signal.SOURCE_GONE)
    assert life.state == Destination("one")


def test_a_redirection_connects_at_once_and_is_no_failure() -> None:
    life = Life().signal(*LIVE)
    life.state, told = redirect(life.state, life.now + 5_000)
    assert life.state.phase is Phase.RESOLVING
    assert told == [("destination.connecting", {"destination": "one", "attempt": 2})]
    assert (life.state.failures, life.state.delay_ms) == (0, 0)
    assert redirect(life.state, life.now) == (life.state, [])


def test_redirections_without_end_are_flapping() -> None:
    life = Life()
    for _ in range(FLAPS + 1):
        assert life.state.phase is not Phase.FAILED
        life.signal(*LIVE)
        life.state, told = redirect(life.after(2_000).state, life.now)
    assert told[-1] == (
        "destination.failed",
        {"destination": "one", "code": "provider_close", "attempts": FLAPS + 1},
    )


def test_stopping_is_two_steps_and_told_once() -> None:
    for signals in range(len(LIVE) + 1):
        life = Life().signal(*LIVE[:signals]).signal(Signal.STOP)
        assert life.state.phase is Phase.STOPPING
        life.fail(Code.RESET).signal(Signal.STOP)
        assert life.state.phase is Phase.STOPPING
        assert "stopped" not in life.names
        life.signal(Signal.CLOSED, Signal.CLOSED)
        assert life.names.count("stopped") == 1


def test_one_that_failed_is_put_away_without_a_word() -> None:
    life = Life().signal(Signal.SOURCE_READY).fail(Code.INTEGRATION_REVOKED)
    life.signal(Signal.STOP, Signal.CLOSED)
    assert life.state.phase is Phase.STOPPED
    assert life.names[-1] == "failed"


def test_every_phase_but_the_last_has_a_way_out_and_in() -> None:
    assert {phase for phase, _ in NEXT} == set(Phase) - {Phase.STOPPED}
    assert set(NEXT.values()) == set(Phase)
    assert {signal for _, signal in NEXT} == set(Signal)


def test_a_name_in_use_is_tried_for_a_minute() -> None:
    life = Life().signal(Signal.SOURCE_READY).fail(Code.NAME_IN_USE)
    tries, start = 1, life.now
    while life.state.phase is Phase.BACKOFF:
        life.again(Code.NAME_IN_USE)
        tries += 1
    assert tries >= 4
    assert life.now - start >= 60_000


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
def test_a_name_in_use_is_asked_for_six_times_a_minute(chance: float) -> None:
    life = Life().signal(Signal.SOURCE_READY).fail(Code.NAME_IN_USE, chance)
    start, attempts = life.now, 1
    while life.state.phase is Phase.BACKOFF:
        life.after(life.state.delay_ms).signal(Signal.ELAPSED, Signal.SOURCE_READY)
        attempts += life.now - start < 60_000
        life.fail(Code.NAME_IN_USE, chance)
    assert 4 <= attempts <= 6
    assert 60_000 <= life.now - start <= 75_000


def test_flapping_is_given_up_at_the_thirteenth_time_in_ten_minutes() -> None:
    life = Life()
    for number in range(1, 14):
        life.signal(*LIVE).after(5_000).fail(Code.RESET)
        assert (life.state.phase is Phase.FAILED) == (number == 13)
        life.after(min(life.state.delay_ms, 30_000)).signal(Signal.ELAPSED)


def test_half_an_hour_of_outage_is_enough() -> None:
    life = Life().signal(*LIVE).fail(Code.RESET)
    start = life.now
    while life.state.phase is Phase.BACKOFF:
        life.again(Code.TCP_REFUSED)
    assert 1_800_000 <= life.now - start <= 1_840_000


def test_two_failures_or_one_stall_switch_to_the_other_url_at_once() -> None:
    life = Life(backup=True).signal(Signal.SOURCE_READY).fail(Code.TCP_REFUSED)
    assert not life.state.on_backup
    life.again(Code.TCP_REFUSED)
    assert life.state.on_backup
    assert life.state.delay_ms == 0
    assert ("destination.switched", {"destination": "one", "to": "backup"}) in life.told
    life.after(0).signal(Signal.ELAPSED, *LIVE)
    assert life.state.on_backup  # sticky
    life.after(90_000).fail(Code.STALL)
    assert not life.state.on_backup
    assert life.told[-2] == ("destination.switched", {"destination": "one", "to": "primary"})


def test_retries_are_told_at_most_every_ten_seconds() -> None:
    life = Life().signal(*LIVE).fail(Code.RESET)
    for _ in range(3):
        life.again(Code.RESET)
    assert life.names.count("retry_scheduled") == 1
    life.after(10_000).again(Code.RESET)
    assert life.names.count("retry_scheduled") == 2


def test_a_retry_that_was_asked_for_starts_anew() -> None:
    life = Life().signal(Signal.SOURCE_READY).fail(Code.AUTH_REJECTED).again(Code.AUTH_REJECTED)
    assert life.state.phase is Phase.FAILED
    life.signal(Signal.RETRY_NOW)
    assert life.state == Destination("one")
    assert life.signal(Signal.SOURCE_READY).state.phase is Phase.RESOLVING


@given(
    st.lists(st.tuples(st.sampled_from([*Signal, *Code]), st.integers(0, 200_000)), max_size=60),
    st.booleans(),
)
def test_whatever_happens_the_machine_stays_within_its_rules(
    steps: list[tuple[Signal | Code, int]], backup: bool
) -> None:
    life = Life(backup=backup)
    for what, milliseconds in steps:
        before = life.state
        count = len(life.told)
        life.after(milliseconds)
        if isinstance(what, Code):
            life.fail(what)
        else:
            life.signal(what)
        assert 0 <= life.state.delay_ms <= 30_000
        if before.phase is Phase.STOPPED:
            assert life.state is before
        if before.phase is not life.state.phase and life.state.phase is Phase.LIVE:
            assert len(life.told) == count + 1
        for _, data in life.told[count:]:
            assert data["destination"] == "one"
            assert all(isinstance(v, int | str) for v in data.values())
