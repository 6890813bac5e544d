"""What each client was told, held against what its view shows of the log.

A client's position moves by ranges that join; a snapshot, or coming back to an earlier position,
sets it. The text of a message may be blank or not: that depends on whether it was removed by the
time of the telling, of which the welcome before it is the latest certain word.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import msgspec

from protocol.frames import LogEvent
from protocol.snapshot import State
from server.classroom.evolve import evolve
from server.classroom.state import Classroom
from server.hub.draft import Recorded
from server.hub.history import recall, shown
from server.hub.views import AUDIENCES, Audience, fold_shown
from tests.faults.facts import Facts, Violation, stored_key
from tests.faults.history import Client, Connected, Moved, Own, Range, Snapshot, Welcomed

_IN_LOBBY = {"status", "title", "teacher"}


class Shown:
    """What one view shows of the log: each event as it was, and as it is once its text is gone."""

    def __init__(self, facts: Facts, audience: Audience, every: frozenset[int]) -> None:
        stored = [each.stored for each in facts.history.log]
        self.visible = _parsed(stored, audience, frozenset())
        self.blank = {
            sequence: data
            for sequence, data in _parsed(
                [each for each in stored if each.sequence in every], audience, every
            ).items()
            if data != self.visible[sequence]
        }
        self.sequences = sorted(self.visible)


class Telling:
    """The log as everybody is told of it. Pure."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.recorded: list[Recorded] = [
            each
            for each in map(recall, (event.stored for event in facts.history.log))
            if each is not None
        ]
        self._blanked: dict[int, list[tuple[int, bool]]] = defaultdict(list)
        self._follow_blanks()
        every = frozenset(self._blanked)
        self.shown = {audience: Shown(facts, audience, every) for audience in AUDIENCES}
        self._judged: dict[tuple[str, int], tuple[list[Violation], list[tuple[int, bool]]]] = {}

    def check(self) -> Iterator[Violation]:
        """Yield what is wrong with what anybody was told."""
        for number, client in enumerate(self.facts.history.clients):
            yield from self._check_client(number, client)
        yield from self._check_states()

    # ------------------------------------------------------------ ranges

    def _check_client(self, number: int, client: Client) -> Iterator[Violation]:
        view, position, head = "", None, 0
        for ref in client.heard:
            match self.facts.history.items[ref]:
                case Connected():
                    pass
                case Moved(to):
                    position = to
                case Welcomed() as welcome:
                    view, head = welcome.view, welcome.head
                    if head > self.facts.head:
                        text = f"welcomed at {head}, the log ends at {self.facts.head}"
                        yield Violation("told", text, self.facts.head, client=number)
                    if welcome.recovery == "snapshot":
                        position = None
                    elif position is None:
                        text = f"recovery by {welcome.recovery}, with nothing to recover from"
                        yield Violation("told", text, head, client=number)
                case Snapshot(sequence=sequence):
                    position = sequence
                case Range(first, last) as told:
                    if position is None or first > position + 1:
                        text = f"told {first}–{last} at position {position}"
                        yield Violation("hole", text, first, client=number)
                    position = max(position or 0, last)
                    wrong, texts = self._judge(view, ref, told)
                    for each in wrong:
                        yield msgspec.structs.replace(each, client=number)
                    for sequence, is_blank in texts:
                        if not self._may_be(sequence, is_blank, head):
                            how = "without its text" if is_blank else "with a text that was removed"
                            text = f"told {sequence} {how}, after a welcome at {head}"
                            yield Violation("text", text, sequence, client=number)
        if client.position is not None and client.position != position:
            text = f"is at {client.position}, was told up to {position}"
            yield Violation("told", text, client.position, client=number)

    def _judge(
        self, view: str, ref: int, told: Range
    ) -> tuple[list[Violation], list[tuple[int, bool]]]:
        """Return what is wrong with a range, and the texts in it; many are told the same."""
        found = self._judged.get((view, ref))
        if found is None:
            texts: list[tuple[int, bool]] = []
            wrong = list(self._compare(view, told, texts))
            found = self._judged[view, ref] = wrong, texts
        return found

    def _compare(
        self, view: str, told: Range, texts: list[tuple[int, bool]]
    ) -> Iterator[Violation]:
        first, last = told.first, told.last
        if last > self.facts.head:
            text = f"told up to {last}, the log ends at {self.facts.head}"
            yield Violation("told", text, self.facts.head)
        if view == "lobby":
            if told.events:
                yield Violation("leak", f"the lobby was told of events in {first}–{last}", first)
            return
        shown = self.shown[view]  # type: ignore[index]
        events = [self._parse(each) for each in told.events]
        sequences = [each.sequence for each in events]
        wanted = [n for n in range(first, min(last, self.facts.head) + 1) if n in shown.visible]
        if sequences != wanted:
            odd = set(sequences) ^ set(wanted)
            what = "out of order" if not odd else f"other than the log has: {sorted(odd)}"
            where = min(odd) if odd else first
            yield Violation("told", f"told of {first}–{last} {what}", where)
        for event in events:
            plain = _plain(event)
            blank = shown.blank.get(event.sequence)
            if plain == blank:
                texts.append((event.sequence, True))
            elif plain != shown.visible.get(event.sequence):
                text = f"told of {event.sequence} what the log has not: {_short(event)}"
                yield Violation("told", text, event.sequence)
            elif blank is not None:
                texts.append((event.sequence, False))
            if plain == shown.visible.get(event.sequence) and isinstance(event.key, str):
                logged = self.facts.history.log[event.sequence - 1]
                # Only the first event of a command has its key in the log.
                if logged.key not in (None, stored_key(str(event.by), event.key)):
                    yield Violation("told", f"told of {event.sequence} by a wrong key", first)

    def _parse(self, said: int) -> LogEvent:
        return msgspec.json.decode(self.facts.history.said[said], type=LogEvent)

    # ------------------------------------------------------------ texts that are gone

    def _follow_blanks(self) -> None:
        state = Classroom()
        for each in self.recorded:
            before = state.blanked
            state = evolve(state, each.event, sequence=each.sequence, at=each.at, by=each.by)
            if state.blanked is not before:
                for sequence in state.blanked ^ before:
                    self._blanked[sequence].append((each.sequence, sequence in state.blanked))

    def _may_be(self, sequence: int, is_blank: bool, head: int) -> bool:
        """Say whether some head from ``head`` on shows the event so."""
        state = False
        for at, becomes in self._blanked[sequence]:
            if at <= head:
                state = becomes
            elif becomes == is_blank:
                return True
        return state == is_blank

    # ------------------------------------------------------------ states

    @cached_property
    def _wanted(self) -> dict[Audience, dict[int, dict[int, list[int]]]]:
        """Which states are to be compared: by view, sequence and what was said, for whom."""
        wanted: dict[Any, Any] = {audience: {} for audience in AUDIENCES}

        def want(view: str, sequence: int, said: int, client: int) -> None:
            if view in wanted:
                at = wanted[view].setdefault(sequence, {})
                at.setdefault(said, []).append(client)

        for number, client in enumerate(self.facts.history.clients):
            view = ""
            for ref in client.heard:
                match self.facts.history.items[ref]:
                    case Welcomed() as welcome:
                        view = welcome.view
                    case Snapshot(sequence, state):
                        want(view, sequence, state, number)
            if client.position is not None and client.state is not None:
                want(view, client.position, client.state, number)
        return wanted

    def _check_states(self) -> Iterator[Violation]:
        for audience, wanted in self._wanted.items():
            state, recorded = State(), iter(self.recorded)
            following = next(recorded, None)
            for sequence in sorted(wanted):
                while following is not None and following.sequence <= sequence:
                    fold_shown(state, following, audience)
                    following = next(recorded, None)
                for said, clients in wanted[sequence].items():
                    seen = msgspec.json.decode(self.facts.history.said[said], type=State)
                    if seen != state:
                        names = ", ".join(
                            name
                            for name in State.__struct_fields__
                            if getattr(seen, name) != getattr(state, name)
                        )
                        text = f"the {audience} state at {sequence} is not the log's in {names}"
                        yield Violation("state", text, sequence, client=clients[0])
        yield from self._check_lobby()

    def _check_lobby(self) -> Iterator[Violation]:
        nothing = State()
        for number, client in enumerate(self.facts.history.clients):
            view = ""
            for ref in client.heard:
                match self.facts.history.items[ref]:
                    case Welcomed() as welcome:
                        view = welcome.view
                    case Snapshot(sequence, state) if view == "lobby":
                        seen = msgspec.json.decode(self.facts.history.said[state], type=State)
                        names = [
                            name
                            for name in State.__struct_fields__
                            if getattr(seen, name) != getattr(nothing, name)
                        ]
                        if not _IN_LOBBY.issuperset(names):
                            text = f"the lobby was shown {names}"
                            yield Violation("leak", text, sequence, client=number)
                    case Own() | Range() | Moved() | Connected():
                        pass


def _parsed(stored: Sequence[Any], of: Audience, blanked: frozenset[int]) -> dict[int, Any]:
    return {
        sequence: _plain(msgspec.json.decode(data, type=LogEvent))
        for sequence, data in shown(stored, of, blanked)
    }


def _plain(event: LogEvent) -> tuple[Any, ...]:
    """Return what is compared of an event: all but the key, which only some are told."""
    data = msgspec.json.decode(event.data)
    return event.sequence, event.type, event.version, event.at, event.by, data


def _short(event: LogEvent) -> str:
    return f"{event.type} {bytes(event.data).decode()[:120]}"
