"""Access tokens: JWT, HS256, made and verified with one secret (PROTOCOL §6)."""

import re
import uuid
from collections.abc import Iterable
from typing import Annotated

import jwt
import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from protocol.ids import Role, SessionId, TenantId, UserId
from server.clock import Clock
from server.errors import UnauthorizedError
from server.secrets.secret import Secret

AUDIENCE = "liveclass"
ALGORITHM = "HS256"
SECRET_BYTES = 32
TOKEN_BYTES = 16_384
NIL = "00000000-0000-0000-0000-000000000000"
"""What no tenant and no person is called (RFC 9562 §5.9)."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class InvalidTokenError(UnauthorizedError):
    """The token is not valid."""


class TokenExpiredError(UnauthorizedError):
    """The token has expired."""


class Identity(Struct, frozen=True):
    """Who a verified token says the caller is, and until when.

    ``session`` None: the token opens every session that its person has a role in.
    """

    user: UserId
    tenant: TenantId
    session: SessionId | None
    role: Role
    name: str
    scope: frozenset[str]
    expires_at_ms: int


NOBODY = Identity(NIL, NIL, None, "student", "", frozenset(), 0)
"""Who calls what needs no token."""


class _Claims(Struct, frozen=True):
    exp: Annotated[int, Meta(ge=0, le=2**40)]
    iss: str
    sub: Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[^\x00]*$")]
    tenant: TenantId
    role: Role
    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^\s*[^\s\x00][^\x00]*$")]
    session: SessionId | None = None
    scope: Annotated[str, Meta(max_length=1000)] = ""


class Tokens:
    """Issues and verifies the tokens of one issuer."""

    def __init__(self, secret: Secret, issuer: str, clock: Clock) -> None:
        if len(secret.reveal().encode()) < SECRET_BYTES:
            raise ValueError(f"an HS256 secret holds at least {SECRET_BYTES} bytes (RFC 7518 §3.2)")
        self._secret = secret
        self._issuer = issuer
        self._clock = clock

    def issue(
        self,
        *,
        subject: str,
        tenant: str,
        role: Role,
        name: str,
        ttl_seconds: int,
        session: str | None = None,
        scope: Iterable[str] = (),
    ) -> str:
        """Return a token of ``subject``, valid for ``ttl_seconds`` from now."""
        claims: dict[str, str | int] = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "exp": self._clock.now_ms() // 1000 + ttl_seconds,
            "sub": subject,
            "tenant": tenant,
            "role": role,
            "name": name,
        }
        if session is not None:
            claims["session"] = session
        if scope := " ".join(scope):
            claims["scope"] = scope
        return jwt.encode(claims, self._secret.reveal(), ALGORITHM)

    def verify(self, token: str) -> Identity:
        """Return who ``token`` says the caller is.

        Raises:
            TokenExpiredError: If it was valid once.
            InvalidTokenError: If it never was; the message says what is wrong, not what is right.

        """
        if len(token) > TOKEN_BYTES:
            raise InvalidTokenError("The token is too long.")
        claims = self._claims(token)
        # The clock is ours, so that one notion of time holds for all, tests included.
        if claims.exp * 1000 <= self._clock.now_ms():
            raise TokenExpiredError
        return Identity(
            user=user_id(claims.iss, claims.sub),
            tenant=claims.tenant,
            session=claims.session,
            role=claims.role,
            name=claims.name,
            scope=frozenset(claims.scope.split()),
            expires_at_ms=claims.exp * 1000,
        )

    async def authenticate(self, token: str) -> Identity:
        """Return who ``token`` says the caller is.

        Raises:
            InvalidTokenError: As :meth:`verify` does.

        """
        return self.verify(token)

    def _claims(self, token: str) -> _Claims:
        try:
            claims = jwt.decode(
                token,
                self._secret.reveal(),
                # Fixed here, never taken from the header: `none` and key confusion end here.
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                options={"verify_exp": False, "require": ["exp", "aud", "iss", "sub"]},
            )
            return msgspec.convert(claims, _Claims)
        except jwt.InvalidAlgorithmError:
            raise InvalidTokenError("The token is signed with another algorithm.") from None
        except jwt.InvalidSignatureError:
            raise InvalidTokenError("The token's signature does not hold.") from None
        except jwt.InvalidIssuerError:
            raise InvalidTokenError("The token is of another issuer.") from None
        except jwt.InvalidAudienceError:
            raise InvalidTokenError("The token is for another audience.") from None
        except jwt.MissingRequiredClaimError as error:
            raise InvalidTokenError(f"The token has no claim “{error.claim}”.") from None
        except msgspec.ValidationError as error:
            raise InvalidTokenError(f"The token's claims do not hold: {error}.") from None
        except jwt.InvalidTokenError:
            raise InvalidTokenError("The token is not a JWT that is valid here.") from None


tokens_key = web.AppKey("tokens", Tokens)


def user_id(issuer: str, subject: str) -> str:
    """Return the id of a person: their subject if it is a UUID, else one made of both."""
    if _UUID.fullmatch(subject):
        return subject.lower()
    return str(uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_URL, issuer), subject))
