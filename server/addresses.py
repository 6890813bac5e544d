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

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NOT_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.0.0.0/24",  # protocol assignments; Oracle's metadata
            "168.63.129.16/32",  # Azure's platform services, on a public address
            "192.88.99.0/24",  # 6to4 relays, which nobody runs any more (RFC 7526)
            "3fff::/20",  # documentation (RFC 9637), not yet known to every Python
        ),
    )
)


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
    if any(address in network for network in _NOT_PUBLIC if network.version == address.version):
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        # Whatever else is public lies here: no site-local (fec0::/10), compatible (::/96),
        # translated (::ffff:0:0:0/96) or local NAT64 (64:ff9b:1::/48) address does.
        if address.teredo is not None or address not in _GLOBAL_UNICAST:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_local(address: IPAddress) -> bool:
    """Say whether an address is one of this machine's; no packet is sent to find out.

    What a machine sends to an address of its own, it sends from the very same one. (Of loopback's
    many addresses that is true of some; none of them is public.)
    """
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return ipaddress.ip_address(probe.getsockname()[0].partition("%")[0]) == address
    except OSError:
        # No way leads there.
        return False


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
