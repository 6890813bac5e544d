"""Attendance is a fold of the log: every way of coming and going."""

from server.rest.tables import safe
from server.store.attendance import Fact, Stay, fold

ANN, BOB = "a", "b"
MINUTE = 60_000


def at(minute, kind, user=None, role=None):
    return Fact(kind, minute * MINUTE, user, role)


def joined(minute, user, role="student"):
    return at(minute, "participant.joined", user, role)


def stays_of(facts, user=ANN, *, now=1000):
    attendance = next(each for each in fold(facts, now * MINUTE) if each.user == user)
    return [
        (stay.joined_at // MINUTE, None if stay.left_at is None else stay.left_at // MINUTE)
        for stay in attendance.stays
    ], attendance.present_ms // MINUTE


START, END = at(10, "session.started"), at(70, "session.ended")


def test_who_stays_until_the_end_leaves_with_it() -> None:
    facts = [START, joined(15, ANN), END, at(75, "participant.left", ANN)]
    assert stays_of(facts) == ([(15, 70)], 55)


def test_who_comes_early_attends_from_the_start() -> None:
    assert stays_of([joined(0, ANN), START, END]) == ([(0, 70)], 60)
    facts = [joined(0, ANN), at(5, "participant.left", ANN), START, END]
    assert stays_of(facts) == ([(0, 5)], 0)


def test_every_stay_counts_and_the_time_between_does_not() -> None:
    facts = [
        START, joined(10, ANN), at(20, "participant.left", ANN),
        joined(30, ANN), joined(35, ANN), at(40, "participant.removed", ANN),
        at(41, "participant.left", ANN), joined(50, ANN), at(60, "participant.banned", ANN), END,
    ]  # fmt: skip
    assert stays_of(facts) == ([(10, 20), (30, 40), (50, 60)], 30)


def test_in_a_class_that_goes_on_presence_counts_until_now() -> None:
    assert stays_of([START, joined(15, ANN)], now=25) == ([(15, None)], 10)
    assert stays_of([joined(5, ANN)], now=25) == ([(5, None)], 0)
    assert stays_of([START, END, joined(80, ANN)], now=90) == ([(80, None)], 0)


def test_the_last_role_counts_and_who_was_never_there_does_not() -> None:
    facts = [
        START, joined(10, BOB, "teacher"), joined(10, ANN),
        at(11, "participant.role_changed", ANN, "assistant"),
        at(12, "participant.role_changed", "c", "assistant"), at(13, "participant.left", "d"), END,
    ]  # fmt: skip
    assert [(each.user, each.role) for each in fold(facts, 0)] == [
        (ANN, "assistant"), (BOB, "teacher"),
    ]  # fmt: skip
    assert fold(facts, 0)[0].stays == (Stay(10 * MINUTE, 70 * MINUTE, 60 * MINUTE),)


def test_no_cell_is_a_formula() -> None:
    for text in ("=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "＝1"):
        assert safe(text) == f"'{text}"
    for harmless in ("Ann", "a=b", "", 7, -3.5):
        assert safe(harmless) == harmless
