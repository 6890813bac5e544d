"""What the tests of the rules share."""

import pytest

from protocol import commands as cmd
from tests.unit.classroom.lesson import ROLES, TEACHER, Lesson


@pytest.fixture
def lesson():
    """A live class with everybody in it."""
    lesson = Lesson()
    lesson.arrives(*ROLES)
    lesson.does(TEACHER, cmd.SessionStart())
    return lesson
