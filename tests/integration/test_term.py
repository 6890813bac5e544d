"""Two schools play a term on one server: from the operator's founding them to an erasure.

They do the same at the same time, with the same names and the same words, through the doors that an
integrator has: REST, the live socket, WHIP and webhooks. What one sees of the other is therefore a
defect that no difference of data hides; and what is erased in one is still there in the other.
"""

import asyncio
import csv
import hashlib
import hmac
import io
import json
import random
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urljoin, urlsplit
from zipfile import ZipFile

import aiohttp
import av
import pytest
from aiohttp import web

from load.camera import camera
from load.connection import Connection
from load.whip import publish
from protocol import commands as cmd
from protocol.errors import CloseCode
from protocol.frames import Ack
from server.auth.tokens import NIL, Tokens
from server.clock import SystemClock
from server.ids import new_id
from server.rest.routes import ROUTES
from server.secrets.secret import Secret
from server.store.log import LogReader
from server.store.pool import Pools
from server.tasks import Supervisor
from tests.demo import Demo
from tests.documents import text_pdf
from tests.integration.rest.conftest import Api
from tests.integration.rest.requests import UUID, Ids, ask, blurred, names_in
from tests.patience import eventually

pytestmark = pytest.mark.timeout(600)

SECONDS = 60.0
RECORDED_MS = 3_000
SENTENCE = "Photosynthesis turns light into sugar."
SECRET = "plugh"
"""What one student says, in every way that there is to say something."""
CAMERA = 320, 180, 10
TOLD = (
    "session.started", "session.ended", "recording.finalized", "replay.published",
    "participant.joined",
)  # fmt: skip


def rfc3339(moment):
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Receiver:
    """The schools' own system: takes webhooks, and believes only what is signed."""

    def __init__(self):
        self.secrets = {}
        self.taken = {}

    async def handle(self, request):
        school, body = request.path.strip("/"), await request.read()
        id_, at, sent = (
            request.headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature")
        )
        key = b64decode(self.secrets[school].removeprefix("whsec_"))
        mac = hmac.digest(key, b".".join((id_.encode(), at.encode(), body)), hashlib.sha256)
        if sent != f"v1,{b64encode(mac).decode()}":
            return web.Response(status=401)
        # At least once: what comes again is known by its id.
        self.taken.setdefault(school, {}).setdefault(id_, json.loads(body))
        return web.Response()

    def heard(self, school):
        return list(self.taken.get(school, {}).values())


@pytest.fixture
async def receiver(aiohttp_server):
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{school}", receiver.handle)
    receiver.url = str((await aiohttp_server(app)).make_url("/"))
    return receiver


@pytest.fixture
async def server(data_dir, monkeypatch):
    monkeypatch.setenv("LIVECLASS_WEBHOOK_ALLOW", "127.0.0.0/8:*")
    demo = Demo(data_dir / "server", "--teacher", "none", "--students", "0")
    yield await demo.start()
    await demo.stop()
    assert not await demo.all_gone()


@pytest.fixture
async def api(server):
    async with aiohttp.ClientSession(server.ready["url"]) as http:
        yield Api(http)


@pytest.fixture
def tokens(server):
    """What the schools' own systems sign people's tokens with."""
    keys = json.loads((server.directory / "keys.json").read_bytes())
    return Tokens(Secret(keys["token_secret"]), "liveclass", SystemClock())


