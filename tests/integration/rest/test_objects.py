import pytest_asyncio

from server.ids import new_id
from server.rest.objects import signer_key
from server.rest.ports import objects_key


@pytest_asyncio.fixture
async def objects(app):
    return app[objects_key]


def signed(app, method, key, **more):
    return app[signer_key].sign(method, key, **more).removeprefix("https://live.example")


@pytest_asyncio.fixture
async def recording(pools, hub, school, objects):
    """A finalized recording, as the projector would write it, and its files."""
    recording = new_id()
    prefix = f"{school.tenant}/{school.session}/recordings/{recording}"
    await objects.put(f"{prefix}/index.m3u8", b"#EXTM3U\n", "application/vnd.apple.mpegurl")
    await objects.put(f"{prefix}/s0.m4s", b"media", "video/iso.segment")
    async with pools.projector() as connection:
        await connection.execute(
            "INSERT INTO recordings (id, tenant_id, session_id, status, media_uri, duration_ms, "
            "bytes, created_at) VALUES ($1, $2, $3, 'finalized', $4, 2000, 5, now())",
            recording, school.tenant, school.session, f"{prefix}/index.m3u8",
        )  # fmt: skip
    return recording


async def test_a_recording_is_played_with_the_grant_that_playback_gives(
    api, school, recording
) -> None:
    session = f"/v1/sessions/{school.session}"
    ways = (await api.get(school.teacher, f"{session}/playback")).body["items"]
    hls = next(each for each in ways if each["kind"] == "hls")
    assert hls["expires_at"]
    playlist = await api.get(None, hls["url"])
    assert (playlist.status, playlist.raw) == (200, b"#EXTM3U\n")
    assert playlist.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    segment = await api.get(None, hls["url"].replace("index.m3u8", "s0.m4s"))
    assert (segment.status, segment.raw) == (200, b"media")
    assert "immutable" in segment.headers["Cache-Control"]
    missing = await api.get(None, hls["url"].replace("index.m3u8", "s1.m4s"))
    assert (missing.status, missing.code) == (404, "not_found")
    elsewhere = await api.get(None, hls["url"].replace(school.session, new_id()))
    assert elsewhere.status == 401

    listed = (await api.get(school.assistant, f"{session}/recordings")).body["items"]
    assert [each["id"] for each in listed] == [recording]
    assert (listed[0]["status"], listed[0]["bytes"]) == ("finalized", 5)
    assert (await api.get(None, listed[0]["url"])).status == 200


async def test_a_recording_is_the_staffs(api, school, stranger, recording) -> None:
    path = f"/v1/sessions/{school.session}/recordings/{recording}/index.m3u8"
    assert (await api.get(school.assistant, path)).status == 200
    assert (await api.get(school.student, path)).status == 403
    assert (await api.get(stranger, path)).status == 404
    ways = (await api.get(school.student, f"/v1/sessions/{school.session}/playback")).body
    assert ways["items"] == []


async def test_a_signed_url_reads_one_object(api, app, objects) -> None:
    await objects.put("a/b", b"0123456789", "text/plain")
    path = signed(app, "GET", "a/b", seconds=60)
    whole = await api.get(None, path)
    assert (whole.status, whole.raw) == (200, b"0123456789")
    assert whole.headers["Content-Type"] == "text/plain"
    part = await api.get(None, path, headers={"Range": "bytes=2-4"})
    assert (part.status, part.raw) == (206, b"234")
    assert part.headers["Content-Range"] == "bytes 2-4/10"
    tail = await api.get(None, path, headers={"Range": "bytes=-3"})
    assert tail.raw == b"789"
    beyond = await api.get(None, path, headers={"Range": "bytes=10-"})
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, "bytes */10")
    odd = await api.get(None, path, headers={"Range": "lines=1"})
    assert (odd.status, odd.code) == (400, "bad_request")
    head = await api.send("HEAD", None, path)
    assert (head.status, head.headers["Content-Length"], head.raw) == (200, "10", b"")

    await objects.put("a/c", b"", "text/plain")
    assert (await api.get(None, signed(app, "GET", "a/c", seconds=60))).raw == b""
    for bad in (
        path.replace("a/b", "a/c"),
        path[:-1],
        "/objects/a/b",
        signed(app, "PUT", "a/b", seconds=60, content_type="text/plain"),
        signed(app, "GET", "a/b", seconds=-1),
    ):
        answer = await api.get(None, bad)
        assert (answer.status, answer.code) == (403, "forbidden")


async def test_a_signed_url_takes_one_object_of_its_type(api, app, objects) -> None:
    path = signed(app, "PUT", "a/b", seconds=60, content_type="text/plain")
    wrong = await api.send("PUT", None, path, raw=b"x", headers={"Content-Type": "text/html"})
    assert (wrong.status, wrong.code) == (415, "unsupported_media_type")
    taken = await api.send("PUT", None, path, raw=b"hello", headers={"Content-Type": "text/plain"})
    assert taken.status == 204
    assert await objects.get("a/b") == b"hello"


async def test_an_object_that_is_too_large_is_not_kept(api, app, objects, monkeypatch) -> None:
    monkeypatch.setattr("server.rest.objects.MOST_BYTES", 10)
    path = signed(app, "PUT", "a/b", seconds=60, content_type="text/plain")
    large = await api.send("PUT", None, path, raw=b"x" * 11, headers={"Content-Type": "text/plain"})
    assert (large.status, large.code) == (413, "too_large")
    assert await objects.list("a/") == []
