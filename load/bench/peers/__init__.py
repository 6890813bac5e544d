"""Servers that others have written, to measure ours beside: what runs them, and how to get them.

=============  =======================================================================
Nchan          Debian: ``apt-get install nginx libnginx-mod-nchan``
C send() loop  ``load/native/sender.c``: any C compiler
websockets     PyPI, in the developers' packages
Node ws        npm, ``node/package-lock.json``; Node.js is in the developers' packages
python-socketio  PyPI, in the developers' packages
naive          a loop of ``await ws.send_str`` in aiohttp (:mod:`load.bench.naive_server`)
=============  =======================================================================
"""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from load import native

_HERE = Path(__file__).parent
_NCHAN = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
_NPM_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Contender:
    """A server that can be started by a command.

    It prints its port as the contract says, unless ``port`` is known beforehand.
    """

    name: str
    command: Sequence[str]
    dialect: str = "contract"
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """A server that is not here, and what would bring it."""

    name: str
    remedy: str


def find(directory: Path) -> Iterator[Contender | Missing]:
    """Yield every peer; what has to be built or written goes to ``directory``."""
    yield _nchan(directory)
    yield _sender(directory)
    yield _python("websockets", "websockets", "websockets_server")
    yield _node()
    yield _python("python-socketio", "socketio", "socketio_server", "socketio")
    yield Contender("naive", (sys.executable, "-m", "load.bench.naive_server"))


def _nchan(directory: Path) -> Contender | Missing:
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None or not _NCHAN.exists():
        return Missing("Nchan", "apt-get install nginx libnginx-mod-nchan")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    text = (_HERE / "nginx.conf").read_text()
    for name, value in (("module", _NCHAN), ("directory", directory), ("port", port)):
        text = text.replace(f"{{{name}}}", str(value))
    config = directory / "nginx.conf"
    config.write_text(text)
    # Errors before the configuration is read go where nobody needs a privilege to write.
    command = (program, "-c", str(config), "-p", str(directory), "-e", str(directory / "error.log"))
    return Contender("Nchan", command, "nchan", port)


def _sender(directory: Path) -> Contender | Missing:
    try:
        program = native.build("sender", directory)
    except native.BuildError as error:
        return Missing("C send() loop", f"the compiler says {error}")
    if program is None:
        return Missing("C send() loop", "a C compiler: apt-get install gcc libc6-dev")
    return Contender("C send() loop", (str(program),))


def _python(name: str, package: str, module: str, dialect: str = "contract") -> Contender | Missing:
    if importlib.util.find_spec(package) is None:
        return Missing(name, "make setup-dev")
    return Contender(name, (sys.executable, "-m", f"load.bench.peers.{module}"), dialect)


def _node() -> Contender | Missing:
    here = _HERE / "node"
    places = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
    node, npm = shutil.which("node", path=places), shutil.which("npm", path=places)
    if node is None:
        return Missing("Node ws", "make setup-dev, which brings Node.js")
    if not (here / "node_modules" / "ws").exists() and npm is not None:
        command = (npm, "ci", "--prefix", str(here), "--ignore-scripts", "--no-audit", "--no-fund")
        try:
            subprocess.run(command, capture_output=True, timeout=_NPM_SECONDS, check=True)  # noqa: S603
        except (OSError, subprocess.SubprocessError):
            return Missing("Node ws", f"npm ci --prefix {here}")
    return Contender("Node ws", (node, str(here / "server.js")))
