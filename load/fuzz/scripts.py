"""What a connection does, step by step, and what each step may lead to.

``valid``    people who keep to the protocol, of every role, saying everything that can be said
``mutated``  frames with one thing wrong, and frames out of order
``hostile``  see :mod:`load.fuzz.hostile`
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, TypeAlias

from load.fuzz.due import ENDS, NOTHING, Due, due
from load.fuzz.judge import FENCE
from load.fuzz.mutate import mutate
from load.fuzz.rooms import Person, Room
from load.fuzz.speech import Speech
from protocol.errors import CloseCode
from protocol.limits import SUBPROTOCOL

NO_HELLO: Final = Due(codes=frozenset((int(CloseCode.NO_HELLO),)))
TOKEN_INVALID: Final = Due(codes=frozenset((int(CloseCode.TOKEN_INVALID),)))
NOT_FOUND: Final = Due(codes=frozenset((int(CloseCode.NOT_FOUND),)))
_ANYWHERE: Final = 2**64
"""The position of a client of which nobody knows where it is."""
HEADERS: Final = {"Sec-WebSocket-Protocol": SUBPROTOCOL}
WELCOME: Final = Due(is_hello=True)


@dataclass(frozen=True, slots=True)
class Say:
    """A text frame."""

    payload: bytes
    due: Due


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes as they are; ``dues`` of the ``frames`` in them, in order."""

    data: bytes
    dues: tuple[Due, ...] = ()
    frames: int = 1


@dataclass(frozen=True, slots=True)
class Pause:
    """A while in which nothing is sent."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Deaf:
    """A while in which nothing is read."""

    seconds: float


@dataclass(frozen=True, slots=True)
class HalfClose:
    """The end of what is sent, while reading goes on."""


@dataclass(frozen=True, slots=True)
class Reset:
    """The end of everything, by RST."""


Step: TypeAlias = Say | Raw | Pause | Deaf | HalfClose | Reset


@dataclass(slots=True)
class Script:
    """One connection.

    ``ending`` is ``fence`` where we ask a last question and leave when it is answered, ``server``
    where the server must end it, ``cut`` where we just go.
    """

    kind: str
    room: Room
    person: Person
    steps: Iterator[Step]
    ending: str = "fence"
    headers: dict[str, str] = field(default_factory=lambda: dict(HEADERS))
    session: str | None = None
    """Another session than the room's."""
    resumed: int | None = None
    is_slow: bool = False
    """Whether it takes long because it waits, not because it works."""
    at_once: Due | None = None
    """What may come before anything is said."""
    request: bytes | None = None
    """Instead of a handshake: bytes that the server must refuse with a 4xx, or hang up on."""


def encode(frame: Any) -> bytes:
    """Return JSON."""
    return json.dumps(frame, ensure_ascii=False).encode("utf-8", "surrogatepass")


def hello(rng: Random, room: Room, person: Person) -> tuple[bytes, int | None]:
    """Return a hello, and the position that it asks to resume from, if any."""
    frame: dict[str, Any] = {"type": "hello", "token": person.token}
    if rng.random() < 0.5:
        frame["client"] = {"name": "fuzz", "version": "1"}
    resumed = None
    if rng.random() < 0.35:
        resumed = rng.choice((0, 1, rng.randrange(200), rng.randrange(5000), 2**53 - 1, 2**64 - 1))
        view = "staff" if person.role != "student" else "student"
        frame["resume"] = {
            "log": room.log if rng.random() < 0.8 else "another",
            "sequence": resumed,
            "view": view if rng.random() < 0.9 else rng.choice(("staff", "student", "lobby")),
        }
    return encode(frame), resumed


def entered(rng: Random, room: Room, kind: str, steps: "Steps") -> Script:
    """Return a script that lets a person of the room in, and goes on with ``steps``."""
    person = room.pick(rng)
    greeting, resumed = hello(rng, room, person)

    def play() -> Iterator[Step]:
        yield Say(greeting, WELCOME)
        if rng.random() < 0.7:  # else the rest comes in the same breath
            yield Pause(rng.uniform(0.0, 0.05))
        yield from steps(rng, room, person)

    return Script(kind, room, person, play(), resumed=resumed)


Steps: TypeAlias = Callable[[Random, Room, Person], Iterator[Step]]


def valid(rng: Random, room: Room) -> Script:
    """Somebody takes part."""
    return entered(rng, room, "valid", _takes_part)


def _takes_part(rng: Random, room: Room, person: Person) -> Iterator[Step]:
    speech = Speech(rng, room, person)
    for _ in range(rng.randint(10, 36)):
        frame = speech.command() if rng.random() < 0.8 else speech.other()
        payload = encode(frame)
        consequence = due(payload)
        if frame["type"] in ("token", "signal"):
            consequence = NOTHING  # they are right
        yield Say(payload, consequence)
        if rng.random() < 0.1:
            yield Pause(rng.uniform(0.0, 0.1))


def mutated(rng: Random, room: Room) -> Script:
    """Somebody says what is wrong in one place."""
    draw = rng.random()
    if draw < 0.06:
        person = room.pick(rng)
        steps = _says_hello_wrong(rng, room, person)
        return Script("mutated hello", room, person, steps, "server", resumed=_ANYWHERE)
    if draw < 0.10:
        person = room.pick(rng)
        return Script("no hello first", room, person, _says_no_hello(rng, room, person), "server")
    if draw < 0.14:
        return entered(rng, room, "hello twice", _says_hello_twice)
    return entered(rng, room, "mutated", _says_wrong)


def _says_wrong(rng: Random, room: Room, person: Person) -> Iterator[Step]:
    speech = Speech(rng, room, person, marks=False)
    for _ in range(rng.randint(8, 30)):
        frame = speech.command() if rng.random() < 0.92 else speech.other()
        payload = mutate(rng, frame) if rng.random() < 0.85 else encode(frame)
        yield Say(payload, due(payload))


def _says_hello_twice(rng: Random, room: Room, person: Person) -> Iterator[Step]:
    yield Say(hello(rng, room, person)[0], ENDS)


def _says_hello_wrong(rng: Random, room: Room, person: Person) -> Iterator[Step]:
    frame = json.loads(hello(rng, room, person)[0])
    codes = (CloseCode.PROTOCOL_ERROR, CloseCode.NO_HELLO, CloseCode.TOKEN_INVALID)
    # It may still be a good one: then it is welcomed, and what follows ends it.
    yield Say(mutate(rng, frame), Due(codes=frozenset(map(int, codes)), is_hello=True))
    yield Say(b"that was all", ENDS)


def _says_no_hello(rng: Random, room: Room, person: Person) -> Iterator[Step]:
    speech = Speech(rng, room, person)
    frame = speech.command() if rng.random() < 0.6 else speech.other()
    payload = encode(frame)
    yield Say(payload, ENDS if due(payload) == ENDS else NO_HELLO)  # it may be too large


def fence() -> Say:
    """Return the last command: answered whatever the rate."""
    frame = {"type": "command", "id": FENCE, "key": "fence", "op": "fuzz.fence"}
    return Say(encode(frame), Due(ids=frozenset((FENCE,))))
