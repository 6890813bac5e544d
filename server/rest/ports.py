"""What REST needs of others; :mod:`server.app` says who fulfils it."""

from collections.abc import AsyncGenerator, Mapping
from typing import Protocol

from aiohttp import web

from protocol.ids import Role, ViewName
from protocol.rest import EventsPage
from server.auth.tokens import Identity
from server.classes import Classes
from server.classroom.state import Member
from server.clock import Clock
from server.objects.store import ObjectStore
from server.secrets.secret import Secret
from server.store.pool import AcquiredConnection


class LiveSessions(Classes, Protocol):
    """The classes as REST needs them: also what is told of them."""

    async def events(
        self,
        session: str,
        identity: Identity,
        role: Role,
        *,
        after: int,
        before: int | None,
        types: frozenset[str] | None,
        limit: int,
    ) -> EventsPage:
        """Return up to ``limit`` committed events of ``types`` (None: all), as the caller may see.

        They are the first after position ``after``, or, where ``before`` is given, the last
        before that one.

        Raises:
            ForbiddenError: If the caller is shut out of the class.
            UnavailableError: If the log cannot be read now.

        """

    def member(self, session: str, user: str) -> Member | None:
        """Return what an open class knows of a person: newer than what the database says."""

    async def view(self, session: str, identity: Identity, role: Role) -> ViewName:
        """Return which view the caller has of the class.

        Raises:
            ForbiddenError: If the caller is shut out of the class.
            UnavailableError: If the class cannot be read now.

        """


class Projections(Protocol):
    """The tables that follow the logs."""

    async def wait_for(self, session: str, sequence: int, timeout: float = 1.0) -> bool:
        """Wait until the tables show ``session`` up to ``sequence``; False if not in time."""


class SignallingAnswer(Protocol):
    """What WHIP and WHEP answer, to be passed on."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The HTTP headers; ``Location`` is ``/v1/sessions/{session}/whip|whep/{resource}``."""

    @property
    def body(self) -> bytes:
        """SDP, a fragment of it, a problem document, or nothing."""


class Signalling(Protocol):
    """The engine that carries media: where publishing and watching are negotiated.

    All raise UnavailableError if the engine is away.
    """

    async def whip(self, session: str, user: str, sdp: bytes) -> SignallingAnswer:
        """Start publishing (RFC 9725)."""

    async def whep(self, session: str, user: str, sdp: bytes) -> SignallingAnswer:
        """Start watching."""

    async def patch(
        self, session: str, resource: str, fragment: bytes, headers: dict[str, str]
    ) -> SignallingAnswer:
        """Add ICE candidates to a resource (RFC 9725 §4.3)."""

    async def delete(self, session: str, resource: str) -> SignallingAnswer:
        """End a resource."""

    async def hls(self, session: str, file: str) -> SignallingAnswer:
        """Return a file of the live HLS; asking for its playlist starts it."""

    def has_room(self) -> bool:
        """Say whether one more viewer could watch by WebRTC now."""


class Addresses(Protocol):
    """The rule of where the server may connect to."""

    async def check(self, url: str) -> None:
        """Return if streams may be sent to ``url``.

        Raises:
            InvalidInputError: If it is no rtmp(s) URL, or leads to an address that is not public
                and not allowed.

        """


class KeyVault(Protocol):
    """Where stream keys are kept: put and dropped, never read by a request."""

    async def put(self, connection: AcquiredConnection, tenant: str, secret: Secret) -> str:
        """Keep ``secret`` encrypted, in the connection's transaction; return its reference."""

    async def drop(self, connection: AcquiredConnection, reference: str) -> None:
        """Forget what was put under ``reference``, in the connection's transaction."""


class Trials(Protocol):
    """What tries destinations; it finds their keys by itself."""

    def run(self, tenant: str, url: str, stream_key_ref: str) -> AsyncGenerator[bytes, None]:
        """Yield lines of JSON: ``{"said": …}`` for each step, and in the end ``{"taken": …}``.

        Raises:
            ConflictError: If there is no key.
            Refusal: ``overloaded``, if others are tried just now.
            UnavailableError: If nobody can tell the key now.

        """


class Erasures(Protocol):
    """What goes on with erasures that have begun."""

    def notify(self) -> None:
        """Say that one has begun."""


class Uploads(Protocol):
    """What works on uploads."""

    def notify(self) -> None:
        """Say that one was committed."""


class Webhooks(Protocol):
    """What delivers to webhook endpoints."""

    async def check(self, url: str) -> None:
        """Return if messages may go to ``url``.

        Raises:
            InvalidInputError: If it is no https URL, or leads to an address that is not public
                and not allowed.

        """

    def wake(self) -> None:
        """Say that there may be something to deliver."""


erasures_key: web.AppKey[Erasures] = web.AppKey("erasures")
live_sessions_key: web.AppKey[LiveSessions] = web.AppKey("live_sessions")
projections_key: web.AppKey[Projections] = web.AppKey("projections")
signalling_key: web.AppKey[Signalling] = web.AppKey("signalling")
addresses_key: web.AppKey[Addresses] = web.AppKey("addresses")
key_vault_key: web.AppKey[KeyVault] = web.AppKey("key_vault")
trials_key: web.AppKey[Trials] = web.AppKey("trials")
objects_key: web.AppKey[ObjectStore] = web.AppKey("objects")
uploads_key: web.AppKey[Uploads] = web.AppKey("uploads")
webhooks_key: web.AppKey[Webhooks] = web.AppKey("webhooks")
clock_key: web.AppKey[Clock] = web.AppKey("clock")
