"""Webhooks, from the log over a real receiver's socket; signatures are verified independently."""

import asyncio
import hashlib
import hmac
import json
import socket
from base64 import b64decode, b64encode
from contextlib import asynccontextmanager
from functools import partial

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from server.addresses import parse_allowed
from server.clock import SystemClock
from server.ids import new_id
from server.store import erasure, heads, installation, users, webhook_queue
from server.store.log import LogWriter
from server.webhooks import backoff, sender
from server.webhooks.backoff import TRIES
from server.webhooks.dispatcher import Dispatcher
from server.webhooks.sender import Sender
from tests.integration.rest.conftest import Person, found
from tests.integration.store.conftest import Room
from tests.patience import PATIENCE, eventually

DAY_MS = 24 * 3600 * 1000
ENDPOINTS = "/v1/webhook-endpoints"
SAM = "Sam Hill"  # a space: in no key or signature it may stand by chance


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
        self.all = []
        self.slow, self.over = set(), asyncio.Event()

    async def handle(self, request):
        body = await request.read()
        message = request.path, dict(request.headers), body
        self.all.append(message)
        self.got.put_nowait(message)
        await self.held.wait()
        if request.path in self.slow:
            await self.over.wait()
        of_path = self.answers.get(request.path, 200)
        status = self.answers.get(request.headers["webhook-id"], of_path)
        headers = {"Location": "/elsewhere"} if status == 302 else {}
        return web.Response(status=status, headers=headers, body=b"x" * 100_000)

    async def next(self, path):
        got, headers, body = await asyncio.wait_for(self.got.get(), PATIENCE)
        assert got == path
        return headers, json.loads(body), body

    def count(self, path, event=None):
        """How many messages came to ``path``, of one event or of all."""
        return sum(
            at == path and event in (None, headers["webhook-id"]) for at, headers, _ in self.all
        )


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
    receiver.over.set()
    await server.close()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def dispatching(pools, vault, clock):
    @asynccontextmanager
    async def run():
        to = Sender(parse_allowed("127.0.0.0/8:*"))
        identity = await installation.read(pools)
        async with Dispatcher(pools, vault, to, identity, clock) as running:
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


async def sent(receiver, path, event, count):
    return receiver.count(path, event) == count


async def settled(webhooks):
    """Nothing is on its way, and what was said is looked through."""
    return not webhooks._on_their_way and not webhooks._unread


async def test_what_happens_is_told_in_order_signed_and_without_people(
    api, admin, school, pools, lesson, receiver, webhooks
):
    endpoint, secret = await add(api, admin, f"{receiver.url}/a")
    await add(api, admin, f"{receiver.url}/b", events=["participant.joined"])
    recording, user = new_id(), new_id()
    ids = await lesson.tell(
        webhooks,
        ("participant.joined", {"user": user, "name": SAM, "role": "student"}),
        ("session.started", {}),
        ("chat.posted", {"message": new_id(), "name": SAM, "text": "my secret", "to": "everyone"}),
        ("destination.failed", {"destination": new_id(), "code": "dns", "attempts": 3}),
        ("session.ended", {}),
        ("recording.finalized",
         {"recording": recording, "media_uri": "r/1", "duration_ms": 5, "bytes": 7,
          "clock": [{"wall_ms": 9, "media_ms": 0}]}),
    )  # fmt: skip
    came = {"/a": [], "/b": []}
    for _ in range(5):
        path, headers, body = await asyncio.wait_for(receiver.got.get(), PATIENCE)
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
        assert SAM.encode() not in raw
        assert b"my secret" not in raw
    assert came["/a"][3][1]["data"] == {
        "tenant": school.tenant, "session": school.session, "sequence": 6,
        "recording": recording, "media_uri": "r/1", "duration_ms": 5, "bytes": 7,
        "clock": [{"wall_ms": 9, "media_ms": 0}],
    }  # fmt: skip
    head = heads.parse(json.dumps(came["/a"][2][1]["data"]["head"]))
    assert head.sequence == 5
    assert heads.find_fault(head, head.public_key) is None
    assert head.public_key == heads.public_key((await installation.read(pools)).seed)
    ((_, told, raw),) = came["/b"]
    assert told["data"]["name"] == SAM
    assert not signatures(came["/b"][0][0], raw, secret)[0]

    async def done():
        rows = await deliveries(api, admin, endpoint, "?status=delivered")
        return len(rows) == 4 and rows

    rows = await eventually(done)
    assert {(row["attempts"], row["last_status"]) for row in rows} == {(1, 200)}
    path = f"{ENDPOINTS}/{endpoint}/redrive"
    answer = await api.post(admin, path, {"session": school.session, "from_sequence": 5})
    assert answer.body == {"deliveries": 2}
    again = [await receiver.next("/a") for _ in range(2)]
    assert [headers["webhook-id"] for headers, _, _ in again] == [ids[4], ids[5]]
    assert again[0][2] == came["/a"][2][2]


