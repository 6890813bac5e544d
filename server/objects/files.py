"""Objects as files below one directory, for one machine.

An object appears by a rename, after its bytes are on the disk: whatever crashes, it is there
whole or not at all. Beside ``name`` stands ``.name.type`` with its content type; no key has a
part that begins with a dot.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar
from uuid import uuid4

from server.errors import NotFoundError, UnavailableError
from server.objects.signing import UrlSigner
from server.objects.store import LIST_MOST, ObjectInfo, checked
from server.outages import Outage

P = ParamSpec("P")
T = TypeVar("T")

_outage = Outage("objects")


class FileObjects:
    """The directory ``root``, made if it is missing (0700)."""

    origin = None

    def __init__(self, root: Path, signer: UrlSigner) -> None:
        self._root = root
        self._signer = signer
        root.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store an object, replacing an earlier one; when this returns it is durable."""
        async with self.writer(key, content_type) as writer:
            await writer.write(data)

    @asynccontextmanager
    async def writer(self, key: str, content_type: str) -> AsyncIterator["_FileWriter"]:
        """Store an object piece by piece: it is there when the block ends, not if it raises."""
        path = self._path(key)
        partial = path.with_name(f".{path.name}.{uuid4().hex}.partial")
        file = await _in_thread(_create, partial)
        try:
            with file:
                yield _FileWriter(file)
                await _in_thread(_flush, file)
            await _in_thread(_publish, partial, path, content_type)
        except BaseException:
            with suppress(OSError):
                partial.unlink()
            raise

    async def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """Return an object, or ``length`` bytes of it from ``start``, fewer at its end."""
        return await _in_thread(_read, self._path(key), start, length)

    async def head(self, key: str) -> ObjectInfo:
        """Return what is known of an object."""
        return await _in_thread(_stat, key, self._path(key))

    async def delete(self, key: str) -> None:
        """Remove an object. Idempotent."""
        await _in_thread(_remove, self._path(key))

    async def list(self, prefix: str, *, after: str = "", limit: int = LIST_MOST) -> list[str]:
        """Return keys below ``prefix`` (which ends with ``/``), sorted, that follow ``after``."""
        top = self._path(prefix.removesuffix("/"))
        keys = await _in_thread(_walk, self._root, top)
        return sorted(key for key in keys if key > after)[:limit]

    async def presign_get(self, key: str, *, seconds: int) -> str:
        """Return a URL that anybody may read the object from for that long."""
        return self._signer.sign("GET", checked(key), seconds=seconds)

    async def presign_put(
        self, key: str, content_type: str, *, seconds: int, size: int | None = None
    ) -> str:
        """Return a URL that anybody may PUT an object of this type to for that long.

        With ``size`` nothing larger is taken.
        """
        return self._signer.sign(
            "PUT", checked(key), seconds=seconds, content_type=content_type, most_bytes=size
        )

    def _path(self, key: str) -> Path:
        return self._root / checked(key)


class _FileWriter:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    async def write(self, data: bytes) -> None:
        """Append ``data``."""
        await _in_thread(self._file.write, data)


async def _in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking ``work``; its errors become ours."""
    try:
        done = await asyncio.to_thread(work, *args, **kwargs)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise NotFoundError from error
    except OSError as error:
        _outage.failed(error)  # above all: the disk is full
        raise UnavailableError("The directory of objects cannot be used.") from error
    _outage.worked()
    return done


def _create(path: Path) -> BinaryIO:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _publish(partial: Path, path: Path, content_type: str) -> None:
    kind = _type_of(path)
    new = kind.with_name(f"{kind.name}.{uuid4().hex}.partial")
    with _create(new) as file:
        file.write(content_type.encode())
        _flush(file)
    new.rename(kind)
    partial.rename(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _read(path: Path, start: int, length: int | None) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(-1 if length is None else length)


def _stat(key: str, path: Path) -> ObjectInfo:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
    return ObjectInfo(key, size, _type_of(path).read_text())


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    _type_of(path).unlink(missing_ok=True)


def _walk(root: Path, top: Path) -> list[str]:
    return [
        (Path(parent) / name).relative_to(root).as_posix()
        for parent, _, names in os.walk(top)
        for name in names
        if not name.startswith(".")
    ]


def _type_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.type")
