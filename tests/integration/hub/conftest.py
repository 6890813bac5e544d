"""A node without REST and media: the hub and its socket on a real database.

``school``   a tenant with sessions, made by SQL
``node``     starts nodes on ``database_url``; each is a server on a free port of loopback
"""

import asyncio
import random
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from load.connection import Connection
from protocol import commands as cmd
from protocol.frames import Ack
from server.auth.origins import Origins
from server.auth.tokens import Tokens
from server.clock import SystemClock
from server.hub import bucket, peer
from server.hub import connection as connection_module
from server.hub.door import Door
from server.hub.hub import Hub
from server.hub.lease import Lease
from server.hub.link_server import LinkServer
from server.hub.links import Links
from server.hub.revocation import Revocation
from server.hub.snapshots import Snapshots
from server.hub.socket import LiveSocket
from server.ids import new_id
from server.secrets.secret import Secret
from server.store import installation, nodes, pool
from server.store import log as log_module
from server.store.log import LogReader, LogWriter
from server.store.nodes import Membership
from server.store.pool import Pools
from server.tasks import Supervisor
from tests.demo import free_port
from tests.patience import PATIENCE, eventually

from .raw import Raw

SECRET = Secret("a secret of thirty-two bytes or so, for tests")
ORIGIN = "https://school.example"


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    """Give nobody up because this machine is slow: a test of that says for itself how soon."""
    monkeypatch.setattr(connection_module, "HEARTBEAT_INTERVAL_MS", 2_000 * PATIENCE)
    monkeypatch.setattr(peer, "STALLED_SECONDS", PATIENCE)
    monkeypatch.setattr(log_module, "LOCK_SECONDS", PATIENCE)
    monkeypatch.setattr(pool, "SOON_SECONDS", dict.fromkeys(pool.SOON_SECONDS, PATIENCE))
    monkeypatch.setattr(log_module, "SOON_SECONDS", pool.SOON_SECONDS)


class School:
    """One tenant's people and sessions."""

    def __init__(self, owner, tenant, lesson):
        self._owner, self.tenant, self._lesson = owner, tenant, lesson
        self.tokens = Tokens(SECRET, "liveclass", SystemClock())

    async def session(self):
        session = new_id()
        await self._owner.execute(
            "INSERT INTO sessions (id, tenant_id, lesson_id, title) VALUES ($1, $2, $3, 'Algebra')",
            session, self.tenant, self._lesson,
        )  # fmt: skip
        return session

    def token(self, session, role="student", name="Ann", *, user=None, ttl=600, tenant=None):
        return self.tokens.issue(
            subject=user or new_id(), tenant=tenant or self.tenant, role=role, name=name,
            ttl_seconds=ttl, session=session,
        )  # fmt: skip


async def founded(owner):
    """Return a new school, with one lesson, for the owner of the tables."""
    tenant, course, lesson = new_id(), new_id(), new_id()
    await owner.execute("INSERT INTO tenants (id, name) VALUES ($1, 'School')", tenant)
    await owner.execute(
        "INSERT INTO courses (id, tenant_id, title) VALUES ($1, $2, 'Maths')", course, tenant
    )
    await owner.execute(
        "INSERT INTO lessons (id, tenant_id, course_id, title, order_index) "
        "VALUES ($1, $2, $3, 'One', 1)",
        lesson, tenant, course,
    )  # fmt: skip
    return School(owner, tenant, lesson)


@pytest_asyncio.fixture
async def school(owner):
    return await founded(owner)


class Quiet:
    def opened(self, owned):
        pass

    def committed(self, owned, before, recorded):
        pass

    def closed(self, owned):
        pass


class Expelled:
    """In the media engine's place: whose streams would be ended."""

    def __init__(self):
        self.pairs = []

    async def __call__(self, session, user):
        self.pairs.append((session, user))


class Node:
    """A running hub: where it listens, and what a test may reach of its inside."""

    def __init__(self, url, hub, http, lease, pools, revocation):
        self.url, self.hub, self.http = url, hub, http
        self.lease, self.pools, self.revocation = lease, pools, revocation
        self.expelled = revocation._expel.pairs
        self.raws = []  # or a socket that a test has dropped is closed by nobody
        self._people = []

    def live(self, session):
        return f"{self.url}/v1/sessions/{session}/live"

    def person(self, session, token, tasks, **more):
        person = Connection(self.http, self.live(session), token, rng=random.Random(1), **more)
        self._people.append(tasks.start("person", person.run()))
        return person

    async def forget_people(self):
        """Have nobody come back to a node that is no more."""
        for each in self._people:
            each.cancel()
        if self._people:
            await asyncio.wait(self._people)

    async def seem_dead(self, others, monkeypatch):
        """Seem dead to the database, without a word to anybody, for longer than others wait."""
        membership = self.lease._membership
        monkeypatch.setattr(membership, "beat", asyncio.Event().wait)
        membership._connection.terminate()
        membership._connection = None
        for other in (each.lease._membership for each in others):
            other._locked_at -= nodes.LIFE_SECONDS
            await eventually(lambda other=other: other.is_dead(self.lease.node))


