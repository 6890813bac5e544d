"""Who the servers run as: PostgreSQL refuses root, so root lends them an unprivileged user."""

import os
import pwd
import shutil
import stat
from pathlib import Path
from typing import NamedTuple, Self

from .errors import EmbeddedError


class Account(NamedTuple):
    """The user and group the servers run as."""

    uid: int
    gid: int
    name: str

    @classmethod
    def choose(cls) -> Self | None:
        """Return ``postgres`` or else ``nobody`` for root, and None for an ordinary user.

        Raises:
            EmbeddedError: If this machine has neither.

        """
        if os.geteuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_uid, entry.pw_gid, name)
        raise EmbeddedError(
            "PostgreSQL does not run as root, and this machine has neither a user named "
            "postgres nor one named nobody: start liveclass as an ordinary user."
        )

    def reaches(self, path: Path) -> bool:
        """Say whether this account may pass through every directory above ``path``."""
        return all(self._may(parent, stat.S_IXOTH) for parent in path.resolve().parents)

    def runs(self, program: Path) -> bool:
        """Say whether this account may reach, read and execute ``program``."""
        return self.reaches(program) and self._may(program, stat.S_IROTH | stat.S_IXOTH)

    def _may(self, path: Path, bits: int) -> bool:
        entry = path.stat()
        if entry.st_uid == self.uid:
            bits <<= 6
        elif entry.st_gid == self.gid:
            bits <<= 3
        return entry.st_mode & bits == bits


def own(path: Path, account: Account | None) -> Path:
    """Make ``path`` a directory that only the account, or else this user, may enter."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account:
        os.chown(path, account.uid, account.gid)
    path.chmod(0o700)
    return path


def lend(tree: Path, program: str, copies: Path, account: Account | None) -> Path:
    """Return the directory to run ``program`` from: ``tree``, or a copy the account can read.

    A virtual environment below root's home, or made with a strict umask, is closed to
    other users. The copy is made once, beside the data, and appears only when it is whole.
    """
    if account is None or (
        account.runs(tree / program)
        and all(account._may(path, stat.S_IROTH) for path in tree.rglob("*"))
    ):
        return tree
    copy = copies / tree.name
    if not copy.exists():
        partial = copies / f"{tree.name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(tree, partial, symlinks=True)
        for path in (partial, *partial.rglob("*")):
            if not path.is_symlink():
                os.chown(path, account.uid, account.gid)
        partial.rename(copy)
    return copy
