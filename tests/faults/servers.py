"""Several ``liveclass serve`` on one database, as on several machines, and a balancer's choice.

::

    people ─▶ whichever server listens ─┬─▶ PostgreSQL
              (a balancer does the same) └─▶ Valkey
"""

import asyncio
import base64
import os
import random
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import msgspec

from server.auth.tokens import Tokens
from server.clock import SystemClock
from server.embedded import EmbeddedServices
from server.ids import new_id
from server.secrets.secret import Secret
from server.serve import worker_environment
from server.store import sessions, tenants
from server.store.migrate import migrate
from server.store.pool import Pools
from tests.demo import free_port

HOST = "127.0.0.1"
READY_SECONDS = 150.0


class Server:
    """One ``liveclass serve``, started as often as told."""

    def __init__(self, number: int, environ: dict[str, str], directory: Path) -> None:
        self.name = f"server {number}"
        self.port, self.ops_port = free_port(), free_port()
        self.log = directory / f"server-{number}.log"
        self._environ = worker_environment(
            environ, port=str(self.port), ops_port=str(self.ops_port),
            public_url=f"http://{HOST}:{self.port}", spool_dir=str(directory / f"spool-{number}"),
        )  # fmt: skip
        self.process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def ops_url(self) -> str:
        return f"http://{HOST}:{self.ops_port}"

    @property
    def listens(self) -> bool:
        """Whether it takes connections at this moment: what a balancer finds by trying."""
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0

    def said(self, event: str) -> list[dict]:
        """Return what it ever logged under this name."""
        found = []
        for line in self.log.read_bytes().splitlines():
            with suppress(msgspec.DecodeError):
                said = msgspec.json.decode(line)
                if said.get("event") == event:
                    found.append(said)
        return found

    async def start(self) -> None:
        """Start it and wait until it serves."""
        before = len(self.said("serving")) if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "server", "serve",
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env=self._environ,
            )  # fmt: skip
        async with asyncio.timeout(READY_SECONDS):
            while len(self.said("serving")) == before:
                assert self.process.returncode is None, self.log.read_text()[-4000:]
                await asyncio.sleep(0.05)

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def stop(self, seconds: float = 60.0) -> int:
        """SIGTERM; return its status."""
        assert self.process is not None
        if self.process.returncode is None:
            self.signal(signal.SIGTERM)
        async with asyncio.timeout(seconds):
            return await self.process.wait()


class Servers:
    """All of them. ``pools`` goes straight to the database."""

    def __init__(
        self, services: EmbeddedServices, pools: Pools, tenant: str, secret: Secret
    ) -> None:
        self.services, self.pools, self.tenant = services, pools, tenant
        self.all: list[Server] = []
        self.environ: dict[str, str] = {}
        self._tokens = Tokens(secret, "liveclass", SystemClock())

    def balanced(self, session: str, rng: random.Random):
        """Return a choice of where to connect next, as a balancer makes it."""

        def choose() -> tuple[str, str]:
            order = rng.sample(self.all, len(self.all))
            server = next((each for each in order if each.listens), order[0])
            return server.name, f"{server.url}/v1/sessions/{session}/live"

        return choose

    def token(self, session: str, role: str = "student", name: str = "Ann") -> str:
        return self._tokens.issue(
            subject=new_id(), tenant=self.tenant, role=role, name=name,
            ttl_seconds=7200, session=session,
        )  # fmt: skip

    async def session(self) -> str:
        async with self.pools.tenant(self.tenant) as connection:
            return (await sessions.create(connection, self.tenant, title="Algebra")).id


@asynccontextmanager
async def serving(directory: Path, count: int, **settings: str) -> AsyncIterator[Servers]:
    """Serve while the block lasts; ``settings`` by field."""
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(
            EmbeddedServices(directory / "services", fast=True)
        )
        await migrate(services.database_url)
        pools = await stack.enter_async_context(Pools.open(services.database_url, size=4))
        tenant = (await tenants.create(pools, "School")).id
        secret = Secret(secrets.token_urlsafe(48))
        objects = directory / "objects"
        objects.mkdir()
        servers = Servers(services, pools, tenant, secret)
        servers.environ = worker_environment(
            os.environ,
            **{
                "database_url": services.database_url,
                "redis_url": services.redis_url,
                "objects_url": objects.resolve().as_uri(),
                "token_secret": secret.reveal(),
                "secret_keys": base64.b64encode(secrets.token_bytes(32)).decode(),
                "log_format": "json",
            }
            | settings,
        )
        servers.all += [Server(number, servers.environ, directory) for number in range(count)]
        stack.push_async_callback(_stop, servers)
        await asyncio.gather(*(each.start() for each in servers.all))
        yield servers


async def _stop(servers: Servers) -> None:
    running = [each for each in servers.all if each.process and each.process.returncode is None]
    await asyncio.gather(*(each.stop() for each in running))
