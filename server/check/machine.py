"""This machine: its ports, its limits, its disk."""

import asyncio
import os
import resource
import socket
import tempfile
from pathlib import Path
from time import perf_counter

from server.check.result import FailedError, WarningError
from server.config import Settings
from server.errors import InvalidSettingsError
from server.media.aioice_seam import RECEIVE_BUFFER
from server.media.recording.spool import spool_directory
from server.processes import free_port

FILES = 16_384
"""A socket for each person, and some: fewer end a large class's storm."""
BACKLOG = 4_096
DISK_BYTES = 5 << 30
"""An hour of a class that is recorded while the object store is away takes about one."""
SLOW_MS = 50.0
PORTS_EACH = 2
"""UDP ports of a viewer: two while the network changes."""


async def ports(settings: Settings) -> str:
    """Warn if a port that the server listens on is taken: by a server that runs, or another."""
    wanted = [(settings.host, settings.port), (settings.link_host, 0)]
    wanted += [
        (settings.ops_host, settings.ops_port and settings.ops_port + number)
        for number in range(settings.hub_workers)
    ]
    taken = []
    for host, port in wanted:
        try:
            free_port(host, port)
        except InvalidSettingsError as error:
            taken.append(str(error).partition(" Choose")[0])
        except OSError as error:  # the address is no address
            raise FailedError(f"{host}: {error.strerror or error}") from None
    if taken:
        raise WarningError(f"{' '.join(taken)} Does a server run here?")
    return ", ".join(f"{host}:{port}" for host, port in wanted if port) + " are free"


async def media(settings: Settings) -> str:
    """Fail if media cannot be taken at an address that is named; say how many ports there are."""
    for address in settings.media_addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((address, 0))
            except OSError as error:
                raise FailedError(f"{address}: {error.strerror}") from None
    if settings.media_ports is None:
        first, last = _system_ports()
        said = f"UDP ports {first}-{last}, the system's"
    else:
        first, last = settings.media_ports.split("-")
        said = f"UDP ports {first}-{last}"
    people = (int(last) - int(first) + 1) // PORTS_EACH
    carried = 60 * settings.media_workers
    if people < carried:
        raise WarningError(f"{said}: enough for {people} people, the workers carry {carried}")
    return said


async def files(_settings: Settings) -> str:
    """Warn if the process may not open a socket for everybody of a large class."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    shown = "any number" if most == resource.RLIM_INFINITY else f"{most:,}"
    said = f"{shown} of files and sockets for each process"
    if most != resource.RLIM_INFINITY and most < FILES:
        raise WarningError(f"{said}: raise the hard limit (LimitNOFILE=, ulimit -Hn) to 65536")
    return said


async def disk(settings: Settings) -> str:
    """Return what is free where recordings wait, and how long the disk takes to keep something."""
    where = spool_directory(settings.spool_dir, settings.runtime_dir)
    took = await asyncio.to_thread(_seconds_to_keep, where) * 1000
    found = os.statvfs(where)
    free = found.f_bavail * found.f_frsize
    said = f"{where}: {free / (1 << 30):.1f} GiB free, kept within {took:.1f} ms"
    if free < DISK_BYTES:
        raise WarningError(f"{said}: recordings wait there while the object store is away")
    if took > SLOW_MS:
        raise WarningError(f"{said}: too slow for several recordings at once")
    return said


def _seconds_to_keep(where: Path) -> float:
    with tempfile.TemporaryFile(dir=where) as file:
        began = perf_counter()
        file.write(bytes(65_536))
        file.flush()
        os.fsync(file.fileno())
        return perf_counter() - began


async def kernel(_settings: Settings) -> str:
    """Warn if the kernel keeps a crowd waiting at the door, or drops what comes all at once."""
    wanted = {"somaxconn": BACKLOG, "rmem_max": RECEIVE_BUFFER}
    found = {
        name: number
        for name in wanted
        if (number := _number(f"/proc/sys/net/core/{name}")) is not None
    }
    if found.keys() != wanted.keys():
        return "not known on this system"
    low = [f"net.core.{name} to {wanted[name]}" for name in wanted if found[name] < wanted[name]]
    said = ", ".join(f"{name} {number}" for name, number in found.items())
    if low:
        raise WarningError(f"{said}: raise {' and '.join(low)}")
    return said


def _number(path: str) -> int | None:
    try:
        return int(Path(path).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _system_ports() -> tuple[str, str]:
    try:
        text = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii")
    except OSError:
        return "32768", "60999"
    first, last = text.split()
    return first, last
