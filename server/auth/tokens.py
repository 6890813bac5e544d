"""Access tokens: JWT, our own and those of trusted issuers.

Ours are HS256, made and verified with one secret. Those of an issuer that the configuration names
are verified with its public keys. Who a token says it is of decides only which rule it must pass:
the algorithms and keys of each are fixed, so that none passes by the rule of another.
"""

import hashlib
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import jwt
import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from protocol.ids import Role, SessionId, ShortText, TenantId, UserId
from server.auth.jwks import IssuerKeys, Issuers
from server.clock import Clock
from server.errors import UnauthorizedError
from server.secrets.secret import Secret

AUDIENCE = "liveclass"
ALGORITHM = "HS256"
SECRET_BYTES = 32
OTHERS_SCOPES = frozenset(("publish",))
"""What only concerns a class; to manage the installation is ours to give."""
TOKEN_BYTES = 16_384
KEPT = 16_384
"""Our tokens that were verified and need not be again: who comes back brings the same one."""
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
    name: ShortText
    session: SessionId | None = None
    scope: Annotated[str, Meta(max_length=1000)] = ""


class _UnknownKeyError(InvalidTokenError):
    """The token is signed with a key that is not known."""

    def __init__(self, keys: IssuerKeys) -> None:
        super().__init__()
        self.keys = keys


class Tokens:
    """Issues the tokens of one issuer, and verifies them and those of trusted others."""

    def __init__(
        self, secret: Secret, issuer: str, clock: Clock, trusted: Issuers | None = None
    ) -> None:
        if len(secret.reveal().encode()) < SECRET_BYTES:
            raise ValueError(f"an HS256 secret holds at least {SECRET_BYTES} bytes (RFC 7518 §3.2)")
        self._secret = secret
        self._issuer = issuer
        self._clock = clock
        self._trusted = trusted or Issuers()
        self._verified: dict[bytes, Identity] = {}
        """By the SHA-256 of the token. Not of others, whose keys may be taken back."""

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

    async def authenticate(self, token: str) -> Identity:
        """Return who ``token`` says the caller is; asks its issuer for a key that is not known.

        Raises:
            TokenExpiredError: If it was valid once.
            InvalidTokenError: If it never was.
            UnavailableError: If its issuer cannot be asked now.

        """
        try:
            return self.verify(token)
        except _UnknownKeyError as unknown:
            await unknown.keys.learn()
        return self.verify(token)

    def verify(self, token: str) -> Identity:
        """Return who ``token`` says the caller is, by what is known now.

        Raises:
            TokenExpiredError: If it was valid once.
            InvalidTokenError: If it never was; the message says what is wrong, not what is right.

        """
        if len(token) > TOKEN_BYTES:
            raise InvalidTokenError("The token is too long.")
        if not token.isascii():
            raise InvalidTokenError("The token is not a JWT that is valid here.")
        digest = hashlib.sha256(token.encode()).digest()
        identity = self._verified.get(digest)
        if identity is None:
            with _explained():
                keys = self._issuer_of(token)
                if keys is None:
                    claims = _claims(token, self._secret.reveal(), ALGORITHM, self._issuer)
                else:
                    claims = _claims_of_other(token, keys)
            identity = _identity(claims)
            if keys is None:
                self._keep(digest, identity)
        # The clock is ours, so that one notion of time holds for all, tests included.
        if identity.expires_at_ms <= self._clock.now_ms():
            raise TokenExpiredError
        return identity

    def _keep(self, digest: bytes, identity: Identity) -> None:
        if len(self._verified) >= KEPT:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = identity

    def _issuer_of(self, token: str) -> IssuerKeys | None:
        """Return the other issuer that a token claims to be of; None for ourselves."""
        if not self._trusted:
            return None
        name = jwt.decode(token, options={"verify_signature": False}).get("iss")
        if not isinstance(name, str) or name == self._issuer:
            return None
        return self._trusted.find(name)


def _claims_of_other(token: str, keys: IssuerKeys) -> _Claims:
    header = jwt.get_unverified_header(token)
    kid, algorithm = header.get("kid"), header.get("alg")
    if algorithm not in keys.issuer.algorithms:
        raise jwt.InvalidAlgorithmError
    if not isinstance(kid, str) or not isinstance(algorithm, str):
        raise InvalidTokenError("The token does not name its key.")
    key = keys.find(kid, algorithm)
    if key is None:
        raise _UnknownKeyError(keys)
    claims = _claims(token, key, algorithm, keys.issuer.name)
    if keys.issuer.tenants is not None and claims.tenant not in keys.issuer.tenants:
        raise InvalidTokenError("The token's issuer does not speak for this tenant.")
    if not OTHERS_SCOPES.issuperset(claims.scope.split()):
        raise InvalidTokenError("The token's issuer may not give this scope.")
    return claims


def _identity(claims: _Claims) -> Identity:
    return Identity(
        user=user_id(claims.iss, claims.sub),
        tenant=claims.tenant,
        session=claims.session,
        role=claims.role,
        name=claims.name,
        scope=frozenset(claims.scope.split()),
        expires_at_ms=claims.exp * 1000,
    )


def _claims(token: str, key: Any, algorithm: str, issuer: str) -> _Claims:
    claims = jwt.decode(
        token,
        key,
        # Fixed by whose key it is, never taken from the header alone: `none` and the confusion of
        # keys end here.
        algorithms=[algorithm],
        audience=AUDIENCE,
        issuer=issuer,
        options={"verify_exp": False, "require": ["exp", "aud", "iss", "sub"]},
    )
    return msgspec.convert(claims, _Claims)


@contextmanager
def _explained() -> Iterator[None]:
    """Say in our words what the libraries find wrong with a token."""
    try:
        yield
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
