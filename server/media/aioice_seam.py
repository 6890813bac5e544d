"""The only file that touches what aioice keeps private, and aiortc of its use. aioice 0.13.

Everything is changed on one connection's objects, never in aioice's modules.

================== ======================================================================
sockets            aioice binds every address but loopback, on any port: ours are those that
                   the operator allows; a public address in front of them is a candidate, too
checks             FFmpeg's have no PRIORITY, which aioice does not expect
media              aioice looks for a check in every datagram, and hands it on through a queue
                   and a task: what is media is told by its first byte, and taken at once
ICE restart        aioice has none: a second ICE session takes the place of the first one
                   below a DTLS transport that does not notice (RFC 9725 §4.3.3)
================== ======================================================================
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from aioice import Candidate, Connection, stun
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import StunProtocol
from aiortc import RTCPeerConnection

from server.media.network import Network
from server.media.sdp import MAX_CANDIDATES

SUPPORTED = "0.13."

RECEIVE_BUFFER = 1 << 20
"""Of each socket: a keyframe of a screen is a burst of hundreds of packets."""
AT_ONCE = 32
"""Datagrams that are read in one go: then it is for others to do something."""
_LARGEST = 1 << 14
"""Bytes of a datagram, more than any path takes. asyncio asks the system for 256 KiB of memory for
each, which takes longer than all that is done with it."""
_MEDIA = range(128, 192)
"""The first byte of SRTP and SRTCP (RFC 7983)."""

OnMedia = Callable[[bytes], bool]
"""A datagram of SRTP or SRTCP → whether it was taken, now."""


def _private(thing: object) -> Any:
    """Return ``thing`` as something whose private names may be used: here, and nowhere else."""
    return thing


def use_network(connection: RTCPeerConnection, network: Network, on_media: OnMedia) -> None:
    """Let ``connection`` gather where ``network`` says; media goes to ``on_media`` first.

    What that does not take goes the way that everything went: through aioice to DTLS. To be called
    once the offer is applied, which bundles its sections: there is one transport.
    """
    _gather_in(_transport(connection)._connection, network, on_media)


def is_reachable(connection: RTCPeerConnection) -> bool:
    """Say whether anything could be bound when ``connection`` gathered."""
    return bool(_transport(connection)._connection.local_candidates)


async def add_candidate(connection: RTCPeerConnection, candidate: str) -> None:
    """Take a candidate of the peer's, as in the attribute. Raises ValueError if it is none."""
    await _add(_transport(connection)._connection, candidate)


class IceRestart:
    """A new ICE session for a connection, beside the one that still carries its media.

    :meth:`meet`, :meth:`gather`, tell the peer, :meth:`establish`: until that has succeeded
    nothing is lost.
    """

    def __init__(self, connection: RTCPeerConnection, network: Network, on_media: OnMedia) -> None:
        self._transport = _transport(connection)
        old: Connection = self._transport._connection
        self._ice = Connection(ice_controlling=old.ice_controlling)
        self.username = self._ice.local_username
        self.password = self._ice.local_password
        _gather_in(self._ice, network, on_media)

    async def gather(self) -> list[str]:
        """Bind new sockets; return their candidates."""
        await self._ice.gather_candidates()
        return [each.to_sdp() for each in self._ice.local_candidates]

    def meet(self, username: str, password: str) -> None:
        """Know the peer's side of the session."""
        self._ice.remote_username = username
        self._ice.remote_password = password

    async def add(self, candidate: str) -> None:
        """Take a candidate of the peer's. Raises ValueError if it is none."""
        await _add(self._ice, candidate)

    async def establish(self) -> None:
        """Check until a pair works, then carry the media on it.

        Raises:
            ConnectionError: If none does; the session before goes on.

        """
        await self._ice.connect()
        transport = self._transport
        if transport.state == "closed":
            raise ConnectionError("The connection was closed.")
        # From here on ours is the one that is not in use any more.
        transport._connection, self._ice = self._ice, transport._connection
        transport._send = transport._connection.send
        transport._RTCIceTransport__monitor_task.cancel()
        transport._RTCIceTransport__monitor_task = asyncio.ensure_future(transport._monitor())

    async def close(self) -> None:
        """Free the session that is not in use: the old one, or this if it was not established."""
        await self._ice.close()


