"""The TCP connection beneath: made to checked addresses only, tuned, and asked how it is."""

import errno
import ipaddress
import socket
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from aiohappyeyeballs import AddrInfoType, start_connection

from server.media.codes import Code, DestinationError

NEXT_ADDRESS_SECONDS = 0.25
"""When the next address is tried beside the one that has not answered (RFC 8305 §5)."""
SEND_BUFFER = 256 << 10
NOT_SENT = 64 << 10
USER_TIMEOUT_MS = 10_000
_KEEPALIVE = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3}

# struct tcp_info (linux/tcp.h): fields are only ever added at its end.
_TCP_INFO_BYTES = 232
_TCP_INFO_LEAST = 148
_UNACKED, _RTT_US, _RETRANSMITS, _BYTES_ACKED, _NOT_SENT, _WINDOW = 24, 68, 100, 120, 144, 228


@dataclass(frozen=True, slots=True)
class TcpInfo:
    """What the kernel knows of a connection."""

    rtt_ms: float
    """Smoothed."""
    retransmits: int
    """Segments sent again since the connection began."""
    unacked: int
    """Segments on their way."""
    notsent_bytes: int
    """What waits in the kernel."""
    bytes_acked: int
    """What the peer's kernel has, the SYN and TLS included."""
    window_bytes: int | None
    """What it has room for; None from a kernel before Linux 5.4."""


async def connect(addresses: Sequence[str], port: int) -> socket.socket:
    """Return a tuned socket, connected to the first of ``addresses`` that answers.

    They are IP addresses, in order of preference; nothing is resolved.

    Raises:
        DestinationError: If none takes the connection. Set a timeout around this.

    """
    try:
        sock = await start_connection(
            [_entry(address, port) for address in addresses],
            happy_eyeballs_delay=NEXT_ADDRESS_SECONDS,
        )
    except OSError as error:
        raise DestinationError(_CODES.get(error.errno or 0, Code.TCP_REFUSED)) from None
    tune(sock)
    return sock


_CODES = {errno.ETIMEDOUT: Code.TCP_TIMEOUT, errno.ECONNRESET: Code.RESET}


def _entry(address: str, port: int) -> AddrInfoType:
    ip = ipaddress.ip_address(address)
    family, where = (
        (socket.AF_INET, (address, port))
        if ip.version == 4
        else (socket.AF_INET6, (address, port, 0, 0))
    )
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where


def tune(sock: socket.socket) -> None:
    """Keep little in the kernel, so that a peer that does not read is noticed early."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Where a system has no such option, the watch over progress notices, later.
    for name, value in {
        "TCP_USER_TIMEOUT": USER_TIMEOUT_MS,
        "TCP_NOTSENT_LOWAT": NOT_SENT,
        **_KEEPALIVE,
    }.items():
        if (option := getattr(socket, name, None)) is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


def tcp_info(sock: socket.socket) -> TcpInfo | None:
    """Return what the kernel knows of ``sock``; None where it does not tell, or when it is closed.

    Linux tells.
    """
    if sys.platform != "linux":
        return None
    try:
        data = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    except OSError:
        return None
    if len(data) < _TCP_INFO_LEAST:
        return None

    def number(at: int) -> int:
        value: int = struct.unpack_from("=I", data, at)[0]
        return value

    return TcpInfo(
        rtt_ms=number(_RTT_US) / 1000,
        retransmits=number(_RETRANSMITS),
        unacked=number(_UNACKED),
        notsent_bytes=number(_NOT_SENT),
        bytes_acked=struct.unpack_from("=Q", data, _BYTES_ACKED)[0],
        window_bytes=number(_WINDOW) if len(data) >= _TCP_INFO_BYTES else None,
    )
