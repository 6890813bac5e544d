"""A tenant, a session, and rooms that append to it as the hub's rooms do."""

import os

import orjson
import pytest
import pytest_asyncio

from server.ids import new_id
from server.store import chain, nodes
from server.store import log as log_module
from server.store.log import LogReader, LogWriter, NewEvent
from server.store.projector import Projector
from tests.integration.store.whole_class import WholeClass
from tests.patience import PATIENCE

AT_MS = 1_795_302_000_123


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    """Let who is held up by a test wait for as long as that takes on this machine."""
    monkeypatch.setattr(log_module, "LOCK_SECONDS", PATIENCE)


async def make_session(pools, tenant=None):
    """A new session, of a new tenant unless one is given; returns (tenant, session)."""
    session = new_id()
    is_new, tenant = tenant is None, tenant or new_id()
    async with pools.tenant(tenant) as connection:
        if is_new:
            await connection.execute("INSERT INTO tenants (id, name) VALUES ($1, 'a')", tenant)
        await connection.execute(
            "INSERT INTO sessions (id, tenant_id) VALUES ($1, $2)", session, tenant
        )
    return tenant, session


class Room:
    """The head of one session's log, and commands numbered and linked onto it."""

    def __init__(self, pools, tenant, session, *, node="a"):
        self.pools, self.tenant, self.session, self.node = pools, tenant, session, node
        self.epoch = 0

    @classmethod
    async def open(cls, pools, tenant=None, *, session=None, node="a"):
        if session is None:
            tenant, session = await make_session(pools, tenant)
        room = cls(pools, tenant, session, node=node)
        await room.take_over()
        return room

    async def take_over(self):
        seen = await nodes.find_owner(self.pools, self.session)
        self.epoch = await nodes.take_over(self.pools, self.session, self.node, seen)
        self.sequence, self.digest = await LogReader(self.pools).head(self.session)

    def command(self, *facts, actor=None, key=None, at_ms=AT_MS):
        """One command of the given events: ``(type, data)`` each."""
        events, first = [], self.sequence + 1
        for type_, data in facts:
            self.sequence += 1
            payload, salt, id_ = chain.canonical(data), os.urandom(16), new_id()
            own_key = key if self.sequence == first else None
            payload_digest = chain.payload_digest(salt, payload)
            self.digest = chain.digest(
                self.digest, session=self.session, sequence=self.sequence, id=id_, type=type_,
                version=1, actor=actor, at_ms=at_ms, key=own_key, payload_digest=payload_digest,
            )  # fmt: skip
            events.append(
                NewEvent(
                    id=id_, type=type_, version=1, payload=payload, sequence=self.sequence,
                    key=own_key, command_sequence=first,
                    command_digest=b"d" * 32 if own_key else None, actor=actor, at_ms=at_ms,
                    salt=salt, payload_digest=payload_digest, digest=self.digest,
                )
            )  # fmt: skip
        return events

    def chat(self, text="hello", **how):
        return self.command(
            ("chat.posted", {"message": new_id(), "name": "Ann", "text": text, "to": "everyone"}),
            **how,
        )

    def poison(self):
        """A command that PostgreSQL refuses: jsonb cannot hold U+0000."""
        return self.command(("chat.posted", {"text": "\0"}))

    async def stored(self):
        return [orjson.loads(e.payload) for e in await LogReader(self.pools).read(self.session, 0)]


@pytest_asyncio.fixture
async def writer(pools):
    async with LogWriter(pools) as writer:
        yield writer


@pytest_asyncio.fixture
async def reader(pools):
    return LogReader(pools)


@pytest_asyncio.fixture
async def room(pools):
    return await Room.open(pools)


@pytest_asyncio.fixture
def rooms():
    """The class of rooms, to open more of them."""
    return Room


@pytest_asyncio.fixture
async def projector(pools):
    async with Projector(pools) as projector:
        yield projector


@pytest_asyncio.fixture
async def whole(pools, room):
    """A class in which everything happens, to be told."""
    return await WholeClass.of(pools, room.tenant)
