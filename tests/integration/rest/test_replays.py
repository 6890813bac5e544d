"""The replay of a class: from the second it ends, through its publication, to its archive."""

import io
import json
import random
from zipfile import ZipFile

import msgspec
import pytest

from protocol.codec import decode_event
from protocol.events import RecordingFinalized
from protocol.snapshot import State, fold
from server.auth.tokens import tokens_key
from server.hub.asks import Arrive, Who
from server.ids import new_id
from server.replays.moments import Moments
from server.replays.publisher import Publisher
from server.rest.ports import live_sessions_key, objects_key
from server.store import erasure, users
from server.store.log import LogReader
from tests.integration.rest.conftest import Person
from tests.integration.rest.test_live_sessions import command

NEVER = 2**53


class Class:
    """A class, and what people do in it."""

    def __init__(self, api, app, school) -> None:
        self.api, self.app, self.school, self.count = api, app, school, 0
        self.path = f"/v1/replays/{school.session}"

    async def do(self, op, who=None, **data):
        self.count += 1
        who = who or self.school.teacher
        done = await command(self.api, who, self.school.session, op, f"k{self.count}", **data)
        assert done.status == 200, done.body
        return done.body["sequence"]

    async def follow(self):
        """Return once the tables show everything."""
        page = await self.api.get(
            self.school.teacher, f"/v1/sessions/{self.school.session}/events?limit=1"
        )
        path = f"/v1/sessions/{self.school.session}/recordings"
        done = await self.api.get(self.school.teacher, f"{path}?after_sequence={page.body['head']}")
        assert done.status == 200

    async def record(self):
        """Record for a second; return the recording and finish it when asked."""
        await self.do("recording.start")
        live = self.app[live_sessions_key]
        school, objects = self.school, self.app[objects_key]
        await self.follow()
        path = f"/v1/sessions/{school.session}/recordings"
        recording = (await self.api.get(school.teacher, path)).body["items"][-1]
        prefix = f"{school.tenant}/{school.session}/recordings/{recording['id']}"
        await objects.put(f"{prefix}/init-0.mp4", b"init", "video/mp4")
        await objects.put(f"{prefix}/segment-00000000.m4s", b"media" * 500_000, "video/mp4")
        text = (
            '#EXTM3U\n#EXT-X-MAP:URI="init-0.mp4"\n'
            f"#EXT-X-PROGRAM-DATE-TIME:{recording['started_at']}\n"
            "#EXTINF:60.000,\nsegment-00000000.m4s\n#EXT-X-ENDLIST\n"
        )
        await objects.put(f"{prefix}/index.m3u8", text.encode(), "application/vnd.apple.mpegurl")

        async def finish():
            event = RecordingFinalized(recording["id"], f"{prefix}/index.m3u8", 60_000, 2_500_004)
            for _ in range(2):  # a report may come twice
                await live.report(school.tenant, school.session, f"f-{recording['id']}", event)
            await self.follow()

        return recording["id"], finish


@pytest.fixture
def lesson(api, app, school):
    return Class(api, app, school)


