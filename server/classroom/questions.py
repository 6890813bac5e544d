"""Questions for the teacher, with one vote per person, and one question on the stage."""

from typing import assert_never

from msgspec.structs import replace

from protocol import commands as cmd
from protocol import events as ev
from protocol.errors import Refusal
from protocol.features.questions import QuestionCommand, QuestionEvent
from server.classroom.changes import put
from server.classroom.state import Actor, Classroom, Question

MOST_QUESTIONS = 5_000


def decide(
    state: Classroom, who: Actor, command: QuestionCommand, new_id: str
) -> tuple[ev.AnyEvent, ...]:
    """Return what happens to a question; what is so already changes nothing."""
    if isinstance(command, cmd.QuestionAsk):
        if len(state.questions) >= MOST_QUESTIONS:
            raise Refusal("conflict", f"A class takes at most {MOST_QUESTIONS} questions.")
        return (ev.QuestionAsked(new_id, who.name, command.prompt),)
    name = command.question
    question = state.questions.get(name)
    if question is None:
        raise Refusal("not_found", "There is no such question.", field="question")
    match command:
        case cmd.QuestionUpvote():
            # A dismissed one takes votes as before: students are not to know.
            if question.status == "answered":
                raise Refusal("conflict", "This question has been answered.")
            return () if who.user in question.voters else (ev.QuestionUpvoted(name),)
        case cmd.QuestionUnvote():
            return (ev.QuestionUnvoted(name),) if who.user in question.voters else ()
        case cmd.QuestionPresent():
            if question.status != "open":
                raise Refusal("conflict", f"This question is {question.status}: reopen it first.")
            return () if state.presented == name else (ev.QuestionPresented(name),)
        case cmd.QuestionAnswer():
            if question.status == "dismissed":
                raise Refusal("conflict", "This question is dismissed: reopen it first.")
            is_answered = question.status == "answered"
            return () if is_answered else (ev.QuestionAnswered(name, command.text),)
        case cmd.QuestionDismiss():
            return _dismiss(state, name, question)
        case cmd.QuestionReopen():
            is_open = question.status == "open" and state.presented != name
            return () if is_open else (ev.QuestionReopened(name),)
        case _:
            assert_never(command)


def _dismiss(state: Classroom, name: str, question: Question) -> tuple[ev.AnyEvent, ...]:
    match question.status:
        case "answered":
            raise Refusal("conflict", "This question has been answered.")
        case "dismissed":
            return ()
        case "open":
            dismissed = ev.QuestionDismissed(name)
            # Students hear nothing of the dismissal: it has to leave their stage first.
            if state.presented == name:
                return ev.QuestionReopened(name), dismissed
            return (dismissed,)
        case _:
            assert_never(question.status)


def evolve(state: Classroom, event: QuestionEvent, by: str | None) -> Classroom:
    """Return the state after ``event``; an answer and a reopening clear the stage."""
    if isinstance(event, ev.QuestionAsked):
        return replace(state, questions=put(state.questions, event.question, Question()))
    question = state.questions.get(event.question)
    if question is None:
        return state
    presented = None if state.presented == event.question else state.presented
    match event:
        case ev.QuestionPresented():
            return replace(state, presented=event.question)
        case ev.QuestionUpvoted():
            question = replace(question, voters=question.voters | {by or ""})
            presented = state.presented
        case ev.QuestionUnvoted():
            question = replace(question, voters=question.voters - {by or ""})
            presented = state.presented
        case ev.QuestionAnswered():
            question = replace(question, status="answered")
        case ev.QuestionDismissed():
            question = replace(question, status="dismissed")
        case ev.QuestionReopened():
            question = replace(question, status="open")
        case _:
            assert_never(event)
    questions = put(state.questions, event.question, question)
    return replace(state, questions=questions, presented=presented)
