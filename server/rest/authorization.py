"""Who is asking, and whether they may: the access rule, with what it needs to know looked up."""

from typing import NamedTuple

from aiohttp import web

from protocol.ids import Role
from server.auth import opaque, policy
from server.auth.access import Access
from server.auth.tokens import NOBODY, Identity, InvalidTokenError, tokens_key
from server.errors import UnauthorizedError
from server.rest.ports import live_sessions_key
from server.rest.route import Route
from server.store import credentials, standings
from server.store.pool import AcquiredConnection, pools_key
from server.store.standings import Reach, Standing

PUBLISH = "publish"
NEVER_MS = 2**53 - 1
"""When a publish token ends by itself: with its session, which is looked up."""

publish_token_key: web.RequestKey[str] = web.RequestKey("publish_token", str)
"""The id of the publish token that a request was made with."""


class Allowed(NamedTuple):
    """In which role somebody may, and for a list what it may show."""

    role: Role
    reach: Reach | None = None


async def authenticate(request: web.Request, route: Route) -> Identity:
    """Return who the bearer token of ``request`` says the caller is; nobody, where none is asked.

    Raises:
        UnauthorizedError: If there is none, or it does not hold.
        UnavailableError: If its issuer's keys cannot be had now.

    """
    if route.access.within == "nothing":
        return NOBODY
    token = bearer(request)
    if route.scope == PUBLISH and (found := opaque.read_publish_token(token)) is not None:
        return await _publisher(request, *found)
    return await request.app[tokens_key].authenticate(token)


def bearer(request: web.Request) -> str:
    """Return the token of ``request``.

    Raises:
        UnauthorizedError: If there is none.

    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise UnauthorizedError
    return token.strip()


async def authorize(request: web.Request, identity: Identity, access: Access) -> Allowed:
    """Return how ``identity`` may do what ``access`` is asked for.

    Raises:
        UnauthorizedError: If the person is inactive or the tenant suspended.
        NotFoundError: If what the path names is not theirs.
        ForbiddenError: If it is, and they may not.
        UnavailableError: If the database is away.

    """
    match access.within:
        case "nothing":
            return Allowed("student")
        case "installation":
            return Allowed(policy.require_operator(identity))
        case "reach":
            async with request.app[pools_key].tenant(identity.tenant) as connection:
                return await _reaching(connection, identity, access)
        case "tenant":
            resource = identity.tenant
        case _:
            resource = request.match_info[access.within]
    async with request.app[pools_key].tenant(identity.tenant) as connection:
        standing = await standings.find(connection, access.within, resource, identity.user)
    return Allowed(policy.authorize(access, identity, _up_to_date(request, identity, standing)))


async def _publisher(request: web.Request, id: str, digest: bytes) -> Identity:
    """Return in whose name a publish token publishes."""
    found = await credentials.find_publisher(request.app[pools_key], id)
    if found is None or not opaque.is_same(found.digest, digest):
        raise InvalidTokenError
    request[publish_token_key] = id
    scope = frozenset((PUBLISH,))
    return Identity(
        found.user, found.tenant, found.session, found.role, found.name, scope, NEVER_MS
    )


async def _reaching(connection: AcquiredConnection, identity: Identity, access: Access) -> Allowed:
    given, is_revoked = await standings.list_granted(connection, identity.tenant, identity.user)
    role, counting = policy.reaching(access, identity, given, is_revoked=is_revoked)
    return Allowed(role, Reach.of(identity.user, counting, access.roles))


def _up_to_date(request: web.Request, identity: Identity, standing: Standing) -> Standing:
    """Let an open class have the last word: the database follows its log, a little later."""
    if standing.session is None:
        return standing
    member = request.app[live_sessions_key].member(standing.session, identity.user)
    if member is None:
        return standing
    # The log knows no admins.
    role = "teacher" if member.role == "admin" else member.role
    return standing._replace(role=role, status=member.status)