async def test_from_the_end_of_a_class_to_its_published_replay(
    api, lesson, school, stranger, pools
) -> None:
    teacher, student, path = school.teacher, school.student, lesson.path
    await lesson.do("session.start")
    assert (await api.get(teacher, path)).status == 404, "it is not over"
    recording, finish = await lesson.record()
    await lesson.do("chat.post", student, text="psst", to="staff")
    shown = await lesson.do("chat.post", student, text="hello")
    posted = (
        await api.get(teacher, f"/v1/sessions/{school.session}/events?after={shown[0] - 1}&limit=1")
    ).body["events"][0]
    await lesson.do("caption.add", text="Guten Tag", start_ms=0, end_ms=50_000, language="de")
    await lesson.do("session.end")
    await lesson.follow()

    # Events at once, for staff.
    draft = (await api.get(teacher, path)).body
    assert (draft["is_finalizing"], draft["recordings_deleted_at"]) == (True, None)
    assert (draft["status"], draft["has_media"]) == ("draft", False)
    assert draft["processing"] == "The recording is being finalized."
    assert (await api.get(teacher, f"/v1/sessions/{school.session}/replay")).body == draft
    state = (await api.get(teacher, f"{path}/state?at={NEVER - 1}")).body
    assert [each["text"] for each in state["state"]["messages"]] == ["psst", "hello"]

    # Refused with the reason, first for the one, then for the other.
    refused = await api.post(teacher, f"{path}/publish")
    assert (refused.status, refused.code) == (409, "conflict")
    assert "recording" in refused.body["detail"]
    await finish()
    refused = await api.patch(teacher, path, {"publish_at": "2999-01-01T00:00:00Z"})
    assert (refused.status, "artifact" in refused.body["detail"]) == (409, True)
    await lesson.do("chapter.mark", title="Limits & <more>", start_ms=0)

    # What is a draft is the staff's.
    everything = ("", "/state", "/events", "/playback", "/captions/de.vtt", "/chapters.vtt")
    for part in everything:
        assert (await api.get(student, path + part)).status == 404, part
        assert (await api.get(stranger, path + part)).status == 404, part
        assert (await api.get(teacher, path + part)).status == 200, part
    assert (await api.get(student, "/v1/replays")).body["items"] == []
    assert [each["id"] for each in (await api.get(teacher, "/v1/replays")).body["items"]] == [
        school.session
    ]
    assert (await api.post(school.assistant, f"{path}/publish")).status == 403
    assert (await api.get(student, f"{path}/archive")).status == 403

    planned = await api.patch(teacher, path, {"publish_at": "2999-01-01T01:00:00+01:00"})
    assert planned.body["publish_at"] == "2999-01-01T00:00:00.000Z"
    for when in ("2020-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00"):
        assert (await api.patch(teacher, path, {"publish_at": when})).status == 422, when
    stale = await api.patch(teacher, path, {"publish_at": None}, headers={"If-Match": '"another"'})
    assert stale.status == 412
    published = await api.post(teacher, f"{path}/publish", headers={"Idempotency-Key": "p"})
    assert (published.body["status"], published.body["publish_at"]) == ("published", None)
    assert published.body["processing"] is None
    again = await api.post(teacher, f"{path}/publish", headers={"Idempotency-Key": "p"})
    assert again.body == published.body

    # What is published is for whoever may see the class, in their view.
    for part in everything:
        assert (await api.get(student, path + part)).status == 200, part
        assert (await api.get(stranger, path + part)).status == 404, part
    guest = Person(school.tenant, new_id(), "student", session=school.session)
    assert (await api.get(guest, path)).body == published.body
    found = (await api.get(student, f"/v1/replays?course={school.course}")).body["items"]
    assert found == [published.body]
    assert (await api.get(student, "/v1/replays?status=draft")).body["items"] == []
    state = (await api.get(student, f"{path}/state?t=59000")).body
    assert (state["view"], [each["text"] for each in state["state"]["messages"]]) == (
        "student",
        ["hello"],
    )
    window = (await api.get(student, f"{path}/events?limit=3")).body
    told = window["items"]
    while window["next"] is not None:
        window = (await api.get(student, f"{path}/events?limit=3&after={window['next']}")).body
        told += window["items"]
    assert "chat.posted" in [each["event"]["type"] for each in told]
    assert [each["t"] for each in told] == sorted(each["t"] for each in told)
    assert "psst" not in json.dumps(told)
    said = (await api.get(student, f"{path}/events?types=chat.posted,poll.opened")).body
    assert [each["event"]["data"]["text"] for each in said["items"]] == ["hello"]
    assert (await api.get(student, f"{path}/events?types=chat")).code == "bad_request"
    late = (await api.get(student, f"{path}/events?from_ms=59000&to_ms=59500")).body
    assert late == {"items": [], "next": None}

    playback = (await api.get(student, f"{path}/playback")).body
    (media,) = playback["media"]
    assert (media["recording"], media["starts_ms"], media["duration_ms"]) == (recording, 0, 60_000)
    assert (playback["duration_ms"], playback["captions"]) == (60_000, ["de"])
    played = await api.get(None, media["url"])
    assert (played.status, b"segment-00000000" in played.raw) == (200, True)
    ways = (await api.get(student, f"/v1/sessions/{school.session}/playback")).body["items"]
    assert [each["kind"] for each in ways] == ["hls"]
    words = await api.get(student, f"{path}/captions/DE.vtt")
    assert words.headers["Content-Type"] == "text/vtt; charset=utf-8"
    assert words.raw.startswith(b"WEBVTT\n\n00:00:00.000 --> 00:00:4")
    assert (await api.get(student, f"{path}/captions/fr.vtt")).status == 404
    assert b"Limits &amp; &lt;more&gt;" in (await api.get(student, f"{path}/chapters.vtt")).raw

    # The archive holds it all.
    sent = await api.get(school.assistant, f"{path}/archive")
    assert sent.headers["Content-Type"].startswith("application/zip")
    with ZipFile(io.BytesIO(sent.raw)) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        head = json.loads(archive.read("head.json"))
        lines = archive.read("events.ndjson").splitlines()
        state = json.loads(archive.read("state.json"))
        manifest = json.loads(archive.read("manifest.json"))
    assert {f"recordings/{recording}/index.m3u8", "tracks/captions/de.vtt"} <= names
    assert set(manifest["files"]) == names - {"manifest.json"}
    assert head["sequence"] == len(lines) == state["sequence"]

    # What is removed since is blank everywhere; who is shut out gets nothing.
    await lesson.do("replay.unpublish")
    await lesson.follow()
    assert (await api.get(student, path)).status == 404
    assert posted["data"]["text"] == "hello"


