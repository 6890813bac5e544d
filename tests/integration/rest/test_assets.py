"""From a file to a slide that the class sees: both object stores, real files, workers that die."""

import asyncio
import io

import aiohttp
import pytest
import pytest_asyncio
from PIL import Image

from server.assets import processing, renderer
from server.assets.processing import Processing
from server.assets.sweeping import GRACE_MS, Sweeping
from server.clock import SystemClock
from server.errors import UnavailableError
from server.ids import new_id
from server.objects.open import open_objects
from server.rest.objects import signer_key
from server.rest.ports import live_sessions_key, objects_key, uploads_key
from server.store import uploads
from server.store.log import LogReader
from tests.documents import endless_pdf, locked_pdf, picture, pictures_pdf, text_pdf
from tests.patience import PATIENCE
from tests.s3 import aws, bucket, moto_url

__all__ = ["aws", "bucket", "moto_url"]

HERE = "https://live.example"
GIF = b"GIF89a" + bytes(100)


class Later(SystemClock):
    """The time after every grace is over."""

    def now_ms(self):
        return super().now_ms() + 3 * GRACE_MS


class Uploading:
    """What a client does, step by step."""

    def __init__(self, api, app, school):
        self.api, self.app, self.school = api, app, school
        self.path = f"/v1/sessions/{school.session}"

    async def begin(self, data, kind="application/pdf", *, who=None, **more):
        body = {"name": "Lesson 1.exe", "content_type": kind, "bytes": len(data), **more}
        return await self.api.post(who or self.school.teacher, f"{self.path}/uploads", body)

    async def put(self, upload, data):
        headers = {"Content-Type": upload["content_type"]}
        url = upload["put_url"]
        if url.startswith(HERE):
            answer = await self.api.send(
                "PUT", None, url.removeprefix(HERE), raw=io.BytesIO(data), headers=headers
            )
            return answer.status
        async with (
            aiohttp.ClientSession() as client,
            client.put(url, data=data, headers=headers) as response,
        ):
            return response.status

    async def commit(self, upload, *, who=None):
        path = f"{self.path}/uploads/{upload['id']}/commit"
        return await self.api.post(who or self.school.teacher, path)

    async def send(self, data, kind="application/pdf"):
        upload = (await self.begin(data, kind)).body
        assert await self.put(upload, data) in (200, 204)
        committed = await self.commit(upload)
        assert (committed.status, committed.body["status"]) == (200, "processing")
        return upload

    async def look(self, upload):
        return (await self.api.get(self.school.teacher, f"{self.path}/uploads/{upload['id']}")).body

    async def done(self, data, kind="application/pdf"):
        upload = await self.send(data, kind)
        assert await self.app[uploads_key].work()
        return await self.look(upload)

    async def command(self, op, **data):
        body = {"key": new_id(), "op": op, "data": data}
        return await self.api.post(self.school.teacher, f"{self.path}/commands", body)


@pytest_asyncio.fixture
async def uploading(api, app, school, monkeypatch):
    monkeypatch.setattr(renderer, "PAGE_SECONDS", PATIENCE)
    return Uploading(api, app, school)


