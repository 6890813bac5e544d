"""What a tenant keeps no longer goes; a person gets a copy of what is theirs, and is erased."""

import asyncio
import json

from server.cli_people import _due
from server.errors import UnavailableError
from server.ids import new_id
from server.rest.ports import objects_key
from server.store.log import LogReader
from tests.integration.rest.test_live_sessions import command
from tests.patience import PATIENCE

LONG_AGO = 1_600_000_000_000
WORD = "plugh"


async def hold_class(app, school, tell):
    """A class of long ago: said, recorded, and its replay published. Returns who was there."""
    ann, recording, chapter, replay = (new_id() for _ in range(4))
    teacher = school.teacher.id
    key = f"{school.tenant}/{school.session}"
    objects = (f"{key}/recordings/{recording}/1.m4s", f"{key}/assets/{new_id()}/1.webp")
    for each in objects:
        await app[objects_key].put(each, b"x", "video/mp4")
    await tell(
        school,
        (0, "session.started", {}, teacher),
        (0, "recording.started", {"recording": recording}, teacher),
        (1, "participant.joined", {"user": ann, "name": f"Ann {WORD}", "role": "student"}),
        (2, "chat.posted", {
            "message": new_id(), "name": f"Ann {WORD}", "text": f"{WORD}!", "to": "staff"}, ann),
        (3, "question.asked", {
            "question": new_id(), "name": f"Ann {WORD}", "prompt": f"{WORD}?"}, ann),
        (4, "chapter.marked", {"artifact": chapter, "title": "One", "start_ms": 0}, teacher),
        (9, "session.ended", {}, teacher),
        (10, "recording.finalized", {
            "recording": recording, "media_uri": f"{key}/recordings/{recording}/index.m3u8",
            "duration_ms": 1, "bytes": 1}),
        (11, "replay.published", {"replay": replay}, teacher),
        start_ms=LONG_AGO,
    )  # fmt: skip
    return ann, objects


async def left(app, school):
    return await app[objects_key].list(f"{school.tenant}/{school.session}/")


async def whole_log(pools, school):
    stored = await LogReader(pools).read(school.session, 0)
    assert (await LogReader(pools).verify(school.session)).broken is None
    return [each.type for each in stored], b"".join(each.payload for each in stored).decode()


async def swept(retention, database_url):
    """Sweep until nothing is due: what was not stored for certain is done the next time."""
    async with asyncio.timeout(PATIENCE):
        await retention.sweep()
        while await _due(database_url):
            await retention.sweep()


async def test_what_is_kept_no_longer_goes_kind_by_kind(
    api, app, database_url, pools, projector, school, tell, retention
) -> None:
    _, (_, asset) = await hold_class(app, school, tell)
    admin, session = school.admin, f"/v1/sessions/{school.session}"
    await swept(retention, database_url)
    assert len(await left(app, school)) == 2
    types, text = await whole_log(pools, school)
    assert WORD in text

    await api.patch(admin, "/v1/tenant", {"recordings_days": 30})
    (due,) = await _due(database_url)
    assert (due.session, due.kind) == (school.session, "recordings")
    assert due.since == LONG_AGO + (9 * 60 + 30 * 86_400) * 1000
    assert len((await api.get(admin, f"{session}/recordings")).body["items"]) == 1
    await swept(retention, database_url)
    assert await left(app, school) == [asset]
    assert (await api.get(admin, f"{session}/recordings")).body["items"] == []
    replay = (await api.get(admin, f"/v1/replays/{school.session}")).body
    assert (replay["has_media"], replay["recordings_deleted_at"] is None) == (False, False)
    # The replay was taken back before, by events, and none can be published again.
    now, text = await whole_log(pools, school)
    assert now == [*types, "replay.unpublished", "session.archived"]
    assert WORD in text
    refused = await command(api, school.teacher, school.session, "replay.publish", key="again")
    assert refused.code == "session_ended"
    shown = await api.get(admin, f"{session}?after_sequence={len(now)}")
    assert shown.body["status"] == "archived"

    await api.patch(admin, "/v1/tenant", {"chat_days": 30})
    await swept(retention, database_url)
    types, text = await whole_log(pools, school)
    assert types == now
    assert text.count(f"{WORD}!") == 0
    assert f"{WORD}?" in text
    assert (await api.get(admin, f"{session}/questions")).body["items"][0]["prompt"] == f"{WORD}?"

    await api.patch(admin, "/v1/tenant", {"sessions_days": 30})
    await swept(retention, database_url)
    types, text = await whole_log(pools, school)
    assert (types, WORD in text) == (now, False)
    assert await left(app, school) == []
    assert (await api.get(admin, f"{session}/questions")).body["items"][0]["prompt"] == "…"
    assert (await api.get(admin, f"{session}/attendance")).body["items"][0]["minutes"] == 8.0
    async with pools.tenant(school.tenant) as connection:
        rows = await connection.fetch(
            "SELECT kind, objects, events > 0, finished_at IS NOT NULL FROM erasures ORDER BY at"
        )
    assert [tuple(row) for row in rows] == [
        ("recordings", 1, False, True), ("chat", 0, True, True), ("session", 1, True, True),
    ]  # fmt: skip
    # A second node, or a second time, finds nothing to do.
    await swept(retention, database_url)
    assert await whole_log(pools, school) == (types, text)


