"""One contract, two stores: whatever holds for files holds for S3."""

import os

import aiohttp
import pytest
from aiohttp import web

from server.clock import SystemClock
from server.errors import (
    ForbiddenError,
    InvalidInputError,
    InvalidSettingsError,
    NotFoundError,
    UnavailableError,
)
from server.objects.open import open_objects
from server.objects.s3 import PART_BYTES
from server.objects.signing import UrlSigner
from server.secrets.secret import Secret


class FileServer:
    """Objects served as the REST side does: the signature decides, then the store."""

    def __init__(self):
        self.base = ""

    def __call__(self, signer, objects):
        self.signer, self.objects = signer, objects

    async def handle(self, request):
        key = request.match_info["key"]
        try:
            self.signer.check(request.method, key, request.query)
        except ForbiddenError:
            raise web.HTTPForbidden from None
        if request.method == "PUT":
            if request.content_type != request.query["type"]:
                raise web.HTTPForbidden
            await self.objects.put(key, await request.read(), request.content_type)
            return web.Response()
        info = await self.objects.head(key)
        return web.Response(body=await self.objects.get(key), content_type=info.content_type)


@pytest.fixture
async def file_server():
    server = FileServer()
    app = web.Application()
    app.router.add_route("*", "/objects/{key:.+}", server.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.fixture(params=["files", "s3"])
async def objects(request, tmp_path, file_server):
    if request.param == "s3":
        url = f"s3://{request.getfixturevalue('bucket')}/some/prefix"
    else:
        url = f"file://{tmp_path}/objects"
    signer = UrlSigner(Secret("secret"), file_server.base, SystemClock())
    async with open_objects(url, signer) as objects:
        file_server(signer, objects)
        yield objects


async def test_what_is_put_is_got_with_its_type(objects):
    data = os.urandom(100_000)
    await objects.put("t/s/recordings/a.mp4", data, "video/mp4")
    assert await objects.get("t/s/recordings/a.mp4") == data
    assert await objects.head("t/s/recordings/a.mp4") == (
        "t/s/recordings/a.mp4", len(data), "video/mp4",
    )  # fmt: skip


async def test_a_range_is_got_and_ends_with_the_object(objects):
    await objects.put("a", b"0123456789", "text/plain")
    assert await objects.get("a", start=3) == b"3456789"
    assert await objects.get("a", start=3, length=4) == b"3456"
    assert await objects.get("a", start=8, length=40) == b"89"
    assert await objects.get("a", start=2, length=0) == b""
    assert await objects.get("a", start=10, length=5) == b""


async def test_putting_again_replaces(objects):
    await objects.put("a", b"first and long", "text/plain")
    await objects.put("a", b"second", "text/html")
    assert await objects.get("a") == b"second"
    assert (await objects.head("a")).content_type == "text/html"


async def test_an_empty_object_is_one(objects):
    await objects.put("a", b"", "text/plain")
    assert await objects.get("a") == b""
    async with objects.writer("b", "text/plain"):
        pass
    assert (await objects.head("b")).bytes == 0


async def test_what_is_not_there_is_not_found(objects):
    await objects.put("a/b", b"x", "text/plain")
    for key in ("nothing", "a", "a/b/c", "a/c"):
        with pytest.raises(NotFoundError):
            await objects.get(key)
        with pytest.raises(NotFoundError):
            await objects.head(key)
        with pytest.raises(NotFoundError):
            await objects.get(key, length=0)


async def test_deleting_is_idempotent(objects):
    await objects.put("a/b", b"x", "text/plain")
    for _ in range(2):
        await objects.delete("a/b")
    with pytest.raises(NotFoundError):
        await objects.get("a/b")
    assert await objects.list("a/") == []


async def test_keys_below_a_prefix_are_listed_in_order_by_pages(objects):
    keys = ["t/a/1", "t/a/10", "t/a/2", "t/a-b", "t/a/x/y", "t/b/1"]
    for key in keys:
        await objects.put(key, b"x", "text/plain")
    below = sorted(key for key in keys if key.startswith("t/a/"))
    assert await objects.list("t/a/") == below
    assert await objects.list("t/a/", limit=2) == below[:2]
    assert await objects.list("t/a/", after=below[1]) == below[2:]
    assert await objects.list("nothing/") == []


async def test_a_writer_makes_an_object_at_the_end(objects):
    pieces = [os.urandom(1000), os.urandom(PART_BYTES), os.urandom(PART_BYTES // 2), b"end"]
    async with objects.writer("t/long", "video/mp4") as writer:
        for piece in pieces:
            await writer.write(piece)
        with pytest.raises(NotFoundError):
            await objects.head("t/long")
    assert await objects.get("t/long") == b"".join(pieces)
    assert (await objects.head("t/long")).content_type == "video/mp4"


async def test_a_writer_that_fails_leaves_nothing(objects):
    async def fail():
        async with objects.writer("t/long", "video/mp4") as writer:
            await writer.write(b"x" * 100)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await objects.list("t/") == []
    with pytest.raises(NotFoundError):
        await objects.get("t/long")


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/.hidden", "a b", "a\n", "ü", "a" * 513]
)
async def test_a_key_that_is_none_is_refused(objects, key):
    with pytest.raises(InvalidInputError):
        await objects.put(key, b"", "text/plain")
    with pytest.raises(InvalidInputError):
        await objects.get(key)
    with pytest.raises(InvalidInputError):
        await objects.presign_get(key, seconds=60)


async def test_a_signed_url_reads_and_writes_one_object(objects):
    await objects.put("t/a.mp4", b"data", "video/mp4")
    async with aiohttp.ClientSession() as http:
        async with http.get(await objects.presign_get("t/a.mp4", seconds=60)) as answer:
            assert (answer.status, await answer.read()) == (200, b"data")
            assert answer.content_type == "video/mp4"
        url = await objects.presign_put("t/b.png", "image/png", seconds=60)
        async with http.put(url, data=b"up", headers={"Content-Type": "image/png"}) as answer:
            assert answer.status == 200
    assert await objects.get("t/b.png") == b"up"
    assert (await objects.head("t/b.png")).content_type == "image/png"


async def test_a_signed_url_is_of_the_origin_that_pages_are_told(objects, file_server):
    for url in (
        await objects.presign_get("t/s/a", seconds=60),
        await objects.presign_put("t/s/a", "text/plain", seconds=60),
    ):
        assert url.startswith((objects.origin or file_server.base) + "/")


@pytest.mark.parametrize(
    ("bucket", "origin"),
    [
        ("school-classes", "https://school-classes.s3.amazonaws.com"),
        ("classes.school.example", "https://s3.eu-central-1.amazonaws.com"),
    ],
)
async def test_the_origin_of_a_store_is_known_without_its_credentials(monkeypatch, bucket, origin):
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    async with open_objects(f"s3://{bucket}/prefix", None) as objects:
        assert objects.origin == origin


async def test_a_url_that_names_no_store_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for url in ("s3://", "file:", "file://host/path", "ftp://a/b", f"file://{tmp_path}/file"):
        with pytest.raises(InvalidSettingsError):
            async with open_objects(url, None):
                pass


async def test_an_s3_that_is_away_is_unavailable(aws, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    async with open_objects("s3://bucket", None) as objects:
        with pytest.raises(UnavailableError):
            await objects.put("a", b"", "text/plain")


async def test_a_bucket_that_is_not_there_is_unavailable(aws):
    async with open_objects("s3://no-such-bucket", None) as objects:
        with pytest.raises(UnavailableError):
            await objects.put("a", b"", "text/plain")
        with pytest.raises(UnavailableError):
            async with objects.writer("a", "text/plain"):
                pass
