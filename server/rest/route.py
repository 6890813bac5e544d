"""What a route is, and what its handler gets."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from aiohttp import web
from msgspec import Struct

from protocol.ids import Role
from protocol.rest import ProblemCode
from server.auth.access import Access
from server.auth.tokens import Identity
from server.store.pool import AcquiredConnection, Pools, pools_key
from server.store.standings import Reach

Body = TypeVar("Body")
Query = TypeVar("Query")


@dataclass(frozen=True, slots=True)
class Call(Generic[Body, Query]):
    """One request whose sender may make it, with its parts decoded."""

    request: web.Request
    identity: Identity
    role: Role
    body: Body
    query: Query
    key: str
    """The ``Idempotency-Key``, or a new one: what a command is sent with."""
    connection: "AcquiredConnection | None" = None
    """Set while this request's transaction is shared with what makes it safe to repeat."""
    reach: "Reach | None" = None
    """What a list may show; set where the access is ``within`` the caller's reach."""

    def __getitem__(self, name: str) -> str:
        """Return the id in the path under ``name``."""
        return self.request.match_info[name]

    @property
    def app(self) -> web.Application:
        """Where the parts of the server are."""
        return self.request.app

    @asynccontextmanager
    async def database(self) -> AsyncIterator[AcquiredConnection]:
        """Give a connection bound to the caller's tenant, in one transaction."""
        if self.connection is not None:
            yield self.connection
            return
        pools: Pools = self.app[pools_key]
        async with pools.tenant(self.identity.tenant) as connection:
            yield connection


Handler: TypeAlias = Callable[[Call[Any, Any]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table; :mod:`server.rest.conventions` says what follows from it.

    A handler returns its ``answer``, None for 204, or a response of its own making (``answer``
    None, ``produces`` its content type). The first line of its docstring is the route's title in
    the reference, and what follows its description; the handler's module is its chapter.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    handler: Handler
    access: Access
    answer: Any = None
    body: type[Struct] | None = None
    query: type[Struct] | None = None
    status: int = 200
    takes: str | None = None
    """The content type of a body that is not JSON; the handler reads it by itself."""
    produces: str = "application/json"
    scope: str | None = None
    """A token that is limited to scopes opens the routes of these scopes only."""
    idempotent: bool = False
    """Whether ``Idempotency-Key`` makes a repeated request harmless."""
    command: bool = False
    """Whether it performs a command, which it sends with the call's ``key``: then the log, not a
    table, knows what was done before."""
    projected: bool = False
    """Whether it shows tables that follow the log of the session in its path: the caller may ask
    with ``after_sequence`` to see what a command has done."""
    errors: tuple[ProblemCode, ...] = ()
    """What only its handler knows to answer, beyond :meth:`Conventions.refusals`."""
