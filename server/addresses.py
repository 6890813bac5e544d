"""Which addresses the server may connect to on somebody's word: the rule, without any protocol.

A host is resolved once, and whoever connects does so to an address that was checked: a name that
answers differently the second time (DNS rebinding) gains nothing.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Collection
from dataclasses import dataclass

from server.errors import InvalidInputError

DNS_SECONDS = 5.0

_ALLOWED = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<v4>[^:]+)):(?P<port>\*|[0-9]{1,5})")

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")


@dataclass(frozen=True, slots=True)
class Allowed:
    """One exception from the rule: a network, and a port or all of them."""

    network: IPNetwork
    port: int | None
    """None: the usual ports."""
    any_port: bool = False

    def covers(self, address: IPAddress, port: int, usual: Collection[int]) -> bool:
        """Say whether this allows to connect to ``address`` and ``port``."""
        if address.version != self.network.version or address not in self.network:
            return False
        if self.any_port:
            return True
        return port == self.port if self.port is not None else port in usual


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
            raise InvalidInputError(f"{item!r} is not of the form cidr[:port|:*].") from None
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


async def resolve(host: str, port: int) -> list[IPAddress]:
    """Return the addresses of ``host``, those of IPv4 first; none if it is not known in time."""
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
