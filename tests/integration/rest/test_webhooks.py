"""Webhooks, from the log over a real receiver's socket; signatures are verified independently."""

import asyncio
import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from server.addresses import parse_allowed
from server.clock import SystemClock
from server.ids import new_id
from server.store import heads, installation, users, webhook_queue
from server.store.log import LogWriter
from server.webhooks import dispatcher
from server.webhooks.backoff import TRIES
from server.webhooks.dispatcher import Dispatcher
from server.webhooks.sender import Sender
from tests.integration.rest.conftest import Person, found
from tests.integration.store.conftest import Room

DAY_MS = 24 * 3600 * 1000
ENDPOINTS = "/v1/webhook-endpoints"


class Clock(SystemClock):
    """The machine's clock, and what the test has let pass."""

    ahead_ms = 0

    def now_ms(self):
        return super().now_ms() + self.ahead_ms


class Receiver:
    """An HTTP server that keeps what it is sent and answers what the test says."""

    def __init__(self):
        self.got = asyncio.Queue()
        self.answers = {}
        self.held = asyncio.Event()
        self.held.set()
        self.arriving = 0

    async def handle(self, request):
        body = await request.read()
        self.arriving += 1
        self.got.put_nowait((request.path, dict(request.headers), body))
        await self.held.wait()
        status = self.answers.get(request.path, 200)
        headers = {"Location": "/elsewhere"} if status == 302 else {}
        return web.Response(status=status, headers=headers, body=b"x" * 100_000)

    async def next(self, path=None):
        got, headers, body = await asyncio.wait_for(self.got.get(), 5)
        if path is not None:
            assert got == path
        return headers, json.loads(body), body


@pytest.fixture
async def receiver():
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", receiver.handle)
    server = TestServer(app)
    await server.start_server()
    receiver.url = f"http://127.0.0.1:{server.port}"
    yield receiver
    receiver.held.set()
    await server.close()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def dispatching(pools, vault, clock):
    @asynccontextmanager
    async def run():
        sender = Sender(parse_allowed("127.0.0.0/8:*"))
        identity = await installation.read(pools)
        async with Dispatcher(pools, vault, sender, identity, clock) as running:
            yield running

    return run


@pytest.fixture
async def webhooks(dispatching):
    async with dispatching() as running:
        yield running


async def make_admin(pools, tenant):
    admin = Person(tenant, new_id(), "admin")
    async with pools.tenant(tenant) as connection:
        await users.ensure(connection, tenant, admin.id, "Ada")
        await users.give_role(connection, tenant, admin.id, "admin")
    return admin


@pytest.fixture
async def admin(pools, school):
    return await make_admin(pools, school.tenant)


class Class(Room):
    """A class whose log is written here, and said to the dispatcher."""

    async def tell(self, webhooks, *facts, told=True):
        command = self.command(*facts, at_ms=SystemClock().now_ms())
        await self.writer.append(self.session, self.epoch, [command])
        if told:
            webhooks.notify(self.session, [kind for kind, _ in facts])
        return [event.id for event in command]


@pytest.fixture
async def lesson(pools, school):
    async with LogWriter(pools) as writer:
        lesson = await Class.open(pools, school.tenant, session=school.session)
        lesson.writer = writer
        yield lesson


async def add(api, admin, url, **more):
    made = await api.post(admin, ENDPOINTS, {"url": url, **more})
    assert made.status == 201, made.body
    return made.body["endpoint"]["id"], made.body["secret"]


async def deliveries(api, admin, endpoint, query=""):
    answer = await api.get(admin, f"{ENDPOINTS}/{endpoint}/deliveries{query}")
    assert answer.status == 200
    return answer.body["items"]


def signatures(headers, body, secret):
    """Verify as a receiver does (standardwebhooks.com): which signatures are of this secret."""
    key = b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return [each == expected for each in headers["webhook-signature"].split(" ")]


async def test_what_happens_is_told_in_order_signed_and_without_people(
    api, admin, school, pools, lesson, receiver, webhooks
):
    endpoint, secret = await add(api, admin, f"{receiver.url}/a")
    nosy, _ = await add(api, admin, f"{receiver.url}/b", events=["participant.joined"])
    recording, user = new_id(), new_id()
    ids = await lesson.tell(
        webhooks,
        ("participant.joined", {"user": user, "name": "Sam", "role": "student"}),
        ("session.started", {}),
        ("chat.posted", {"message": new_id(), "name": "Sam", "text": "secret", "to": "everyone"}),
        ("destination.failed", {"destination": new_id(), "code": "dns", "attempts": 3}),
        ("session.ended", {}),
        ("recording.finalized",
         {"recording": recording, "media_uri": "r/1", "duration_ms": 5, "bytes": 7}),
    )  # fmt: skip
    came = {"/a": [], "/b": []}
    for _ in range(5):
        path, headers, body = await asyncio.wait_for(receiver.got.get(), 5)
        came[path].append((headers, json.loads(body), body))

    assert [body["type"] for _, body, _ in came["/a"]] == [
        "session.started", "destination.failed", "session.ended", "recording.finalized",
    ]  # fmt: skip
    assert [headers["webhook-id"] for headers, _, _ in came["/a"]] == [
        ids[1], ids[3], ids[4], ids[5],
    ]  # fmt: skip
    for headers, body, raw in came["/a"]:
        assert signatures(headers, raw, secret) == [True]
        assert headers["Content-Type"] == "application/json"
        assert body["data"]["tenant"] == school.tenant
        assert body["data"]["session"] == school.session
        assert b"Sam" not in raw
        assert b"secret" not in raw
    assert came["/a"][3][1]["data"] == {
        "tenant": school.tenant, "session": school.session, "sequence": 6,
        "recording": recording, "media_uri": "r/1", "duration_ms": 5, "bytes": 7,
    }  # fmt: skip
    head = heads.parse(json.dumps(came["/a"][2][1]["data"]["head"]))
    assert head.sequence == 5
    assert heads.find_fault(head, head.public_key) is None
    assert head.public_key == heads.public_key((await installation.read(pools)).seed)
    ((_, told, raw),) = came["/b"]
    assert told["data"]["name"] == "Sam"
    assert not signatures(came["/b"][0][0], raw, secret)[0]

    async def done():
        rows = await deliveries(api, admin, endpoint, "?status=delivered")
        return len(rows) == 4 and rows

    rows = await eventually_true(done)
    assert {(row["attempts"], row["last_status"]) for row in rows} == {(1, 200)}
    # Whoever has not asked hears of it again only when it is asked for.
    answer = await api.post(
        admin, f"{ENDPOINTS}/{endpoint}/redrive", {"session": school.session, "from_sequence": 5}
    )
    assert answer.body == {"deliveries": 2}
    again = [await receiver.next("/a") for _ in range(2)]
    assert [headers["webhook-id"] for headers, _, _ in again] == [ids[4], ids[5]]
    assert again[0][2] == came["/a"][2][2]
    assert nosy


async def eventually_true(check, seconds=5):
    async with asyncio.timeout(seconds):
        while not (found := await check()):
            await asyncio.sleep(0.02)
    return found
