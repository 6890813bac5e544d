"""The object store that a URL names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from server.errors import InvalidSettingsError
from server.objects.files import FileObjects
from server.objects.s3 import S3Objects
from server.objects.signing import UrlSigner
from server.objects.store import ObjectStore


@asynccontextmanager
async def open_objects(url: str, signer: UrlSigner) -> AsyncIterator[ObjectStore]:
    """Open ``file:///path`` or ``s3://bucket/prefix`` for as long as the block lasts.

    Raises:
        InvalidSettingsError: If it is neither, or the directory cannot be made.

    """
    parts = urlsplit(url)
    match parts.scheme:
        case "file" if parts.path and not parts.netloc:
            try:
                files = FileObjects(Path(unquote(parts.path)), signer)
            except OSError as error:
                raise InvalidSettingsError(f"{parts.path}: {error.strerror}") from error
            yield files
        case "s3" if parts.netloc:
            async with S3Objects.open(parts.netloc, parts.path) as objects:
                yield objects
        case _:
            raise InvalidSettingsError("objects: expected file:///path or s3://bucket/prefix")
