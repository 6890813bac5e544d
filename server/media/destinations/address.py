"""Where streams may go: the policy for their URLs, and the guard against private addresses."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from server.addresses import Allowed, IPAddress, IPNetwork, is_local, is_public, resolve
from server.errors import InvalidInputError
from server.media.codes import Code, DestinationError
from server.media.rtmp.client import Endpoint

DEFAULT_PORTS = {"rtmp": 1935, "rtmps": 443}
PORTS = frozenset({1935, 443, 80, 2935, 1936})


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


class AddressGuard:
    """Decide which addresses may be connected to, and pin one of them."""

    def __init__(
        self,
        allowed: Iterable[Allowed] = (),
        *,
        own_ports: Iterable[int] = (),
        own_networks: Iterable[IPNetwork] = (),
    ) -> None:
        """Take the exceptions, the ports of our services, and where others reach us."""
        self._allowed = tuple(allowed)
        self._own_ports = frozenset(own_ports)
        self._own_networks = tuple(own_networks)

    def permits(self, address: IPAddress, port: int) -> bool:
        """Say whether a connection to ``address`` and ``port`` may be made.

        The server's own ports on this machine never, whatever else is allowed there; its own
        addresses, public as they may be, only if they are allowed by name.
        """
        is_ours = is_local(address) or any(
            address in network
            for network in self._own_networks
            if network.version == address.version
        )
        if port in self._own_ports and (is_ours or not is_public(address)):
            return False
        if any(rule.covers(address, port, PORTS) for rule in self._allowed):
            return True
        return port in PORTS and is_public(address) and not is_ours

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
        addresses = await resolve(target.host, target.port)
        if not addresses:
            raise DestinationError(Code.DNS)
        if not all(self.permits(address, target.port) for address in addresses):
            raise DestinationError(Code.SSRF_BLOCKED)
        return Endpoint(
            addresses=tuple(map(str, addresses)),
            port=target.port,
            host=target.host,
            tls=target.tls,
            app=target.app,
            url=target.url,
        )
