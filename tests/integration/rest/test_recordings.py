"""Recordings to take away, and those that nobody ends."""

import asyncio
import io
from zipfile import ZipFile

import av
import pytest
import pytest_asyncio

from server.addresses import parse_allowed
from server.broadcast import Broadcast
from server.errors import UnavailableError
from server.hub.seating import Place
from server.ids import new_id
from server.media import worker
from server.media.bus import Bus
from server.media.destinations.address import AddressGuard
from server.media.fabric import RecordingTarget
from server.media.hls.manifest import ONE_FILE
from server.media.local_fabric import LocalFabric
from server.media.recording.recordings import Recordings
from server.recordings import downloads
from server.recordings.downloads import Downloads
from server.recordings.unfinished import Unfinished
from server.rest.ports import objects_key
from server.rest.recordings import downloads_key
from server.store import recording_downloads as store
from server.store import replays
from server.tasks import Supervisor
from tests.integration.rest.conftest import Alone
from tests.patience import PATIENCE
from tests.unit.media.test_recording import Pictures, stream


@pytest_asyncio.fixture
async def recording(app, school, tell, tmp_path, projector):
    """A class that is over, and its recording as the media worker leaves it."""
    recording = new_id()
    prefix = f"{school.tenant}/{school.session}/recordings/{recording}"
    target, told, bus = RecordingTarget(recording, prefix), [], Bus()
    async with Supervisor("test") as tasks:
        work = Recordings(
            bus=bus, objects=app[objects_key], spool=tmp_path / "spool", tasks=tasks,
            emit=lambda name, data: told.append((name, data)), zero_ms=lambda: 1_795_338_000_000,
        )  # fmt: skip
        work.apply(target, ())
        for unit in stream(Pictures(320, 180), *range(0, 7_000, 100)):
            bus.publish(unit)
        async with asyncio.timeout(PATIENCE):
            while not told:
                work.apply(None, (target,))
                await asyncio.sleep(0.02)
    ((_, data),) = told
    await tell(
        school,
        (0, "session.started", {}, school.teacher.id),
        (0, "recording.started", {"recording": recording}, school.teacher.id),
        (9, "session.ended", {}, school.teacher.id),
        (10, "recording.finalized", data),
    )
    return recording


@pytest.fixture
def path(school, recording):
    return f"/v1/sessions/{school.session}/recordings/{recording}/download"


async def let_leases_run_out(pools):
    async with pools.hub() as connection:
        await connection.execute(
            "UPDATE recording_downloads SET leased_until = now() - interval '1 second'"
        )


async def test_a_recording_becomes_one_file_when_somebody_asks(
    api, app, school, path, recording
) -> None:
    teacher = school.teacher
    assert (await api.get(teacher, path)).status == 404
    asked = await api.post(teacher, path)
    assert asked.status == 202
    assert asked.body == {
        "id": recording, "status": "queued", "progress": 0, "reason": None, "bytes": None,
        "url": None, "expires_at": None,
    }  # fmt: skip
    assert (await api.post(teacher, path)).body == asked.body
    assert await app[downloads_key].work()
    assert not await app[downloads_key].work()
    made = (await api.get(teacher, path)).body
    assert (made["status"], made["progress"]) == ("ready", 100)
    file = await api.get(None, made["url"].removeprefix("https://live.example"))
    assert (file.status, file.headers["Content-Type"]) == (200, "video/mp4")
    assert len(file.raw) == made["bytes"]
    assert file.raw.index(b"moov") < file.raw.index(b"mdat")
    with av.open(io.BytesIO(file.raw)) as container:
        assert len(list(container.decode(video=0))) == 70
    # Players get it in segments: all at once would have to pass through the hub's memory.
    (way,) = (await api.get(teacher, f"/v1/sessions/{school.session}/playback")).body["items"]
    assert (await api.get(None, way["url"])).status == 200
    assert (await api.get(None, way["url"].replace("index.m3u8", ONE_FILE))).status == 404
    # The archive of the replay holds it once, as segments.
    archive = await api.get(teacher, f"/v1/replays/{school.session}/archive")
    with ZipFile(io.BytesIO(archive.raw)) as kept:
        names = [each.rpartition("/")[2] for each in kept.namelist() if recording in each]
    assert "index.m3u8" in names
    assert ONE_FILE not in names
    # Asked again there is nothing to do.
    assert (await api.post(teacher, path)).body["status"] == "ready"
    assert not await app[downloads_key].work()