async def test_a_dead_endpoint_delays_nobody_and_is_disabled_after_a_day(
    api, admin, lesson, receiver, webhooks, clock
):
    dead, _ = await add(api, admin, f"{receiver.url}/dead")
    await add(api, admin, f"{receiver.url}/well")
    receiver.answers["/dead"] = 503
    (started, ended) = await lesson.tell(webhooks, ("session.started", {}), ("session.ended", {}))

    async def row(sequence):
        rows = await deliveries(api, admin, dead)
        return next(each for each in rows if each["sequence"] == sequence)

    for tries in range(1, TRIES + 1):
        await eventually(partial(sent, receiver, "/dead", started, tries))

        async def noted(tries=tries):
            tried = await row(1)
            return tried["attempts"] == tries and await settled(webhooks) and tried

        tried = await eventually(noted)
        assert (tried["attempts"], tried["last_status"]) == (tries, 503)
        # What is behind it in its session waits; nothing else does.
        assert receiver.count("/dead") == tries
        if tries == 1:
            await eventually(lambda: sent(receiver, "/well", ended, 1))
            assert [path for path, _, _ in receiver.all if path == "/well"] == ["/well"] * 2
            shown = (await api.get(admin, f"{ENDPOINTS}/{dead}")).body
            assert shown["status"] == "active"
            assert shown["failing_since"] is not None
        if tries < TRIES:
            clock.ahead_ms += backoff.DELAYS_SECONDS[tries - 1] * 1100
            webhooks.wake()
    shown = (await api.get(admin, f"{ENDPOINTS}/{dead}")).body
    assert (shown["status"], shown["disabled_reason"]) == ("disabled", "failing")
    assert [(await row(each))["status"] for each in (1, 2)] == ["failed", "pending"]
    assert (await row(1))["last_error"] == "status"

    # Nothing is noted for it any more; enabled again it gets what waited, and hears from then on.
    answer = await api.post(admin, f"{ENDPOINTS}/{dead}/ping")
    assert answer.code == "conflict"
    await lesson.tell(webhooks, ("session.archived", {}))
    await eventually(lambda: sent(receiver, "/well", None, 3))
    receiver.answers.clear()
    path = f"{ENDPOINTS}/{dead}"
    answer = await api.patch(admin, path, {"status": "active"})
    assert (answer.body["status"], answer.body["disabled_reason"]) == ("active", None)
    await eventually(lambda: sent(receiver, "/dead", ended, 1))
    assert (await api.post(admin, f"{path}/redrive", {})).body == {"deliveries": 1}
    await eventually(lambda: sent(receiver, "/dead", started, TRIES + 1))
    assert receiver.count("/dead") == TRIES + 2
    await eventually(lambda: settled(webhooks))
    assert (await api.get(admin, path)).body["failing_since"] is None


async def test_a_message_that_fails_alone_gives_way_after_its_tries(
    api, admin, pools, lesson, receiver, webhooks, clock
):
    """Others of its endpoint arrive: it is given up, and the next of its session comes."""
    endpoint, _ = await add(api, admin, f"{receiver.url}/a")
    first, second = await lesson.tell(
        None, ("session.started", {}), ("session.ended", {}), told=False
    )
    receiver.answers[first] = 500
    webhooks.notify(lesson.session, ["session.started"])
    await eventually(lambda: sent(receiver, "/a", first, 1))
    await eventually(lambda: settled(webhooks))
    async with pools.hub() as connection:
        await connection.execute(
            "UPDATE webhook_deliveries SET attempts = $1 WHERE sequence = 1", TRIES - 1
        )
    clock.ahead_ms += 60_000
    webhooks.wake()
    await eventually(lambda: sent(receiver, "/a", first, 2))
    await eventually(lambda: sent(receiver, "/a", second, 1))
    await eventually(lambda: settled(webhooks))
    rows = await deliveries(api, admin, endpoint)
    assert [(each["sequence"], each["status"]) for each in rows] == [
        (2, "delivered"),
        (1, "failed"),
    ]
    assert (await api.get(admin, f"{ENDPOINTS}/{endpoint}")).body["status"] == "active"


