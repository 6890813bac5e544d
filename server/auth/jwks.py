"""The public keys of trusted issuers: fetched ahead of need, looked up without waiting.

::

    a token names kid 7 ── known ──▶ verified at once
                        └─ not yet ─▶ one fetch for all who wait for it, at most one per pause

Keys are fetched anew each :data:`TTL_SECONDS`; while an issuer does not answer, those that it had
hold on. What decides is our configuration: the address, the algorithms, and which kind of key fits
each; a token chooses among known keys by name, and nothing else.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Annotated, Any, Self

import aiohttp
import jwt
import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from msgspec import Meta, Struct

from server.auth.issuers import TrustedIssuer
from server.clock import Clock
from server.errors import UnavailableError
from server.ops import tracing
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

TTL_SECONDS = 600.0
PAUSE_SECONDS = 5.0
"""Between fetches that tokens with unknown keys ask for: strangers can write such tokens."""
FETCH_SECONDS = 5.0
SET_BYTES = 65_536
SET_KEYS = 100
RSA_BITS = range(2048, 8193)

# Which algorithm a kind of key is for: the type, and its curve.
_FITS = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
}


class _Key(Struct, frozen=True, omit_defaults=True):
    """The public part of a key (RFC 7518 §6); whatever else an issuer tells is left out."""

    kty: str
    kid: Annotated[str, Meta(min_length=1, max_length=255)]
    alg: str | None = None
    use: str | None = None
    crv: str | None = None
    n: Annotated[str, Meta(max_length=1400)] | None = None
    e: Annotated[str, Meta(max_length=8)] | None = None
    x: Annotated[str, Meta(max_length=64)] | None = None
    y: Annotated[str, Meta(max_length=64)] | None = None


class _Set(Struct, frozen=True):
    keys: Annotated[list[dict[str, Any]], Meta(max_length=SET_KEYS)]


class FetchError(Exception):
    """An issuer's keys could not be fetched; the message says why, without what was answered."""


class IssuerKeys:
    """The keys of one issuer."""

    def __init__(
        self,
        issuer: TrustedIssuer,
        client: aiohttp.ClientSession,
        clock: Clock,
        tasks: Supervisor,
    ) -> None:
        self.issuer = issuer
        self._client = client
        self._clock = clock
        self._tasks = tasks
        self._keys: dict[tuple[str, str], Any] = {}
        self._tried: float | None = None
        self._succeeded: float | None = None
        self._fetching: asyncio.Task[None] | None = None

    def find(self, kid: str, algorithm: str) -> Any | None:
        """Return the public key of this name for this algorithm, if it is known."""
        return self._keys.get((kid, algorithm))

    async def learn(self) -> None:
        """Ask the issuer anew, for a key that is not known; return once it has answered.

        Raises:
            UnavailableError: If it cannot be asked now: then nobody knows whether there is one.

        """
        asked = self._clock.monotonic()
        if self._fetching is None:
            if self._tried is not None and asked - self._tried < PAUSE_SECONDS:
                raise UnavailableError("The issuer's keys cannot be had now.", retry_seconds=5)
            await self.refresh()
        else:
            # Whoever waits may go away; what they wait for goes on for the others.
            await asyncio.wait((self._fetching,))
        if self._succeeded is None or self._succeeded < (self._tried or 0):
            raise UnavailableError("The issuer's keys cannot be had now.", retry_seconds=5)

    async def refresh(self) -> None:
        """Fetch the keys and put them in place of those that were known; a failure is logged."""
        if self._fetching is None:
            self._tried = self._clock.monotonic()
            self._fetching = self._tasks.start("jwks_fetch", self._refresh())
        await asyncio.wait((self._fetching,))

    async def fetch(self) -> int:
        """Fetch the keys now, and return how many of them can be used.

        Raises:
            FetchError: If they cannot be had.

        """
        with tracing.span("jwks", issuer=self.issuer.name):
            self._keys = _usable(await self._download(), self.issuer.algorithms)
        self._succeeded = self._clock.monotonic()
        return len(self._keys)

    async def _refresh(self) -> None:
        try:
            count = await self.fetch()
            log.debug("jwks_fetched", issuer=self.issuer.name, keys=count)
        except FetchError as error:
            log.warning("jwks_not_fetched", issuer=self.issuer.name, reason=str(error))
        finally:
            self._fetching = None

    async def _download(self) -> bytes:
        body = bytearray()
        try:
            # Redirects could lead anywhere, out of https too.
            async with self._client.get(self.issuer.jwks, allow_redirects=False) as response:
                if response.status != 200:
                    raise FetchError(f"answered with status {response.status}")
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > SET_BYTES:
                        raise FetchError(f"more than {SET_BYTES} bytes")
        except TimeoutError:
            raise FetchError(f"no answer within {FETCH_SECONDS:.0f} s") from None
        except aiohttp.ClientError as error:
            raise FetchError(type(error).__name__) from None
        return bytes(body)


class Issuers:
    """The trusted issuers, by name."""

    def __init__(self, keys: Iterable[IssuerKeys] = ()) -> None:
        self._keys = {each.issuer.name: each for each in keys}

    @classmethod
    @asynccontextmanager
    async def open(cls, trusted: Iterable[TrustedIssuer], clock: Clock) -> AsyncIterator[Self]:
        """Know the keys of ``trusted`` for as long as the block lasts, kept fresh meanwhile."""
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=FETCH_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                # What is small on the way must not be large here.
                auto_decompress=False,
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            ) as client,
            Supervisor("jwks") as tasks,
        ):
            issuers = cls(IssuerKeys(each, client, clock, tasks) for each in trusted)
            for keys in issuers._keys.values():
                tasks.start("jwks", _keep_fresh(keys))
            yield issuers

    def __bool__(self) -> bool:
        """Whether anybody is trusted."""
        return bool(self._keys)

    def find(self, name: str) -> IssuerKeys | None:
        """Return the keys of the issuer of this name."""
        return self._keys.get(name)


async def _keep_fresh(keys: IssuerKeys) -> None:
    while True:
        await keys.refresh()
        await asyncio.sleep(TTL_SECONDS)


def _usable(data: bytes, algorithms: frozenset[str]) -> dict[tuple[str, str], Any]:
    """Return the keys of a set (RFC 7517) that one of ``algorithms`` fits, by name and algorithm.

    Raises:
        FetchError: If it is no key set.

    """
    try:
        offered = msgspec.json.decode(data, type=_Set).keys
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise FetchError("what was answered is no JWK set") from None
    keys: dict[tuple[str, str], Any] = {}
    for each in offered:
        try:
            key = msgspec.convert(each, _Key)
        except msgspec.ValidationError:
            continue  # of a kind that is not for us
        algorithm = _FITS.get((key.kty, key.crv), "")
        if algorithm not in algorithms or key.alg not in (None, algorithm):
            continue
        if key.use not in (None, "sig"):
            continue
        try:
            public = jwt.PyJWK(msgspec.to_builtins(key), algorithm).key
        except (jwt.PyJWTError, ValueError):
            continue
        if not isinstance(public, RSAPublicKey) or public.key_size in RSA_BITS:
            keys[key.kid, algorithm] = public
    return keys
