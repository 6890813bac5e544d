"""The frames of the live socket, one JSON object each."""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from protocol.health import DestinationHealth, RecordingHealth, UplinkHealth
from protocol.ids import (
    ArtifactId,
    Key,
    MessageId,
    Role,
    SessionId,
    Timestamp,
    UserId,
    ViewName,
)
from protocol.snapshot import State

Sequence: TypeAlias = Annotated[int, Meta(ge=0, description="A position in the session's log.")]


class _Frame(Struct, frozen=True, tag_field="type"):
    """A frame; ``type`` on the wire is the tag."""


# ---------------------------------------------------------------- from the client


class ClientInfo(Struct, frozen=True):
    """Which program is talking, for the operator's statistics."""

    name: Annotated[str, Meta(max_length=64, pattern=r"^[^\x00]*$")] = "unknown"
    version: Annotated[str, Meta(max_length=64, pattern=r"^[^\x00]*$")] = "0"


class ResumePosition(Struct, frozen=True):
    """Where this client stopped: honoured for the whole life of the session."""

    log: Annotated[str, Meta(max_length=64)]
    sequence: Sequence
    view: ViewName


class Hello(_Frame, frozen=True, tag="hello"):
    """The first frame: who I am, and what I have already."""

    token: Annotated[str, Meta(max_length=16_384)]
    client: ClientInfo = ClientInfo()
    resume: ResumePosition | None = None


class CommandFrame(_Frame, frozen=True, tag="command"):
    """One wish; ``id`` pairs the answer, ``key`` makes a resend harmless."""

    id: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    key: Key
    op: Annotated[str, Meta(max_length=64)]
    data: Raw = Raw(b"{}")
    expect: Sequence | None = None


class Resync(_Frame, frozen=True, tag="resync"):
    """I found a gap: send what follows ``sequence``."""

    sequence: Sequence


class Roster(_Frame, frozen=True, tag="roster"):
    """Ask for a page of the people who are here, in the order of their ids."""

    after: UserId | None = None


class SignalSent(_Frame, frozen=True, tag="signal"):
    """Something felt, not kept: typing, a reaction, a cursor."""

    kind: Literal["typing", "reaction", "cursor"]
    data: Raw = Raw(b"{}")


class ClientPing(_Frame, frozen=True, tag="ping"):
    """Are you there?"""


class ClientPong(_Frame, frozen=True, tag="pong"):
    """I am here, and have applied the log up to ``applied``."""

    applied: Sequence


class TokenSent(_Frame, frozen=True, tag="token"):
    """A fresh token for the same person, tenant and session."""

    token: Annotated[str, Meta(max_length=16_384)]


ClientFrame: TypeAlias = (
    Hello | CommandFrame | Resync | Roster | SignalSent | ClientPing | ClientPong | TokenSent
)


# ---------------------------------------------------------------- from the server


class Me(Struct, frozen=True):
    """Who the server says I am."""

    user: UserId
    name: str
    role: Role
    grants: tuple[str, ...]


class Heartbeat(Struct, frozen=True):
    """How often the server pings, and how long it waits for the pong."""

    interval_ms: int
    timeout_ms: int


class Limits(Struct, frozen=True):
    """What a client must keep to."""

    frame_bytes: int
    commands_per_second: int
    burst: int
    in_flight: int


class Welcome(_Frame, frozen=True, tag="welcome"):
    """You are in; ``recovery`` says what comes next."""

    connection: str
    session: SessionId
    log: str
    epoch: int
    head: Sequence
    me: Me
    view: ViewName
    recovery: Literal["snapshot", "replay", "live"]
    heartbeat: Heartbeat
    limits: Limits
    token_expires_at: Timestamp
    now: Timestamp


class SnapshotFrame(_Frame, frozen=True, tag="snapshot"):
    """The whole state of this view at ``sequence``; it replaces whatever the client has."""

    sequence: Sequence
    state: State


class LogEvent(Struct, frozen=True):
    """One event of the log, as a view sees it."""

    sequence: Sequence
    type: str
    version: int
    at: Timestamp
    by: UserId | None
    data: Raw
    key: str | UnsetType = UNSET


