"""An installation that can be broken anywhere: PostgreSQL, Valkey, and several nodes.

::

    clients ──┬─ people ─▶ node ── links ─▶ node          each ─▶ is a proxy that goes wrong
              └──────────▶  │                             on demand (``tests.tcp_proxy``)
                            └── database ─▶ PostgreSQL

Each node is a server of its own to the others: its port, its name, its media worker, its way to
the database. What a node says of where its links are taken is rewritten in the database, by a
trigger, so that the others come by its proxy; the server knows of none of this.
"""

import asyncio
import base64
import os
import secrets
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg

from server.embedded import EmbeddedServices
from server.errors import UnavailableError
from server.processes import HUB_NUMBER, MEDIA_SOCKET, Worker
from server.serve import worker_environment
from server.store.migrate import migrate
from server.store.pool import Pools
from server.tasks import Supervisor
from tests.demo import free_port
from tests.tcp_proxy import Address, TcpProxy

HOST = "127.0.0.1"
READY_SECONDS = 150.0
STOP_SECONDS = 20.0

_DETOUR = """
CREATE TABLE detours (node text PRIMARY KEY, proxy text NOT NULL, link text);
GRANT SELECT, INSERT ON detours TO liveclass_hub;
CREATE FUNCTION take_detour() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE port text := substring(NEW.node FROM ':([0-9]+)[.][0-9]+$');
BEGIN
    UPDATE detours SET link = NEW.link WHERE node = port AND proxy <> NEW.link;
    NEW.link := coalesce((SELECT proxy FROM detours WHERE node = port), NEW.link);
    RETURN NEW;
END $$;
CREATE TRIGGER take_detour BEFORE INSERT OR UPDATE ON nodes
    FOR EACH ROW EXECUTE FUNCTION take_detour();
"""


class Node:
    """One hub worker, and the three proxies by which it is reached and reaches."""

    def __init__(self, number: int, database: Address) -> None:
        self.number = number
        self.port = free_port()
        self.database = TcpProxy(database)
        self.links = TcpProxy(self._find_link)
        self.people = TcpProxy((HOST, self.port))
        self.worker: Worker | None = None
        self._pools: Pools | None = None
        self._stopped = 0

    @property
    def name(self) -> str:
        """What reports call it."""
        return f"node {self.number}"

    @property
    def proxies(self) -> tuple[TcpProxy, TcpProxy, TcpProxy]:
        """All three."""
        return self.database, self.links, self.people

    def url(self, *, by_proxy: bool) -> str:
        """Return where people reach it."""
        return f"http://{HOST}:{self.people.port if by_proxy else self.port}"

    async def prepare(
        self, pools: Pools, environ: Mapping[str, str], log: Path, *how: str
    ) -> tuple[Worker, Worker]:
        """Return its processes, which somebody is to run: of media and of the hub."""
        self._pools = pools
        async with pools.hub() as connection:
            await connection.execute(
                "INSERT INTO detours VALUES ($1, $2)",
                str(self.port),
                f"http://{HOST}:{self.links.port}",
            )
        self.worker = Worker(
            self.name,
            ("-m", "tests.faults.node", str(log), *how),
            worker_environment(environ, port=str(self.port), ops_port="0") | {HUB_NUMBER: "0"},
        )
        return Worker(f"media of {self.name}", ("-m", "server.media"), environ), self.worker

    def signal(self, number: int) -> bool:
        """Send a signal; return whether there was a process to send it to."""
        pid = self.worker.pid if self.worker else None
        if pid is None:
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            return True
        return False

    async def stand_still(self, seconds: float) -> None:
        """Stop the process for a while; several at once last until the last one ends."""
        self._stopped += 1
        self.signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._stopped -= 1
            if not self._stopped:
                self.signal(signal.SIGCONT)

    async def heal(self) -> None:
        """End whatever is wrong with its ways."""
        for proxy in self.proxies:
            proxy.heal()
            await proxy.listen()

    async def _find_link(self) -> Address:
        assert self._pools is not None
        try:
            async with self._pools.hub() as connection:
                link = await connection.fetchval(
                    "SELECT link FROM detours WHERE node = $1", str(self.port)
                )
        except UnavailableError:
            raise ConnectionRefusedError from None
        if link is None:
            raise ConnectionRefusedError
        url = urlsplit(link)
        return str(url.hostname), int(url.port or 0)


