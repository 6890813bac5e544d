"""The log held against the rules of the class: a sequential model, run over it event by event.

What a command led to is what the rules decide on the state before it; and where it led to nothing,
or was refused, there was a moment between question and answer when the rules said just that. So
the log is a strict serialization of everything that people were told.

One answer may be older: that of a copy which comes late by an older connection.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from protocol import codec
from protocol.errors import Refusal
from protocol.features.replays import ReplayCommand
from protocol.frames import Ack, CommandFrame, Mine, Nack
from protocol.ids import view_of
from server.classroom import people
from server.classroom.decide import decide
from server.classroom.evolve import evolve
from server.classroom.state import Classroom
from server.classroom.view import mine
from server.hub.history import recall
from tests.faults.facts import Facts, Violation
from tests.faults.history import Asked, Client, Connected, Own, Welcomed

SOME_ID = "ffffffff-ffff-4fff-bfff-ffffffffffff"
JUDGED = frozenset(("forbidden", "muted", "locked", "not_found", "conflict", "session_ended"))
"""Refusals that depend on the state of the class, and on nothing else."""
_ELSEWHERE = frozenset(("destination.enable",))
"""What is refused for what is not in the class's log."""
NO_CHANGE = "no change"


class Question(NamedTuple):
    """An answer without events, and between which sequences it must have been true."""

    first: int
    last: int
    number: int
    asked: Asked
    said: str


