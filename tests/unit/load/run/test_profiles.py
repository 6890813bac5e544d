"""Profiles are complete, and every rate says where it is from."""

import typing

import pytest

from load.run.acts import Teaching
from load.run.profiles import PROFILES, StudentHabit, TeacherAct, at_pace


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_every_rate_has_a_source(profile):
    habits = (*profile.students, *profile.teacher, *filter(None, (profile.polls,)))
    assert all(habit.source for habit in habits)
    assert profile.about.endswith(".")


def test_a_teacher_can_do_everything_that_profiles_name():
    assert set(Teaching._acts) == set(typing.get_args(TeacherAct))


def test_a_large_class_does_no_more_than_its_bound():
    habit = StudentHabit("chat", 0.1, "assumed", at_most=120)
    assert habit.of_class(60) == pytest.approx(0.1)
    assert habit.of_class(5000) == pytest.approx(2)


def test_a_faster_pace_makes_everything_more_frequent():
    quiz = PROFILES["quiz"]
    fast = at_pace(quiz, 10)
    assert fast.students[0].per_minute == 10 * quiz.students[0].per_minute
    assert fast.students[1].at_most == 10 * quiz.students[1].at_most
    assert fast.teacher[0].per_minute == 10 * quiz.teacher[0].per_minute
    assert fast.polls.every_seconds == quiz.polls.every_seconds / 10
    assert at_pace(PROFILES["qna"], 2).polls is None
