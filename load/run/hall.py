"""One class as one process sees it: what its people share, so that each of them costs little."""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from load.ledger import Ledger, Range
from load.report import Report
from protocol import codec
from protocol.events import (
    AnyEvent,
    PollClosed,
    PollOpened,
    QuestionAnswered,
    QuestionAsked,
    QuestionDismissed,
)
from protocol.frames import LogEvent

_CHUNKS = 128
_GLANCED = 128
_QUESTIONS = 30

Chunk = tuple[tuple[Range, bytes], ...]


@dataclass(slots=True)
class Board:
    """What everybody of the class can act on."""

    polls: dict[str, int] = field(default_factory=dict)
    """Open ones, with how many options they have."""
    questions: deque[str] = field(default_factory=lambda: deque(maxlen=_QUESTIONS))
    applied: int = 0

    def any_question(self, rng: random.Random) -> str | None:
        """Return one of the newest open questions."""
        return rng.choice(self.questions) if self.questions else None

    def take(self, event: AnyEvent | None) -> None:
        """Follow the class by one event."""
        match event:
            case PollOpened():
                self.polls[event.poll] = len(event.options)
            case PollClosed():
                self.polls.pop(event.poll, None)
            case QuestionAsked():
                self.questions.append(event.question)
            case QuestionAnswered() | QuestionDismissed() if event.question in self.questions:
                self.questions.remove(event.question)
            case _:
                pass


class Hall:
    """A class: its address, its ledger, its board, and the bytes that many of its people get.

    ``mark`` begins the key of each command given here; the moment when the command was due follows
    in it, so that whoever is told the event knows how long that took.
    """

    def __init__(
        self,
        number: int,
        url: str,
        run: str,
        report: Report,
        on_poll: Callable[["Hall", str, int, int | None], None],
    ) -> None:
        self.number = number
        self.url = url
        self.marks = f"{run}."
        self.mark = f"{run}.{number}."
        self.report = report
        self.board = Board()
        self.ledger = Ledger(self.due_ns, mark=self.mark, marks=self.marks)
        self._on_poll = on_poll
        self._chunks: dict[tuple[str, str], dict[bytes, Chunk]] = {}
        self._glanced: dict[bytes, None] = {}

    def due_ns(self, event: LogEvent) -> int | None:
        """Return when the command that made the event was due, if it is one of ours."""
        key = event.key
        if not isinstance(key, str) or not key.startswith(self.mark):
            return None
        try:
            return int(key[len(self.mark) :].partition(".")[0], 36)
        except ValueError:
            return None

    def key(self, due_ns: int, number: int) -> str:
        """Return the key of a person's command that was due then."""
        return f"{self.mark}{_base36(due_ns)}.{number}"

    def chunks(self, log: str, view: str) -> dict[bytes, Chunk]:
        """Return what the people of a view got in one piece: only ranges, and what passes."""
        return self._chunks.setdefault((log, view), {})

    def keep(self, chunks: dict[bytes, Chunk], data: bytes, chunk: Chunk) -> None:
        """Remember a piece for the next one who gets it."""
        chunks[data] = chunk
        if len(chunks) > _CHUNKS:
            del chunks[next(iter(chunks))]

    def read(self, log: str, view: str, data: bytes) -> Range:
        """Return a range of events; the first time, the board follows it.

        Raises:
            MalformedFrameError: If it is no such frame.

        """
        told = self.ledger.read(log, view, data)
        board = self.board
        if told.to > board.applied:
            for logged, event in zip(told.events, told.decoded, strict=True):
                if logged.sequence > board.applied:
                    board.take(event)
                    if isinstance(event, PollOpened):
                        self._on_poll(self, event.poll, len(event.options), self.due_ns(logged))
            board.applied = told.to
        return told

    def glance(self, data: bytes) -> None:
        """See that a frame which only passes is one.

        Raises:
            MalformedFrameError: If it is not.

        """
        if data not in self._glanced:
            codec.decode_server(data)
            self._glanced[data] = None
            if len(self._glanced) > _GLANCED:
                del self._glanced[next(iter(self._glanced))]


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text or "0"