class School:
    """A school, and its term step by step; each step asks as the person who would do it."""

    def __init__(self, url, api, tokens, receiver, name):
        self.url, self.api, self.receiver, self.name = url, api, receiver, name
        self._tokens = tokens
        self.ids = {}
        self.people = {}

    # ------------------------------------------------------------ asking

    def token(self, person):
        id_, role = self.people[person]
        return self._tokens.issue(
            subject=id_, tenant=self.ids["tenant"], role=role, name=person, ttl_seconds=600
        )

    async def do(self, method, path, body=None, *, by, **more):
        """Return what is answered, which must be yes."""
        answer = await self.api.send(method, self.token(by), path, body, **more)
        assert answer.status < 300, (method, path, answer.status, answer.raw)
        return answer.body if answer.body is not None else answer.raw.decode()

    async def get(self, path, *, by):
        return await self.do("GET", path, by=by)

    async def make(self, path, *, by, **body):
        headers = {"Idempotency-Key": new_id()}
        return await self.do("POST", path, body, by=by, headers=headers)

    async def status(self, path, *, by):
        return (await self.api.get(self.token(by), path)).status

    @property
    def session(self):
        return f"/v1/sessions/{self.ids['session']}"

    @property
    def replay(self):
        return f"/v1/replays/{self.ids['session']}"

    # ------------------------------------------------------------ before the class

    async def found(self, operator):
        """The operator makes the tenant, and sees nothing in it."""
        body = {"name": "A school", "admin": "Ada", "domains": [f"{self.name}.example"]}
        made = await self.api.post(operator, "/v1/tenants", body)
        assert made.status == 201, made.raw
        self.ids["tenant"] = made.body["tenant"]["id"]
        self.people["Ada"] = made.body["admin"], "admin"
        assert (await self.api.get(operator, "/v1/courses")).status in (401, 403)
        domains = (await self.get("/v1/domains", by="Ada"))["items"]
        assert [each["domain"] for each in domains] == [f"{self.name}.example"]
        self.ids["domain"] = domains[0]["id"]

    async def enrol(self):
        """A course of lessons in order, its teacher and students, and who comes to nothing."""
        course = await self.make("/v1/courses", by="Ada", title="Biology", status="published")
        other = await self.make("/v1/courses", by="Ada", title="Latin")
        self.ids["course"] = course["id"]
        for name, role, scope in (
            ("Tess", "teacher", course), ("Ann", "student", course), ("Bob", "student", course),
            ("Olga", "student", other),
        ):  # fmt: skip
            user = await self.make("/v1/users", by="Ada", name=name, email=f"{name}@mail.example")
            self.people[name] = user["id"], role
            given = await self.make(
                f"/v1/users/{user['id']}/roles", by="Ada",
                role=role, scope="course", scope_id=scope["id"],
            )  # fmt: skip
            self.ids |= {"user": user["id"], "assignment": given["id"]}
        lessons = f"/v1/courses/{course['id']}/lessons"
        made = [await self.make(lessons, by="Tess", title=each) for each in ("Cells", "Leaves")]
        order = {"lessons": [made[1]["id"], made[0]["id"]]}
        await self.do("PUT", f"/v1/courses/{course['id']}/lesson-order", order, by="Tess")
        listed = (await self.get(lessons, by="Tess"))["items"]
        assert [each["title"] for each in listed] == ["Leaves", "Cells"]
        self.ids["lesson"] = listed[0]["id"]
        # Her role is in this course: not in the other one, and not over the school.
        assert await self.status(f"/v1/courses/{other['id']}", by="Tess") == 404
        refused = await self.api.post(self.token("Tess"), "/v1/courses", {"title": "Mine"})
        assert refused.status == 403

    async def subscribe(self):
        """The school's own system wants to hear of it."""
        url = f"{self.receiver.url}{self.name}"
        made = await self.make("/v1/webhook-endpoints", by="Ada", url=url, events=TOLD)
        self.receiver.secrets[self.name] = made["secret"]
        self.ids["endpoint"] = made["endpoint"]["id"]

    async def schedule(self):
        """A class next hour, with slides and a place to stream to."""
        at = rfc3339(datetime.now(UTC) + timedelta(hours=1))
        path = f"/v1/lessons/{self.ids['lesson']}/sessions"
        made = await self.make(path, by="Tess", title="How leaves eat", scheduled_at=at)
        self.ids |= {"session": made["id"], "replay": made["id"]}
        assert (made["status"], made["scheduled_at"]) == ("scheduled", at)
        listed = (await self.get("/v1/sessions?status=scheduled", by="Tess"))["items"]
        assert [each["id"] for each in listed] == [made["id"]]
        assert (await self.get(self.session, by="Ann")) == made
        assert await self.status(self.session, by="Olga") == 404

        account = await self.make("/v1/integrations", by="Ada", provider="custom")
        place = await self.make(
            "/v1/destinations", by="Ada", integration=account["id"], name="Channel",
            url="rtmp://127.0.0.1:9/live", stream_key="k",
        )  # fmt: skip
        encoder = await self.make(f"{self.session}/publish-tokens", by="Tess", name="OBS")
        self.ids |= {
            "integration": account["id"], "destination": place["id"],
            "publish_token": encoder["publish_token"]["id"],
        }  # fmt: skip

        slides = text_pdf(3, text="The green of leaves")
        upload = await self.make(
            f"{self.session}/uploads", by="Tess",
            name="leaves.pdf", content_type="application/pdf", bytes=len(slides),
        )  # fmt: skip
        kind = {"Content-Type": "application/pdf"}
        async with self.api.client.put(upload["put_url"], data=slides, headers=kind) as put:
            assert put.ok, await put.text()
        self.ids["upload"] = upload["id"]
        path = f"{self.session}/uploads/{upload['id']}"
        await self.do("POST", f"{path}/commit", by="Tess")

        async def ready():
            shown = await self.get(path, by="Tess")
            assert shown["status"] != "failed", shown
            return shown["status"] == "ready" and shown

        self.ids["asset"] = (await eventually(ready))["asset"]

    # ------------------------------------------------------------ the class

    def connect(self, tasks, person):
        url, rng = f"{self.url}{self.session}/live", random.Random(person)
        made = Connection(self.api.client, url, self.token(person), rng=rng)
        tasks.start(person, made.run())
        return made

    async def hold_class(self):
        """The hour itself, on camera and recorded."""
        async with Supervisor(self.name) as tasks:
            tess, ann, bob = (self.connect(tasks, each) for each in ("Tess", "Ann", "Bob"))

            async def says(who, command):
                answer = await who.say(command, timeout_seconds=SECONDS)
                assert isinstance(answer, Ack), (command, answer)

            async def all_see(holds):
                for each in (tess, ann, bob):
                    assert await each.until(
                        lambda client: client.state is not None and holds(client.state), SECONDS
                    ), each.client.state

            await all_see(lambda state: state.status == "scheduled")
            assert await tess.until(lambda client: len(client.state.people) == 3, SECONDS)
            await says(tess, cmd.SessionStart())
            await all_see(lambda state: state.status == "live")
            whip = f"{self.url}{self.session}/whip"
            async with (
                camera(*CAMERA) as running,
                publish(self.api.client, whip, self.token("Tess"), running),
            ):
                await all_see(lambda state: state.publisher is not None and state.publisher.live)
                await says(tess, cmd.RecordingStart())
                await all_see(lambda state: state.recording is not None)
                began = asyncio.get_running_loop().time()
                await says(tess, cmd.AssetShow(self.ids["asset"], 2))
                await all_see(lambda state: state.shown is not None and state.shown.page == 2)
                await asyncio.sleep(RECORDED_MS / 2000)
                now = self.moment(tess)
                await says(tess, cmd.CaptionAdd(SENTENCE, max(0, now - 500), now + 500, "en"))
                self.captioned_ms = max(0, now - 500)
                await all_see(lambda state: any(SENTENCE in each.text for each in state.captions))

                await says(tess, cmd.PollOpen("What do leaves eat?", ("Soil", "Light")))
                await all_see(lambda state: len(state.polls) == 1)
                poll = tess.client.state.polls[0].poll
                await says(ann, cmd.PollVote(poll, (1,)))
                await says(bob, cmd.PollVote(poll, (0,)))
                await says(bob, cmd.PollVote(poll, (1,)))
                await says(tess, cmd.PollClose(poll))
                await says(tess, cmd.PollPublish(poll))

                await says(bob, cmd.QuestionAsk(f"Why green, {SECRET}?"))
                await all_see(lambda state: len(state.questions) == 1)
                question = tess.client.state.questions[0].question
                await says(ann, cmd.QuestionUpvote(question))
                await says(tess, cmd.QuestionPresent(question))
                await says(tess, cmd.QuestionAnswer(question, "They leave the green to you."))
                await says(bob, cmd.ChatPost(f"{SECRET}!"))
                await says(bob, cmd.ChatPost(f"{SECRET}, quietly", to="staff"))
                await says(bob, cmd.NoteAdd(f"{SECRET} is green"))
                await says(ann, cmd.NoteAdd("ask about autumn"))
                await says(tess, cmd.HighlightMark("The leaf"))
                await says(tess, cmd.AssetShow(self.ids["asset"], 3))
                await all_see(lambda state: state.shown is not None and state.shown.page == 3)
                spent = asyncio.get_running_loop().time() - began
                await asyncio.sleep(max(0.0, RECORDED_MS / 1000 - spent))
                await says(tess, cmd.SessionEnd())
            await all_see(lambda state: state.status == "ended")

    def moment(self, person):
        """The time since the class started, in milliseconds."""
        started = datetime.fromisoformat(person.client.state.started_at)
        return int((datetime.now(UTC) - started).total_seconds() * 1000)

    # ------------------------------------------------------------ what it leaves behind

    async def publish_later(self):
        """The replay is a draft, has what it needs, and is published when its time comes."""

        async def complete():
            shown = await self.get(self.replay, by="Tess")
            is_made = shown["chapters"] > 0 and shown["captions"] == ["en"]
            return is_made and shown["processing"] is None and shown

        draft = await eventually(complete)
        assert (draft["status"], draft["has_media"]) == ("draft", True)
        assert await self.status(self.replay, by="Ann") == 404
        at = rfc3339(datetime.now(UTC) + timedelta(seconds=5))
        planned = await self.do("PATCH", self.replay, {"publish_at": at}, by="Tess")
        assert (planned["status"], planned["publish_at"]) == ("draft", at)

        async def published():
            answer = await self.api.get(self.token("Ann"), self.replay)
            return answer.status == 200 and answer.body

        shown = await eventually(published)
        assert datetime.now(UTC) >= datetime.fromisoformat(at)
        assert shown["status"] == "published"
        assert await self.status(self.replay, by="Olga") == 404
        log = f"{self.session}/events?types=replay.published"
        (event,) = (await self.get(log, by="Tess"))["events"]
        assert event["at"] >= at

    async def artifacts(self):
        """Each of them cites the event that it comes from."""
        listed = (await self.get(f"{self.session}/artifacts", by="Tess"))["items"]
        by_type = {}
        for each in listed:
            by_type.setdefault(each["artifact_type"], []).append(each)
        assert by_type.keys() == {"chapter", "highlight", "note", "transcript"}
        page = await self.get(f"{self.session}/events?limit=1000", by="Tess")
        events = {each["sequence"]: each["type"] for each in page["events"]}
        sources = {
            "chapter": {"session.started", "asset.shown", "poll.opened", "question.presented"},
            "highlight": {"highlight.marked"},
            "note": {"note.added"},
            "transcript": {"caption.added"},
        }
        for kind, made in by_type.items():
            for each in made:
                assert events[each["source_sequence"]] in sources[kind], each
        (transcript,) = by_type["transcript"]
        assert [each["text"] for each in transcript["payload"]["segments"]] == [SENTENCE]
        assert len(by_type["note"]) == 2
        self.ids["artifact"] = transcript["id"]
        own = (await self.get(f"{self.session}/artifacts?artifact_type=note", by="Ann"))["items"]
        assert [each["payload"]["text"] for each in own] == ["ask about autumn"]

    async def find(self, words, *, by="Ann"):
        return (await self.get(f"/v1/search?q={words}", by=by))["items"]

    async def find_the_sentence(self):
        """What was captioned is found, and its link opens the replay where it was said."""
        hits = await self.find('"light into sugar"')
        assert {each["session"] for each in hits} == {self.ids["session"]}
        (hit,) = [each for each in hits if each["kind"] == "transcript"]
        assert SENTENCE in hit["snippet"]
        start, end = hit["highlights"][0]
        assert hit["snippet"][start:end].lower() in ("light", "light into sugar")
        assert hit["course_title"] == "Biology"
        assert hit["start_ms"] == self.captioned_ms
        assert await self.find("photosynthesis", by="Olga") == []
        link = urlsplit(hit["url"])
        assert link.path == f"/sessions/{self.ids['session']}/replay"
        assert parse_qs(link.query) == {"at": [str(hit["start_ms"])]}
        async with self.api.client.get(hit["url"]) as page:
            assert page.ok

        # There the second page is on the stage, and no poll is open yet; the same in the media.
        state = f"{self.replay}/state"
        there = await self.get(f"{state}?at={hit['start_ms']}", by="Ann")
        assert there["state"]["shown"] == {"asset": self.ids["asset"], "page": 2}
        assert there["state"]["polls"] == []
        again = await self.get(f"{state}?t={there['t']}", by="Ann")
        assert again["state"] == there["state"]
        end = await self.get(f"{state}?at={2**50}", by="Ann")
        assert [each["status"] for each in end["state"]["polls"]] == ["published"]
        assert end["state"]["polls"][0]["tally"] == [0, 2]
        assert there["view"] == end["view"] == "student"

        # So are captions, chapters and picture.
        cue = await self.get(f"{self.replay}/captions/en.vtt", by="Ann")
        assert f"{webvtt(there['t'])} --> " in cue, (there["t"], cue)
        assert SENTENCE in cue
        chapters = await self.get(f"{self.replay}/chapters.vtt", by="Ann")
        assert "How leaves eat" in chapters
        playback = await self.get(f"{self.replay}/playback", by="Ann")
        assert playback["captions"] == ["en"]
        assert there["t"] < playback["duration_ms"]
        await self.watch(playback["media"][0])

    async def watch(self, media):
        """Play the recording as a player does: with no more than its address."""
        async with self.api.client.get(media["url"]) as answer:
            assert answer.ok
            playlist = (await answer.text()).splitlines()
        parts = [line.partition('URI="')[2].rstrip('"') for line in playlist if "X-MAP" in line]
        parts += [line for line in playlist if line and not line.startswith("#")]
        whole = io.BytesIO()
        for each in parts:
            async with self.api.client.get(urljoin(media["url"], each)) as answer:
                assert answer.ok
                whole.write(await answer.read())
        whole.seek(0)
        with av.open(whole) as container:
            video, audio = container.streams.video[0], container.streams.audio[0]
            assert (video.codec.name, audio.codec.name) == ("h264", "aac")
            pictures = sum(1 for _ in container.decode(video))
        # A machine that does not keep up leaves pictures out, and begins late.
        assert pictures > RECORDED_MS / 1000
        assert media["duration_ms"] >= RECORDED_MS / 2
        recording = f"{self.session}/recordings/{media['recording']}/index.m3u8"
        assert (await self.api.get(None, recording)).status == 401
        self.ids["recording"] = media["recording"]

    async def report(self):
        """Attendance as a table, with who was there and nobody else; polls and questions."""
        table = await self.get(f"{self.session}/attendance.csv", by="Tess")
        rows = list(csv.DictReader(io.StringIO(table)))
        session = await self.get(self.session, by="Tess")
        assert {(each["name"], each["role"]) for each in rows} == {
            ("Tess", "teacher"), ("Ann", "student"), ("Bob", "student")
        }  # fmt: skip
        for each in rows:
            assert each["user"] == self.people[each["name"]][0]
            assert each["last_left_at"] == session["ended_at"]
            assert each["first_joined_at"] <= session["started_at"]
            assert each["stays"] == f"{each['first_joined_at']}/{each['last_left_at']}"
            there, gone = map(datetime.fromisoformat, each["stays"].split("/"))
            minutes = (gone - there) / timedelta(minutes=1)
            assert minutes > 0
            assert float(each["minutes"]) == pytest.approx(minutes, abs=0.1)
        of_course = f"/v1/courses/{self.ids['course']}/attendance.csv"
        rows = list(csv.DictReader(io.StringIO(await self.get(of_course, by="Ada"))))
        assert {(each["name"], each["sessions"]) for each in rows} == {
            ("Tess", "1"), ("Ann", "1"), ("Bob", "1")
        }  # fmt: skip
        slide = f"{self.session}/assets/{self.ids['asset']}/pages/2"
        shown = await self.api.get(self.token("Ann"), slide)
        assert (shown.status, shown.headers["Content-Type"]) == (200, "image/webp")
        assert await self.status(slide, by="Olga") == 404
        (poll,) = (await self.get(f"{self.session}/polls", by="Tess"))["items"]
        assert (poll["votes"], poll["voters"]) == ([0, 2], 2)
        (question,) = (await self.get(f"{self.session}/questions", by="Tess"))["items"]
        assert (question["status"], question["votes"]) == ("answered", 1)

    async def hear(self):
        """The school's own system has heard of everything, in order and signed."""

        async def all_told():
            heard = self.receiver.heard(self.name)
            return any(each["type"] == "replay.published" for each in heard) and heard

        heard = await eventually(all_told)
        kinds = [each["type"] for each in heard]
        assert kinds[:3] == ["participant.joined"] * 3
        assert kinds[3:] == [
            "session.started", "session.ended", "recording.finalized", "replay.published"
        ]  # fmt: skip
        told = [each["data"]["sequence"] for each in heard]
        assert told == sorted(told)
        assert {each["data"]["tenant"] for each in heard} == {self.ids["tenant"]}
        assert {each["data"]["session"] for each in heard} == {self.ids["session"]}
        ended = heard[4]["data"]
        assert ended["head"]["sequence"] == ended["sequence"]

    # ------------------------------------------------------------ a student goes for good

    async def words(self):
        """Everything that the school's admin and teacher can read of the class."""
        user = self.people["Bob"][0]
        return [
            *[json.dumps(await self.find(SECRET, by=each)) for each in ("Ada", "Tess", "Ann")],
            await self.get(f"{self.session}/events.ndjson", by="Tess"),
            await self.get(f"/v1/users/{user}/export", by="Ada"),
            await self.archived(),
            json.dumps(await self.get(f"{self.session}/questions", by="Tess")),
            json.dumps(await self.get(f"{self.session}/artifacts", by="Tess")),
            json.dumps(await self.get(f"{self.replay}/state?at={2**50}", by="Tess")),
            json.dumps(await self.get(f"{self.replay}/events?limit=1000", by="Tess")),
        ]

    async def archived(self):
        """The events in the archive of the replay, which has its media, too."""
        sent = await self.api.get(self.token("Tess"), f"{self.replay}/archive")
        with ZipFile(io.BytesIO(sent.raw)) as archive:
            assert f"recordings/{self.ids['recording']}/index.m3u8" in archive.namelist()
            return archive.read("events.ndjson").decode()

    async def erase(self, person):
        path = f"/v1/users/{self.people[person][0]}"
        begun = await self.do("DELETE", path, by="Ada")
        assert begun["finished_at"] is None

        async def over():
            shown = await self.get(f"{path}/erasure", by="Ada")
            return shown["finished_at"] is not None and shown

        # Who was there a moment ago is given 15 s to be shut out.
        erasure = await eventually(over, 2 * SECONDS)
        assert erasure["sessions"] == 1
        assert erasure["events"] == 6, "they came, asked, wrote twice, took a note; one chapter"