class Cluster:
    """Everything that runs. ``pools`` goes straight to the database."""

    def __init__(
        self, services: EmbeddedServices, pools: Pools, nodes: Sequence[Node], token_secret: str
    ) -> None:
        self.services = services
        self.pools = pools
        self.nodes = nodes
        self.token_secret = token_secret
        self.logs: list[Path] = []

    async def owner(self, session: str) -> Node | None:
        """Return the node that owns a class, according to the database."""
        async with self.pools.hub() as connection:
            name = await connection.fetchval(
                "SELECT node FROM session_hubs WHERE session_id = $1", session
            )
        ports = {str(node.port): node for node in self.nodes}
        return None if name is None else ports.get(name.rpartition(":")[2].partition(".")[0])

    async def heal(self) -> None:
        """End every fault that lasts."""
        for node in self.nodes:
            await node.heal()
            node.signal(signal.SIGCONT)


@asynccontextmanager
async def running(
    directory: Path, *, nodes: int = 3, how: Sequence[str] = (), fast: bool = False
) -> AsyncIterator[Cluster]:
    """Run an installation on ``directory`` while the block lasts; ``how`` it is broken, if at all.

    ``fast`` gives up what outlives a power failure.
    """
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(EmbeddedServices(directory, fast=fast))
        await migrate(services.database_url)
        connection = await asyncpg.connect(services.database_url)
        await connection.execute(_DETOUR)
        await connection.close()
        pools = await stack.enter_async_context(Pools.open(services.database_url, size=4))
        secret = secrets.token_urlsafe(48)
        (directory / "objects").mkdir()
        environ = worker_environment(
            os.environ,
            redis_url=services.redis_url,
            objects_url=(directory / "objects").resolve().as_uri(),
            token_secret=secret,
            secret_keys=base64.b64encode(secrets.token_bytes(32)).decode(),
            database_url=services.database_url,
            egress_allow="127.0.0.0/8:*",
            drain_seconds="1",
            log_level="warning",
            log_format="json",
        )
        path, url = _database(services.database_url)
        cluster = Cluster(services, pools, [Node(n, path) for n in range(nodes)], secret)
        for node in cluster.nodes:
            for proxy in node.proxies:
                await stack.enter_async_context(proxy)
        tasks = await stack.enter_async_context(Supervisor("cluster"))
        workers: list[Worker] = []
        stack.push_async_callback(_stop, tasks, workers)
        async with _told_by(cluster.logs), asyncio.timeout(READY_SECONDS):
            for node in cluster.nodes:
                log = directory / f"{node.name.replace(' ', '-')}.log"
                cluster.logs.append(log)
                settings = worker_environment(
                    environ,
                    database_url=url.format(port=node.database.port),
                    public_url=node.url(by_proxy=False),
                    spool_dir=str(directory / f"spool-{node.number}"),
                ) | {MEDIA_SOCKET: str(directory / f"media-{node.number}.sock")}
                for worker in await node.prepare(pools, settings, log, *how):
                    workers.append(worker)
                    tasks.start(worker.name, worker.run())
            for worker in workers:
                await worker.ready()
        yield cluster


@asynccontextmanager
async def _told_by(logs: Sequence[Path]) -> AsyncIterator[None]:
    """Say what the nodes' logs say if they do not become ready."""
    try:
        yield
    except TimeoutError:
        said = [path.read_text(errors="replace")[-2000:] for path in logs if path.exists()]
        raise AssertionError("not ready:\n" + "\n".join(said)) from None


async def _stop(tasks: Supervisor, workers: Sequence[Worker]) -> None:
    # The runs would start again what stops now.
    await tasks.close()
    for worker in workers:
        if worker.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGCONT)
    await asyncio.gather(*(worker.stop(STOP_SECONDS) for worker in reversed(workers)))


def _database(url: str) -> tuple[str, str]:
    """Return the socket of the database, and its URL by a ``{port}`` of loopback."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    path = f"{query['host'][0]}/.s.PGSQL.{query['port'][0]}"
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    return path, f"postgresql://{user}:{password}@{HOST}:{{port}}{parts.path}?sslmode=disable"
