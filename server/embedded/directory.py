"""The data directory: one instance at a time, reachable for the servers' account."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from .account import Account, own
from .errors import EmbeddedError

# sun_path holds 108 bytes on Linux and 104 on macOS; the longest name is ".s.PGSQL.5432.lock".
_LONGEST_SOCKET_DIRECTORY = 103 - len("/.s.PGSQL.5432.lock")
_SYSTEM_HOME = Path("/var/lib/liveclass")


class DataDirectory:
    """A directory held by this process alone, with a home in it for the servers' files.

    ``home`` is ``<directory>/services``, 0700 and owned by the account. Where the account
    cannot pass (root's home is 0700), home is a symbolic link to a place of the system.
    ``sockets`` is 0700 too, below home when its path is short enough for a unix socket.
    """

    def __init__(self, path: Path, account: Account | None) -> None:
        self.path = path.absolute()
        self.account = account
        self.home = self.path / "services"
        self.sockets = self.home / "run"
        self._lock: int | None = None
        self._temporary: Path | None = None

    def hold(self) -> None:
        """Make the directory if it is missing and lock it until :meth:`release`.

        Raises:
            EmbeddedError: If another process holds it, or it cannot be used.

        """
        try:
            # Only the home inside belongs to the account; it must be able to pass to it.
            self.path.mkdir(mode=0o711 if self.account else 0o700, parents=True, exist_ok=True)
            lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EmbeddedError(
                f"The data directory {self.path} cannot be used: {error.strerror}."
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(lock, 32).decode(errors="replace").strip() or "unknown"
            os.close(lock)
            raise EmbeddedError(
                f"Another liveclass (process {holder}) is using the data directory {self.path}: "
                "stop it or choose another directory."
            ) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        self._lock = lock
        try:
            self._settle()
        except OSError as error:
            self.release()
            raise EmbeddedError(
                f"The data directory {self.path} cannot be used: {error.strerror}."
            ) from error

    def release(self) -> None:
        """Give the directory back. Idempotent."""
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _settle(self) -> None:
        self.home = self.home.resolve()
        if self.account and not self.account.reaches(self.home):
            self._move_home()
        self.sockets = own(self.home, self.account) / "run"
        if len(os.fsencode(self.sockets)) <= _LONGEST_SOCKET_DIRECTORY:
            own(self.sockets, self.account)
        else:
            self._temporary = Path(tempfile.mkdtemp(prefix="liveclass-"))
            self.sockets = own(self._temporary, self.account)

    def _move_home(self) -> None:
        name = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        place = _SYSTEM_HOME / name
        _SYSTEM_HOME.mkdir(mode=0o711, parents=True, exist_ok=True)
        # Left by a directory of this name that has been deleted: not ours.
        with suppress(FileNotFoundError):
            shutil.rmtree(place)
        if self.home.exists():
            shutil.move(self.home, place)
        self.home.symlink_to(place)
        self.home = place
