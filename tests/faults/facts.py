"""What follows from a history before anything is judged: which command is which events, and when.

A command is a person and a key: it may have been sent several times, by several devices, to
several nodes, and is one all the same.
"""

import hashlib
from bisect import bisect_left, bisect_right
from functools import cached_property
from typing import NamedTuple

from msgspec import Struct

from protocol.frames import Ack
from tests.faults.history import Asked, History

SLACK_MS = 100
"""By how much the wall clock may have been set against the monotonic one meanwhile."""


class Violation(Struct, frozen=True):
    """A promise that was not kept; ``kind`` is which."""

    kind: str
    text: str
    sequence: int | None = None
    at: float | None = None
    client: int | None = None
    key: str | None = None


class Deed(NamedTuple):
    """One command, however often it was sent."""

    user: str
    key: str
    sent: float
    """When it was sent first."""
    acked: float | None
    """When anybody was first told that it is in the log."""
    place: tuple[int, int] | None
    """The first sequences that an answer gave."""
    asked: tuple[Asked, ...]


class Window(NamedTuple):
    """The sequences between which the log ended at some moment of an interval of time."""

    first: int
    last: int


class Facts:
    """The history, looked at from all sides. Pure."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.head = len(history.log)
        self.by_key = {each.key: each.sequence for each in history.log if each.key is not None}
        self.users = {client.user for client in history.clients}

    @cached_property
    def deeds(self) -> dict[str, Deed]:
        """Every command, by its key in the log."""
        sent: dict[tuple[str, str], list[Asked]] = {}
        for asked in self.history.asked:
            user = self.history.clients[asked.client].user
            sent.setdefault((user, asked.key), []).append(asked)
        return {stored_key(*names): _deed(*names, asked) for names, asked in sent.items()}

    @cached_property
    def _known(self) -> tuple[list[float], list[int]]:
        """From when on which sequences were certainly in the log: times, and the highest then."""
        facts = [(each.at, each.sequence) for each in self.history.known]
        facts += [
            (deed.acked, deed.place[1])
            for deed in self.deeds.values()
            if deed.acked is not None and deed.place is not None
        ]
        facts.sort()
        times, highest = [], []
        for at, sequence in facts:
            times.append(at)
            highest.append(max(sequence, highest[-1] if highest else 0))
        return times, highest

    @cached_property
    def _sent_later(self) -> tuple[list[float], list[int]]:
        """When acked commands were sent, and the lowest sequence of any sent then or later."""
        facts = sorted(
            (deed.sent, deed.place[0]) for deed in self.deeds.values() if deed.place is not None
        )
        lowest: list[int] = []
        for _, sequence in reversed(facts):
            lowest.append(min(sequence, lowest[-1] if lowest else sequence))
        return [at for at, _ in facts], lowest[::-1]

    @cached_property
    def _times(self) -> list[int]:
        return [each.at_ms for each in self.history.log]

    def known_before(self, at: float) -> int:
        """Return the highest sequence of which anybody was told before ``at``."""
        times, highest = self._known
        index = bisect_left(times, at)
        return highest[index - 1] if index else 0

    def possible_until(self, at: float) -> int:
        """Return the highest sequence that may have been in the log at ``at``.

        What was sent later was not, nor was whatever comes after that; nor what was decided later
        by the log's own times, which every node reads from the clock of this one machine.
        """
        times, lowest = self._sent_later
        index = bisect_right(times, at)
        bound = lowest[index] - 1 if index < len(lowest) else self.head
        return min(bound, bisect_right(self._times, self.history.wall_ms(at) + SLACK_MS))

    def window(self, since: float, until: float) -> Window:
        """Return where the log may have ended between two moments."""
        return Window(self.known_before(since), self.possible_until(until))


def stored_key(user: str, key: str) -> str:
    """Return a command's key as the log keeps it (DATA §3)."""
    return hashlib.sha256(f"{user}\0{key}".encode()).hexdigest()[:32]


def _deed(user: str, key: str, asked: list[Asked]) -> Deed:
    acks = sorted(
        (each.answered, each.answer.sequence)
        for each in asked
        if isinstance(each.answer, Ack) and each.answer.sequence and each.answered is not None
    )
    sent = min(each.sent for each in asked)
    acked, place = acks[0] if acks else (None, None)
    return Deed(user, key, sent, acked, place, tuple(asked))
