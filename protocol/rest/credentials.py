"""Tokens of encoders, and signing in by a link."""

from typing import Annotated

from msgspec import Meta

from protocol.ids import Role, SessionId, ShortText, TenantId, Timestamp, UserId
from protocol.rest.shapes import Answer, Body


class NewPublishToken(Body, frozen=True):
    """A token for an encoder, such as OBS; the name says which, to whoever looks at the list."""

    name: ShortText


class PublishToken(Answer, frozen=True):
    """A token with which an encoder publishes into a session, until the session ends."""

    id: str
    session: SessionId
    name: str
    user: UserId
    """In whose name it publishes."""
    used_at: Timestamp | None
    """When it was last used to start publishing."""
    created_at: Timestamp


class IssuedPublishToken(Answer, frozen=True):
    """What to put into the encoder.

    It is shown this once; a request that is repeated makes another token.
    """

    publish_token: PublishToken
    token: str
    """The bearer token."""
    url: str
    """Where to publish by WHIP."""


class NewSignInLink(Body, frozen=True):
    """How long a link to sign in can wait for whoever it is for."""

    ttl_seconds: Annotated[int, Meta(ge=60, le=7 * 86_400)] = 3600


class SignInLink(Answer, frozen=True):
    """A link that signs a person in, once; it is shown in this answer only."""

    url: str
    expires_at: Timestamp


class SignIn(Body, frozen=True):
    """The code of a link to sign in, which opens once."""

    code: ShortText


class SignedIn(Answer, frozen=True):
    """A token of whoever the link was for."""

    token: str
    tenant: TenantId
    user: UserId
    name: str
    role: Role
    """What the token may be at most; what was given to the person decides."""
    expires_at: Timestamp
