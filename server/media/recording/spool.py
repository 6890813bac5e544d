"""What a recorder has written and not uploaded yet, on the local disk.

::

    <root>/<session>/<recording>/lock               held by whoever writes or uploads it
                                 init-<hash>.mp4    what its segments need
                                 <wall ms>.part     a line of JSON, then fragments

The open segment is appended per fragment and forced to the disk (``fdatasync``) each time: a
process that is killed, and a machine that loses power, lose what came after the last fragment. A
file is removed once it is uploaded. A fragment that is torn is left out when it is read again.

Everything here blocks: it is called in a thread.
"""

import errno
import fcntl
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from server.errors import InvalidSettingsError
from server.media.hls import fmp4

RESERVE_BYTES = 64 << 20
"""What is left free on the disk: others need it to live."""
_LOCK = "lock"


class SpoolError(Exception):
    """The disk does not take it: it is full or broken."""


class Header(msgspec.Struct, frozen=True):
    """What is known of a segment when it begins."""

    starts_at_ms: int
    """Wall clock, milliseconds since the epoch. No two segments of a recording share it."""
    init: str
    discontinuity: bool

    @property
    def name(self) -> str:
        """What the segment is called in the object store."""
        return f"{self.starts_at_ms}.m4s"


@dataclass(frozen=True, slots=True)
class Left:
    """A segment that is closed and not uploaded."""

    header: Header
    data: bytes
    duration_ms: int


class Spool:
    """One recording's directory; one process at a time has it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock: int | None = None
        self._open: BinaryIO | None = None

    def claim(self) -> bool:
        """Take the directory, made if it is missing; False while somebody else has it.

        Raises:
            SpoolError: If there can be none.

        """
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._directory / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise SpoolError from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever had it may have removed what was locked here.
            is_there = os.fstat(lock).st_nlink > 0
        except BlockingIOError:
            is_there = False
        if is_there:
            self._lock = lock
        else:
            os.close(lock)
        return is_there

    def release(self) -> None:
        """Give the directory back, removed if nothing is left in it. Idempotent."""
        self.close()
        if self._lock is None:
            return
        with suppress(OSError):
            if not any(each.suffix == ".part" for each in self._directory.iterdir()):
                shutil.rmtree(self._directory)
                # That of the session, unless it has another recording.
                self._directory.parent.rmdir()
        os.close(self._lock)
        self._lock = None

    def begin(self, header: Header, init: bytes) -> None:
        """Begin a segment.

        Raises:
            SpoolError: If the disk does not take it.

        """
        try:
            if self._is_full():
                raise OSError(errno.ENOSPC, "less is free than is left to others")
            path = self._directory / header.init
            if not path.exists():
                partial = path.with_suffix(".partial")
                with partial.open("wb") as file:
                    _force(file, init)
                partial.rename(path)
            self._open = (self._directory / f"{header.starts_at_ms}.part").open("wb")
            _force(self._open, msgspec.json.encode(header) + b"\n")
            _force_directory(self._directory)
        except OSError as error:
            self.close()
            raise SpoolError from error

    def append(self, fragment: bytes) -> None:
        """Append to the open segment.

        Raises:
            SpoolError: If the disk does not take it.

        """
        assert self._open is not None, "begin a segment first"
        try:
            _force(self._open, fragment)
        except OSError as error:
            self.close()
            raise SpoolError from error

    def close(self) -> None:
        """Close the open segment. Idempotent."""
        if self._open is not None:
            # What could not be written was told when it was.
            with suppress(OSError):
                self._open.close()
            self._open = None

    def _is_full(self) -> bool:
        return shutil.disk_usage(self._directory).free < RESERVE_BYTES

    def left(self) -> list[int]:
        """Return when the segments began that are here, in order."""
        try:
            return sorted(int(each.stem) for each in self._directory.glob("*.part"))
        except OSError:
            return []

    def read(self, starts_at_ms: int) -> Left | None:
        """Return a segment as far as it is whole; None if nothing of it is.

        Raises:
            SpoolError: If the disk cannot be read.

        """
        try:
            content = (self._directory / f"{starts_at_ms}.part").read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SpoolError from error
        line, _, data = content.partition(b"\n")
        try:
            header = msgspec.json.decode(line, type=Header)
        except msgspec.MsgspecError:
            return None
        fragments = list(fmp4.read(data))
        duration_ms = length_ms(fragments)
        if not duration_ms:
            return None
        return Left(header, data[: fragments[-1].end], duration_ms)

    def init(self, name: str) -> bytes:
        """Return an init segment that :meth:`begin` kept.

        Raises:
            SpoolError: If it cannot be read.

        """
        try:
            return (self._directory / name).read_bytes()
        except OSError as error:
            raise SpoolError from error

    def remove(self, starts_at_ms: int) -> None:
        """Remove a segment that is uploaded. Idempotent; if it cannot be, the next one does."""
        with suppress(OSError):
            (self._directory / f"{starts_at_ms}.part").unlink(missing_ok=True)


def length_ms(fragments: list[fmp4.Fragment]) -> int:
    """Return how long the pictures of a segment are shown, 0 if it has none."""
    tables = [each.video for each in fragments if each.video is not None]
    return (tables[-1].end - tables[0].start) // fmp4.PER_MS if tables else 0


def _force(file: BinaryIO, data: bytes) -> None:
    file.write(data)
    file.flush()
    os.fdatasync(file.fileno())


def _force_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def spool_directory(wanted: Path | None, runtime: Path | None) -> Path:
    """Return where spools are; it outlives restarts, and the machine's where it can.

    Raises:
        InvalidSettingsError: If it cannot be made, or is somebody else's.

    """
    path = wanted or (runtime or Path(f"/var/tmp/liveclass-{os.getuid()}")) / "spool"  # noqa: S108
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_ours = path.stat().st_uid == os.getuid() == path.parent.stat().st_uid or wanted
    except OSError as error:
        raise InvalidSettingsError(f"{path}: {error.strerror}") from error
    if not is_ours:
        raise InvalidSettingsError(f"{path}: this directory is somebody else's")
    return path
