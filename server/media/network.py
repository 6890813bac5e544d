"""Where media is taken: the addresses and ports of this machine, and how others reach them."""

import secrets
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

import msgspec


class Network(msgspec.Struct, frozen=True):
    """What an operator decides about the addresses of media. The default takes what there is."""

    addresses: tuple[str, ...] = ()
    """Which of this machine's addresses take media; none: all but loopback."""
    public_address: str | None = None
    """Where others reach this machine if an address translation (1:1) lies between."""
    first_port: int = 0
    last_port: int = 0
    """The range of UDP ports; 0: the system chooses."""

    def listening(self, found: Iterable[str]) -> list[str]:
        """Return the addresses to take media on, of those ``found`` on this machine.

        IPv4 comes first: some encoders (ffmpeg) use the first candidate and no other.
        """
        wanted = self.addresses or tuple(found)
        return sorted(dict.fromkeys(wanted), key=lambda each: ip_address(each).version)

    def public(self, address: str) -> str | None:
        """Return what ``address`` is translated to, if it is."""
        if self.public_address is None or self.public_address == address:
            return None
        same = ip_address(self.public_address).version == ip_address(address).version
        return self.public_address if same else None

    def ports(self) -> Iterator[int]:
        """Give the ports to try, each once, from a random one on; 0 stands for any."""
        if not self.last_port:
            yield 0
            return
        count = self.last_port - self.first_port + 1
        start = secrets.randbelow(count)
        for number in range(count):
            yield self.first_port + (start + number) % count


EVERYWHERE = Network()