async def test_nothing_is_lost_when_nodes_are_killed_and_two_share_the_work(
    api, admin, lesson, receiver, dispatching, clock
):
    await add(api, admin, f"{receiver.url}/a")
    receiver.held.clear()
    async with dispatching() as running:
        (first,) = await lesson.tell(running, ("session.started", {}))
        await eventually(lambda: sent(receiver, "/a", first, 1))
        # Killed before it heard the answer; what happens then, nobody is told.
    (second,) = await lesson.tell(None, ("session.ended", {}), told=False)
    receiver.held.set()
    clock.ahead_ms += webhook_queue.LEASE_MS
    async with dispatching() as one, dispatching() as other:
        await eventually(lambda: sent(receiver, "/a", second, 1))
        assert [headers["webhook-id"] for _, headers, _ in receiver.all] == [first, first, second]
        finals = [("recording.failed", {"recording": new_id(), "code": "empty"}) for _ in range(40)]
        ids = []
        for each in finals:
            ids += await lesson.tell(one, each)
            other.notify(lesson.session, [each[0]])
        await eventually(lambda: sent(receiver, "/a", ids[-1], 1))
        assert [headers["webhook-id"] for _, headers, _ in receiver.all[3:]] == ids


async def test_a_new_secret_signs_beside_the_old_one_for_a_day(
    api, admin, receiver, webhooks, clock, dispatching, owner
):
    endpoint, old = await add(api, admin, f"{receiver.url}/a")
    path = f"{ENDPOINTS}/{endpoint}"
    assert "secret" not in (await api.get(admin, path)).body
    assert old not in str((await api.get(admin, ENDPOINTS)).body)
    rotated = (await api.post(admin, f"{path}/rotate-secret")).body
    new = rotated["secret"]
    assert rotated["endpoint"]["previous_secret_until"] is not None
    answer = await api.post(admin, f"{path}/ping")
    assert answer.status == 202
    headers, body, raw = await receiver.next("/a")
    assert (body["type"], body["data"]) == ("webhook.ping", {"tenant": admin.tenant})
    assert headers["webhook-id"] == answer.body["event"]
    assert signatures(headers, raw, new) == [True, False]
    assert signatures(headers, raw, old) == [False, True]
    clock.ahead_ms += DAY_MS
    await api.post(admin, f"{path}/ping")
    headers, _, raw = await receiver.next("/a")
    assert signatures(headers, raw, new) == [True]

    async def kept():
        return await owner.fetchval("SELECT count(*) FROM secrets") == 1

    async with dispatching():  # it sweeps as it starts
        await eventually(kept)
    assert (await api.send("DELETE", admin, path)).status == 204
    assert await owner.fetchval("SELECT count(*) FROM secrets") == 0
    assert (await api.get(admin, path)).code == "not_found"


def look_up(host, *args, real=socket.getaddrinfo, **more):
    """Know one name, as where there is no network."""
    if isinstance(host, str) and host.rstrip(".").rpartition(".")[2].isalpha():
        if host != "example.org":
            raise socket.gaierror(socket.EAI_NONAME, "not known")
        host = "93.184.215.14"
    return real(host, *args, **more)


async def test_nothing_is_sent_where_it_may_not_go(
    api, admin, pools, receiver, webhooks, monkeypatch
):
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    for url in (
        "http://example.org/", "https://10.0.0.1/", "https://169.254.169.254/", "https://[::1]/",
        "https://2130706433.example/", "ftp://127.0.0.1/", "https://u:p@127.0.0.1/", "x",
        "https://127.0.0.1/#x", "https://exämple.org/", "http://[::1", "https://:443/",
    ):  # fmt: skip
        answer = await api.post(admin, ENDPOINTS, {"url": url})
        assert (answer.status, answer.body["field"]) == (422, "url"), url
    outcomes = {}
    monkeypatch.setattr(sender, "TIMEOUT_SECONDS", 5.0)
    receiver.answers |= {"/moved": 302, "/gone": 410}
    for name in ("/moved", "/gone", "/slow", "/closed", "/private", "/plain", "/unknown"):
        endpoint, _ = await add(api, admin, receiver.url + name)
        outcomes[endpoint] = name
    where = {
        "/closed": "http://127.0.0.1:9/closed",
        # As when a name answers differently than it did.
        "/private": "https://10.0.0.1/private",
        "/plain": "http://192.0.2.1/plain",
        "/unknown": "https://nowhere.invalid/unknown",
    }
    async with pools.hub() as connection, connection.transaction():
        await connection.execute("SET LOCAL ROLE liveclass_owner")
        for endpoint, name in outcomes.items():
            if name in where:
                await connection.execute(
                    "UPDATE webhook_endpoints SET url = $2 WHERE id = $1", endpoint, where[name]
                )
    receiver.slow.add("/slow")
    for endpoint in outcomes:
        assert (await api.post(admin, f"{ENDPOINTS}/{endpoint}/ping")).status == 202

    async def tried():
        rows = {
            name: (await deliveries(api, admin, endpoint))[0] for endpoint, name in outcomes.items()
        }
        return all(each["last_error"] for each in rows.values()) and rows

    rows = await eventually(tried)
    assert {
        name: (row["last_error"], row["last_status"], row["status"]) for name, row in rows.items()
    } == {
        "/moved": ("status", 302, "pending"),
        "/gone": ("status", 410, "failed"),
        "/slow": ("timeout", None, "pending"),
        "/closed": ("connection", None, "pending"),
        "/private": ("address_not_allowed", None, "pending"),
        "/plain": ("address_not_allowed", None, "pending"),
        "/unknown": ("dns", None, "pending"),
    }
    assert {path for path, _, _ in receiver.all} == {"/moved", "/gone", "/slow"}
    (gone,) = [endpoint for endpoint, name in outcomes.items() if name == "/gone"]
    shown = (await api.get(admin, f"{ENDPOINTS}/{gone}")).body
    assert (shown["status"], shown["disabled_reason"]) == ("disabled", "gone")


