"""Where the server may connect to: the URL policy and the guard against private addresses.

A host is resolved here, once, and the connection goes to the address that was checked: a name
that answers differently the second time (DNS rebinding) gains nothing.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from server.errors import InvalidInputError
from server.media.codes import Code, DestinationError
from server.media.rtmp.client import Endpoint

DNS_SECONDS = 5.0
DEFAULT_PORTS = {"rtmp": 1935, "rtmps": 443}
PORTS = frozenset({1935, 443, 80, 2935, 1936})

_ALLOWED = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<v4>[^:]+)):(?P<port>\*|[0-9]{1,5})")

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")


@dataclass(frozen=True, slots=True)
class Target:
    """A destination URL taken apart. It holds no key: that is a secret of its own."""

    tls: bool
    host: str
    port: int
    app: str

    @property
    def url(self) -> str:
        """What RTMP calls tcUrl."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        scheme = "rtmps" if self.tls else "rtmp"
        port = "" if self.port == DEFAULT_PORTS[scheme] else f":{self.port}"
        return f"{scheme}://{host}{port}/{self.app}"


def parse(url: str) -> Target:
    """Take ``rtmp(s)://host[:port]/application`` apart.

    Raises:
        InvalidInputError: If it is anything else, or carries user, password or fragment.

    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidInputError("The destination URL is malformed.", field="url") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise InvalidInputError("A destination URL begins with rtmp:// or rtmps://.", field="url")
    if not parts.hostname or parts.username is not None or parts.fragment:
        raise InvalidInputError(
            "A destination URL has a host, and no user, password or fragment.", field="url"
        )
    if any(ord(c) <= 0x20 or ord(c) == 0x7F for c in url):
        raise InvalidInputError("A destination URL has no spaces.", field="url")
    app = parts.path.strip("/") + (f"?{parts.query}" if parts.query else "")
    if not app:
        raise InvalidInputError("A destination URL names an application.", field="url")
    return Target(parts.scheme == "rtmps", parts.hostname, port or DEFAULT_PORTS[parts.scheme], app)


@dataclass(frozen=True, slots=True)
class Allowed:
    """One exception from the guard: a network, and a port or all of them."""

    network: IPNetwork
    port: int | None
    """None: the usual ports."""
    any_port: bool = False

    def covers(self, address: IPAddress, port: int) -> bool:
        """Say whether connecting to ``address`` and ``port`` is allowed by this rule."""
        if address.version != self.network.version or address not in self.network:
            return False
        if self.any_port:
            return True
        return port == self.port if self.port is not None else port in PORTS


def parse_allowed(text: str) -> tuple[Allowed, ...]:
    """Read ``cidr[:port|:*],…``; IPv6 networks with a port are in brackets.

    Raises:
        InvalidInputError: If a part is not of that form.

    """
    rules = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        found = _ALLOWED.fullmatch(item)
        try:
            if found is None:
                rules.append(Allowed(ipaddress.ip_network(item), None))
            else:
                network = ipaddress.ip_network(found["v6"] or found["v4"])
                port = found["port"]
                rules.append(Allowed(network, None if port == "*" else int(port), port == "*"))
        except ValueError:
            raise InvalidInputError(
                f"{item!r} is not of the form cidr[:port|:*].", field="egress_allow"
            ) from None
    return tuple(rules)


def is_public(address: IPAddress) -> bool:
    """Say whether an address is on the public Internet, also behind what embeds IPv4 in IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address in _NAT64_LOCAL:
            return False
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if int(address) >> 32 == 0:
            # ::a.b.c.d, deprecated (RFC 4291 §2.5.5.1).
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class AddressGuard:
    """Decide which addresses may be connected to, and pin one of them."""

    def __init__(self, allowed: Iterable[Allowed] = (), *, own_ports: Iterable[int] = ()) -> None:
        self._allowed = tuple(allowed)
        self._own_ports = frozenset(own_ports)

    def permits(self, address: IPAddress, port: int) -> bool:
        """Say whether a connection to ``address`` and ``port`` may be made.

        The server's own ports on this machine never, whatever else is allowed there.
        """
        if port in self._own_ports and not is_public(address):
            return False
        if any(rule.covers(address, port) for rule in self._allowed):
            return True
        return port in PORTS and is_public(address)

    async def check(self, url: str) -> None:
        """Return if streams may be sent to ``url`` now; it is checked again at each connection.

        Raises:
            InvalidInputError: If it is no rtmp(s) URL, or leads where nothing may be sent.

        """
        parse(url)
        try:
            await self.pin(url)
        except DestinationError as error:
            text = (
                "The destination's host is not known."
                if error.code is Code.DNS
                else "The destination's address is private, or its port not allowed."
            )
            raise InvalidInputError(text, field="url") from None

    async def pin(self, url: str) -> Endpoint:
        """Resolve the host of ``url`` and return where to connect.

        Raises:
            DestinationError: ``ssrf_blocked`` unless *every* address is permitted, ``dns`` if
                there is none.

        """
        try:
            target = parse(url)
        except InvalidInputError:
            raise DestinationError(Code.SSRF_BLOCKED) from None
        addresses = await _resolve(target.host, target.port)
        if not addresses:
            raise DestinationError(Code.DNS)
        if not all(self.permits(address, target.port) for address in addresses):
            raise DestinationError(Code.SSRF_BLOCKED)
        return Endpoint(
            address=str(addresses[0]),
            port=target.port,
            host=target.host,
            tls=target.tls,
            app=target.app,
            url=target.url,
        )


async def _resolve(host: str, port: int) -> list[IPAddress]:
    try:
        async with asyncio.timeout(DNS_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(
                host, port, type=socket.SOCK_STREAM
            )
    except (OSError, UnicodeError):
        # TimeoutError is an OSError.
        return []
    # IPv4 first: fewer hosts are reachable over IPv6 than have an address.
    addresses = {ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found}
    return sorted(addresses, key=lambda address: (address.version, int(address)))
