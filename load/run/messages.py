"""What the parent and its workers say to each other: JSON, a line each, over pipes."""

from typing import TypeAlias

from msgspec import Struct, field

from load.latencies import Latencies


class Storm(Struct, frozen=True):
    """Everybody of this ``share`` loses the connection, so long after the start."""

    share: float
    at_seconds: float


class Behaviour(Struct, frozen=True):
    """How people behave, beside what their profile says."""

    profile: str
    pace: float = 1.0
    churn_per_second: float = 0.0
    storms: tuple[Storm, ...] = ()
    slow: float = 0.0
    stalling: float = 0.0
    twins: float = 0.0
    intruders: float = 0.0
    full: float = 0.0


class Seat(Struct, frozen=True):
    """A student: who of the class, by which token, and when they join after the start."""

    number: int
    token: str
    joins_seconds: float


class Room(Struct, frozen=True):
    """The part of a class that one worker plays. ``size`` is of the whole class."""

    number: int
    session: str
    live_url: str
    size: int
    seats: tuple[Seat, ...]
    teacher: str | None
    """The teacher's token, for the one worker that plays the teacher."""
    foreign_token: str | None
    """A student's token of another class."""


class Begin(Struct, frozen=True, tag="begin"):
    """Get ready to play these."""

    run: str
    worker: int
    workers: int
    seed: int
    seconds: float
    behaviour: Behaviour
    rooms: tuple[Room, ...]


class Go(Struct, frozen=True, tag="go"):
    """Start at this moment of the machine's monotonic clock."""

    start_ns: int


class Quiet(Struct, frozen=True, tag="quiet"):
    """Do nothing new; say so when everything is answered."""


class Settle(Struct, frozen=True, tag="settle"):
    """Wait until everybody is at their class's head, and tell everything."""

    heads: dict[int, int]


Order: TypeAlias = Begin | Go | Quiet | Settle


class Ready(Struct, frozen=True, tag="ready"):
    """Everything is prepared."""


class Tick(Struct, frozen=True, tag="tick"):
    """What has happened since the last tick; latencies are packed."""

    at_seconds: float
    live: int
    joined: int
    counts: dict[str, int]
    kinds: dict[str, int]
    latencies: dict[str, list[float]]
    cpu_seconds: float
    wall_seconds: float


class Recovered(Struct, frozen=True, tag="recovered"):
    """Everybody of this worker's whom a storm has hit is back."""

    at_seconds: float
    people: int
    took_ms: float | None
    """None: some were not back when the run ended."""


class Calm(Struct, frozen=True, tag="calm"):
    """Everything that could be answered is; the highest sequence that anybody was promised."""

    unanswered: int
    heads: dict[int, int]


class FullState(Struct, frozen=True):
    """The state of somebody who keeps the whole of it."""

    who: str
    view: str
    position: int
    digest: str


class RoomOutcome(Struct, frozen=True):
    """What this worker's people of one class were told: for each view, sequence and digest."""

    number: int
    told: dict[str, list[int]]
    states: list[FullState]


class Done(Struct, frozen=True, tag="done"):
    """All of it."""

    rooms: list[RoomOutcome]
    unsettled: int
    kept: list[str] = field(default_factory=list)


Report: TypeAlias = Ready | Tick | Recovered | Calm | Done

NAMES = ("connect", "ack", "delivery", "resume", "lateness")
"""The latencies of a tick."""


def unpack(tick: Tick) -> dict[str, Latencies]:
    """Return the latencies of a tick."""
    return {name: Latencies.unpack(packed) for name, packed in tick.latencies.items()}