async def test_who_was_shut_out_sees_no_replay_and_removed_texts_are_blank(
    api, hub, lesson, school, pools
) -> None:
    await lesson.do("session.start")
    room = hub.find(school.session)
    room.submit(Arrive(Who(school.student.id, "Ann", "student")))
    _, finish = await lesson.record()
    first = await lesson.do("chat.post", school.student, text="secret")
    path = f"/v1/sessions/{school.session}/events?after={first[0] - 1}&limit=1"
    message = (await api.get(school.teacher, path)).body["events"][0]["data"]["message"]
    await lesson.do("chapter.mark", title="One")
    before = await api.get(school.teacher, f"{lesson.path}/state")
    assert before.status == 404
    await lesson.do("chat.remove", message=message)
    banned = Person(school.tenant, new_id(), "student")
    async with pools.tenant(school.tenant) as connection:
        await users.ensure(connection, school.tenant, banned.id, "Bob")
        await users.give_role(connection, school.tenant, banned.id, "student")
    await lesson.do("participant.ban", user=school.student.id)
    await lesson.do("session.end")
    await finish()
    await lesson.do("replay.publish")
    await lesson.follow()
    assert (await api.get(banned, lesson.path)).status == 200
    state = await api.get(banned, f"{lesson.path}/state?t=59000")
    assert b"secret" not in state.raw
    assert b"secret" not in (await api.get(banned, f"{lesson.path}/events")).raw
    for part in ("", "/state", "/events", "/playback", "/chapters.vtt"):
        assert (await api.get(school.student, lesson.path + part)).status == 403, part
    assert (await api.get(school.student, "/v1/replays")).body["items"] == []


class Wall:
    """A clock that is set by hand."""

    def __init__(self, now_ms) -> None:
        self.now = now_ms

    def now_ms(self):
        return self.now

    def monotonic(self):
        return self.now / 1000


async def test_a_plan_is_carried_out_once_when_its_time_comes(
    api, app, lesson, school, pools
) -> None:
    await lesson.do("session.start")
    _, finish = await lesson.record()
    await lesson.do("chapter.mark", title="One")
    await lesson.do("session.end")
    await finish()
    await api.patch(school.teacher, lesson.path, {"publish_at": "2100-01-01T00:00:00Z"})
    due = 4_102_444_800_000
    clock = Wall(due - 1)
    report = app[live_sessions_key].report
    publishers = [Publisher(pools, report, clock) for _ in range(2)]
    for each in publishers:
        await each.publish_due()
    assert (await api.get(school.teacher, lesson.path)).body["status"] == "draft"

    # Nothing is published that has not what it needs; the plan stays.
    path = f"/v1/sessions/{school.session}/events?types=chapter.marked"
    artifact = (await api.get(school.teacher, path)).body["events"][0]["data"]["artifact"]
    await lesson.do("artifact.remove", artifact=artifact)
    await lesson.follow()
    clock.now = due
    for each in publishers:
        await each.publish_due()
    await lesson.follow()
    assert (await api.get(school.teacher, lesson.path)).body["status"] == "draft"

    await lesson.do("highlight.mark", title="Now")
    await lesson.follow()
    for each in publishers:  # neither has seen yet what the other did
        await each.publish_due()
    await lesson.follow()
    assert (await api.get(school.student, lesson.path)).body["status"] == "published"
    path = f"/v1/sessions/{school.session}/events?types=replay.published"
    (published,) = (await api.get(school.teacher, path)).body["events"]
    assert published["data"]["replay"] == school.session
    assert "by" not in published or published["by"] is None


async def test_a_moment_is_the_fold_of_all_before_it(api, app, lesson, school, pools) -> None:
    reader, live = LogReader(pools), app[live_sessions_key]
    moments = Moments(pools, reader, live.blanked, every=3)
    await lesson.do("session.start")
    sequences = []
    for number in range(12):
        sequences += await lesson.do("chat.post", school.student, text=f"line {number}")
    at = {each.sequence: each.at_ms for each in await reader.read(school.session, 0)}

    async def folded(last):
        """Return the state that the student's view has after ``last``, folded in one go."""
        state = State()
        page = await live.events(
            school.session, identity, "student", after=0, before=None, types=None, limit=1000
        )
        for each in map(msgspec.json.decode, page.events):
            if each["sequence"] <= last:
                data = msgspec.json.encode(each["data"])
                event = decode_event(each["type"], data, each["version"])
                fold(state, event, sequence=each["sequence"], at=each["at"], by=each["by"])
        return msgspec.to_builtins(state)

    identity = await app[tokens_key].authenticate(school.student.token())

    async def check():
        order = sorted(at) * 2
        random.Random(7).shuffle(order)
        for sequence in order:
            moment = await moments.at(school.session, "student", at[sequence])
            assert at[moment.sequence] == at[sequence] >= 0
            assert moment.sequence >= sequence
            assert msgspec.to_builtins(moment.state) == await folded(moment.sequence)

    await check()
    path = f"/v1/sessions/{school.session}/events?after={sequences[2] - 1}&limit=1"
    posted = (await api.get(school.teacher, path)).body["events"][0]["data"]
    await lesson.do("chat.remove", message=posted["message"])
    await check()
    moment = await moments.at(school.session, "student", at[sequences[2]])
    assert [each.text for each in moment.state.messages if each.message == posted["message"]] == [
        ""
    ], "checkpoints from before the removal say nothing any more"

    await erasure.erase(pools, school.tenant, school.student.id, leave_seconds=0)
    moment = await moments.at(school.session, "student", NEVER)
    assert {each.text for each in moment.state.messages} <= {"…", ""}