def let_restart(connection: RTCPeerConnection) -> None:
    """Let the ICE session below ``connection`` be replaced: DTLS receives from the present one."""
    transport = _transport(connection)

    async def receive() -> bytes:
        while True:
            ice: Connection = transport._connection
            try:
                return await ice.recv()
            except ConnectionError:
                if ice is transport._connection:
                    raise

    transport._recv = receive


def _transport(connection: RTCPeerConnection) -> Any:
    """Return the one ICE transport of a connection whose sections are bundled."""
    (transport,) = _private(connection)._RTCPeerConnection__iceTransports
    return transport


async def _add(ice: Connection, candidate: str) -> None:
    if len(ice.remote_candidates) < MAX_CANDIDATES:
        await ice.add_remote_candidate(Candidate.from_sdp(candidate))


def _gather_in(ice: Connection, network: Network, on_media: OnMedia) -> None:
    private = _private(ice)
    private.get_component_candidates = partial(_gather, ice, network, on_media)
    check = private.check_incoming

    def check_incoming(message: stun.Message, *whence: Any) -> None:
        message.attributes.setdefault("PRIORITY", candidate_priority(1, "prflx"))
        check(message, *whence)

    private.check_incoming = check_incoming


class _Datagrams(StunProtocol):
    """One socket: media is taken where it is read, and with it what has come meanwhile."""

    def __init__(self, ice: Connection, listener: socket.socket, on_media: OnMedia) -> None:
        super().__init__(ice)
        self._listener = listener
        self._on_media = on_media

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if hasattr(transport, "max_size"):
            _private(transport).max_size = _LARGEST

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        assert isinstance(data, bytes)
        self._take(data, addr)
        for _ in range(AT_ONCE - 1):
            try:
                data, addr = self._listener.recvfrom(_LARGEST)
            except OSError:
                # There is nothing more; an error of the socket comes up the next time.
                return
            self._take(data, addr)

    def _take(self, data: bytes, addr: tuple[Any, ...]) -> None:
        first = data[0] if data else 0
        if first not in _MEDIA:
            super().datagram_received(data, addr)
        elif not self._on_media(data):
            self.receiver.data_received(data, self.local_candidate.component)


async def _gather(
    ice: Connection,
    network: Network,
    on_media: OnMedia,
    *,
    component: int,
    addresses: Sequence[str],
) -> list[Candidate]:
    """Bind the addresses of ``network`` and return their candidates, what is public first.

    A public address is a candidate of type host, not server reflexive: encoders that do not check
    but take the first host candidate (ffmpeg) find the one that can be reached.
    """
    public, hosts = [], []
    for address in network.listening(addresses):
        listener = _bind(address, network)
        if listener is None:
            continue
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_datagram_endpoint(
            partial(_Datagrams, ice, listener, on_media), sock=listener
        )
        port = listener.getsockname()[1]
        protocol.local_candidate = _host(component, address, port)
        ice._protocols.append(protocol)
        hosts.append(protocol.local_candidate)
        translated = network.public(address)
        if translated is not None:
            public.append(_host(component, translated, port))
    return public + hosts


def _bind(address: str, network: Network) -> socket.socket | None:
    """Return a socket on the first free port, or None if there is none, or no such address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_DGRAM)
    listener.setblocking(False)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    for port in network.ports():
        try:
            listener.bind((address, port))
        except OSError:
            continue
        return listener
    listener.close()
    return None


def _host(component: int, address: str, port: int) -> Candidate:
    return Candidate(
        foundation=candidate_foundation("host", "udp", address),
        component=component,
        transport="udp",
        priority=candidate_priority(component, "host"),
        host=address,
        port=port,
        type="host",
    )
