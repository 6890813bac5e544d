"""The seam between the server and where blobs are kept: files, or S3 and what speaks like it."""

import re
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from server.errors import InvalidInputError

# Names that mean the same on every file system and in every URL; none begins with a dot.
_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_KEY_MOST = 512

LIST_MOST = 1000


class ObjectInfo(NamedTuple):
    """What is known of an object without reading it."""

    key: str
    bytes: int
    content_type: str


class ObjectWriter(Protocol):
    """An object on its way in."""

    async def write(self, data: bytes) -> None:
        """Append ``data``.

        Raises:
            UnavailableError: If it could not be stored.

        """


class ObjectStore(Protocol):
    """Blobs by key (``tenant/session/kind/id``). An object is there whole or not at all.

    Every method raises UnavailableError if the store is away, and InvalidInputError for a key
    that is none.
    """

    @property
    def origin(self) -> str | None:
        """The web origin that presigned URLs point to; None: this server's."""

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store an object, replacing an earlier one; when this returns it is durable."""

    def writer(self, key: str, content_type: str) -> AbstractAsyncContextManager[ObjectWriter]:
        """Store an object piece by piece: it is there when the block ends, not if it raises."""

    async def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """Return an object, or ``length`` bytes of it from ``start``, fewer at its end.

        Raises:
            NotFoundError: If there is none.

        """

    async def head(self, key: str) -> ObjectInfo:
        """Return what is known of an object.

        Raises:
            NotFoundError: If there is none.

        """

    async def delete(self, key: str) -> None:
        """Remove an object. Idempotent."""

    async def list(self, prefix: str, *, after: str = "", limit: int = LIST_MOST) -> list[str]:
        """Return keys below ``prefix`` (which ends with ``/``), sorted, that follow ``after``."""

    async def presign_get(self, key: str, *, seconds: int) -> str:
        """Return a URL that anybody may read the object from for that long."""

    async def presign_put(
        self, key: str, content_type: str, *, seconds: int, size: int | None = None
    ) -> str:
        """Return a URL that anybody may PUT an object of this type to for that long.

        With ``size`` nothing larger is taken.
        """


def checked(key: str) -> str:
    """Return ``key`` if it is one.

    Raises:
        InvalidInputError: If it is not.

    """
    if len(key) > _KEY_MOST or not _KEY.fullmatch(key):
        raise InvalidInputError("This is not the key of an object.")
    return key
