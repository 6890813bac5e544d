"""``kill -9`` of the processes behind a class that is on air."""

import asyncio
import os
import signal
import time

import aiohttp
import msgspec
import pytest

from protocol.features.session import SessionEnd
from server.store.log import LogReader
from server.store.pool import Pools
from tests import peers
from tests.demo import Demo
from tests.patience import PATIENCE
from tests.rtmp_server import RtmpServer

OF_MEDIA = ("publisher.", "destination.", "recording.")
PASSING = {"publisher.warning", "destination.degraded", "destination.recovered"}
"""They describe a moment, and on a slow machine there are more of them."""


@pytest.fixture
def rtmp(tmp_path):
    peers.require("nginx with its RTMP module")
    (tmp_path / "nginx").mkdir()
    server = RtmpServer(tmp_path / "nginx")
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def demo(data_dir, rtmp):
    demo = Demo(
        data_dir / "class", "--students", "0", "--destination", f"{rtmp.url('one')}/the-key"
    )
    yield await demo.start()
    await demo.kill()
    assert not await demo.all_gone()


class OnAir:
    """A demo's class: its processes, and what its log says of its media."""

    def __init__(self, demo, rtmp, pools):
        self._demo, self._rtmp = demo, rtmp
        self._reader = LogReader(pools)

    def signal(self, number, *modules):
        """Send a signal to the processes that run these modules."""
        found = [
            pid
            for pid, command in self._demo.processes().items()
            if any(f"-m {module} " in f"{command} " for module in modules)
        ]
        assert len(found) == len(modules), self._demo.processes()
        for pid in found:
            os.kill(pid, number)

    async def log(self):
        """Return the media's events as they are in the log, with their data."""
        session, stored = self._demo.ready["session"], []
        while page := await self._reader.read(session, len(stored)):
            stored += page
        return [
            (event.type, msgspec.json.decode(event.payload))
            for event in stored
            if event.type.startswith(OF_MEDIA) and event.type not in PASSING
        ]

    async def tells(self, *kinds, after):
        """Wait until exactly these have followed the first ``after`` events; return how many now.

        What different destinations, recordings and publishers do may be told in any order.
        """
        until = time.monotonic() + PATIENCE
        while True:
            told = [kind for kind, _ in (await self.log())[after:]]
            if sorted(told) == sorted(kinds):
                return after + len(told)
            assert time.monotonic() < until, told
            await asyncio.sleep(0.1)

    @property
    def published(self):
        """How often nginx was asked to take a stream."""
        return (self._rtmp.directory / "error.log").read_text().count("publish: name='the-key'")


async def test_a_class_stays_on_air_when_what_carries_it_is_killed(demo, rtmp):
    async with Pools.open(demo.ready["database_url"], size=2) as pools:
        air = OnAir(demo, rtmp, pools)
        told = await air.tells(
            *("destination.enabled", "recording.started", "publisher.connected"),
            *("destination.connecting", "destination.live"),
            after=0
        )  # fmt: skip

        # The hub dies. The platform notices nothing; what happens meanwhile is told once.
        air.signal(signal.SIGSTOP, "load.camera")
        await asyncio.sleep(1)  # half of the silence that a loss is
        air.signal(signal.SIGKILL, "server.app")
        await asyncio.sleep(3)
        air.signal(signal.SIGCONT, "load.camera")
        told = await air.tells("publisher.lost", "publisher.resumed", after=told)
        assert air.published == 1

        # Both die. Everything comes back by itself, and the recording goes on.
        air.signal(signal.SIGKILL, "server.media", "server.app")
        told = await air.tells(
            *("publisher.lost", "publisher.connected"),
            *("destination.connecting", "destination.live"),
            after=told
        )  # fmt: skip
        lost = [data for kind, data in await air.log() if kind == "publisher.lost"]
        assert [each["reason"] for each in lost] == ["silence", "restarted"]
        assert air.published == 2

        await _end_class(demo)
        await air.tells(
            *("destination.stopped", "recording.stopped", "recording.finalized"),
            after=told
        )  # fmt: skip


async def _end_class(demo):
    url = f"{demo.ready['url']}/v1/sessions/{demo.ready['session']}/commands"
    headers = {"Authorization": f"Bearer {demo.ready['tokens']['teacher']}"}
    body = {"key": "the-end", "op": SessionEnd.op}
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, json=body, headers=headers) as response,
    ):
        assert response.status == 200, await response.text()
