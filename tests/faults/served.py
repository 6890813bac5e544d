"""``liveclass serve`` as an operator runs it, with everything it needs behind something that fails.

::

    people ─▶ serve ─┬─ database ─▶ PostgreSQL        each ─▶ is a proxy that goes wrong on demand
                     └─ presence ─▶ Valkey            (``tests.tcp_proxy``)

Objects and the spool are directories. What the server logs is read as an operator's tools would.
"""

import asyncio
import base64
import contextlib
import os
import random
import resource
import secrets
import select
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import BinaryIO

import aiohttp
import asyncpg
import msgspec

from load.connection import Connection
from protocol import commands as cmd
from protocol.frames import Ack
from server.auth.tokens import Tokens
from server.clock import SystemClock
from server.embedded import EmbeddedServices
from server.ids import new_id
from server.secrets.secret import Secret
from server.serve import worker_environment
from server.store.log import LogReader
from server.store.migrate import migrate
from server.store.pool import Pools
from server.tasks import Supervisor
from tests.demo import free_port
from tests.integration.hub.raw import Raw
from tests.patience import PATIENCE
from tests.tcp_proxy import TcpProxy

HOST = "127.0.0.1"
READY_SECONDS = 150.0
STOP_SECONDS = 60.0


class _Copied:
    """A pipe whose end is written to a file: whatever limits its writer has, and always."""

    def __init__(self, path: Path) -> None:
        self._reads, writes = os.pipe()
        os.set_blocking(self._reads, False)
        self.writes: BinaryIO = os.fdopen(writes, "wb")
        self._file: BinaryIO = path.open("wb", buffering=0)
        self._copying = threading.Lock()
        self._is_over = False
        self._thread = threading.Thread(target=self._keep_copying, daemon=True)
        self._thread.start()

    def copy(self) -> None:
        """Copy what was written until now."""
        with self._copying, contextlib.suppress(BlockingIOError):
            while not self._is_over:
                data = os.read(self._reads, 1 << 16)
                self._is_over = not data
                self._file.write(data)

    def _keep_copying(self) -> None:
        something = select.poll()
        something.register(self._reads, select.POLLIN)
        while not self._is_over:
            something.poll()
            self.copy()

    def end(self) -> None:
        """Wait until everything is copied: nobody writes any more."""
        self._thread.join(STOP_SECONDS)
        if not self._thread.is_alive():
            self._file.close()
            os.close(self._reads)


