"""A node of the tests' own process on its way to the database: where its inside is to be looked at.

``services``, ``school``  fixtures: PostgreSQL, migrated, and a tenant in it
"""

from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import pytest

from protocol import commands as cmd
from protocol.frames import Ack
from server.embedded import EmbeddedServices
from server.ids import new_id
from server.store.chain import genesis
from server.store.events import NewEvent
from server.store.migrate import migrate
from server.tasks import Supervisor
from tests.directories import reachable_directory
from tests.integration.hub.conftest import Lesson, founded, started
from tests.tcp_proxy import TcpProxy


@pytest.fixture
async def services():
    with reachable_directory() as directory:
        async with EmbeddedServices(directory, fast=True) as services:
            await migrate(services.database_url)
            yield services


@pytest.fixture
async def school(services):
    owner = await asyncpg.connect(services.database_url)
    yield await founded(owner)
    await owner.close()


@asynccontextmanager
async def way_to(services):
    """Yield a proxy before the database, and the URL by it."""
    async with TcpProxy(f"{services._directory.sockets}/.s.PGSQL.5432") as proxy:
        login = services.database_url.partition("@")[0]
        name = services.database_url.partition("@/")[2].partition("?")[0]
        yield proxy, f"{login}@127.0.0.1:{proxy.port}/{name}?sslmode=disable"


@asynccontextmanager
async def class_on_way_to(services, school, **more):
    """Yield the way, a live class and the node that has it."""
    async with AsyncExitStack() as stack:
        way, url = await stack.enter_async_context(way_to(services))
        node = await stack.enter_async_context(started(url, school.tokens, **more))
        tasks = await stack.enter_async_context(Supervisor("people"))
        lesson = Lesson(node, school, await school.session(), tasks)
        assert isinstance(await lesson.teacher.say(cmd.SessionStart()), Ack)
        await lesson.caught_up()
        yield way, lesson, node


def event(session, sequence=1):
    """An event that the log takes; no chain is verified here."""
    return NewEvent(
        id=new_id(), type="hand.raised", version=1, payload=b"{}", sequence=sequence, key=new_id(),
        command_sequence=None, command_digest=b"", actor=None, at_ms=1_700_000_000_000,
        salt=bytes(16), payload_digest=bytes(32), digest=genesis(session),
    )  # fmt: skip
