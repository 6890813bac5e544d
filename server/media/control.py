"""What a hub and a media worker say to each other on ``/control``: one JSON message per frame."""

import msgspec

from server.media.fabric import Desired, MediaEvent


class Message(msgspec.Struct, frozen=True, tag_field="type", tag=str.lower):
    """Anything said on the control channel."""


class Apply(Message, frozen=True):
    """Hub: this is what I want; I own the session under this epoch."""

    session: str
    epoch: int
    desired: Desired


class Release(Message, frozen=True):
    """Hub: I claim the session no longer, if nobody has claimed it under a later epoch."""

    session: str
    epoch: int
    at_once: bool = False
    """Nobody else will claim it here: what it still carries ends now."""


class Ack(Message, frozen=True):
    """Hub: the event is committed; forget it."""

    event: str


class Key(Message, frozen=True):
    """Hub: the answer to a request for a key; None when there is none, or none any more."""

    request: int
    value: str | None
    is_revoked: bool = False

    def __repr__(self) -> str:
        return f"Key(request={self.request})"


class Happened(Message, frozen=True):
    """Worker: an event for the session's log; said again until it is acked."""

    event: MediaEvent


class KeyRequest(Message, frozen=True):
    """Worker: a destination is connecting and needs its key."""

    request: int
    session: str
    destination: str


class Health(Message, frozen=True):
    """Worker: how a session's streams are, once a second."""

    session: str
    data: dict[str, object]


ToWorker = Apply | Release | Ack | Key
ToHub = Happened | KeyRequest | Health

encode = msgspec.json.Encoder().encode
_to_worker: msgspec.json.Decoder[ToWorker] = msgspec.json.Decoder(ToWorker)
_to_hub: msgspec.json.Decoder[ToHub] = msgspec.json.Decoder(ToHub)


def decode_to_worker(frame: str) -> ToWorker:
    """Return what a hub said."""
    return _to_worker.decode(frame)


def decode_to_hub(frame: str) -> ToHub:
    """Return what a worker said."""
    return _to_hub.decode(frame)
