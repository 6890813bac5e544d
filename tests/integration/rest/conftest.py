"""REST on a real database: two schools, and requests as their people make them.

``api``       sends requests: ``await api.get(ann, "/v1/courses")``
``school``    a tenant with a teacher, an assistant, a student and a session
``stranger``  the teacher of another tenant
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest_asyncio
from aiohttp import web

from server.addresses import parse_allowed
from server.artifacts.worker import Maker
from server.assets.processing import Processing
from server.auth.grants import Grants, grants_key
from server.auth.join_links import JoinLinks, join_links_key
from server.auth.origins import Origins
from server.auth.tokens import Tokens, tokens_key
from server.auth.turn import Turn, turn_key
from server.clock import SystemClock
from server.config import Settings, settings_key
from server.hub.hub import Hub
from server.hub.lease import Lease
from server.hub.links import Links
from server.hub.live_sessions import LiveSessions
from server.hub.snapshots import Snapshots
from server.ids import new_id
from server.media.destinations.address import AddressGuard
from server.media.destinations.trials import Trials
from server.media.local_fabric import LocalFabric
from server.objects.files import FileObjects
from server.objects.signing import UrlSigner
from server.recordings.downloads import Downloads
from server.replays.media import Timelines
from server.replays.moments import Moments
from server.rest import cors, problems, routes
from server.rest.artifacts import maker_key
from server.rest.join_links import JOINS
from server.rest.objects import signer_key
from server.rest.ports import (
    addresses_key,
    clock_key,
    erasures_key,
    key_vault_key,
    live_sessions_key,
    objects_key,
    projections_key,
    signalling_key,
    trials_key,
    uploads_key,
    webhooks_key,
)
from server.rest.recordings import downloads_key
from server.rest.replays import moments_key, timelines_key
from server.rest.throttle import Throttle, joins_key
from server.retention import Retention
from server.secrets.references import References
from server.secrets.secret import Secret
from server.secrets.vault import Vault
from server.store import courses, installation, sessions, tenants, users
from server.store.log import LogReader, LogWriter
from server.store.nodes import Membership
from server.store.pool import pools_key
from server.store.projector import Projector
from server.tasks import Supervisor
from server.webhooks.dispatcher import Dispatcher
from server.webhooks.sender import Sender
from tests.integration.store.conftest import Room
from tests.patience import PATIENCE

TOKEN_SECRET = Secret("a secret of thirty-two bytes or so, for tests")
ISSUER = "liveclass"
VAULT_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
ICE_SERVERS = ("stun:stun.example", "turn:turn.example?transport=udp", "turns:turn.example")
TOKENS = Tokens(TOKEN_SECRET, ISSUER, SystemClock())


@dataclass
class Person:
    tenant: str
    id: str
    role: str
    session: str | None = None

    def token(self, *, ttl=600, role=None, scope=(), tenant=None, session=...):
        return TOKENS.issue(
            subject=self.id,
            tenant=tenant or self.tenant,
            role=role or self.role,
            name=self.role.title(),
            ttl_seconds=ttl,
            session=self.session if session is ... else session,
            scope=scope,
        )


@dataclass
class Answer:
    status: int
    body: Any
    raw: bytes
    headers: Any

    @property
    def code(self):
        assert self.headers["Content-Type"] == "application/problem+json"
        assert self.body["status"] == self.status
        return self.body["code"]


class Api:
    def __init__(self, client):
        self.client = client

    async def send(self, method, who, path, body=None, *, headers=None, raw=None):
        headers = dict(headers or {})
        if who is not None:
            token = who if isinstance(who, str) else who.token()
            headers["Authorization"] = f"Bearer {token}"
        data = raw
        if body is not None:
            data = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        async with self.client.request(method, path, data=data, headers=headers) as response:
            read = await response.read()
            is_json = read and response.content_type.endswith(("/json", "+json"))
            return Answer(
                response.status, json.loads(read) if is_json else None, read, response.headers
            )

    async def get(self, who, path, **more):
        return await self.send("GET", who, path, **more)

    async def post(self, who, path, body=None, **more):
        return await self.send("POST", who, path, body, **more)

    async def patch(self, who, path, body, **more):
        return await self.send("PATCH", who, path, body, **more)


@dataclass
class School:
    tenant: str
    teacher: Person
    assistant: Person
    student: Person
    course: str
    lesson: str
    session: str
    admin: Person


async def found(pools):
    """A new tenant with people, a course, a lesson and a session."""
    tenant = (await tenants.create(pools, "School")).id
    people = {}
    async with pools.tenant(tenant) as connection:
        for role in ("admin", "teacher", "assistant", "student"):
            people[role] = Person(tenant, new_id(), role)
            await users.ensure(connection, tenant, people[role].id, role.title())
            await users.give_role(connection, tenant, people[role].id, role)
        course = await courses.create(connection, tenant, title="Maths")
        lesson = await courses.create_lesson(connection, tenant, course.id, title="One")
        session = await sessions.create(connection, tenant, title="Algebra", lesson=lesson.id)
    return School(
        tenant,
        people["teacher"],
        people["assistant"],
        people["student"],
        course.id,
        lesson.id,
        session.id,
        people["admin"],
    )


@pytest_asyncio.fixture
async def school(pools):
    return await found(pools)


@pytest_asyncio.fixture
async def stranger(pools):
    return (await found(pools)).teacher


@pytest_asyncio.fixture
async def vault(pools):
    return Vault(pools, [Secret(VAULT_KEY)])


class Alone:
    """Nobody listens to the rooms."""

    def opened(self, room):
        pass

    def committed(self, room, before, recorded):
        pass

    def closed(self, room):
        pass


@pytest_asyncio.fixture
async def hub(pools):
    clock = SystemClock()
    async with (
        Supervisor("test") as tasks,
        LogWriter(pools) as writer,
        Links(TOKEN_SECRET, clock) as links,
    ):
        node = new_id()
        async with Membership(pools, node, "https://live.example", "") as membership:
            hub = Hub(
                lease=Lease(pools, node, membership),
                follow=links.follow,
                writer=writer,
                reader=LogReader(pools),
                snapshots=Snapshots(pools, LogReader(pools), tasks),
                clock=SystemClock(),
                tasks=tasks,
                listener=Alone(),
                drain_seconds=0,
            )
            yield hub
            await hub.drain()


async def nothing(*_):
    """Nothing of a worker that is not there."""


@pytest_asyncio.fixture
async def fabric(tmp_path):
    """The way to a media worker that is away."""
    async with LocalFabric(
        tmp_path / "media.sock", on_event=nothing, resolve_secret=nothing, on_health=print
    ) as fabric:
        yield fabric


class PatientProjector(Projector):
    """Lets who asks for a moment wait for as long as it takes on this machine."""

    patience = PATIENCE

    async def wait_for(self, session, sequence, timeout=None):
        seconds = self.patience if timeout is None else timeout
        return await super().wait_for(session, sequence, seconds)


@pytest_asyncio.fixture
async def projector(pools):
    async with PatientProjector(pools) as projector:
        yield projector


@pytest_asyncio.fixture
async def tell(pools, projector):
    """Write a class into its log: ``await tell(school, (minute, type, data), …)``.

    A fourth part of an event is who it is by. The tables show it when this returns.
    """

    async def tell(school, *told, start_ms=1_795_302_000_000):
        room = await Room.open(pools, school.tenant, session=school.session)
        commands = [
            room.command(
                (kind, data), actor=by[0] if by else None, at_ms=start_ms + minute * 60_000
            )
            for minute, kind, data, *by in told
        ]
        async with LogWriter(pools) as writer:
            await writer.append(room.session, room.epoch, commands)
        assert await projector.wait_for(room.session, room.sequence, timeout=PATIENCE)

    return tell


@pytest_asyncio.fixture
async def retention(app):
    """What removes what is kept no longer, and finishes erasures, when it is told to sweep."""
    return app[erasures_key]


@pytest_asyncio.fixture
async def webhooks(pools, vault):
    """What delivers to endpoints on this machine; it is not running."""
    sender, identity = Sender(parse_allowed("127.0.0.0/8:*")), await installation.read(pools)
    return Dispatcher(pools, vault, sender, identity, SystemClock())


@pytest_asyncio.fixture
async def app(pools, database_url, redis_url, tmp_path, vault, hub, fabric, projector, webhooks):
    settings = Settings(
        database_url=Secret(database_url),
        redis_url=Secret(redis_url),
        objects_url=tmp_path.as_uri(),
        token_secret=TOKEN_SECRET,
        secret_keys=(Secret(VAULT_KEY),),
        public_url="https://live.example",
        egress_allow=("127.0.0.0/8:1935",),
        stream_key_refs=("env:STREAM_KEY_", "file:/run/secrets/{tenant}/"),
    )
    app = web.Application(middlewares=[problems.middleware])
    app[settings_key] = settings
    app[tokens_key] = TOKENS
    app[grants_key] = Grants(TOKEN_SECRET, SystemClock())
    app[join_links_key] = JoinLinks(TOKEN_SECRET)
    app[joins_key] = Throttle(JOINS, SystemClock())
    app[turn_key] = Turn(ICE_SERVERS, Secret("shared with coturn"), SystemClock())
    app[cors.origins_key] = Origins("https://live.example", ("https://school.example",))
    app.on_response_prepare.append(cors.share)
    app[pools_key] = pools
    signer = UrlSigner(TOKEN_SECRET, "https://live.example", SystemClock())
    app[signer_key] = signer
    app[objects_key] = FileObjects(tmp_path / "objects", signer)
    app[key_vault_key] = vault
    app[webhooks_key] = webhooks
    app[projections_key] = projector
    app[signalling_key] = fabric
    live = LiveSessions(hub, LogReader(pools), (await installation.read(pools)).log)
    app[live_sessions_key] = live
    app[clock_key] = SystemClock()
    app[moments_key] = Moments(pools, LogReader(pools), live.blanked)
    app[timelines_key] = Timelines(app[objects_key])
    app[addresses_key] = AddressGuard(parse_allowed(",".join(settings.egress_allow)))
    app[trials_key] = Trials(References(vault).resolve, allowed=("127.0.0.0/8:*",), seconds=0.5)
    app[erasures_key] = Retention(
        pools, app[objects_key], app[live_sessions_key], SystemClock(), leave_seconds=0
    )
    app[downloads_key] = Downloads(pools, app[objects_key])
    app[maker_key] = Maker(pools, LogReader(pools), live.report, SystemClock())
    app[uploads_key] = Processing(pools, app[objects_key], live, LogReader(pools), SystemClock())
    app.add_routes(routes.table())
    return app


@pytest_asyncio.fixture
async def api(app, aiohttp_client):
    return Api(await aiohttp_client(app))