async def test_a_removal_that_is_interrupted_goes_on(
    app, api, database_url, pools, school, tell, retention, monkeypatch
) -> None:
    await hold_class(app, school, tell)
    await api.patch(school.admin, "/v1/tenant", {"sessions_days": 1})
    delete = app[objects_key].delete

    async def away(key):
        raise UnavailableError

    monkeypatch.setattr(app[objects_key], "delete", away)
    await retention.sweep()
    assert len(await left(app, school)) == 2
    monkeypatch.setattr(app[objects_key], "delete", delete)
    await swept(retention, database_url)
    assert await left(app, school) == []
    types, text = await whole_log(pools, school)
    assert types.count("session.archived") == 1
    assert WORD not in text


async def test_a_person_gets_a_copy_and_is_erased(api, app, pools, school, tell, retention) -> None:
    ann, _ = await hold_class(app, school, tell)
    admin, path = school.admin, f"/v1/users/{ann}"
    await api.post(admin, f"{path}/roles", {"role": "student"})
    copy = await api.get(admin, f"{path}/export")
    assert (copy.status, copy.headers["Content-Type"].split(";")[0]) == (
        200,
        "application/x-ndjson",
    )
    lines = [json.loads(line) for line in copy.raw.splitlines()]
    assert [each["kind"] for each in lines] == [
        "profile", "role", "session", "event", "event", "event",
    ]  # fmt: skip
    assert lines[0]["display_name"] == f"Ann {WORD}"
    assert [each["type"] for each in lines[3:]] == [
        "participant.joined", "chat.posted", "question.asked",
    ]  # fmt: skip
    assert lines[4]["data"]["text"] == f"{WORD}!"
    assert (await api.get(school.teacher, f"{path}/export")).code == "forbidden"
    assert (await api.get(admin, f"/v1/users/{new_id()}/export")).code == "not_found"

    assert (await api.get(admin, f"{path}/erasure")).code == "not_found"
    assert (await api.send("DELETE", school.teacher, path)).code == "forbidden"
    assert (await api.send("DELETE", admin, f"/v1/users/{new_id()}")).code == "not_found"
    begun = await api.send("DELETE", admin, path)
    assert (begun.status, begun.body["finished_at"]) == (202, None)
    # At once: nobody by this name comes in, whatever is still to be done.
    gone = (await api.get(admin, path)).body
    assert (gone["name"], gone["email"], gone["status"]) == ("Erased person", None, "inactive")
    assert (await api.get(admin, f"{path}/roles")).body["items"] == []
    back = await api.patch(admin, path, {"status": "active"})
    assert (back.status, back.code) == (409, "conflict")
    assert (await api.send("DELETE", admin, path)).body["id"] == begun.body["id"]

    await retention.sweep()
    done = (await api.get(admin, f"{path}/erasure")).body
    assert (done["id"], done["sessions"], done["events"]) == (begun.body["id"], 1, 3)
    assert done["finished_at"] is not None
    _, text = await whole_log(pools, school)
    assert WORD not in text
    assert WORD not in (await api.get(admin, f"{path}/export")).raw.decode()