async def test_who_may_not_watch_it_may_not_take_it_away(
    api, school, stranger, path, pools, tell
) -> None:
    for send in (api.get, api.post):
        assert (await send(school.student, path)).status == 404
        assert (await send(stranger, path)).status == 404
    chapter = {"artifact": new_id(), "title": "One", "start_ms": 0}
    await tell(
        school,
        (11, "chapter.marked", chapter, school.teacher.id),
        (12, "replay.published", {"replay": new_id()}, school.teacher.id),
    )
    asked = await api.post(school.student, path)
    assert (asked.status, asked.body["status"]) == (202, "queued")
    other = path.replace(path.split("/")[5], new_id())
    assert (await api.post(school.teacher, other)).status == 404


async def test_what_is_not_as_it_was_recorded_is_refused_and_may_be_asked_for_again(
    api, app, school, path, recording
) -> None:
    objects = app[objects_key]
    prefix = f"{school.tenant}/{school.session}/recordings/{recording}/"
    name = next(each for each in await objects.list(prefix) if each.endswith(".m4s"))
    whole = await objects.get(name)
    await objects.put(name, whole[:-1] + bytes((whole[-1] ^ 1,)), "video/iso.segment")
    await api.post(school.teacher, path)
    assert await app[downloads_key].work()
    shown = (await api.get(school.teacher, path)).body
    assert shown["status"] == "failed"
    assert name.rpartition("/")[2] in shown["reason"]
    assert prefix + ONE_FILE not in await objects.list(prefix)
    await objects.put(name, whole, "video/iso.segment")
    assert (await api.post(school.teacher, path)).body["status"] == "queued"
    assert await app[downloads_key].work()
    assert (await api.get(school.teacher, path)).body["status"] == "ready"


async def test_a_worker_that_died_is_followed_by_another(api, app, pools, school, path) -> None:
    await api.post(school.teacher, path)
    dead = await store.claim(pools)
    assert dead is not None
    await store.progress(pools, dead, 30)
    assert (await api.get(school.teacher, path)).body["progress"] == 30
    assert not await app[downloads_key].work(), "it is somebody's"
    await let_leases_run_out(pools)
    assert await app[downloads_key].work()
    assert (await api.get(school.teacher, path)).body["status"] == "ready"
    with pytest.raises(store.LeaseLostError):
        await store.progress(pools, dead, 40)


async def test_a_store_that_is_away_is_waited_for(
    api, app, pools, school, path, monkeypatch
) -> None:
    objects = app[objects_key]
    await api.post(school.teacher, path)

    async def away(*_, **__):
        raise UnavailableError

    with monkeypatch.context() as patched:
        patched.setattr(objects, "get", away)
        assert await app[downloads_key].work()
    assert (await api.get(school.teacher, path)).body["status"] == "queued"
    await let_leases_run_out(pools)
    assert await app[downloads_key].work()
    assert (await api.get(school.teacher, path)).body["status"] == "ready"


async def test_when_its_time_is_over_nothing_of_it_is_left_nor_made(
    api, app, pools, school, path, recording, retention, monkeypatch
) -> None:
    objects = app[objects_key]
    await api.post(school.teacher, path)
    removed = asyncio.Event()
    finish = store.finish

    async def late(*args):
        """Meanwhile, between the last byte and the last word, its time is over."""
        await api.patch(school.admin, "/v1/tenant", {"recordings_days": 1})
        await retention.sweep()
        removed.set()
        await finish(*args)

    monkeypatch.setattr(store, "finish", late)
    monkeypatch.setattr(retention, "_clock", Later())
    assert await app[downloads_key].work()
    assert removed.is_set()
    assert await objects.list(f"{school.tenant}/{school.session}/") == []
    assert (await api.get(school.teacher, path)).status == 404
    assert (await api.post(school.teacher, path)).status == 404
    async with pools.hub() as connection:
        assert await connection.fetchval("SELECT count(*) FROM recording_downloads") == 0


class Later:
    """A clock ten years on."""

    def now_ms(self) -> int:
        return 2_110_000_000_000


async def test_what_is_still_being_stored_is_not_removed_yet(
    api, pools, school, tell, retention, app, monkeypatch, projector
) -> None:
    recording = new_id()
    await tell(
        school,
        (0, "session.started", {}, school.teacher.id),
        (0, "recording.started", {"recording": recording}, school.teacher.id),
        (9, "session.ended", {}, school.teacher.id),
    )
    await api.patch(school.admin, "/v1/tenant", {"recordings_days": 1})
    monkeypatch.setattr(retention, "_clock", Later())
    await retention.sweep()
    listed = await api.get(school.admin, f"/v1/sessions/{school.session}/recordings")
    assert len(listed.body["items"]) == 1
    await tell(school, (10, "recording.failed", {"recording": recording, "code": "empty"}))
    await retention.sweep()
    listed = await api.get(school.admin, f"/v1/sessions/{school.session}/recordings")
    assert listed.body["items"] == []


