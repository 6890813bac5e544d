"""Questions for the teacher, with one vote per person."""

from typing import assert_never

from protocol.commands import QuestionAnswer, QuestionAsk, QuestionUnvote, QuestionUpvote
from protocol.errors import Refusal
from protocol.events import (
    AnyEvent,
    QuestionAnswered,
    QuestionAsked,
    QuestionUnvoted,
    QuestionUpvoted,
)
from server.classroom.state import Actor, Classroom


def decide(
    state: Classroom,
    who: Actor,
    command: QuestionAsk | QuestionUpvote | QuestionUnvote | QuestionAnswer,
    new_id: str,
) -> tuple[AnyEvent, ...]:
    """Return what happens to a question; voting twice and answering twice change nothing."""
    if isinstance(command, QuestionAsk):
        return (QuestionAsked(new_id, who.name, command.prompt),)
    question = state.questions.get(command.question)
    if question is None:
        raise Refusal("not_found", "There is no such question.", field="question")
    match command:
        case QuestionAnswer():
            if question.status == "answered":
                return ()
            return (QuestionAnswered(command.question, command.text),)
        case QuestionUpvote():
            if question.status != "open":
                raise Refusal("conflict", "This question has been answered.")
            return () if who.user in question.voters else (QuestionUpvoted(command.question),)
        case QuestionUnvote():
            return (QuestionUnvoted(command.question),) if who.user in question.voters else ()
        case _:
            assert_never(command)
