"""Real PostgreSQL and Valkey for every test: one pair per worker, a fresh database per test.

``services``      the running servers
``database_url``  a migrated database of this test alone
``redis_url``     Valkey, emptied
``pools``         connections to ``database_url``
``owner``         one connection to it as the login that owns it
"""

import asyncio
from urllib.parse import urlsplit

import asyncpg
import pytest_asyncio
from redis.asyncio import Redis

from server.embedded import EmbeddedServices
from server.ids import new_id
from server.store.migrate import migrate
from server.store.pool import Pools
from tests.directories import reachable_directory
from tests.patience import PATIENCE

TEMPLATE = "template_migrated"


def at_database(url: str, name: str) -> str:
    """Return ``url`` with another database."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def services():
    """The embedded servers; what they keep need not outlive a power failure."""
    with reachable_directory() as directory:
        async with EmbeddedServices(directory, fast=True) as services:
            yield services


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def migrated_template(services):
    """The name of a migrated database to copy."""
    await execute(services.database_url, f"CREATE DATABASE {TEMPLATE}")
    await migrate(at_database(services.database_url, TEMPLATE))
    return TEMPLATE


@pytest_asyncio.fixture
async def database_url(services, migrated_template):
    """A migrated database of this test alone."""
    name = f"test_{new_id().replace('-', '')}"
    await execute(
        services.database_url,
        f"CREATE DATABASE {name} TEMPLATE {migrated_template} STRATEGY file_copy",
    )
    yield at_database(services.database_url, name)
    await execute(services.database_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture
async def empty_database_url(services):
    """A database of this test alone, without any table."""
    name = f"test_{new_id().replace('-', '')}"
    await execute(services.database_url, f"CREATE DATABASE {name}")
    yield at_database(services.database_url, name)
    await execute(services.database_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture
async def redis_url(services):
    """Valkey, emptied."""
    async with Redis.from_url(services.redis_url) as client:
        await asyncio.wait_for(client.flushall(), PATIENCE)
    return services.redis_url


@pytest_asyncio.fixture
async def pools(database_url):
    """Connections to ``database_url``, one pool per role."""
    async with Pools.open(database_url) as pools:
        yield pools


@pytest_asyncio.fixture
async def owner(database_url):
    """One connection to ``database_url`` as the login that owns it, without our codecs."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()
