"""What people say: any operation that is theirs, with values that make sense more often than not.

Values are those of the fuzzer (``load.fuzz.values``): an operation that is added to the protocol
is spoken here at once.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from load.fuzz.values import Known, Values
from protocol import codec
from protocol.commands import COMMANDS, AnyCommand
from protocol.frames import Ack, EventsFrame, Nack
from protocol.ids import DestinationId
from protocol.limits import FRAME_BYTES
from protocol.snapshot import State
from server.classroom.access import RULES
from tests.faults.witness import Witness

DESTINATION = DestinationId.__metadata__[0].description
OWN, APT = 0.9, 0.7
"""How often somebody does what they may do; and to something that it can be done to."""
MOST_BYTES = FRAME_BYTES * 3 // 4
_WEIGHTS = defaultdict(
    lambda: 1.0,
    {
        "session.end": 0.0, "session.archive": 0.0, "session.lock": 0.3, "session.unlock": 2.0,
        "participant.ban": 0.3, "participant.remove": 0.3, "participant.set_role": 0.4,
        "participant.mute": 0.5, "chat.configure": 0.3, "chat.post": 3.0, "hand.raise": 3.0,
        "hand.lower": 3.0, "poll.vote": 3.0, "question.upvote": 2.0, "poll.close": 0.5,
        "asset.remove": 0.4, "scene.remove": 0.4, "artifact.add": 3.0,
    },
)  # fmt: skip
_APT: dict[str, tuple[str, Callable[[State], Iterable[str]]]] = {
    "chat.restore": (
        "message",
        lambda state: (each.message for each in state.messages if each.removed),
    ),
    "chat.unpin": ("message", lambda state: (each.message for each in state.pinned)),
    "participant.admit": ("user", lambda state: _who(state, "waiting", "removed", "denied")),
    "participant.deny": ("user", lambda state: _who(state, "waiting")),
    "participant.unban": ("user", lambda state: _who(state, "banned")),
    "question.reopen": (
        "question",
        lambda state: (each.question for each in state.questions if each.status != "open"),
    ),
    "poll.vote": (
        "poll",
        lambda state: (each.poll for each in state.polls if each.status == "open"),
    ),
    "artifact.edit": ("artifact", lambda state: (each.artifact for each in state.artifacts)),
}
"""What an operation can be done to, where that is rare."""


class Did:
    """What was done, by operation and outcome."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Counter[str]] = {op: Counter() for op in COMMANDS}

    def note(self, op: str, answer: Ack | Nack) -> None:
        """Count an answer."""
        if isinstance(answer, Nack):
            outcome = answer.code
        elif answer.duplicate:
            outcome = "duplicate"
        else:
            outcome = "acked" if answer.sequence else "no change"
        self.outcomes[op][outcome] += 1

    @property
    def never_acked(self) -> list[str]:
        """Return the operations that never led to an event."""
        return [op for op, counts in self.outcomes.items() if not counts["acked"]]

    def total(self, outcome: str) -> int:
        """Return how often anything had this outcome."""
        return sum(counts[outcome] for counts in self.outcomes.values())


class Speech:
    """Draws commands for the people of one class, of ``ops`` only."""

    def __init__(
        self, rng: random.Random, ops: frozenset[str], destinations: Iterable[str]
    ) -> None:
        self._ops = ops
        self._known = Known()
        self._values = Values(rng, self._known)
        for each in destinations:
            self._known.add(DESTINATION, each)

    def learn(self, data: bytes) -> None:
        """Take a frame of the server: what it speaks of is there to be spoken of."""
        if data.startswith(b'{"type":"events"'):
            frame = codec.decode_server(data)
            assert isinstance(frame, EventsFrame)
            self._known.hear(frame)

    def draw(
        self, person: Witness, people: Sequence[Witness], rng: random.Random
    ) -> AnyCommand | None:
        """Return what ``person`` does next; None for nothing."""
        client = person.connection.client
        state = State() if client.state is None else client.state
        ops = list(COMMANDS)
        if client.mine is not None and client.mine.grants and rng.random() < OWN:
            ops = [op for op in client.mine.grants if state.status in RULES[op].in_status]
        ops = [op for op in ops if op in self._ops]
        if not any(_WEIGHTS[op] for op in ops):
            return None
        op = rng.choices(ops, [_WEIGHTS[op] for op in ops])[0]
        data = self._values.struct(COMMANDS[op])
        self._aim(op, data, state, people, rng)
        try:
            command = msgspec.convert(data, COMMANDS[op])
        except msgspec.ValidationError:
            return None
        # A frame that is too long ends a connection for good, and rightly so.
        return command if len(msgspec.json.encode(data)) < MOST_BYTES else None

    def _aim(
        self,
        op: str,
        data: dict[str, Any],
        state: State,
        people: Sequence[Witness],
        rng: random.Random,
    ) -> None:
        if rng.random() >= APT:
            return
        if "user" in data and op.startswith(("participant.", "hand.")):
            data["user"] = rng.choice(people).who.user
        if op == "participant.set_grants":
            data["grants"] = {rng.choice([*COMMANDS]): rng.random() < 0.7}
        name, find = _APT.get(op, ("", lambda _: ()))
        if found := [*find(state)]:
            data[name] = rng.choice(found)


def _who(state: State, *statuses: str) -> Iterable[str]:
    return (user for user, person in state.people.items() if person.status in statuses)