async def test_slides_are_shown_to_the_class_and_to_nobody_else(
    uploading, api, app, pools, school, stranger
):
    path, work = uploading.path, app[uploads_key]
    upload = await uploading.send(text_pdf(3, text="Halves and quarters"))
    again = await uploading.commit(upload)
    assert (again.status, again.body["status"]) == (200, "processing")
    assert await work.work()
    assert not await work.work(), "committed twice, done once"
    ready = await uploading.look(upload)
    assert (ready["status"], ready["pages"], ready["pages_done"]) == ("ready", 3, 3)
    assert ready["put_url"] is None
    assert (await uploading.commit(upload)).body == ready

    shown = await uploading.command("asset.show", asset=ready["asset"], page=2)
    sequence = shown.body["sequence"][1]
    listed = await api.get(school.teacher, f"{path}/assets?after_sequence={sequence}")
    (asset,) = listed.body["items"]
    assert (asset["id"], asset["asset_type"], asset["pages"]) == (ready["asset"], "slide", 3)
    assert asset["name"] == "Lesson 1.exe"

    link = await api.post(school.teacher, f"{path}/join-tokens", {"name": "Sam", "role": "student"})
    student = link.body["token"]
    assert (await api.get(student, f"{path}/assets")).body == listed.body
    page = await api.get(student, f"{asset['pages_url']}2")
    assert (page.status, page.headers["Content-Type"]) == (200, "image/webp")
    assert "immutable" in page.headers["Cache-Control"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    with Image.open(io.BytesIO(page.raw)) as image:
        assert (image.format, image.width) == ("WEBP", 1600)
    for number in ("0", "4", "01x", "2²"):
        assert (await api.get(student, f"{asset['pages_url']}{number}")).status == 404

    async with pools.tenant(school.tenant) as connection:
        kept = await connection.fetch(
            "SELECT page, text FROM asset_pages WHERE asset_id = $1 ORDER BY page", ready["asset"]
        )
    assert [tuple(row) for row in kept] == [(n, "Halves and quarters") for n in (1, 2, 3)]
    # What was sent is not kept, and nothing of it is left.
    objects = app[objects_key]
    assert await objects.list(f"{school.tenant}/{school.session}/uploads/") == []

    for each in ("/uploads", f"/uploads/{upload['id']}", "/assets", f"/assets/{asset['id']}",
                 f"/assets/{asset['id']}/pages/1", f"/assets/{asset['id']}/board.svg"):  # fmt: skip
        assert (await api.get(stranger, path + each)).status == 404, each
    assert (await uploading.begin(b"x", who=stranger)).status == 404
    assert (await uploading.commit(upload, who=stranger)).status == 404
    assert (await uploading.begin(b"x", who=student)).status == 403
    assert (await api.get(student, f"{path}/uploads")).status == 403

    # Who would have to wait in the lobby sees none of it.
    await uploading.command("session.lock")
    for each in ("/assets", f"/assets/{asset['id']}", f"/assets/{asset['id']}/pages/1",
                 f"/assets/{asset['id']}/board.svg"):  # fmt: skip
        waits = await api.get(student, path + each)
        assert (waits.status, waits.code) == (403, "forbidden"), each
    await uploading.command("session.unlock")

    # Strokes on a page, as a picture.
    stroke = {"points": [0, 0, 5000, 5000], "colour": "#ff0000", "page": 2}
    drawn = await uploading.command("board.draw", asset=asset["id"], stroke=stroke)
    await uploading.command("board.draw", asset=asset["id"], stroke={"points": [1, 1]})
    assert drawn.status == 200
    board = await api.get(student, f"{asset['board_url']}?page=2")
    assert (board.status, board.headers["Content-Type"]) == (200, "image/svg+xml")
    assert board.raw.count(b"<polyline") == 1
    assert b'points="0,0 800,450" stroke="#ff0000"' in board.raw

    # Taken out: the class has seen it, so its replay goes on to show it.
    removed = await api.send("DELETE", school.teacher, f"{path}/assets/{asset['id']}")
    assert removed.status == 200
    sequence = removed.body["sequence"][1]
    gone = await api.get(student, f"{path}/assets/{asset['id']}?after_sequence={sequence}")
    assert gone.status == 404
    await Sweeping(pools, objects, Later()).sweep()
    assert (await api.get(student, f"{asset['pages_url']}2")).raw == page.raw


async def test_what_is_not_what_it_was_announced_as_is_refused(uploading, api, app, school):
    pdf = text_pdf()
    upload = (await uploading.begin(pdf)).body
    nothing = await uploading.commit(upload)
    assert (nothing.status, nothing.code) == (409, "conflict")
    assert await uploading.put(upload, pdf + b"more") == 413
    assert await uploading.put(upload, pdf[:-1]) == 204
    short = await uploading.commit(upload)
    assert (short.status, short.body["field"]) == (422, "bytes")
    for other, what in ((b"PK\3\4", "no type"), (b"\x89PNG\r\n\x1a\n", "image/png")):
        data = other + bytes(len(pdf) - len(other))
        assert await uploading.put(upload, data) == 204
        wrong = await uploading.commit(upload)
        assert (wrong.status, wrong.body["field"]) == (422, "content_type")
        assert what in wrong.body["detail"]
    assert await uploading.put(upload, pdf) == 204
    assert (await uploading.commit(upload)).body["status"] == "processing"
    # The URL is good for a while yet: what it writes now is not what was checked.
    assert await uploading.put(upload, b"PK\3\4" + bytes(len(pdf) - 4)) == 204
    await app[uploads_key].work()
    failed = await uploading.look(upload)
    assert failed["status"] == "failed"
    assert "changed" in failed["reason"]

    for more in ({"content_type": "image/svg+xml"}, {"bytes": 0}, {"bytes": 200 << 20}):
        assert (await uploading.begin(pdf, **more)).status in (400, 422)
    commit = f"{uploading.path}/uploads/{new_id()}/commit"
    assert (await api.post(school.teacher, commit)).status == 404


async def test_a_hostile_file_ends_as_an_error_and_the_next_one_is_drawn(
    uploading, app, pools, monkeypatch
):
    whole = pictures_pdf(2)
    for data, reason in (
        (whole[: len(whole) // 2], "not a whole PDF"),
        (b"%PDF-1.7\n" + b"PK\3\4" * 100, "not a whole PDF"),
        (locked_pdf(), "password"),
        (text_pdf(10_000), "1 to 500 pages"),
        (endless_pdf(), "too long"),
    ):
        monkeypatch.setattr(renderer, "PAGE_SECONDS", 2.0 if reason == "too long" else PATIENCE)
        failed = await uploading.done(data)
        assert failed["status"] == "failed"
        assert reason in failed["reason"], failed["reason"]
        assert failed["asset"] is None
    monkeypatch.setattr(renderer, "PAGE_SECONDS", PATIENCE)
    assert (await uploading.done(whole[:100], "application/pdf"))["status"] == "failed"
    # A page that is a mile high is drawn small; so is a picture.
    bomb = await uploading.done(text_pdf(box="0 0 100 1000000"))
    assert (bomb["status"], bomb["pages"]) == ("ready", 1)
    broken = await uploading.done(picture()[:60], "image/png")
    assert (broken["status"], "picture" in broken["reason"]) == ("failed", True)
    # Where a photo was taken stays with who took it.
    exif = Image.Exif()
    exif[0x010E] = "at home"
    photo = await uploading.done(picture("JPEG", exif=exif), "image/jpeg")
    assert (photo["status"], photo["pages"]) == ("ready", 1)
    objects, school = app[objects_key], uploading.school
    kept = await objects.list(f"{school.tenant}/{school.session}/")
    assert len(kept) == 4, "two assets of a page and its text; nothing of what failed"
    for key in kept:
        assert b"at home" not in await objects.get(key)


@pytest_asyncio.fixture(params=["files", "s3"])
async def store(request, app, pools):
    """Both object stores, each with presigned URLs of its own; asked for before ``api`` starts."""
    if request.param == "files":
        yield app[objects_key]
        return
    bucket = request.getfixturevalue("bucket")
    async with open_objects(f"s3://{bucket}/some/prefix", app[signer_key]) as objects:
        app[objects_key] = objects
        app[uploads_key] = processing_of(app, pools)
        yield objects


def processing_of(app, pools):
    live = app[live_sessions_key]
    return Processing(pools, app[objects_key], live, LogReader(pools), SystemClock())


async def test_media_is_kept_as_it_is_in_both_stores(store, uploading, api, pools, school):
    slides = await uploading.done(picture("WEBP"), "image/webp")
    assert (slides["status"], slides["pages"]) == ("ready", 1)
    media = await uploading.done(GIF, "image/gif")
    assert (media["status"], media["pages"]) == ("ready", None)
    listed = await api.get(school.teacher, f"{uploading.path}/assets?after_sequence=2")
    first, second = listed.body["items"]
    assert (first["asset_type"], second["asset_type"]) == ("slide", "media")
    assert (second["pages_url"], second["board_url"]) == (None, None)
    url = second["url"]
    if url.startswith(HERE):
        answer = await api.get(None, url.removeprefix(HERE))
        assert (answer.raw, answer.headers["Content-Type"]) == (GIF, "image/gif")
    else:
        async with aiohttp.ClientSession() as client, client.get(url) as response:
            assert (await response.read(), response.content_type) == (GIF, "image/gif")
    page = await api.get(school.teacher, f"{first['pages_url']}1")
    assert page.raw[8:12] == b"WEBP"

    # Nobody has seen it: an hour after it was taken out nothing of it is left.
    prefix = f"{school.tenant}/{school.session}/"
    sweeping = Sweeping(pools, store, Later())
    assert len(await store.list(prefix)) == 3
    await uploading.command("asset.remove", asset=media["asset"])
    removed = await uploading.command("asset.remove", asset=slides["asset"])
    sequence = removed.body["sequence"][1]
    after = await api.get(school.teacher, f"{uploading.path}/assets?after_sequence={sequence}")
    assert after.body["items"] == []
    await Sweeping(pools, store, SystemClock()).sweep()
    assert len(await store.list(prefix)) == 3, "not at once"
    await sweeping.sweep()
    assert await store.list(prefix) == []

    # An upload that was sent and never committed is forgotten with what it holds.
    abandoned = (await uploading.begin(GIF, "image/gif")).body
    assert await uploading.put(abandoned, GIF) in (200, 204)
    assert len(await store.list(prefix)) == 1
    await sweeping.sweep()
    assert await store.list(prefix) == []
    assert (await uploading.commit(abandoned)).status == 404


async def test_a_job_whose_worker_died_is_taken_up_again(
    uploading, app, api, pools, owner, school, monkeypatch
):
    upload = await uploading.send(text_pdf(8))
    progress, is_hanging = uploads.progress, asyncio.Event()

    async def hang(pools, job, done, of):
        await progress(pools, job, done, of)
        if done == 3:
            is_hanging.set()
            await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(uploads, "progress", hang)
        dying = asyncio.create_task(app[uploads_key].work())
        await asyncio.wait_for(is_hanging.wait(), PATIENCE)
        now = await uploading.look(upload)
        shown = now["status"], now["pages_done"], now["pages"]
        assert shown == ("processing", 3, 8), "staff see how far it is"
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
    other = processing_of(app, pools)
    assert not await other.work(), "it is not known yet that the worker is dead"
    expire = "UPDATE uploads SET leased_until = now() - interval '1 second'"
    await owner.execute(expire)

    # The next one dies after the command and before it could say so.
    finish = uploads.finish

    async def die(*_):
        raise UnavailableError

    monkeypatch.setattr(uploads, "finish", die)
    assert await other.work()
    assert (await uploading.look(upload))["status"] == "processing"
    monkeypatch.setattr(uploads, "finish", finish)
    await owner.execute(expire)
    # What is drawn is not drawn again.
    monkeypatch.setattr(processing, "render", None)
    assert await other.work()
    ready = await uploading.look(upload)
    assert (ready["status"], ready["pages"]) == ("ready", 8)
    log = await api.get(school.teacher, f"{uploading.path}/events?types=asset.added")
    (event,) = log.body["events"]
    assert (event["data"]["asset"], event["by"]) == (ready["asset"], school.teacher.id)


async def test_whoever_is_too_slow_changes_nothing_and_a_killer_is_given_up(
    uploading, api, app, pools, owner, school
):
    upload = await uploading.send(GIF, "image/gif")
    slow = await uploads.claim(pools)
    await owner.execute("UPDATE uploads SET leased_until = now() - interval '1 second'")
    assert await app[uploads_key].work()
    ready = await uploading.look(upload)
    assert ready["status"] == "ready"
    for late in (
        uploads.progress(pools, slow, 1, 1),
        uploads.fail(pools, slow, "late"),
        uploads.finish(pools, slow, new_id(), None, ()),
        uploads.release(pools, slow, seconds=0),
    ):
        with pytest.raises(uploads.LeaseLostError):
            await late
    assert await uploading.look(upload) == ready

    deadly = await uploading.send(text_pdf())
    await owner.execute("UPDATE uploads SET attempts = $1", uploads.MOST_ATTEMPTS)
    await app[uploads_key].work()
    assert (await uploading.look(deadly))["reason"] == "This file could not be processed."

    # A class that takes nothing more says so.
    late = await uploading.send(picture(), "image/png")
    await uploading.command("session.start")
    await uploading.command("session.end")
    await app[uploads_key].work()
    ended = (await uploading.command("note.add", text="over")).body["sequence"][1]
    await api.get(school.teacher, f"{uploading.path}?after_sequence={ended}")
    over = await uploading.begin(picture(), "image/png")
    assert (over.status, over.code) == (409, "session_ended")
    refused = await uploading.look(late)
    assert (refused["status"], refused["reason"]) == ("failed", "The class is over.")


async def test_only_what_is_the_classs_own_is_given_out(uploading, api, app, school):
    path, objects = uploading.path, app[objects_key]
    for where in ("slides/x", "media/x.mp4"):
        await objects.put(f"{school.tenant}/{new_id()}/{where}/1.webp", b"theirs", "image/webp")
    (theirs, *_) = await objects.list(f"{school.tenant}/")
    added = {
        kind: await uploading.command(
            "asset.add", asset_type=kind, uri=theirs.removesuffix("/1.webp"), name="x"
        )
        for kind in ("slide", "media")
    }
    board = await api.post(school.teacher, f"{path}/assets",
                           {"asset_type": "whiteboard", "name": "Board"})  # fmt: skip
    assert board.status == 200
    video = {"asset_type": "media", "name": "Film", "uri": "https://films.example/1.mp4"}
    assert (await api.post(school.teacher, f"{path}/assets", video)).status == 200
    for bad in ({"uri": "javascript:alert(1)"}, {"uri": None}, {"asset_type": "whiteboard"}):
        answer = await api.post(school.teacher, f"{path}/assets", {**video, **bad})
        assert (answer.status, answer.body["field"]) == (422, "uri")
    listed = await api.get(school.teacher, f"{path}/assets?after_sequence=4")
    slide, media, whiteboard, film = listed.body["items"]
    assert (media["url"], film["url"]) == (None, "https://films.example/1.mp4")
    assert (await api.get(school.teacher, f"{slide['pages_url']}1")).status == 404
    assert (await api.get(school.teacher, whiteboard["board_url"])).raw.startswith(b"<svg")
    assert (await api.get(school.teacher, f"{path}/assets/{film['id']}/board.svg")).status == 404
    assert len(added) == 2
