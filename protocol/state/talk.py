"""What people write: the chat and its pinned messages, and the questions."""

from functools import cached_property
from typing import Literal, assert_never

from msgspec import Struct
from msgspec.structs import replace

from protocol import events as ev
from protocol import limits
from protocol.features.chat import For
from protocol.features.questions import QuestionEvent
from protocol.ids import Timestamp, UserId
from protocol.trimming import fit, json_bytes


class Chat(Struct):
    """How the chat works."""

    enabled: bool = True
    slow_mode_s: int = 0
    staff_only: bool = False
    before_start: bool = False


class Message(Struct, frozen=True, dict=True):
    """A chat message. It never changes, so that it is weighed but once: chat is most events.

    A removed one stays, without its text, so that replies to it have a place.
    """

    message: str
    by: UserId | None
    name: str
    at: Timestamp
    text: str
    to: For
    reply_to: str | None = None
    removed: bool = False

    @cached_property
    def weight(self) -> int:
        """The constant of its kind, the name and the text."""
        return limits.MESSAGE_WEIGHT + json_bytes(self.name) + json_bytes(self.text)


class Pinned(Struct):
    """A pinned message, also when it is no longer among the last ones."""

    message: str
    by: UserId | None
    name: str
    at: Timestamp
    text: str
    to: For

    @property
    def weight(self) -> int:
        """The constant of its kind, the name and the text."""
        return limits.PINNED_WEIGHT + json_bytes(self.name) + json_bytes(self.text)


class Question(Struct):
    """A question for the teacher; its votes are in the counters."""

    question: str
    by: UserId | None
    name: str
    at: Timestamp
    prompt: str
    status: Literal["open", "answered", "dismissed"] = "open"
    answer: str | None = None

    @property
    def weight(self) -> int:
        """The constant of its kind, the name, the prompt and the answer."""
        texts = (self.name, self.prompt, self.answer)
        return limits.QUESTION_WEIGHT + sum(map(json_bytes, texts))


def moderate(messages: list[Message], event: ev.ChatRemoved | ev.ChatRestored) -> list[Message]:
    """Return the messages with the text of one taken out, or put back."""
    is_removed = isinstance(event, ev.ChatRemoved)
    text = "" if isinstance(event, ev.ChatRemoved) else event.text
    return [
        replace(each, text=text, removed=is_removed) if each.message == event.message else each
        for each in messages
    ]


def pin(pinned: list[Pinned], event: ev.ChatPinned) -> list[Pinned]:
    """Return the pinned messages with one more."""
    message = Pinned(event.message, event.author, event.name, event.posted_at, event.text, event.to)
    return fit([*unpin(pinned, event.message), message], limits.PINNED_BYTES)


def unpin(pinned: list[Pinned], message: str) -> list[Pinned]:
    """Return the pinned messages without this one."""
    return [each for each in pinned if each.message != message]


def fold_questions(
    questions: list[Question], event: QuestionEvent, at: Timestamp, by: UserId | None
) -> list[Question]:
    """Return the questions after ``event``."""
    match event:
        case ev.QuestionAsked():
            asked = Question(event.question, by, event.name, at, event.prompt)
            questions = [*questions, asked][-limits.SNAPSHOT_QUESTIONS :]
        case ev.QuestionAnswered():
            _set_status(questions, event.question, "answered", event.text)
        case ev.QuestionDismissed():
            _set_status(questions, event.question, "dismissed", None)
        case ev.QuestionReopened():
            _set_status(questions, event.question, "open", None)
        case ev.QuestionPresented() | ev.QuestionUpvoted() | ev.QuestionUnvoted():
            return questions
        case _:
            assert_never(event)
    return fit(questions, limits.QUESTIONS_BYTES, last=lambda each: each.status == "open")


def _set_status(
    questions: list[Question],
    name: str,
    status: Literal["open", "answered", "dismissed"],
    answer: str | None,
) -> None:
    for question in questions:
        if question.question == name:
            question.status, question.answer = status, answer


def presented(question: str | None, event: QuestionEvent) -> str | None:
    """Return which question is on the stage after ``event``; what becomes of it takes it off."""
    match event:
        case ev.QuestionPresented():
            return event.question
        case ev.QuestionAnswered() | ev.QuestionDismissed() | ev.QuestionReopened():
            return None if event.question == question else question
        case _:
            return question