@asynccontextmanager
async def started(database_url, tokens, *, name=None, port=0, clock=None, serve=lambda hub: ()):
    """Run a node; ``serve`` gives what it serves to other nodes beside links."""
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(Supervisor("node"))
        pools = await stack.enter_async_context(Pools.open(database_url))
        writer = await stack.enter_async_context(LogWriter(pools))
        name = name or new_id()
        links = await stack.enter_async_context(Links(SECRET, clock, name))
        internal = free_port()
        url = f"http://127.0.0.1:{internal}"
        membership = await stack.enter_async_context(Membership(pools, name, "http://here", url))
        lease = Lease(pools, name, membership)
        reader = LogReader(pools)
        hub = Hub(
            lease=lease, follow=links.follow, writer=writer, reader=reader, clock=clock,
            snapshots=Snapshots(pools, reader, tasks), tasks=tasks, listener=Quiet(),
            drain_seconds=1,
        )  # fmt: skip
        tasks.start("time", hub.keep_time())
        tasks.start("lease", lease.keep(hub.doubt))
        revocation = Revocation(hub, pools, Expelled())
        identity = await installation.read(pools)
        door = Door(pools, Origins(ORIGIN), identity.log)
        socket = LiveSocket(hub, tokens, door, clock)
        app = web.Application()
        app.add_routes([web.get("/v1/sessions/{session}/live", socket.handle)])
        inner = web.Application()
        LinkServer(hub, SECRET, identity.log).serve(inner)
        inner.add_routes(serve(hub))
        runners = []
        for served, wanted in ((app, port), (inner, internal)):
            runners.append(web.AppRunner(served, shutdown_timeout=1))
            await runners[-1].setup()
            site = web.TCPSite(runners[-1], "127.0.0.1", wanted)
            await site.start()
            if served is app:
                port = site._server.sockets[0].getsockname()[1]
        http = await stack.enter_async_context(aiohttp.ClientSession())
        node = Node(f"http://127.0.0.1:{port}", hub, http, lease, pools, revocation)
        yield node
        await node.forget_people()
        await http.close()  # or the drain waits for the goodbyes of whom a test has dropped
        await hub.drain()
        for runner in runners:
            await runner.cleanup()


@pytest_asyncio.fixture
async def node(database_url, school):
    async with started(database_url, school.tokens) as node:
        yield node


@pytest_asyncio.fixture
async def tasks():
    async with Supervisor("test") as tasks:
        yield tasks


class Lesson:
    """A live class with a teacher and two students, who connect again by themselves."""

    def __init__(self, node, school, session, tasks):
        self._node, self._school, self._tasks = node, school, tasks
        self.session = session
        self.teacher = self.person("teacher", "Tess")
        self.ann, self.bob = self.person(name="Ann"), self.person(name="Bob")

    @property
    def everybody(self):
        return self.teacher, self.ann, self.bob

    @property
    def room(self):
        return self._node.hub.find(self.session)

    def token(self, role="student", name="Cleo", **more):
        return self._school.token(self.session, role, name, **more)

    def person(self, role="student", name="Cleo", **more):
        return self._node.person(self.session, self.token(role, name, **more), self._tasks)

    async def caught_up(self, *people):
        people = people or self.everybody
        head = max(self.room.head.sequence, *(each.client.position for each in people))
        for each in people:
            assert await each.until(lambda client: client.position >= head, PATIENCE)

    async def raw(self, role="student", name="Raw", **more):
        return await Raw.join(self._node, self.session, self.token(role, name, **more))


@pytest_asyncio.fixture
async def lesson(node, school, tasks):
    lesson = Lesson(node, school, await school.session(), tasks)
    assert isinstance(await lesson.teacher.say(cmd.SessionStart()), Ack)
    await eventually(lambda: len(lesson.room.state.people) == len(lesson.everybody))
    await lesson.caught_up()
    return lesson


@pytest.fixture
def in_no_time(monkeypatch):
    """Let nobody's allowance grow again, however long it takes to spend it."""
    take = bucket.Bucket.take
    monkeypatch.setattr(bucket.Bucket, "take", lambda self, _: take(self, self._seen))


@pytest.fixture
def unlimited(monkeypatch):
    """Let everybody send as fast as they can."""
    for kind in bucket.RATES:
        monkeypatch.setitem(bucket.RATES, kind, bucket.Rate(1e6, 1_000_000))