async def test_a_class_that_is_over_and_still_recorded_is_opened(
    pools, school, tell, projector
) -> None:
    opened = []

    async def open_class(tenant, session):
        opened.append((tenant, session))
        raise UnavailableError

    unfinished = Unfinished(pools, open_class)
    recording = new_id()
    await tell(
        school,
        (0, "session.started", {}, school.teacher.id),
        (0, "recording.started", {"recording": recording}, school.teacher.id),
    )
    await unfinished.sweep()
    assert opened == [], "it is on air"
    await tell(school, (9, "session.ended", {}, school.teacher.id))
    await unfinished.sweep()
    assert opened == [(school.tenant, school.session)]
    await tell(school, (10, "recording.failed", {"recording": recording, "code": "empty"}))
    await unfinished.sweep()
    assert len(opened) == 1


def test_the_download_is_made_by_who_was_told(app) -> None:
    assert isinstance(app[downloads_key], Downloads)


async def test_what_a_machine_left_that_died_is_finalised_by_itself(
    api, app, pools, hub, school, tell, tmp_path, projector
) -> None:
    """The class was over, and nobody came back to it: neither people nor its server."""
    recording, objects, root = new_id(), app[objects_key], tmp_path / "spool"
    prefix = f"{school.tenant}/{school.session}/recordings/{recording}"
    bus = Bus()
    async with Supervisor("killed") as killed:
        work = Recordings(
            bus=bus, objects=objects, spool=root / school.session, tasks=killed,
            emit=lambda *_: None, zero_ms=lambda: 1_795_338_000_000,
        )  # fmt: skip
        work.apply(RecordingTarget(recording, prefix), ())
        for unit in stream(Pictures(320, 180), *range(0, 3_900, 100)):
            bus.publish(unit)
        async with asyncio.timeout(PATIENCE):
            while f"{prefix}/index.m3u8" not in await objects.list(f"{prefix}/"):
                await asyncio.sleep(0.02)
        # What came after that segment is on the disk, but for what is less than half a second.
        seen = [-1]
        while (size := sum(each.stat().st_size for each in root.rglob("*.part"))) != seen[-1]:
            seen.append(size)
            await asyncio.sleep(0.3)
    assert len([*root.rglob("*.part")]) == 1
    await tell(
        school,
        (0, "session.started", {}, school.teacher.id),
        (0, "recording.started", {"recording": recording}, school.teacher.id),
        (9, "session.ended", {}, school.teacher.id),
    )

    async def find_place(session):
        return Place(session, school.tenant, "log")

    async def nothing(*_):
        return None

    ready = asyncio.Event()
    async with Supervisor("test") as tasks:
        broadcast = Broadcast(
            tasks=tasks, find_targets=nothing, find_place=find_place,
            notify=projector.notify, is_near=lambda _: True, announce=lambda *_: None,
        )  # fmt: skip
        hub._listener = broadcast
        socket = tmp_path / "worker.sock"
        guard = AddressGuard(parse_allowed("127.0.0.0/8:*"))
        tasks.start(
            "worker",
            worker.run(socket, objects=objects, spool=root, guard=guard, ready=ready.set),
        )
        await asyncio.wait_for(ready.wait(), PATIENCE)
        async with LocalFabric(
            socket, on_event=broadcast.on_event, resolve_secret=nothing,
            on_health=broadcast.on_health,
        ) as fabric:  # fmt: skip
            broadcast.introduce(hub, fabric)
            unfinished = Unfinished(
                pools,
                lambda tenant, session: hub.room(Place(session, tenant, "log")),
                period_seconds=0.2,
            )
            tasks.keep("unfinished", unfinished.run)
            path = f"/v1/sessions/{school.session}/recordings"
            async with asyncio.timeout(PATIENCE):
                while True:
                    (shown,) = (await api.get(school.teacher, path)).body["items"]
                    if shown["status"] != "recording":
                        break
                    await asyncio.sleep(0.05)
            hub._listener = Alone()
    assert shown["status"] == "finalized"
    assert 3_000 <= shown["duration_ms"] <= 3_900
    assert [*root.rglob("*")] == []
    async with pools.tenant(school.tenant) as connection:
        (kept,) = await replays.recordings(connection, school.session)
    assert kept.clock == ((1_795_338_000_000, 0),)


async def test_a_job_is_kept_however_long_one_percent_of_it_takes(
    api, app, school, path, recording, monkeypatch
) -> None:
    renewed = []
    progress = store.progress

    async def note(pools, job, percent):
        renewed.append(percent)
        await progress(pools, job, percent)

    monkeypatch.setattr(store, "progress", note)
    monkeypatch.setattr(downloads, "RENEW_SECONDS", 0.0)
    monkeypatch.setattr(downloads, "_INDEX_PERCENT", 0)
    await api.post(school.teacher, path)
    assert await app[downloads_key].work()
    assert len(renewed) > 2
    assert {*renewed} == {0}
