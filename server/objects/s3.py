"""Objects in S3, or in what speaks like it (``AWS_ENDPOINT_URL`` names another endpoint)."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self
from urllib.parse import urlsplit

from aioboto3.session import Session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from server.errors import NotFoundError, UnavailableError
from server.objects.store import LIST_MOST, ObjectInfo, checked
from server.outages import Outage

_outage = Outage("objects")
PART_BYTES = 8 * 1024 * 1024
"""Held in memory per writer; S3 wants at least 5 MiB in each part but the last."""
_MISSING = frozenset(("NoSuchKey", "404", "NotFound"))
_TOTAL_SECONDS = 60.0


class S3Objects:
    """A prefix of a bucket."""

    def __init__(self, client: Any, bucket: str, prefix: str, origin: str) -> None:
        self.origin = origin
        self._client = client
        self._bucket = bucket
        self._prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""

    @classmethod
    @asynccontextmanager
    async def open(cls, bucket: str, prefix: str) -> AsyncIterator[Self]:
        """Keep connections to the bucket for as long as the block lasts.

        Credentials, region and endpoint are found where the AWS tools find them.
        """
        config = Config(  # type: ignore[no-untyped-call]
            connect_timeout=5,
            read_timeout=20,
            max_pool_connections=32,
            retries={"total_max_attempts": 3, "mode": "standard"},
            # The newer default checksums are not understood everywhere.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            signature_version="s3v4",
            s3={"addressing_style": "path" if "AWS_ENDPOINT_URL" in os.environ else "auto"},
        )
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        # Where signed URLs point to is known without the credentials, which may come late.
        unsigned = config.merge(Config(signature_version=UNSIGNED))  # type: ignore[no-untyped-call]
        async with Session().client("s3", region_name=region, config=unsigned) as client:  # type: ignore[no-untyped-call]
            somewhere = {"Bucket": bucket, "Key": "key"}
            url = urlsplit(await client.generate_presigned_url("get_object", Params=somewhere))
        async with Session().client("s3", region_name=region, config=config) as client:  # type: ignore[no-untyped-call]
            yield cls(client, bucket, prefix, f"{url.scheme}://{url.netloc}")

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store an object, replacing an earlier one; when this returns it is durable."""
        with _translated():
            async with asyncio.timeout(_TOTAL_SECONDS):
                await self._client.put_object(**self._at(key), Body=data, ContentType=content_type)

    @asynccontextmanager
    async def writer(self, key: str, content_type: str) -> AsyncIterator["_PartWriter"]:
        """Store an object piece by piece: it is there when the block ends, not if it raises."""
        at = self._at(key)
        with _translated():
            upload = await self._client.create_multipart_upload(**at, ContentType=content_type)
        at["UploadId"] = upload["UploadId"]
        writer = _PartWriter(self._client, at)
        try:
            yield writer
            await writer.finish()
        except BaseException:
            with _translated():
                await self._client.abort_multipart_upload(**at)
            raise

    async def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """Return an object, or ``length`` bytes of it from ``start``, fewer at its end."""
        if length == 0:
            await self.head(key)
            return b""
        wanted = {}
        if start or length is not None:
            end = "" if length is None else start + length - 1
            wanted["Range"] = f"bytes={start}-{end}"
        try:
            with _translated():
                async with asyncio.timeout(_TOTAL_SECONDS):
                    answer = await self._client.get_object(**self._at(key), **wanted)
                    async with answer["Body"] as body:
                        data: bytes = await body.read()
        except _BeyondEnd:
            return b""
        return data

    async def head(self, key: str) -> ObjectInfo:
        """Return what is known of an object."""
        with _translated():
            answer = await self._client.head_object(**self._at(key))
        return ObjectInfo(key, answer["ContentLength"], answer["ContentType"])

    async def delete(self, key: str) -> None:
        """Remove an object. Idempotent."""
        with _translated():
            await self._client.delete_object(**self._at(key))

    async def list(self, prefix: str, *, after: str = "", limit: int = LIST_MOST) -> list[str]:
        """Return keys below ``prefix`` (which ends with ``/``), sorted, that follow ``after``."""
        where = self._prefix + checked(prefix.removesuffix("/")) + "/"
        with _translated():
            answer = await self._client.list_objects_v2(
                Bucket=self._bucket, Prefix=where, MaxKeys=limit,
                **({"StartAfter": self._prefix + after} if after else {}),
            )  # fmt: skip
        return [item["Key"].removeprefix(self._prefix) for item in answer.get("Contents", ())]

    async def presign_get(self, key: str, *, seconds: int) -> str:
        """Return a URL that anybody may read the object from for that long."""
        url: str = await self._client.generate_presigned_url(
            "get_object", Params=self._at(key), ExpiresIn=seconds
        )
        return url

    async def presign_put(
        self, key: str, content_type: str, *, seconds: int, size: int | None = None
    ) -> str:
        """Return a URL that anybody may PUT an object of this type to for that long.

        With ``size`` nothing larger is taken.
        """
        url: str = await self._client.generate_presigned_url(
            "put_object",
            Params={
                **self._at(key),
                "ContentType": content_type,
                # Signed like the type: S3 refuses a body of another length.
                **({} if size is None else {"ContentLength": size}),
            },
            ExpiresIn=seconds,
        )
        return url

    def _at(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": self._prefix + checked(key)}


class _PartWriter:
    def __init__(self, client: Any, at: dict[str, Any]) -> None:
        self._client = client
        self._at = at
        self._pending = bytearray()
        self._parts: list[dict[str, Any]] = []

    async def write(self, data: bytes) -> None:
        """Append ``data``."""
        self._pending += data
        while len(self._pending) >= PART_BYTES:
            await self._send(bytes(self._pending[:PART_BYTES]))
            del self._pending[:PART_BYTES]

    async def finish(self) -> None:
        """Send what is left and make the object appear."""
        if self._pending or not self._parts:
            await self._send(bytes(self._pending))
        with _translated():
            await self._client.complete_multipart_upload(
                **self._at, MultipartUpload={"Parts": self._parts}
            )

    async def _send(self, data: bytes) -> None:
        number = len(self._parts) + 1
        with _translated():
            async with asyncio.timeout(_TOTAL_SECONDS):
                answer = await self._client.upload_part(**self._at, PartNumber=number, Body=data)
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})


class _BeyondEnd(Exception):
    """The range begins after the last byte."""


@contextmanager
def _translated() -> Iterator[None]:
    """Let no exception of botocore pass."""
    try:
        yield
        _outage.worked()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _MISSING:
            raise NotFoundError from error
        if code in ("InvalidRange", "416"):
            raise _BeyondEnd from error
        _outage.failed(error)
        raise UnavailableError("The object store refused.") from error
    except (BotoCoreError, OSError, TimeoutError) as error:
        _outage.failed(error)
        raise UnavailableError("The object store is away.") from error