def webvtt(ms):
    """A moment as WebVTT writes it."""
    seconds, ms = divmod(ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{ms:03}"


async def test_a_term(server, api, tokens, receiver):
    operator = tokens.issue(
        subject="Operator", tenant=NIL, role="admin", name="Operator", ttl_seconds=600,
        scope=("operator",),
    )  # fmt: skip
    ours, theirs = (
        School(server.ready["url"], api, tokens, receiver, name) for name in ("maple", "oak")
    )

    async def play(school):
        await school.found(operator)
        await school.enrol()
        await school.subscribe()
        await school.schedule()
        await school.hold_class()
        await school.publish_later()
        await school.artifacts()
        await school.find_the_sentence()
        await school.report()
        await school.hear()
        assert all(SECRET in each for each in await school.words())

    async with asyncio.TaskGroup() as both:
        both.create_task(play(ours))
        both.create_task(play(theirs))
    async with asyncio.TaskGroup() as all_:
        all_.create_task(ours.erase("Bob"))
        all_.create_task(apart(api, ours, theirs))
        all_.create_task(apart(api, theirs, ours))
    assert not any(SECRET in each for each in await ours.words())
    assert all(SECRET in each for each in await theirs.words())
    assert await ours.find('"light into sugar"')
    async with Pools.open(server.ready["database_url"], size=1) as pools:
        for school, has_gaps in ((ours, True), (theirs, False)):
            verdict = await LogReader(pools).verify(school.ids["session"])
            assert (verdict.broken, verdict.erased > 0) == (None, has_gaps)


async def goodbye(school, session):
    """Return the code with which the live socket of ``session`` sends the school's teacher away."""
    url = f"{school.url}/v1/sessions/{session}/live"
    refused = Connection(school.api.client, url, school.token("Tess"), rng=random.Random(1))
    async with asyncio.timeout(SECONDS):
        await refused.run()
    return refused.final_code


async def apart(api, ours, stranger):
    """Nothing of ``ours`` is there for anybody of the other school, in no list and at no path."""
    known = {*ours.ids.values(), *(id_ for id_, _ in ours.people.values())}
    for route in ROUTES:
        if route.method != "GET":
            continue
        for person in stranger.people:
            who = stranger.token(person)
            own = await ask(api, route, who, Ids(stranger.ids))
            assert not known & set(UUID.findall(own.raw.decode(errors="replace"))), route.path
            names = names_in(route.path)
            if names:
                assert set(names) <= ours.ids.keys(), route.path
                foreign = await ask(api, route, who, Ids(ours.ids))
                unknown = await ask(api, route, who, Ids())
                assert blurred(foreign) == blurred(unknown), (person, route.path)
                assert foreign.status in (401, 403, 404), (person, route.path)
    assert await goodbye(stranger, ours.ids["session"]) == CloseCode.NOT_FOUND
    assert await goodbye(stranger, new_id()) == CloseCode.NOT_FOUND
