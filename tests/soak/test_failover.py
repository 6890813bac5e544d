"""``kill -9`` of the node that owns a class, again and again, and how soon another one acks."""

import asyncio
import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from load.connection import Connection
from protocol import commands as cmd
from protocol.frames import Ack
from server.store.log import LogReader
from server.store.nodes import LIFE_SECONDS, find_owner
from server.tasks import Supervisor
from tests.faults.served import children
from tests.faults.servers import serving
from tests.patience import PATIENCE
from tests.soak.test_rolling import quantile

PAUSE_SECONDS = 0.12
"""Within ten a second, which nobody may exceed."""
TALKERS = 8
"""At each server: so that somebody has just asked when its owner dies."""


@pytest.fixture
async def servers(data_dir):
    async with serving(data_dir, 3) as servers:
        yield servers


class Talker:
    """Somebody at one server who says one thing after another, and when each was acked."""

    def __init__(self, http, servers, server, session, number):
        self.server = server
        url = f"{server.url}/v1/sessions/{session}/live"
        token = servers.token(session, "teacher", f"T{number}")
        self.connection = Connection(http, url, token, rng=random.Random(number))
        self.acked: list[tuple[float, float]] = []
        """Sent and acked."""

    async def talk(self):
        with suppress(TimeoutError):
            for line in range(10_000_000):
                sent = time.monotonic()
                answer = await self.connection.say(cmd.ChatPost(f"{line}"), timeout_seconds=120)
                self.acked.append((sent, time.monotonic()))
                assert answer is not None
                await asyncio.sleep(PAUSE_SECONDS)


def hub_worker(server) -> int:
    (pid,) = [
        pid
        for pid in children(server.process.pid)
        if "server.app" in Path(f"/proc/{pid}/cmdline").read_text()
    ]
    return pid


class Lives:
    """How long each server's node has lived without a break."""

    def __init__(self, servers):
        self._servers, self._since = servers, {}

    async def look(self):
        async with self._servers.pools.hub() as connection:
            rows = await connection.fetch("SELECT node FROM nodes WHERE expires_at > now()")
        alive = {server for server in self._servers.all for (node,) in rows if of(server, node)}
        now = time.monotonic()
        self._since = {
            server: self._since.get(server, now)
            for server in self._servers.all
            if server in alive and server.listens
        }

    def grown_up(self):
        """Return those that may declare another one dead."""
        now = time.monotonic()
        return [each for each, at in self._since.items() if now - at > LIFE_SECONDS + 0.5]


def of(server, node) -> bool:
    return f":{server.port}." in node


async def test_the_owner_is_killed_and_another_node_acks(servers, seconds, report):
    session = await servers.session()
    first_acks, answers = [], []
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
        Supervisor("people") as tasks,
    ):
        talkers = [
            Talker(http, servers, server, session, number)
            for number, server in enumerate(servers.all * TALKERS)
        ]
        for each in talkers:
            tasks.start("connection", each.connection.run())
        assert isinstance(await talkers[0].connection.say(cmd.SessionStart()), Ack)
        for each in talkers:
            tasks.start("talk", each.talk())
        until, lives = time.monotonic() + seconds * 0.8, Lives(servers)
        while time.monotonic() < until:
            await lives.look()
            node = (await find_owner(servers.pools, session)).node
            (server,) = [each for each in servers.all if of(each, node)]
            grown_up = lives.grown_up()
            if server not in grown_up or len(grown_up) < 2:
                await asyncio.sleep(0.1)
                continue
            others = [
                each for each in talkers if each.server in grown_up and each.server is not server
            ]
            before = {each: len(each.acked) for each in others}
            os.kill(hub_worker(server), signal.SIGKILL)
            killed = time.monotonic()
            async with asyncio.timeout(PATIENCE):
                while not all(
                    any(sent > killed for sent, _ in each.acked[before[each] :]) for each in others
                ):
                    await asyncio.sleep(0.005)
            # Whatever was under way at the kill may have been acked before: what came after it.
            acked = sorted(
                at for each in others for sent, at in each.acked[before[each] :] if sent > killed
            )
            first_acks.append(acked[0] - killed)
            answers += [
                at - sent
                for each in others
                for sent, at in each.acked[before[each] :]
                if at > killed
            ]
    reader = LogReader(servers.pools)
    assert (await reader.verify(session)).broken is None
    report(
        kills=len(first_acks), p50_s=round(quantile(first_acks, 0.5), 3),
        p90_s=round(quantile(first_acks, 0.9), 3), max_s=round(max(first_acks), 3),
        longest_answer_s=round(max(answers), 3),
    )  # fmt: skip
    assert len(first_acks) >= 2
