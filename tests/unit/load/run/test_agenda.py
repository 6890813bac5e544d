"""The open loop: what is due is done late rather than never, and its lateness is told."""

import random

import pytest

from load.report import Report
from load.run.agenda import Agenda

SECOND = 1_000_000_000


class Clock:
    def __init__(self):
        self.now = 0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def report():
    return Report()


@pytest.fixture
def agenda(report, clock):
    return Agenda(report, clock)


def do_all(agenda):
    while agenda.do():
        pass


def test_things_are_done_in_the_order_in_which_they_are_due(agenda, clock):
    done = []
    for due in (3, 1, 2, 9):
        agenda.at(due, done.append)
    clock.now = 5
    do_all(agenda)
    assert done == [1, 2, 3]
    clock.now = 9
    do_all(agenda)
    assert done == [1, 2, 3, 9]


def test_what_is_done_late_is_told_when_it_was_due(agenda, clock, report):
    done = []
    agenda.at(SECOND, done.append)
    clock.now = 3 * SECOND
    do_all(agenda)
    assert done == [SECOND]
    assert report.lateness.largest == pytest.approx(2000)


def test_a_generator_that_was_held_up_makes_up_for_everything(agenda, clock, report):
    """No coordinated omission: the rate is that of the plan, not of who carries it out."""
    done = []
    agenda.again_and_again(100.0, 0, random.Random(1), done.append)
    for _ in range(50):
        clock.now += SECOND // 50
        do_all(agenda)
    before = len(done)
    clock.now += 60 * SECOND
    do_all(agenda)
    assert before == pytest.approx(100, abs=40)
    assert len(done) - before == pytest.approx(6000, rel=0.05)
    assert done == sorted(done)
    assert report.lateness.percentile(50) > 1000


def test_nothing_is_done_at_a_rate_of_nothing(agenda, clock):
    agenda.again_and_again(0.0, 0, random.Random(1), lambda _: pytest.fail("was done"))
    clock.now = 1000 * SECOND
    assert not agenda.do()


def test_what_was_cleared_is_not_done(agenda, clock):
    agenda.at(1, lambda _: pytest.fail("was done"))
    agenda.clear()
    clock.now = 2
    assert not agenda.do()
