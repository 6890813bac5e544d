"""A bad network: a UDP relay between two WebRTC peers, who take it for each other.

The candidates in the offer and in the answer are replaced by addresses of the relay, so that
every packet of theirs passes through it: handshake, media, feedback. What it does to them is
drawn from a seed, for each direction on its own.
"""

import asyncio
import random
import re
from dataclasses import dataclass

_CANDIDATE = re.compile(r"^(a=candidate:\S+ \d+ udp \d+) (\S+) (\d+) (typ host.*)$", re.I)

Address = tuple[str, int]


@dataclass
class Impairment:
    """What happens to packets; may be changed at any time."""

    loss: float = 0.0
    """Part of the packets that never arrive."""
    delay_ms: float = 0.0
    """How long each takes, one way."""
    jitter_ms: float = 0.0
    """How much longer some take. Order is kept: it is a queue that they wait in."""
    reorder: float = 0.0
    """Part of the packets that are overtaken by those of the next milliseconds."""
    reorder_ms: float = 20.0
    blackout: bool = False
    """Nothing arrives at all."""


class _Way:
    """One direction: from one peer's side of the relay out of the other."""

    def __init__(self, impairment: Impairment, seed: int) -> None:
        self._impairment = impairment
        self._chance = random.Random(seed)
        self._loop = asyncio.get_running_loop()
        self._last_at = 0.0
        self.passed = 0
        self.dropped = 0

    def send(self, data: bytes, transport: asyncio.DatagramTransport, to: Address) -> None:
        how, chance = self._impairment, self._chance
        if how.blackout or chance.random() < how.loss:
            self.dropped += 1
            return
        self.passed += 1
        at = self._loop.time() + (how.delay_ms + chance.uniform(0, how.jitter_ms)) / 1000
        if chance.random() < how.reorder:
            at += how.reorder_ms / 1000
        else:
            # Timers of the same moment would run in any order.
            at = self._last_at = max(at, self._last_at + 1e-6)
        self._loop.call_at(at, self._out, data, transport, to)

    @staticmethod
    def _out(data: bytes, transport: asyncio.DatagramTransport, to: Address) -> None:
        if not transport.is_closing():
            transport.sendto(data, to)


class _Side(asyncio.DatagramProtocol):
    """The relay as one of the peers sees it."""

    def __init__(self, way: _Way) -> None:
        self._way = way
        self.other: _Side | None = None
        self.peer: Address | None = None
        """Who is on this side."""
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Address) -> None:
        self.peer = address[:2]
        other = self.other
        if other is not None and other.transport is not None and other.peer is not None:
            self._way.send(data, other.transport, other.peer)

    def error_received(self, error: OSError) -> None:
        """A peer that is gone is no concern of the network."""


class LossyRelay:
    """Stand between a publisher, who offers, and a server, who answers."""

    def __init__(self, seed: int = 1) -> None:
        self.impairment = Impairment()
        self._seed = seed
        self._publisher: _Side | None = None
        self._server: _Side | None = None

    async def offer(self, sdp: bytes) -> bytes:
        """Return the publisher's offer as the server gets to see it."""
        host, port = _address(sdp)
        self.up = _Way(self.impairment, self._seed)
        self.down = _Way(self.impairment, self._seed + 1)
        loop = asyncio.get_running_loop()
        sides = []
        for way in (self.up, self.down):
            _, side = await loop.create_datagram_endpoint(
                lambda way=way: _Side(way), local_addr=(host, 0)
            )
            sides.append(side)
        self._publisher, self._server = sides
        self._publisher.other, self._server.other = self._server, self._publisher
        self._publisher.peer = host, port
        return _replace(sdp, self._server)

    def answer(self, sdp: bytes) -> bytes:
        """Return the server's answer as the publisher gets to see it."""
        assert self._server is not None
        assert self._publisher is not None
        self._server.peer = _address(sdp)
        return _replace(sdp, self._publisher)

    def close(self) -> None:
        """Drop everything from now on."""
        for side in (self._publisher, self._server):
            if side is not None and side.transport is not None:
                side.transport.close()


def _address(sdp: bytes) -> Address:
    """Return the first IPv4 address of a description: with BUNDLE, all else is unused."""
    for line in sdp.decode().splitlines():
        found = _CANDIDATE.match(line)
        if found and ":" not in found[2]:
            return found[2], int(found[3])
    raise ValueError("no candidate that can be relayed")


def _replace(sdp: bytes, side: _Side) -> bytes:
    """Make ``side`` the only candidate of each part of a description."""
    assert side.transport is not None
    host, port = side.transport.get_extra_info("sockname")[:2]
    lines = []
    for line in sdp.decode().splitlines():
        found = _CANDIDATE.match(line)
        if found is None:
            lines.append(line)
        elif ":" not in found[2]:
            lines.append(f"{found[1]} {host} {port} {found[4]}")
    return ("\r\n".join(lines) + "\r\n").encode()
