"""Questions for the teacher, which others may vote for."""

from typing import TypeAlias

from protocol.ids import OptionalText, Prompt, QuestionId
from protocol.messages import Command, Event


class QuestionAsk(Command, frozen=True):
    """Ask the teacher something that others may vote for."""

    op = "question.ask"
    prompt: Prompt


class QuestionUpvote(Command, frozen=True):
    """Say that this question is mine too. Once per person."""

    op = "question.upvote"
    question: QuestionId


class QuestionUnvote(Command, frozen=True):
    """Take one's vote for a question back."""

    op = "question.unvote"
    question: QuestionId


class QuestionPresent(Command, frozen=True):
    """Put a question on the stage, in place of any other."""

    op = "question.present"
    question: QuestionId


class QuestionAnswer(Command, frozen=True):
    """Mark a question answered, with the answer in words where there is one."""

    op = "question.answer"
    question: QuestionId
    text: OptionalText | None = None


class QuestionDismiss(Command, frozen=True):
    """Put a question aside without an answer; students are not told."""

    op = "question.dismiss"
    question: QuestionId


class QuestionReopen(Command, frozen=True):
    """Make an answered, dismissed or presented question an open one again."""

    op = "question.reopen"
    question: QuestionId


class QuestionAsked(Event, frozen=True):
    """A question for the teacher."""

    type = "question.asked"
    question: QuestionId
    name: str
    prompt: str


class QuestionUpvoted(Event, frozen=True):
    """One more vote for a question (staff only; everybody sees counts)."""

    type = "question.upvoted"
    question: QuestionId


class QuestionUnvoted(Event, frozen=True):
    """One vote less for a question (staff only; everybody sees counts)."""

    type = "question.unvoted"
    question: QuestionId


class QuestionPresented(Event, frozen=True):
    """A question is on the stage; in the replay, a chapter begins."""

    type = "question.presented"
    question: QuestionId


class QuestionAnswered(Event, frozen=True):
    """A question was answered, aloud or in words; it leaves the stage."""

    type = "question.answered"
    question: QuestionId
    text: str | None = None


class QuestionDismissed(Event, frozen=True):
    """A question was put aside (staff only)."""

    type = "question.dismissed"
    question: QuestionId


class QuestionReopened(Event, frozen=True):
    """A question is open again, and not on the stage."""

    type = "question.reopened"
    question: QuestionId


QuestionCommand: TypeAlias = (
    QuestionAsk
    | QuestionUpvote
    | QuestionUnvote
    | QuestionPresent
    | QuestionAnswer
    | QuestionDismiss
    | QuestionReopen
)
QuestionEvent: TypeAlias = (
    QuestionAsked
    | QuestionUpvoted
    | QuestionUnvoted
    | QuestionPresented
    | QuestionAnswered
    | QuestionDismissed
    | QuestionReopened
)