class EventsFrame(_Frame, frozen=True, tag="events", rename={"from_": "from"}):
    """Everything this view may see of the range ``from``…``to``, both included."""

    from_: Sequence
    to: Sequence
    events: tuple[LogEvent, ...]


class StaffMessage(Struct, frozen=True):
    """What its author wrote to staff alone."""

    message: MessageId
    at: Timestamp
    text: str


class Note(Struct, frozen=True):
    """What its author wrote down."""

    artifact: ArtifactId
    at: Timestamp
    text: str


class Mine(_Frame, frozen=True, tag="mine"):
    """What belongs to one person alone; the higher ``sequence`` wins.

    ``lobby``: whether they wait to be let in. ``hand_position`` counts from 1. ``muted_until`` of
    a mute without an end is 9999-12-31T23:59:59.999Z. ``notes`` and ``to_staff``: the last 50.
    """

    sequence: Sequence
    role: Role
    grants: tuple[str, ...]
    lobby: bool
    hand_position: int | None
    muted_until: Timestamp | None
    votes: dict[str, tuple[int, ...]]
    upvotes: tuple[str, ...]
    notes: tuple[Note, ...]
    to_staff: tuple[StaffMessage, ...]


class Ack(_Frame, frozen=True, tag="ack"):
    """Committed: the first and last sequence of the command's events, or null for no change."""

    id: int
    key: str
    sequence: tuple[int, int] | None
    duplicate: bool = False


class Nack(_Frame, frozen=True, tag="nack"):
    """Not done, and nothing was stored (``unavailable``: outcome unknown, resend the key)."""

    id: int
    key: str
    code: str
    message: str
    retryable: bool
    retry_ms: int | None = None
    field: str | None = None
    detail: dict[str, int] | None = None


class Person(Struct, frozen=True):
    """Somebody who is here."""

    user: UserId
    name: str
    role: Role
    status: Literal["online", "dropped"]
    connections: int


class Presence(_Frame, frozen=True, tag="presence", omit_defaults=True):
    """Who is here: ``full``, or a difference to the revision before."""

    revision: int
    count: int
    full: tuple[Person, ...] | None = None
    joined: tuple[Person, ...] | None = None
    left: tuple[str, ...] | None = None
    changed: tuple[Person, ...] | None = None


class RosterPage(_Frame, frozen=True, tag="roster"):
    """A page of people; ``next`` goes into the next question, null at the end."""

    people: tuple[Person, ...]
    next: UserId | None


class Signal(_Frame, frozen=True, tag="signal"):
    """Somebody is typing, or points somewhere."""

    kind: str
    by: UserId
    data: Any


class Counters(_Frame, frozen=True, tag="counters"):
    """Numbers that move too often for the log; one frame per view."""

    sequence: Sequence
    online: int
    hands: int
    reactions: dict[str, int]
    polls: dict[str, tuple[int, ...]]
    questions: dict[str, int]


class Health(_Frame, frozen=True, tag="health"):
    """How the teacher's uplink and each destination do (staff, 1 Hz)."""

    uplink: UplinkHealth
    destinations: dict[str, DestinationHealth]
    recording: RecordingHealth | None = None


class ServerPing(_Frame, frozen=True, tag="ping"):
    """Are you there? The log's head, so that a silent gap shows."""

    head: Sequence
    now: Timestamp


class ServerPong(_Frame, frozen=True, tag="pong"):
    """I am here."""

    head: Sequence
    now: Timestamp


class TokenTaken(_Frame, frozen=True, tag="token"):
    """The fresh token holds until ``expires_at``."""

    expires_at: Timestamp


class Bye(_Frame, frozen=True, tag="bye"):
    """Goodbye; the close frame with the same code follows."""

    code: int
    reason: str
    retry_ms: int | None = None


ServerFrame: TypeAlias = (
    Welcome
    | SnapshotFrame
    | EventsFrame
    | Mine
    | Ack
    | Nack
    | Presence
    | RosterPage
    | Signal
    | Counters
    | Health
    | ServerPing
    | ServerPong
    | TokenTaken
    | Bye
)
