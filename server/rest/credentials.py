"""Tokens with which encoders publish, and signing in by a link that opens once."""

from operator import attrgetter

import structlog

from protocol.codec import timestamp
from protocol.rest import (
    IssuedPublishToken,
    NewPublishToken,
    NewSignInLink,
    Page,
    PageQuery,
    PublishToken,
    SignedIn,
    SignIn,
    SignInLink,
)
from server.auth import opaque
from server.auth.tokens import tokens_key
from server.clock import SystemClock
from server.config import settings_key
from server.errors import ConflictError, UnauthorizedError
from server.ids import new_id
from server.rest import answers
from server.rest.ports import signalling_key
from server.rest.route import Call
from server.store import credentials as store
from server.store import users
from server.store.pool import pools_key

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

SIGNED_IN_SECONDS = 12 * 3600


async def create(call: Call[NewPublishToken, None]) -> IssuedPublishToken:
    """Make a token with which an encoder, such as OBS, publishes into a session.

    It publishes in the name of its maker, until the session ends or the token is revoked. It is
    shown this once: of the secret in it, only a digest is kept.
    """
    session, identity = call["session"], call.identity
    id = new_id()
    made = opaque.publish_token(id)
    async with call.database() as connection:
        await users.ensure(connection, identity.tenant, identity.user, identity.name)
        row = await store.add_publish_token(
            connection,
            identity.tenant,
            session,
            identity.user,
            id=id,
            role=call.role,
            name=call.body.name,
            digest=made.digest,
        )
    url = f"{call.app[settings_key].public_url}/v1/sessions/{session}/whip"
    return IssuedPublishToken(_shown(row), made.text, url)


async def index(call: Call[None, PageQuery]) -> Page[PublishToken]:
    """List the publish tokens of a session, without what is secret in them."""
    limit = call.query.limit
    async with call.database() as connection:
        rows = await store.list_publish_tokens(
            connection, call["session"], after=call.query.after, limit=limit + 1
        )
    return answers.page(rows, limit, _shown, attrgetter("id"))


async def revoke(call: Call[None, None]) -> None:
    """Revoke a publish token; who publishes with it is ended at once."""
    session = call["session"]
    async with call.database() as connection:
        resource = await store.drop_publish_token(connection, session, call["publish_token"])
    # After the commit: from here on nobody can publish with it again.
    if resource is not None:
        await call.app[signalling_key].delete(session, resource)


async def make_link(call: Call[NewSignInLink, None]) -> SignInLink:
    """Make a link that signs a person in, once. Whoever opens it first is that person.

    Send it only to them. Each request makes another one, and those that were made before go on.
    """
    user, seconds = call["user"], call.body.ttl_seconds
    made = opaque.sign_in_code()
    expires_at = SystemClock().now_ms() + 1000 * seconds
    async with call.database() as connection:
        if (await users.get(connection, user)).status == "inactive":
            raise ConflictError("This person is deactivated.")
        await store.add_sign_in_code(
            connection, call.identity.tenant, user, made.digest, ttl_seconds=seconds
        )
    log.info("sign_in_link_made", user=user, by=call.identity.user)
    url = opaque.sign_in_url(call.app[settings_key].public_url, made)
    return SignInLink(url, timestamp(expires_at))


async def sign_in(call: Call[SignIn, None]) -> SignedIn:
    """Exchange the code of a link for a token. A code opens once, until the link's time is over."""
    digest = opaque.read_sign_in_code(call.body.code)
    clock = SystemClock()
    found = None
    if digest is not None:
        found = await store.take_sign_in_code(call.app[pools_key], digest, clock.now_ms())
    if found is None:
        raise UnauthorizedError("This code was used before, or has expired.")
    tokens = call.app[tokens_key]
    token = tokens.issue(
        subject=found.user,
        tenant=found.tenant,
        # What was given to the person decides: see server.auth.policy.
        role="admin",
        name=found.name,
        ttl_seconds=SIGNED_IN_SECONDS,
    )
    expires_at = timestamp(tokens.verify(token).expires_at_ms)
    return SignedIn(token, found.tenant, found.user, found.name, "admin", expires_at)


def _shown(row: store.PublishToken) -> PublishToken:
    return PublishToken(
        row.id,
        row.session_id,
        row.name,
        row.user_id,
        None if row.used_at is None else timestamp(row.used_at),
        timestamp(row.created_at),
    )
