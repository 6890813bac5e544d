"""How fast one connection may send: a token bucket for each class of what it sends.

Classes are apart so that none starves another: who draws fast can still chat, and a page that
votes in a hurry still gets its next page of the roster.
"""

from typing import Literal, NamedTuple

from protocol.limits import (
    ABUSE_FACTOR,
    COMMAND_BURST,
    COMMANDS_PER_SECOND,
    SIGNAL_BURST,
    SIGNALS_PER_SECOND,
)


class Rate(NamedTuple):
    """``per_second`` on average, ``burst`` at once."""

    per_second: float
    burst: int


FrameClass = Literal["talk", "vote", "draw", "control", "signal", "frame"]

RATES: dict[FrameClass, Rate] = {
    "talk": Rate(COMMANDS_PER_SECOND, COMMAND_BURST),
    "vote": Rate(COMMANDS_PER_SECOND, COMMAND_BURST),
    # A pen makes a stroke for every few centimetres of its way.
    "draw": Rate(3 * COMMANDS_PER_SECOND, 3 * COMMAND_BURST),
    # Every other operation: mostly staff's, and whatever cannot be read.
    "control": Rate(COMMANDS_PER_SECOND, COMMAND_BURST),
    "signal": Rate(SIGNALS_PER_SECOND, SIGNAL_BURST),
    # What is no command: pings, pongs, resyncs, pages of the roster, fresh tokens.
    "frame": Rate(COMMANDS_PER_SECOND, COMMAND_BURST),
}
"""Ten times the rate and the burst of a class is abuse."""

_CLASS_OF: dict[str, FrameClass] = {
    "chat.post": "talk",
    "question.ask": "talk",
    "note.add": "talk",
    "caption.add": "talk",
    "hand.raise": "vote",
    "hand.lower": "vote",
    "question.upvote": "vote",
    "question.unvote": "vote",
    "poll.vote": "vote",
    "feedback.mark": "vote",
    "board.draw": "draw",
    "board.undo": "draw",
}


def class_of(op: str) -> FrameClass:
    """Return the class of the operation ``op``, known or not."""
    return _CLASS_OF.get(op, "control")


class AbuseError(Exception):
    """A client is so far over its limits that nobody who means well could be."""


class Bucket:
    """Allow ``rate`` per second on average, ``burst`` at once. Time is passed in."""

    __slots__ = ("_burst", "_level", "_rate", "_seen")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._seen = now

    def take(self, now: float) -> bool:
        """Take one, if there is one."""
        self._level = min(self._burst, self._level + (now - self._seen) * self._rate)
        self._seen = now
        if self._level < 1:
            return False
        self._level -= 1
        return True

    @property
    def wait_ms(self) -> int:
        """How long until there is one again."""
        return max(1, round((1 - self._level) / self._rate * 1000))


class Buckets:
    """The buckets of one connection, each made when it is first needed."""

    __slots__ = ("_allowed", "_tolerated")

    def __init__(self) -> None:
        self._allowed: dict[FrameClass, Bucket] = {}
        self._tolerated: dict[FrameClass, Bucket] = {}

    def take(self, kind: FrameClass, now: float) -> bool:
        """Take one of a class, if there is one.

        Raises:
            AbuseError: If the client is ten times over the rate of the class.

        """
        if kind not in self._allowed:
            rate, burst = RATES[kind]
            self._allowed[kind] = Bucket(rate, burst, now)
            self._tolerated[kind] = Bucket(rate * ABUSE_FACTOR, burst * ABUSE_FACTOR, now)
        if not self._tolerated[kind].take(now):
            raise AbuseError
        return self._allowed[kind].take(now)

    def wait_ms(self, kind: FrameClass) -> int:
        """How long until there is one of the class again, after one was refused."""
        return self._allowed[kind].wait_ms
