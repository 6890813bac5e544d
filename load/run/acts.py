"""The single things that students and teachers do, and when they can."""

import random
from collections.abc import Callable, Mapping
from typing import assert_never

import msgspec

from load.run.hall import Hall
from load.run.person import Person
from load.run.profiles import StudentAct, TeacherAct
from protocol.commands import (
    AnyCommand,
    AssetAdd,
    AssetShow,
    BoardDraw,
    ChapterMark,
    ChatConfigure,
    ChatPost,
    FeedbackMark,
    HandLower,
    HandRaise,
    NoteAdd,
    PollClose,
    PollOpen,
    PollPublish,
    PollVote,
    QuestionAnswer,
    QuestionAsk,
    QuestionUpvote,
    Stroke,
)
from protocol.frames import SignalSent

PAGES = 200
_LINES = (
    "Hello everyone!",
    "That makes sense now, thank you.",
    "Could you repeat the last step?",
    "I got 42 as well.",
    "Which page is this on? I have the second edition, and the numbers seem to differ there.",
    "Nice example!",
)
_QUESTIONS = (
    "What happens when two of these meet?",
    "Is there a second way to show this?",
    "How would this look with larger numbers, say a thousand times as large?",
)
_REACTIONS = ("👍", "👏", "❤️", "😂", "🎉")
_FEEDBACK = ("lost", "got_it", "slower", "faster")
_SECOND = 1_000_000_000


def student_does(act: StudentAct, person: Person, due_ns: int, slow_mode_s: int) -> None:
    """Let a student do something, if that makes sense for them now."""
    rng, hall = person.rng, person.hall
    match act:
        case "reaction":
            data = msgspec.Raw(msgspec.json.encode({"emoji": rng.choice(_REACTIONS)}))
            person.signal(SignalSent("reaction", data))
        case "chat":
            if slow_mode_s and due_ns - person.last_chat_ns < (slow_mode_s + 1) * _SECOND:
                hall.report.counts["messages that slow mode held back"] += 1
                return
            person.last_chat_ns = due_ns
            person.say(ChatPost(rng.choice(_LINES)), due_ns)
        case "hand":
            person.say(HandLower() if person.hand_is_up else HandRaise(), due_ns)
            person.hand_is_up = not person.hand_is_up
        case "question":
            person.say(QuestionAsk(rng.choice(_QUESTIONS)), due_ns)
        case "upvote":
            question = hall.board.any_question(rng)
            if question is not None:
                person.say(QuestionUpvote(question), due_ns)
        case "feedback":
            person.say(FeedbackMark(rng.choice(_FEEDBACK)), due_ns)  # type: ignore[arg-type]
        case "note":
            person.say(NoteAdd("Look this up again."), due_ns)
        case _:
            assert_never(act)


def vote(person: Person, poll: str, options: int, due_ns: int) -> None:
    """Let a student vote."""
    person.say(PollVote(poll, (person.rng.randrange(options),)), due_ns)


class Teaching:
    """What a teacher does: slides, a board, polls, answers. They see all that staff see."""

    def __init__(self, person: Person, hall: Hall, rng: random.Random) -> None:
        self.person = person
        self._hall = hall
        self._rng = rng
        self._page = 0
        self._polls = 0

    def set_up(self, due_ns: int, slow_mode_s: int) -> None:
        """Put the slides there, and slow the chat down where that is wanted."""
        self.person.say(AssetAdd("whiteboard", "board:1", "Slides", PAGES), due_ns)
        if slow_mode_s:
            self.person.say(ChatConfigure(slow_mode_s=slow_mode_s), due_ns)

    def does(self, act: TeacherAct, due_ns: int) -> None:
        """Do something, if there is what it needs."""
        command = self._acts[act](self)
        if command is not None:
            self.person.say(command, due_ns)

    def open_poll(self, due_ns: int) -> None:
        """Ask everybody something."""
        self._polls += 1
        text = f"Question {self._polls}: which one is it?"
        options = ("The first", "The second", "The third", "None of them")
        self.person.say(PollOpen(text, options, results="live", correct=(1,)), due_ns)

    def close_polls(self, due_ns: int) -> None:
        """Close and publish whatever is open."""
        for poll in self._state_polls():
            self.person.say(PollClose(poll), due_ns)
            self.person.say(PollPublish(poll), due_ns)

    def _state_polls(self) -> list[str]:
        state = self.person.client.state
        return [] if state is None else [p.poll for p in state.polls if p.status == "open"]

    def _asset(self) -> str | None:
        state = self.person.client.state
        return state.assets[0].asset if state is not None and state.assets else None

    def _slide(self) -> AnyCommand | None:
        asset = self._asset()
        self._page = self._page % PAGES + 1
        return None if asset is None else AssetShow(asset, self._page)

    def _stroke(self) -> AnyCommand | None:
        asset = self._asset()
        points = tuple(self._rng.randrange(10_001) for _ in range(40))
        return None if asset is None else BoardDraw(asset, Stroke(points, page=max(1, self._page)))

    def _chat(self) -> AnyCommand:
        return ChatPost("Watch what happens next, and write your guess in the chat, please.")

    def _answer(self) -> AnyCommand | None:
        state = self.person.client.state
        waiting = [] if state is None else [q for q in state.questions if q.status == "open"]
        return QuestionAnswer(waiting[0].question, "See the next slide.") if waiting else None

    def _call(self) -> AnyCommand | None:
        state = self.person.client.state
        return HandLower(state.hands[0].user) if state is not None and state.hands else None

    def _chapter(self) -> AnyCommand:
        return ChapterMark("The next part")

    _acts: Mapping[TeacherAct, Callable[["Teaching"], AnyCommand | None]] = {
        "slide": _slide,
        "stroke": _stroke,
        "chat": _chat,
        "answer": _answer,
        "call": _call,
        "chapter": _chapter,
    }
