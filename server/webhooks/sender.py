"""One attempt to deliver one message: to a checked address, without redirects, in bounded time."""

import asyncio
import ipaddress
import socket
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from server.addresses import Allowed, IPAddress, is_public, resolve
from server.errors import InvalidInputError
from server.ops import tracing

TIMEOUT_SECONDS = 10.0
USUAL_PORTS = frozenset((80, 443))


class Failure(StrEnum):
    """Why a message did not arrive. The names are part of the interface."""

    STATUS = "status"
    """It was answered, with another status than 2xx."""
    TIMEOUT = "timeout"
    DNS = "dns"
    ADDRESS = "address_not_allowed"
    CONNECTION = "connection"
    TLS = "tls"
    SECRET = "secret_not_readable"  # noqa: S105 - a code, not a secret
    EVENT = "event_not_readable"


class Result(NamedTuple):
    """What came of an attempt: the status if there was an answer, and why it failed if it did."""

    status: int | None
    failure: Failure | None


class _BlockedError(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


class Sender:
    """Delivers to the public Internet by https, and to ``allowed`` networks also by http.

    The server's own ports on this machine are never delivered to.
    """

    def __init__(self, allowed: Iterable[Allowed] = (), *, own_ports: Collection[int] = ()) -> None:
        self._allowed = tuple(allowed)
        self._own_ports = frozenset(own_ports)

    async def check(self, url: str) -> None:
        """Return if messages may go to ``url`` now; it is checked again at each attempt.

        Raises:
            InvalidInputError: If it is no such URL, or leads where nothing may be sent.

        """
        try:
            await self._pin(_parse(url))
        except _BlockedError as error:
            text = (
                "The host is not known."
                if error.failure is Failure.DNS
                else "It must be https://, and lead to a public address."
            )
            raise InvalidInputError(text, field="url") from None

    async def deliver(self, url: str, headers: Mapping[str, str], body: bytes) -> Result:
        """Post ``body`` once; the answer counts, what it holds is not read."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                parsed = _parse(url)
                addresses = await self._pin(parsed)
                with tracing.span("webhook", host=parsed.host or ""):
                    return await _post(parsed, addresses, headers, body)
        except _BlockedError as error:
            return Result(None, error.failure)
        except InvalidInputError:
            return Result(None, Failure.ADDRESS)
        except TimeoutError:
            return Result(None, Failure.TIMEOUT)
        except (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch):
            return Result(None, Failure.TLS)
        except (aiohttp.ClientError, OSError, ValueError):
            return Result(None, Failure.CONNECTION)

    async def _pin(self, url: URL) -> list[IPAddress]:
        """Resolve the host and return where to connect, if *every* address is allowed."""
        assert url.host is not None, "parsed"
        assert url.port is not None, "parsed"
        addresses = await resolve(url.host, url.port)
        if not addresses:
            raise _BlockedError(Failure.DNS)
        if not all(self._permits(address, url.port, url.scheme) for address in addresses):
            raise _BlockedError(Failure.ADDRESS)
        return addresses

    def _permits(self, address: IPAddress, port: int, scheme: str) -> bool:
        if port in self._own_ports and not is_public(address):
            return False
        if any(rule.covers(address, port, USUAL_PORTS) for rule in self._allowed):
            return True
        return scheme == "https" and is_public(address)


def _parse(url: str) -> URL:
    """Take ``https://host[:port]/path`` apart.

    Raises:
        InvalidInputError: If it is anything else, or carries user, password or fragment.

    """
    try:
        parsed = URL(url)
        is_whole = bool(parsed.host and parsed.port)
    except ValueError:
        raise InvalidInputError("The URL is malformed.", field="url") from None
    if not url.isascii() or parsed.scheme not in ("https", "http") or not is_whole:
        raise InvalidInputError("A webhook's URL begins with https://.", field="url")
    if parsed.user is not None or parsed.password is not None or parsed.fragment:
        text = "A webhook's URL has no user, password or fragment."
        raise InvalidInputError(text, field="url")
    return parsed


async def _post(
    url: URL, addresses: list[IPAddress], headers: Mapping[str, str], body: bytes
) -> Result:
    connector = aiohttp.TCPConnector(
        resolver=_Pinned(addresses), use_dns_cache=False, force_close=True
    )
    async with (
        aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),
            headers={"User-Agent": "liveclass-webhooks"},
        ) as client,
        client.post(
            url,
            data=body,
            headers={**tracing.outgoing(), **headers, "Content-Type": "application/json"},
            allow_redirects=False,
        ) as response,
    ):
        status = response.status
        # What follows the headers is nobody's concern: the connection ends here.
        response.close()
    return Result(status, None if 200 <= status < 300 else Failure.STATUS)


class _Pinned(AbstractResolver):
    """Answers with the addresses that were checked."""

    def __init__(self, addresses: list[IPAddress]) -> None:
        self._addresses = addresses

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - whatever was checked
    ) -> list[ResolveResult]:
        """Return them, whatever the host."""
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=(
                    socket.AF_INET
                    if isinstance(address, ipaddress.IPv4Address)
                    else socket.AF_INET6
                ),
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""