class Rules:
    """The rules, and a history that they are held against. Pure."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._done = {
            each.sequence: deed.asked[0]
            for each in facts.history.log
            if each.key is not None and (deed := facts.deeds.get(each.key)) is not None
        }
        self._questions = sorted(self._ask())
        self._own = self._owned()

    def check(self) -> Iterator[Violation]:
        """Yield what the rules would not have said."""
        state, waiting = Classroom(), list(reversed(self._questions))
        open_: list[Question] = []
        log = self.facts.history.log
        expected: list[Any] = []
        for sequence in range(len(log) + 1):
            if sequence:
                recorded = recall(log[sequence - 1].stored)
                if recorded is None:
                    continue
                asked = self._done.get(sequence)
                if asked is not None:
                    if expected:
                        yield Violation("rules", f"{len(expected)} events are missing", sequence)
                    expected, wrong = self._decided(state, asked, sequence)
                    yield from wrong
                if expected:
                    actual = recorded.event.type, msgspec.json.decode(recorded.payload)
                    if not _fits(expected[0], actual):
                        text = f"{actual} is in the log, the rules say {expected[0]}"
                        yield Violation("rules", text, sequence)
                    del expected[0]
                state = evolve(
                    state, recorded.event, sequence=sequence, at=recorded.at, by=recorded.by
                )
            yield from self._compare_own(state, sequence)
            while waiting and waiting[-1].first <= sequence:
                open_.append(waiting.pop())
            still: list[Question] = []
            for question in open_:
                if question.said in self._answers(state, question.asked):
                    continue
                if question.last <= sequence:
                    yield from self._untrue(question)
                else:
                    still.append(question)
            open_ = still
        for question in open_:
            yield from self._untrue(question)

    # ------------------------------------------------------------ what led to events

    def _decided(
        self, state: Classroom, asked: Asked, sequence: int
    ) -> tuple[list[Any], list[Violation]]:
        """Return the events that the rules say, to be met one by one."""
        logged = self.facts.history.log[sequence - 1]
        try:
            command = _command(asked)
            client = self.facts.history.clients[asked.client]
            events = decide(
                state,
                people.actor(state, client.user, client.called, client.role),
                command,
                new_id=self.facts.history.session
                if isinstance(command, ReplayCommand)
                else SOME_ID,
                at=codec.timestamp(logged.at_ms),
                expect=asked.expect,
            )
        except Refusal as refusal:
            text = f"{asked.op} is in the log, and the rules refuse it: {refusal.code}, {refusal}"
            return [], [Violation("rules", text, sequence, asked.sent, asked.client, asked.key)]
        if not events:
            text = f"{asked.op} is in the log, and the rules say that it changes nothing"
            return [], [Violation("rules", text, sequence, asked.sent, asked.client, asked.key)]
        return [(each.type, _builtins(each)) for each in events], []

    # ------------------------------------------------------------ what led to nothing

    def _ask(self) -> Iterator[Question]:
        for number, asked in enumerate(self.facts.history.asked):
            said = _said(asked)
            if said is None:
                continue
            assert asked.answered is not None
            first, last = self.facts.window(asked.sent, asked.answered)
            yield Question(first, max(first, last), number, asked, said)

    def _answers(self, state: Classroom, asked: Asked) -> set[str]:
        """Return what the rules say at this state, to whoever asks first or last in that time."""
        client = self.facts.history.clients[asked.client]
        who = people.actor(state, client.user, client.called, client.role)
        assert asked.answered is not None
        said = set()
        for at in {asked.sent, asked.answered}:
            try:
                events = decide(
                    state,
                    who,
                    _command(asked),
                    new_id=self.facts.history.session
                    if asked.op.startswith("replay.")
                    else SOME_ID,
                    at=codec.timestamp(self.facts.history.wall_ms(at)),
                    expect=asked.expect,
                )
            except Refusal as refusal:
                said.add(refusal.code)
            else:
                said.add("events" if events else NO_CHANGE)
        return said

    def _untrue(self, question: Question) -> Iterator[Violation]:
        asked = question.asked
        if self._is_late_copy(question):
            return
        text = (
            f"{asked.op} was answered “{question.said}”, which was true at no moment from "
            f"{question.first} to {question.last}"
        )
        yield Violation("untrue", text, question.last, asked.sent, asked.client, asked.key)

    def _is_late_copy(self, question: Question) -> bool:
        """Whether its person was told so before, when its connection was there already."""
        copy, clients = question.asked, self.facts.history.clients
        assert copy.answered is not None
        begun = self._begun(clients[copy.client], copy.answered)
        return any(
            asked.answered is not None
            and begun < asked.answered < copy.answered
            and _said(asked) == question.said
            and (asked.key, asked.op, bytes(asked.data)) == (copy.key, copy.op, bytes(copy.data))
            and clients[asked.client].user == clients[copy.client].user
            for asked in self.facts.history.asked
        )

    def _begun(self, client: Client, at: float) -> float:
        """Return when the connection began that somebody had at a time."""
        items = (self.facts.history.items[ref] for ref in client.heard)
        begun = (item.at for item in items if isinstance(item, Connected) and item.at <= at)
        return max(begun, default=at)

    # ------------------------------------------------------------ what is one person's own

    def _owned(self) -> dict[int, dict[tuple[str, str, int], int]]:
        """Return, by sequence, whose own frames to compare: user, view, what was said."""
        found: dict[int, dict[tuple[str, str, int], int]] = {}
        for number, client in enumerate(self.facts.history.clients):
            view = ""
            for ref in client.heard:
                match self.facts.history.items[ref]:
                    case Welcomed() as welcome:
                        view = welcome.view
                    case Own(sequence, frame):
                        found.setdefault(sequence, {})[client.user, view, frame] = number
        return found

    def _compare_own(self, state: Classroom, sequence: int) -> Iterator[Violation]:
        for (user, view, said), number in self._own.get(sequence, {}).items():
            seen = msgspec.json.decode(self.facts.history.said[said], type=Mine)
            own = mine(state, user, seen.role, sequence)
            if view == "lobby":
                own = msgspec.structs.replace(own, lobby=True, grants=())
            elif view != view_of(own.role):
                continue
            if msgspec.to_builtins(own) != msgspec.to_builtins(seen):
                text = f"told that theirs is {seen} at {sequence}, by the log it is {own}"
                yield Violation("own", text, sequence, client=number)


def _said(asked: Asked) -> str | None:
    """Return what was answered without an event, if the rules can judge it."""
    match asked.answer:
        case Ack(sequence=None):
            return NO_CHANGE
        case Nack(code=code) if code in JUDGED and asked.op not in _ELSEWHERE:
            return code
        case _:
            return None


def _command(asked: Asked) -> Any:
    return codec.decode_command(CommandFrame(0, asked.key, asked.op, asked.data, asked.expect))


def _builtins(event: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(event))


def _fits(expected: Any, actual: Any) -> bool:
    """Compare, where an id that the rules would have been given may be any."""
    if expected == SOME_ID:
        return isinstance(actual, str)
    if isinstance(expected, dict):
        return (
            isinstance(actual, dict)
            and expected.keys() == actual.keys()
            and all(_fits(value, actual[name]) for name, value in expected.items())
        )
    if isinstance(expected, list | tuple):
        return (
            isinstance(actual, list | tuple)
            and len(expected) == len(actual)
            and all(map(_fits, expected, actual))
        )
    return bool(expected == actual)
