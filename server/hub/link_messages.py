"""What two nodes say to each other of the sessions that one of them owns (DATA §5).

One frame is one message in MessagePack. Each names its session: one link carries many.
"""

from typing import NamedTuple

import msgspec

from protocol.errors import ErrorCode
from protocol.ids import Role, ViewName
from server.store.log import StoredEvent


class Message(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Anything said on a link."""

    session: str


class Follow(Message, frozen=True):
    """Follower: tell me of this session, and take what is asked of it through me.

    With ``is_yours`` this node gives it up, and the other one is to take it.
    """

    tenant: str
    is_yours: bool = False


class Unfollow(Message, frozen=True):
    """Follower: nobody is here any more."""


class Asked(Message, frozen=True):
    """Follower: somebody has sent a command."""

    number: int
    user: str
    name: str
    role: Role
    key: str
    op: str
    data: bytes
    expect: int | None
    connection: str = ""


class Reported(Message, frozen=True):
    """Follower: a worker has something for the log."""

    number: int
    key: str
    event_type: str
    data: bytes


class Seated(NamedTuple):
    """How many connections somebody has on a node in one view: the number, not a change of it."""

    user: str
    name: str
    role: Role
    view: ViewName
    connections: int


class Here(Message, frozen=True):
    """Follower: who sits here. Who was named before and is not in it still does."""

    people: list[Seated]


class Signalled(Message, frozen=True):
    """Follower: somebody types, points or reacts."""

    user: str
    kind: str
    data: bytes


class Followed(Message, frozen=True):
    """Owner: you follow from now on; what came before is in the log.

    ``whole_since`` is the epoch in which the owner last read the log from its beginning: a
    follower that read it earlier does so again.
    """

    epoch: int
    whole_since: int


class Told(NamedTuple):
    """An event of a batch; ``key`` is the one its author chose."""

    stored: StoredEvent
    key: str | None


class Batch(Message, frozen=True):
    """Owner: these events are committed."""

    epoch: int
    events: list[Told]


class Done(Message, frozen=True):
    """Owner: the ask led to the events from ``first`` to ``last``; to none if both are None."""

    number: int
    first: int | None
    last: int | None
    is_duplicate: bool


class Refused(Message, frozen=True):
    """Owner: the ask was refused."""

    number: int
    code: ErrorCode
    text: str
    field: str | None
    retry_ms: int | None
    touched: int | None


class Listed(NamedTuple):
    """Somebody on the roster of the whole class; ``connections`` is None for who is gone."""

    user: str
    name: str
    role: Role
    connections: int | None


class Roster(Message, frozen=True):
    """Owner: who is in the class. With ``is_full`` nobody else is."""

    people: list[Listed]
    is_full: bool


class Reactions(Message, frozen=True):
    """Owner: how often each reaction was given."""

    counts: dict[str, int]


class Felt(Message, frozen=True):
    """Owner: a frame of the ephemeral lane, for those who have this view."""

    view: ViewName
    frame: bytes


class Ended(Message, frozen=True):
    """Owner: I do not own it, or not any more."""


ToOwner = Follow | Unfollow | Asked | Reported | Here | Signalled
ToFollower = Followed | Batch | Done | Refused | Roster | Reactions | Felt | Ended

encode = msgspec.msgpack.Encoder().encode
to_owner: msgspec.msgpack.Decoder[ToOwner] = msgspec.msgpack.Decoder(ToOwner)
to_follower: msgspec.msgpack.Decoder[ToFollower] = msgspec.msgpack.Decoder(ToFollower)