async def test_endpoints_are_the_admins_of_their_tenant(
    api, admin, pools, school, lesson, receiver, webhooks
):
    other = await found(pools)
    stranger = await make_admin(pools, other.tenant)
    endpoint, _ = await add(api, admin, f"{receiver.url}/a", description="Ours")
    await add(api, stranger, f"{receiver.url}/a")
    assert (await api.post(admin, ENDPOINTS, {"url": f"{receiver.url}/a"})).code == "conflict"
    path = f"{ENDPOINTS}/{endpoint}"
    for method, at, body in (
        ("GET", path, None),
        ("PATCH", path, {"description": "Mine"}),
        ("DELETE", path, None),
        ("GET", f"{path}/deliveries", None),
        ("POST", f"{path}/ping", None),
        ("POST", f"{path}/rotate-secret", None),
        ("POST", f"{path}/redrive", {}),
    ):
        assert (await api.send(method, stranger, at, body)).code == "not_found"
        assert (await api.send(method, school.teacher, at, body)).code == "forbidden"
    assert [each["id"] for each in (await api.get(admin, ENDPOINTS)).body["items"]] == [endpoint]
    mine = (await api.get(stranger, ENDPOINTS)).body["items"][0]["id"]
    answer = await api.post(stranger, f"{ENDPOINTS}/{mine}/redrive", {"session": school.session})
    assert answer.code == "not_found"

    answer = await api.patch(admin, path, {"events": ["session.ended"], "url": f"{receiver.url}/b"})
    assert (answer.body["events"], answer.body["description"]) == (["session.ended"], "Ours")
    await lesson.tell(webhooks, ("session.started", {}), ("session.ended", {}))
    _, body, _ = await receiver.next("/b")
    assert (body["type"], body["data"]["tenant"]) == ("session.ended", school.tenant)
    await api.patch(admin, path, {"status": "disabled"})
    await lesson.tell(webhooks, ("session.ended", {}))
    await eventually(lambda: settled(webhooks))
    assert receiver.count("/a") == 0
    assert receiver.count("/b") == 1


async def test_who_is_erased_is_in_no_message_any_more(
    api, admin, pools, lesson, receiver, webhooks, owner
):
    endpoint, _ = await add(api, admin, f"{receiver.url}/a", events=["participant.joined"])
    user = new_id()
    async with pools.tenant(lesson.tenant) as connection:
        await users.ensure(connection, lesson.tenant, user, SAM)
    sam = {"user": user, "name": SAM, "role": "student"}
    await lesson.tell(webhooks, ("participant.joined", sam))
    _, body, _ = await receiver.next("/a")
    assert body["data"]["name"] == SAM
    rows = await owner.fetch("SELECT webhook_deliveries::text FROM webhook_deliveries")
    assert SAM not in str(rows)
    await erasure.erase(pools, lesson.tenant, user, leave_seconds=0)
    path = f"{ENDPOINTS}/{endpoint}/redrive"
    assert (await api.post(admin, path, {"session": lesson.session})).body == {"deliveries": 1}
    _, body, raw = await receiver.next("/a")
    assert body["data"]["user"] == user
    assert SAM.encode() not in raw
