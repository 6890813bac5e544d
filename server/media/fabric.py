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
    """Everything the engine shall do for a session: the whole contract between hub and engine.

    It is a state, not a command. The hub says all of it whenever any of it changes, and again every
    few seconds; what was said last holds, of those with the highest epoch, which is raised with
    each new owner of the session. To be told the same twice changes nothing. What a field does not
    name ends, but for recordings, which the class alone ends: by :attr:`over`. A session that
    nobody claims for a minute ends, politely, as one that is released does after a few seconds.

    Publishers and viewers are not part of it: they come through WHIP and WHEP, whether the class
    is on air or not, and leave by themselves, by :meth:`MediaFabric.expel`, or when barred.
    """

    live: bool = False
    """Whether the class is on air: before, nothing is sent out or recorded."""
    destinations: tuple[DestinationTarget, ...] = ()
    """Where it is streamed to while it is live. One that changes is ended and begun anew."""
    recording: RecordingTarget | None = None
    """What is recorded into while it is live, and goes on where a recorder before left off."""
    over: tuple[RecordingTarget, ...] = ()
    """Recordings whose end is to be written and told, live or not: each until
    ``recording.finalized`` or ``recording.failed`` is in the log. Others are left as they are."""
    relay_from: str | None = None
    """Another worker's socket: the session lives there, and only its viewers are here."""
    retries: dict[str, int] = {}
    """Destination → how often somebody asked to try again; a higher number than before tries at
    once. Of a destination that is new here it means nothing: it is tried anyway."""
    barred: tuple[str, ...] = ()
    """Who may neither publish nor watch: what they have ends within a second."""
    publisher: str | None = None
    """Who publishes, as far as the log knows: an engine that has never seen the session says
    ``publisher.lost`` of them."""
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
