"""One machine without set-up: embedded PostgreSQL and Valkey, objects as files, keys of its own.

Everything lives in one directory; the same directory finds everything again.
"""

import base64
import os
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from server.auth import opaque
from server.config import Settings, load
from server.embedded import EmbeddedServices
from server.errors import NotFoundError
from server.ids import new_id
from server.processes import stop_asked
from server.serve import running, worker_environment
from server.store import credentials, tenants, users
from server.store.migrate import migrate
from server.store.pool import Pools

LINK_SECONDS = 3600
SCHOOL = "school.json"
RUNNING = "running.json"


class _Keys(msgspec.Struct, frozen=True):
    """What must stay the same from start to start."""

    token_secret: str
    secret_keys: str

    def __repr__(self) -> str:
        return "_Keys(•••)"


class _School(msgspec.Struct, frozen=True):
    tenant: str
    admin: str


class _Running(msgspec.Struct, frozen=True):
    """Where the server is that runs on a directory, for commands beside it."""

    database_url: str
    url: str

    def __repr__(self) -> str:
        return "_Running(•••)"


class Standalone(NamedTuple):
    """A server's settings, and the environment that says the same to its workers."""

    settings: Settings
    environ: dict[str, str]


@asynccontextmanager
async def standalone(
    directory: Path, environ: Mapping[str, str], **overrides: str
) -> AsyncIterator[Standalone]:
    """Run the embedded services on ``directory``, migrated, while the block lasts.

    ``overrides`` are settings by field; whatever else ``environ`` says holds.

    Raises:
        EmbeddedError: If the directory is busy or broken, in one sentence.

    """
    async with EmbeddedServices(directory) as services:
        await migrate(services.database_url)
        keys = _keys(directory / "keys.json")
        env = worker_environment(
            environ,
            database_url=services.database_url,
            redis_url=services.redis_url,
            objects_url=_objects(directory),
            spool_dir=str(directory / "spool"),
            token_secret=keys.token_secret,
            secret_keys=keys.secret_keys,
            **overrides,
        )
        yield Standalone(load(env), env)


async def serve_standalone(directory: Path, environ: Mapping[str, str]) -> None:
    """Serve on ``directory`` until SIGTERM or SIGINT; the first start makes a school of its own."""
    async with standalone(directory, environ) as alone:
        settings = alone.settings
        is_first = not (directory / SCHOOL).exists()
        school = await _school(settings, directory / SCHOOL)
        database_url = settings.database_url.reveal()
        async with running(settings, alone.environ) as server:
            sys.stdout.write(f"{server.url}  (operations: {server.ops_url})\n")
            sys.stdout.write(f"Tenant {school.tenant}\n")
            if is_first:
                link = await sign_in_link(database_url, server.url, school.tenant, school.admin)
                sys.stdout.write(f"Sign in as its admin, once and within an hour:\n{link}\n")
            else:
                sys.stdout.write(f"To sign in: liveclass admin-link --data {directory}\n")
            sys.stdout.flush()
            # Whoever can read this directory can do all that its server can.
            here = _Running(database_url, server.url)
            write_private(directory / RUNNING, msgspec.json.encode(here))
            try:
                await stop_asked()
            finally:
                (directory / RUNNING).unlink(missing_ok=True)


async def admin_link(directory: Path) -> str:
    """Return a link that signs in, once, the admin of the server that runs on ``directory``.

    Raises:
        NotFoundError: If none runs there.

    """
    school = _read_school(directory / SCHOOL)
    path = directory / RUNNING
    if school is None or not path.exists():
        raise NotFoundError(f"No server runs on {directory}: liveclass serve --data {directory}")
    here = msgspec.json.decode(path.read_bytes(), type=_Running)
    return await sign_in_link(here.database_url, here.url, school.tenant, school.admin)


async def sign_in_link(database_url: str, url: str, tenant: str, user: str) -> str:
    """Return a link that signs ``user`` in, once and within :data:`LINK_SECONDS`.

    Raises:
        InvalidInputError: If the tenant has no such person.

    """
    made = opaque.sign_in_code()
    async with (
        Pools.open(database_url, size=1) as pools,
        pools.tenant(tenant) as connection,
    ):
        await credentials.add_sign_in_code(
            connection, tenant, user, made.digest, ttl_seconds=LINK_SECONDS
        )
    return opaque.sign_in_url(url, made)


async def _school(settings: Settings, path: Path) -> _School:
    """Return the directory's tenant and its admin, made at the first start."""
    known = _read_school(path)
    if known is not None:
        return known
    async with Pools.open(settings.database_url.reveal(), size=2) as pools:
        tenant = await tenants.create(pools, "My school")
        school = _School(tenant.id, new_id())
        async with pools.tenant(tenant.id) as connection:
            await users.ensure(connection, tenant.id, school.admin, "Admin")
            await users.give_role(connection, tenant.id, school.admin, "admin")
    write_private(path, msgspec.json.encode(school))
    return school


def _read_school(path: Path) -> _School | None:
    return msgspec.json.decode(path.read_bytes(), type=_School) if path.exists() else None


def _objects(directory: Path) -> str:
    path = directory.resolve() / "objects"
    path.mkdir(mode=0o700, exist_ok=True)
    return path.as_uri()


def _keys(path: Path) -> _Keys:
    """Return the installation's keys, made at the first start; only its user can read them."""
    if not path.exists():
        keys = _Keys(
            token_secret=secrets.token_urlsafe(48),
            secret_keys=base64.b64encode(secrets.token_bytes(32)).decode(),
        )
        write_private(path, msgspec.json.encode(keys))
    return msgspec.json.decode(path.read_bytes(), type=_Keys)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only this user can read, whole or not at all."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
