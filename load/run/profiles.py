"""What people do in a class of some kind: data, with where each number is from.

Nobody publishes how often students press which button in a live class, so most rates are
assumptions: generous ones, above what teachers tell of their classes, so that a machine that holds
under a profile holds in earnest. Where a number has a source, it is named.
"""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

StudentAct: TypeAlias = Literal[
    "reaction", "chat", "hand", "question", "upvote", "feedback", "note"
]
TeacherAct: TypeAlias = Literal["slide", "stroke", "chat", "answer", "call", "chapter"]


@dataclass(frozen=True, slots=True)
class StudentHabit:
    """What each student does ``per_minute``, but all of a class together not above ``at_most``.

    People do not post into a chat that nobody can read: large classes say less per head.
    """

    act: StudentAct
    per_minute: float
    source: str
    at_most: float | None = None

    def of_class(self, students: int) -> float:
        """Return how often a second somebody in a class of so many students does it."""
        wished = self.per_minute * students
        return (wished if self.at_most is None else min(wished, self.at_most)) / 60


@dataclass(frozen=True, slots=True)
class TeacherHabit:
    """What the teacher does ``per_minute``."""

    act: TeacherAct
    per_minute: float
    source: str


@dataclass(frozen=True, slots=True)
class Polls:
    """A poll every so often, in which ``turnout`` of all vote within ``within_seconds``."""

    every_seconds: float
    within_seconds: float
    turnout: float
    source: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of class."""

    name: str
    about: str
    students: tuple[StudentHabit, ...]
    teacher: tuple[TeacherHabit, ...]
    polls: Polls | None = None
    slow_mode_s: int = 0


_READABLE = "assumed: two messages a second is more than anybody reads"

LECTURE = Profile(
    "lecture",
    "One speaks, the others listen: slides, a pen, reactions, now and then a message.",
    (
        StudentHabit("reaction", 0.5, "assumed: a reaction every other minute"),
        StudentHabit("chat", 0.1, f"assumed: a message in ten minutes; {_READABLE}", 120),
        StudentHabit("hand", 0.03, "assumed: two hands per student and hour", 20),
        StudentHabit("question", 0.02, "assumed: one question per student and hour", 20),
        StudentHabit("upvote", 0.1, "assumed: five votes for each question"),
        StudentHabit("feedback", 0.1, "assumed: says how it goes six times an hour"),
        StudentHabit("note", 0.03, "assumed: two notes an hour beside those on paper"),
    ),
    (
        TeacherHabit("slide", 1.0, "a slide a minute is the rule of thumb of speakers"),
        TeacherHabit("stroke", 12.0, "assumed: a stroke of the pen every five seconds"),
        TeacherHabit("chat", 0.2, "assumed"),
        TeacherHabit("answer", 1.0, "assumed"),
        TeacherHabit("call", 1.0, "assumed: calls on who raised a hand within a minute"),
        TeacherHabit("chapter", 0.1, "assumed: a new topic every ten minutes"),
    ),
)
QUIZ = Profile(
    "quiz",
    "A question to all every 30 s, and everybody votes within ten seconds.",
    (
        StudentHabit("reaction", 1.0, "assumed: results are cheered at"),
        StudentHabit("chat", 0.1, f"assumed; {_READABLE}", 120),
    ),
    (TeacherHabit("slide", 2.0, "one slide with each question"),),
    Polls(
        30.0,
        10.0,
        1.0,
        "everybody within ten seconds is this profile's purpose; in peer instruction (Mazur, 1997) "
        "a question comes every ten to fifteen minutes and is open for one or two",
    ),
)
QNA = Profile(
    "qna",
    "Everybody asks, votes for what others asked, and wants the word.",
    (
        StudentHabit("question", 0.2, "assumed: one in five minutes, no more than can be read", 60),
        StudentHabit("upvote", 2.0, "assumed: ten votes for each question"),
        StudentHabit("hand", 0.2, "assumed", 60),
        StudentHabit("chat", 0.2, f"assumed; {_READABLE}", 120),
        StudentHabit("reaction", 1.0, "assumed"),
    ),
    (
        TeacherHabit("answer", 3.0, "assumed: an answer every twenty seconds"),
        TeacherHabit("call", 3.0, "assumed"),
    ),
)
TOWNHALL = Profile(
    "townhall",
    "Thousands in one class: reactions, a chat in slow mode, questions, a poll now and then.",
    (
        StudentHabit("reaction", 2.0, "assumed: applause"),
        StudentHabit("chat", 0.2, "assumed; five a second is what slow mode is there for", 300),
        StudentHabit("question", 0.02, "assumed", 30),
        StudentHabit("upvote", 0.2, "assumed"),
    ),
    (
        TeacherHabit("slide", 1.0, "a slide a minute is the rule of thumb of speakers"),
        TeacherHabit("answer", 1.0, "assumed"),
    ),
    Polls(120.0, 20.0, 0.6, "assumed: of a large audience not everybody votes"),
    slow_mode_s=30,
)


def at_pace(profile: Profile, pace: float) -> Profile:
    """Return a class of the same kind in which everything happens ``pace`` times as often."""
    return replace(
        profile,
        students=tuple(
            replace(
                habit,
                per_minute=habit.per_minute * pace,
                at_most=None if habit.at_most is None else habit.at_most * pace,
            )
            for habit in profile.students
        ),
        teacher=tuple(
            replace(habit, per_minute=habit.per_minute * pace) for habit in profile.teacher
        ),
        polls=profile.polls
        and replace(
            profile.polls,
            every_seconds=profile.polls.every_seconds / pace,
            within_seconds=profile.polls.within_seconds / pace,
        ),
    )


PROFILES = {each.name: each for each in (LECTURE, QUIZ, QNA, TOWNHALL)}
