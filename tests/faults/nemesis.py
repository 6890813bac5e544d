"""What goes wrong, from a seed: processes, the database, Valkey, and every wire between them.

Each fault lasts for a while and heals by itself; several may overlap. What was done, and when, is
the timeline of the report.
"""

import asyncio
import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

from redis.asyncio import Redis
from redis.exceptions import RedisError

from server.errors import LiveClassError
from tests.faults.cluster import Cluster, Node
from tests.faults.history import Fault
from tests.faults.recorder import Clock
from tests.tcp_proxy import TcpProxy

SHORT, LONG = (0.2, 3.0), (7.0, 10.0)
"""How long a node stands still: for less than it may without losing its classes, and for more."""
PAUSE = (1.0, 5.0)
AT_ONCE = 3
DRAIN_SECONDS = 15.0

Break = Callable[[], Awaitable[None]]


class Nemesis:
    """Breaks ``cluster`` until told to stop, after a pause each time.

    ``only`` names the faults; all, unless told.
    """

    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        rng: random.Random,
        *,
        only: frozenset[str] = frozenset(),
        pause: tuple[float, float] = PAUSE,
    ) -> None:
        self.faults: list[Fault] = []
        self.complaints: list[str] = []
        self._cluster = cluster
        self._clock = clock
        self._rng = rng
        self._pause = pause
        self._database_busy = False
        weights: dict[str, float] = {
            "kill a node": 3, "stop a node shortly": 2, "stop a node for long": 1.5,
            "drain a node": 2, "kill postgresql": 1, "kill a backend": 0.5,
            "terminate every connection": 1, "kill valkey": 0.5, "flush valkey": 0.5,
            "cut a node from the database": 2, "stall a node's database": 2,
            "delay a node's database": 1, "wear a node's database out": 3,
            "cut links": 2, "stall links": 2, "delay links": 1,
            "cut people": 2, "stall people": 1, "delay people": 1,
        }  # fmt: skip
        self._weights = {name: w for name, w in weights.items() if not only or name in only}
        assert only <= weights.keys()

    @property
    def counts(self) -> dict[str, int]:
        """Return how often each fault happened."""
        return dict(sorted(Counter(each.name for each in self.faults).items()))

    async def run(self, seconds: float) -> None:
        """Break things for so long; when this returns everything is healed."""
        until = self._clock() + seconds
        going: set[asyncio.Task[None]] = set()
        try:
            while self._clock() < until:
                await asyncio.sleep(self._rng.uniform(*self._pause))
                going = {task for task in going if not task.done()}
                if len(going) < AT_ONCE:
                    name = self._rng.choices([*self._weights], [*self._weights.values()])[0]
                    going.add(asyncio.ensure_future(self.do(name)))
            await asyncio.wait(going or {asyncio.ensure_future(asyncio.sleep(0))}, timeout=20)
        finally:
            for task in going:
                task.cancel()
            await asyncio.gather(*going, return_exceptions=True)
            await self._cluster.heal()

    async def do(self, name: str, node: Node | None = None) -> None:
        """Let one thing happen, to ``node`` or any."""
        node = node or self._rng.choice(self._cluster.nodes)
        began = self._clock()
        target = node.name
        match name:
            case "kill a node":
                node.signal(signal.SIGKILL)
            case "stop a node shortly":
                await node.stand_still(self._rng.uniform(*SHORT))
            case "stop a node for long":
                await node.stand_still(self._rng.uniform(*LONG))
            case "drain a node":
                await self._drain(node)
            case "cut people":
                await self._cut(node.people, self._rng.uniform(0.1, 1))
            case "stall people":
                await self._stall(node.people, self._rng.uniform(1, 12))
            case "delay people":
                await self._delay(node.people, self._rng.uniform(2, 6))
            case "cut links":
                await self._cut(node.links, self._rng.uniform(0.1, 3))
            case "stall links":
                await self._stall(node.links, self._rng.uniform(1, 12))
            case "delay links":
                await self._delay(node.links, self._rng.uniform(2, 6))
            case "cut a node from the database":
                await self._cut(node.database, self._rng.uniform(0.1, 8))
            case "stall a node's database":
                await self._stall(node.database, self._rng.uniform(1, 10))
            case "delay a node's database":
                await self._delay(node.database, self._rng.uniform(2, 6))
            case "wear a node's database out":
                await self._wear_out(node.database)
            case _:
                target = "all"
                await self._of_all(name)
        self.faults.append(Fault(began, self._clock(), name, target))

    async def _of_all(self, name: str) -> None:
        services = self._cluster.services
        match name:
            case "kill postgresql":
                await self._once_at_a_time(partial(_kill, services.postgres.pid))
            case "kill a backend":
                await self._once_at_a_time(self._kill_backend)
            case "terminate every connection":
                await self._once_at_a_time(self._terminate)
            case "kill valkey":
                await _kill(services.valkey.pid)
            case "flush valkey":
                with contextlib.suppress(RedisError):
                    async with Redis.from_url(services.redis_url) as redis:
                        await redis.flushall()

    async def _once_at_a_time(self, hurt: Break) -> None:
        """Hurt the database, unless it is about to come back: that takes a moment."""
        if self._database_busy:
            return
        self._database_busy = True
        try:
            await hurt()
            await asyncio.sleep(3)
        finally:
            self._database_busy = False

    async def _kill_backend(self) -> None:
        """Let PostgreSQL find one of its processes dead: it recovers from that as from a crash."""
        with contextlib.suppress(LiveClassError):
            async with self._cluster.pools.hub() as connection:
                pids = await connection.fetch(
                    "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                    "AND datname = current_database()"
                )
            if pids:
                await _kill(self._rng.choice(pids)[0])

    async def _terminate(self) -> None:
        with contextlib.suppress(LiveClassError):
            async with self._cluster.pools.hub() as connection:
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND usename = current_user "
                    "AND datname = current_database()"
                )

    async def _drain(self, node: Node) -> None:
        """Stop a node as an operator does: it must end by itself, in time."""
        pid = node.worker.pid if node.worker else None
        if pid is None or not node.signal(signal.SIGTERM):
            return
        began = self._clock()
        while os.path.exists(f"/proc/{pid}") and node.worker is not None:
            if node.worker.pid != pid:
                return
            if self._clock() - began > DRAIN_SECONDS + 15:
                self.complaints.append(f"{node.name} did not end {DRAIN_SECONDS} s after SIGTERM")
                node.signal(signal.SIGKILL)
                return
            await asyncio.sleep(0.05)

    async def _cut(self, proxy: TcpProxy, seconds: float) -> None:
        proxy.reset()
        proxy.refuse()
        try:
            await asyncio.sleep(seconds)
        finally:
            await proxy.listen()

    async def _stall(self, proxy: TcpProxy, seconds: float) -> None:
        proxy.stall()
        try:
            await asyncio.sleep(seconds)
        finally:
            proxy.heal()

    async def _delay(self, proxy: TcpProxy, seconds: float) -> None:
        proxy.delay_seconds = self._rng.uniform(0.02, 0.3)
        try:
            await asyncio.sleep(seconds)
        finally:
            proxy.heal()

    async def _wear_out(self, proxy: TcpProxy) -> None:
        """Become slow, and then break: with large batches under way."""
        await self._delay(proxy, self._rng.uniform(0.5, 1.5))
        proxy.delay_seconds = 0.2
        await asyncio.sleep(0.6)
        proxy.reset()
        proxy.heal()


async def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