def children(pid: int) -> list[int]:
    """Return the processes that ``pid`` has started, and theirs."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == pid:
                    found += [int(entry.name), *children(int(entry.name))]
    return found


class Lesson:
    """A live class; its people come back by themselves."""

    def __init__(self, served: "Served", session: str, tasks: Supervisor) -> None:
        self.served, self.session, self._tasks = served, session, tasks
        self.teacher = self.person("teacher", "Tess")
        self.ann, self.bob = self.person(name="Ann"), self.person(name="Bob")

    @property
    def everybody(self) -> tuple[Connection, ...]:
        return self.teacher, self.ann, self.bob

    def token(self, role: str = "student", name: str = "Cleo", user: str | None = None) -> str:
        return self.served.tokens.issue(
            subject=user or new_id(), tenant=self.served.tenant, role=role, name=name,
            ttl_seconds=600, session=self.session,
        )  # fmt: skip

    def person(self, role: str = "student", name: str = "Cleo") -> Connection:
        token = self.token(role, name)
        served = self.served
        person = Connection(served.http, served.live(self.session), token, rng=random.Random(name))
        self._tasks.start(name, person.run())
        return person

    async def raw(self, name: str = "Raw", user: str | None = None) -> Raw:
        return await Raw.join(self.served, self.session, self.token(name=name, user=user))

    async def caught_up(self, seconds: float = PATIENCE) -> None:
        head = (await self.teacher.say(cmd.ChatPost("are you there?"))).sequence[1]
        for each in self.everybody:
            assert await each.until(lambda client: client.position >= head, seconds)

    async def log(self) -> list[str]:
        """Return the lines of chat as they are in the log, which is whole."""
        reader = LogReader(self.served.pools)
        stored: list = []
        while page := await reader.read(self.session, len(stored)):
            stored += page
        assert [event.sequence for event in stored] == list(range(1, len(stored) + 1))
        assert (await reader.verify(self.session)).broken is None
        keys = [event.key for event in stored if event.key is not None]
        assert len(keys) == len(set(keys))
        return [
            msgspec.json.decode(event.payload)["text"]
            for event in stored
            if event.type == "chat.posted"
        ]


class Served:
    """The server, and what it rests on."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = self.ops_url = ""
        self.raws: list[Raw] = []
        self._log = directory / "serve.log"

    @classmethod
    @asynccontextmanager
    async def start(cls, directory: Path, **settings: str) -> AsyncIterator["Served"]:
        """Serve while the block lasts; ``settings`` by field."""
        self = cls(directory)
        async with AsyncExitStack() as stack:
            self.services = await stack.enter_async_context(
                EmbeddedServices(directory / "services", fast=True)
            )
            direct = self.services.database_url
            await migrate(direct)
            self.pools = await stack.enter_async_context(Pools.open(direct, size=4))
            self.tenant = new_id()
            owner = await asyncpg.connect(direct)
            await owner.execute("INSERT INTO tenants (id, name) VALUES ($1, 'School')", self.tenant)
            await owner.close()
            sockets = self.services._directory.sockets
            self.database = TcpProxy(f"{sockets}/.s.PGSQL.5432")
            self.presence = TcpProxy(f"{sockets}/valkey.sock")
            for proxy in (self.database, self.presence):
                await stack.enter_async_context(proxy)
            self.objects, self.spool = directory / "objects", directory / "spool"
            self.objects.mkdir(exist_ok=True)
            secret = Secret(secrets.token_urlsafe(48))
            self.tokens = Tokens(secret, "liveclass", SystemClock())
            credentials = direct.partition("://")[2].partition("@")[0]
            name = direct.partition("@/")[2].partition("?")[0]
            port = free_port()
            wanted = {
                "database_url": f"postgresql://{credentials}@{HOST}:{self.database.port}/{name}"
                "?sslmode=disable",
                "redis_url": f"redis://{HOST}:{self.presence.port}/0",
                "objects_url": self.objects.as_uri(),
                "spool_dir": str(self.spool),
                "token_secret": secret.reveal(),
                "secret_keys": base64.b64encode(secrets.token_bytes(32)).decode(),
                "port": str(port),
                "ops_port": "0",
                "public_url": f"http://{HOST}:{port}",
                "drain_seconds": "1",
                "log_format": "json",
            }
            self.url = f"http://{HOST}:{port}"
            environ = worker_environment(os.environ, **wanted | settings)
            self._copied = _Copied(self._log)
            stack.callback(self._copied.end)
            with self._copied.writes as log:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "server", "serve",
                    stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env=environ,
                )  # fmt: skip
            stack.push_async_callback(self._stop)
            self.http = await stack.enter_async_context(aiohttp.ClientSession())
            async with asyncio.timeout(READY_SECONDS):
                while not self.said("serving"):
                    assert self._process.returncode is None, self._log.read_text()
                    await asyncio.sleep(0.05)
            self.ops_url = self.said("serving")[0]["ops_url"]
            yield self
            await self.http.close()

    @property
    def pid(self) -> int:
        """The supervisor's."""
        return self._process.pid

    def workers(self, module: str) -> list[int]:
        """Return the processes that run ``module``."""
        return [
            pid
            for pid in children(self.pid)
            if f"-m\0{module}\0" in Path(f"/proc/{pid}/cmdline").read_text()
        ]

    @contextmanager
    def quota(self, module: str, file_bytes: int) -> Iterator[None]:
        """Let no process of ``module`` write a file beyond so much, as a full disk would not."""
        before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in self.workers(module)}
        assert before
        for pid, (_, most) in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (file_bytes, most))
        try:
            yield
        finally:
            for pid, limits in before.items():
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)

    def post(self, path: str, token: str):
        """Return what posts an offer of media."""

        async def post(sdp: bytes) -> tuple:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
            async with self.http.post(self.url + path, data=sdp, headers=headers) as response:
                return response.status, response.headers.copy(), await response.read()

        return post

    def live(self, session: str) -> str:
        return f"{self.url}/v1/sessions/{session}/live"

    def said(self, event: str, after: int = 0) -> list[dict]:
        """Return what was logged under this name since :attr:`mark` was ``after``."""
        return [line for line in self._lines(after) if line.get("event") == event]

    @property
    def mark(self) -> int:
        """How much has been logged so far."""
        self._copied.copy()
        return self._log.stat().st_size

    def warnings(self, after: int) -> list[dict]:
        """Return what was logged as a warning or worse since then."""
        return [line for line in self._lines(after) if line.get("level") in ("warning", "error")]

    def _lines(self, after: int) -> Iterator[dict]:
        self._copied.copy()
        with self._log.open("rb") as log:
            log.seek(after)
            for line in log:
                with contextlib.suppress(msgspec.DecodeError):
                    yield msgspec.json.decode(line)

    async def health(self) -> tuple[int, dict]:
        async with self.http.get(f"{self.ops_url}/healthz/ready") as response:
            body = await response.json()
            return response.status, {part: each["state"] for part, each in body["parts"].items()}

    async def metric(self, name: str) -> float:
        """Return the sum of a metric over its labels."""
        async with self.http.get(f"{self.ops_url}/metrics") as response:
            lines = (await response.text()).splitlines()
        return sum(
            float(line.rpartition(" ")[2])
            for line in lines
            if line.partition("{")[0].partition(" ")[0] == name
        )

    async def rest(self, method: str, path: str, token: str, body: object = None) -> tuple:
        headers = {"Authorization": f"Bearer {token}"}
        async with self.http.request(
            method, self.url + path, json=body, headers=headers
        ) as response:
            return response.status, dict(response.headers), await response.read()

    @asynccontextmanager
    async def lesson(self) -> AsyncIterator[Lesson]:
        """Hold a class while the block lasts."""
        session = new_id()
        async with self.pools.tenant(self.tenant) as connection:
            await connection.execute(
                "INSERT INTO sessions (id, tenant_id, title) VALUES ($1, $2, 'Algebra')",
                session, self.tenant,
            )  # fmt: skip
        async with Supervisor("people") as tasks:
            lesson = Lesson(self, session, tasks)
            assert isinstance(await lesson.teacher.say(cmd.SessionStart()), Ack)
            await lesson.caught_up()
            yield lesson
            await lesson.teacher.say(cmd.SessionEnd())
        self.raws.clear()

    async def _stop(self) -> None:
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
