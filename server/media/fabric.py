"""The seam between the hub and the engine that carries media.

The hub says what is desired, the engine makes it so and tells what happened. Control is
level-triggered: the desired state is applied whole, again and again; nothing depends on a
message that might have been lost. ``LocalFabric`` speaks to our own worker over a unix socket;
another engine is another implementation of :class:`MediaFabric`.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec

from server.errors import LiveClassError
from server.secrets.secret import Secret

EventData = dict[str, Any]
Emit = Callable[[str, EventData], None]
"""Say that something happened: the type of the event and its data."""


class RevokedError(LiveClassError):
    """The account with the platform was revoked: its keys are used no more."""


class DestinationTarget(msgspec.Struct, frozen=True):
    """Where a session's stream shall go. It holds no key: the engine asks for that."""

    id: str
    provider: str
    url: str
    backup_url: str | None = None
    profile: str = "tolerant"
    """``strict``: the provider does not accept a change of the picture's size."""


class RecordingTarget(msgspec.Struct, frozen=True):
    """Where a session's recording shall go."""

    id: str
    prefix: str
    """Of the object keys: ``tenant/session/recordings/<recording id>``."""


class Desired(msgspec.Struct, frozen=True):
    """Everything the engine shall do for a session."""

    live: bool = False
    """Whether the class is on air: before, nothing is sent out or recorded."""
    destinations: tuple[DestinationTarget, ...] = ()
    recording: RecordingTarget | None = None
    over: tuple[RecordingTarget, ...] = ()
    """Recordings whose end is to be written and told, live or not; others are left as they are."""
    relay_from: str | None = None
    """Another worker's socket: the session lives there, and only its viewers are here."""
    retries: dict[str, int] = {}
    """Destination → how often somebody asked to try again; a higher number tries at once."""
    barred: tuple[str, ...] = ()
    """Who may neither publish nor watch: what they have ends within a second."""
    publisher: str | None = None
    """Who publishes, as far as the log knows: an engine that has never seen the session says
    otherwise."""
    max_kbps: int | None = None
    """What publishers shall not exceed: the least that a destination puts up with."""


class MediaEvent(msgspec.Struct, frozen=True):
    """Something that happened in the engine and belongs into the session's log, once."""

    id: str
    session: str
    type: str
    data: EventData


class Answer(msgspec.Struct, frozen=True):
    """What WHIP or WHEP answers, to be passed on as it is."""

    status: int
    headers: dict[str, str] = {}
    body: bytes = b""


OnEvent = Callable[[MediaEvent], Awaitable[None]]
ResolveSecret = Callable[[str, str], Awaitable[Secret | None]]
"""Session and destination → its key, None if there is none; RevokedError if it may not be used."""
OnHealth = Callable[[str, dict[str, object]], None]


class MediaFabric(Protocol):
    """An engine that carries the media of many sessions."""

    async def apply(self, session: str, epoch: int, desired: Desired) -> None:
        """Make ``desired`` the state of ``session``; lower epochs are ignored."""

    async def release(self, session: str) -> None:
        """Stop claiming ``session``: this node does not own it any more."""

    async def expel(self, session: str, user: str) -> None:
        """End every stream of ``user``, published or watched, within a second."""

    async def whip(self, session: str, user: str, sdp: bytes) -> Answer:
        """Start publishing (RFC 9725)."""

    async def whep(self, session: str, user: str, sdp: bytes) -> Answer:
        """Start watching."""

    async def patch(
        self, session: str, resource: str, fragment: bytes, headers: dict[str, str]
    ) -> Answer:
        """Add ICE candidates to a resource (RFC 9725 §4.3)."""

    async def delete(self, session: str, resource: str) -> Answer:
        """End a resource."""

    async def hls(self, session: str, file: str) -> Answer:
        """Return a file of the live HLS; asking for its playlist starts it."""

    def has_room(self) -> bool:
        """Say whether one more viewer could watch by WebRTC, as far as is known."""
