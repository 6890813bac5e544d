"""What is asked for again, and when."""

import math
import random
from itertools import pairwise

import pytest

from server.media.ingest.nack import (
    MAX_MISSING,
    MAX_PATIENCE_SECONDS,
    MAX_PER_MESSAGE,
    MAX_TRIES,
    MIN_PATIENCE_SECONDS,
    Nacks,
)


def after(*sequences: int, now: float = 0.0) -> Nacks:
    nacks = Nacks()
    for sequence in sequences:
        nacks.heard(sequence, False, now)
    return nacks


def test_nothing_is_asked_for_when_all_came() -> None:
    nacks = after(*range(65_500, 65_536), *range(100))
    assert nacks.next_due == math.inf
    assert nacks.due(10.0) == []


def test_a_gap_is_asked_for_at_once_and_not_again_before_an_answer_can_be_here() -> None:
    nacks = after(10, 14)
    assert nacks.due(0.0) == [11, 12, 13]
    assert nacks.due(0.0) == []
    assert nacks.due(nacks.round_trip) == []
    nacks.heard(12, True, nacks.round_trip)
    assert nacks.due(nacks.next_due) == [11, 13]


def test_a_gap_across_the_wrap_is_asked_for() -> None:
    assert after(65_534, 2).due(0.0) == [65_535, 0, 1]


def test_questions_become_rarer_and_end() -> None:
    nacks = after(0, 2)
    asked = []
    while nacks.next_due < math.inf:
        now = nacks.next_due
        if nacks.due(now):
            asked.append(now)
    pauses = [b - a for a, b in pairwise(asked)]
    assert all(b > a for a, b in pairwise(pauses))
    assert 2 <= len(asked) <= MAX_TRIES
    assert asked[-1] <= MAX_PATIENCE_SECONDS
    assert nacks.asked == len(asked)


def test_who_is_near_is_not_asked_without_end() -> None:
    nacks = after(0, 2)
    nacks.due(0.0)
    nacks.heard(1, True, 0.002)
    nacks.heard(4, False, 1.0)
    asked = 0
    while nacks.next_due < math.inf:
        asked += len(nacks.due(nacks.next_due))
    assert asked == MAX_TRIES


def test_who_never_answers_is_not_waited_for_long() -> None:
    nacks = after(0, 2)
    before = nacks.patience
    assert nacks.due(0.0) == [1]
    assert nacks.due(before + 0.01) == []
    assert MIN_PATIENCE_SECONDS == nacks.patience < before


@pytest.mark.parametrize("round_trip", [0.002, 0.03, 0.1, 0.3, 0.45])
@pytest.mark.parametrize("loss", [0.01, 0.05, 0.2])
def test_the_round_trip_is_learnt_though_questions_and_answers_are_lost(
    round_trip: float, loss: float
) -> None:
    chance = random.Random(5)
    nacks = Nacks()
    answers: list[tuple[float, int]] = []
    repaired = lost = 0
    now = 0.0
    waiting: dict[int, float] = {}
    for number in range(20_000):
        now += 0.005
        for at, answer in list(answers):
            if at <= now:
                answers.remove((at, answer))
                if waiting.pop(answer, None) is not None:
                    repaired += 1
                nacks.heard(answer & 0xFFFF, True, now)
        if chance.random() < loss:
            lost += 1
            waiting[number] = now
        else:
            nacks.heard(number & 0xFFFF, False, now)
        for sequence in nacks.due(now):
            answer = number - ((number - sequence) & 0xFFFF)
            # The question and the answer each cross the network.
            if chance.random() > 2 * loss:
                answers.append((now + round_trip * chance.uniform(0.9, 1.2), answer))
    assert 0.9 * round_trip <= nacks.round_trip <= 1.3 * round_trip + 0.01
    assert nacks.patience >= min(3 * round_trip, MAX_PATIENCE_SECONDS)
    # Hardly anything is asked for without need.
    assert nacks.asked <= lost / (1 - 2 * loss) * 1.15 + 20
    if loss <= 0.05:
        assert repaired >= lost * 0.97


def test_reordering_is_learnt_and_then_not_asked_about() -> None:
    nacks = Nacks()
    asked = 0
    for number in range(0, 4_000, 4):
        now = number * 0.003
        for place, ahead in enumerate((0, 2, 1, 3)):
            at = now + place * 0.003
            nacks.heard((number + ahead) & 0xFFFF, False, at)
            asked += len(nacks.due(at))
    assert asked <= 2
    # What was overtaken was not lost.
    assert nacks.missed == 0


def test_without_rtx_an_answer_is_known_by_its_time() -> None:
    nacks = Nacks()
    for number in range(0, 400, 2):
        now = number * 0.5
        nacks.heard(number, False, now)
        if number:
            assert nacks.due(now) == [number - 1]
            nacks.heard(number - 1, False, now + 0.08)
    assert nacks.round_trip == pytest.approx(0.08)
    assert nacks.missed == nacks.repaired == 199


def test_what_was_given_up_is_not_asked_for() -> None:
    nacks = after(65_530, 65_533, 3, 5)
    nacks.forget(0)
    assert nacks.due(0.0) == [0, 1, 2, 4]
    nacks.forget(5)
    assert nacks.next_due == math.inf
    assert nacks.due(5.0) == []


def test_messages_and_memory_are_bounded() -> None:
    nacks = after(0, MAX_MISSING + 1)
    assert len(nacks.due(0.0)) == MAX_PER_MESSAGE
    assert len(nacks.due(0.0)) == MAX_PER_MESSAGE
    assert len(nacks.due(0.0)) == MAX_MISSING - 2 * MAX_PER_MESSAGE
    assert nacks.due(0.0) == []
    for sequence in range(MAX_MISSING + 3, MAX_MISSING + 3 + 2 * MAX_MISSING, 2):
        nacks.heard(sequence, False, 0.01)
    found = []
    while numbers := nacks.due(0.02):
        found += numbers
    assert len(found) == MAX_MISSING
    assert len(nacks._missing) == MAX_MISSING


def test_a_hole_that_no_sender_can_fill_is_not_asked_about() -> None:
    assert after(0, MAX_MISSING + 2).due(0.0) == []


def test_a_sender_that_begins_anew_is_followed() -> None:
    nacks = after(40_000, 20_000)
    assert nacks.due(0.0) == []
    nacks.heard(20_002, False, 0.0)
    assert nacks.due(0.0) == [20_001]


def test_duplicates_are_nothing() -> None:
    nacks = after(5, 5, 6, 5, 6, 8)
    assert nacks.due(0.0) == [7]
    nacks.heard(7, True, 0.05)
    nacks.heard(7, True, 0.06)
    assert nacks.repaired == 1
