"""What becomes of picture and sound when the node that owns a class leaves."""

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import aiohttp
import msgspec
import pytest

from protocol import commands as cmd
from protocol.features.recordings import RecordingStart, RecordingStop
from protocol.frames import Ack
from server.media.hls.playlist import parse
from server.store.log import LogReader
from server.store.nodes import LIFE_SECONDS, find_owner
from server.tasks import Supervisor
from tests.faults.recorder import Clock
from tests.faults.rolling import Returns, TalkingClass
from tests.faults.served import children
from tests.faults.servers import serving
from tests.media.publisher import TestPublisher
from tests.media.viewer import TestViewer
from tests.patience import PATIENCE, Stopwatch, eventually

OF_MEDIA = ("publisher.", "recording.")


class OnAir:
    """A class with somebody who publishes; ``servers`` may come and go."""

    def __init__(self, servers, http, tasks):
        self.servers, self._http, self._tasks = servers, http, tasks
        self._reader = LogReader(servers.pools)

    async def begin(self):
        self.session = await self.servers.session()
        self.lesson = TalkingClass(self.servers, self.session, Clock(), self._http, Returns(), 2)
        await self.lesson.begin(self._tasks)
        self.teacher = self.lesson.people[0]

    def post(self, server, path):
        """Return what posts an offer to ``server``."""

        async def post(sdp):
            url = f"{server.url}/v1/sessions/{self.session}/{path}"
            headers = {
                "Authorization": f"Bearer {self.teacher.who.token}",
                "Content-Type": "application/sdp",
            }
            async with self._http.post(url, data=sdp, headers=headers) as response:
                return response.status, response.headers.copy(), await response.read()

        return post

    async def publish(self, publisher, server):
        """Publish as the page does: again until it is taken."""
        async with asyncio.timeout(PATIENCE):
            while await publisher.publish(self.post(server, "whip")) != 201:
                await asyncio.sleep(0.2)

    async def log(self):
        """Return what the log says of media."""
        events = await self._reader.find(self.session, 1, 10_000)
        return [
            (event.type, msgspec.json.decode(event.payload))
            for event in events
            if event.type.startswith(OF_MEDIA) and event.type != "publisher.warning"
        ]

    async def kinds(self):
        return [kind for kind, _ in await self.log()]

    async def tells(self, kind, count):
        """Say whether the log tells of it so often."""
        return (await self.kinds()).count(kind) >= count

    async def owner(self):
        """Return the server that owns the class, and the number of its worker."""
        node = (await find_owner(self.servers.pools, self.session)).node
        name, _, number = node.rpartition(".")
        (server,) = [each for each in self.servers.all if name.endswith(f":{each.port}")]
        return server, int(number)


@asynccontextmanager
async def on_air(directory, count, **settings):
    async with (
        serving(directory, count, drain_seconds="1", **settings) as servers,
        aiohttp.ClientSession() as http,
        Supervisor("people") as tasks,
    ):
        air = OnAir(servers, http, tasks)
        await air.begin()
        yield air


def carriers(server) -> list[int]:
    """Return the processes of a server's media workers."""
    return [
        pid
        for pid in children(server.process.pid)
        if "server.media" in Path(f"/proc/{pid}/cmdline").read_text()
    ]


def worker(server, number) -> int:
    """Return the process of one of a server's hub workers."""
    wanted = f"HUB_NUMBER={number}".encode()
    (found,) = [
        pid
        for pid in children(server.process.pid)
        if "server.app" in Path(f"/proc/{pid}/cmdline").read_text()
        and wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    ]
    return found


@pytest.mark.parametrize("workers", [1, 2])
async def test_the_picture_goes_on_when_a_hub_worker_leaves(data_dir, workers):
    """Its neighbour takes the class; where there is none, it comes back itself."""
    async with on_air(data_dir, 1, hub_workers=f"{workers}") as air:
        (server,) = air.servers.all
        publisher, viewer = TestPublisher(), TestViewer()
        try:
            await air.publish(publisher, server)
            assert await viewer.watch(air.post(server, "whep")) == 201
            await viewer.sees(3)
            _, number = await air.owner()
            os.kill(worker(server, number), signal.SIGTERM)
            engines = carriers(server)
            seen, longest, last = len(viewer.pictures), 0.0, Stopwatch(*engines)

            async def is_elsewhere():
                return (await air.owner())[1] != number or workers == 1

            until = time.monotonic() + 6.5  # longer than a session that was released is kept
            while time.monotonic() < until:
                if len(viewer.pictures) > seen:
                    longest = max(longest, last.seconds)
                    seen, last = len(viewer.pictures), Stopwatch(*engines)
                await asyncio.sleep(0.005)
            longest = max(longest, last.seconds)
            await eventually(is_elsewhere)
        finally:
            await asyncio.gather(publisher.close(), viewer.close())
        # Whoever has to negotiate anew is away for longer; a busy machine stutters.
        assert longest < 3, "a viewer saw it stop"
        assert "publisher.lost" not in await air.kinds()
        assert isinstance(await air.teacher.say(cmd.ChatPost("still")), Ack)


async def test_a_recording_goes_on_at_another_server_when_the_first_one_leaves(data_dir):
    async with on_air(data_dir, 2) as air:
        owner, _ = await air.owner()
        (other,) = [each for each in air.servers.all if each is not owner]
        first, second = TestPublisher(), TestPublisher()
        try:
            await air.publish(first, other)  # negotiated anywhere, carried by the owner's engine
            await eventually(partial(air.tells, "publisher.connected", 1))
            assert isinstance(await air.teacher.say(RecordingStart()), Ack)
            await asyncio.sleep(4)
            assert await owner.stop() == 0
            assert not owner.said("worker_killed")

            async def is_elsewhere():
                return (await air.owner())[0] is other

            await eventually(is_elsewhere)
            await air.publish(second, other)
            await eventually(partial(air.tells, "publisher.connected", 2))
            await asyncio.sleep(4)
            assert isinstance(await air.teacher.say(RecordingStop()), Ack)

            async def is_finalized():
                return (await air.kinds())[-1] == "recording.finalized"

            await eventually(is_finalized, PATIENCE)
        finally:
            await asyncio.gather(first.close(), second.close())
        log = await air.log()
        kinds = [kind for kind, _ in log]
        assert kinds.count("publisher.connected") == 2
        assert kinds.count("publisher.lost") == 1, kinds
        assert kinds.index("publisher.lost") < kinds.index("publisher.connected", 2)
        objects = Path(air.servers.environ["LIVECLASS_OBJECTS_URL"].removeprefix("file://"))
        (index,) = objects.rglob("**/index.m3u8")
        playlist = parse(index.read_text())
        assert playlist.ended
        assert sum(segment.discontinuity for segment in playlist.segments) == 1
        assert playlist.duration_ms > 5_000
        assert playlist.duration_ms == log[-1][1]["duration_ms"]


async def test_what_a_dead_worker_leaves_is_ended_when_the_class_is_elsewhere(data_dir):
    async with on_air(data_dir, 2) as air:
        owner, number = await air.owner()
        (other,) = [each for each in air.servers.all if each is not owner]
        await asyncio.sleep(LIFE_SECONDS + 0.5)  # a node that is younger declares nobody dead
        first, second = TestPublisher(), TestPublisher()
        try:
            await air.publish(first, owner)

            await eventually(partial(air.tells, "publisher.connected", 1))
            os.kill(worker(owner, number), signal.SIGKILL)

            async def is_elsewhere():
                return (await air.owner())[0] is other

            await eventually(is_elsewhere, PATIENCE)
            await air.publish(second, other)
            gone = ("closed", "failed", "disconnected")
            await eventually(lambda: first.pc.connectionState in gone, PATIENCE)
            # Not because it was silent.
            await eventually(lambda: owner.said("media_session_is_elsewhere"))
            await eventually(partial(air.tells, "publisher.connected", 2))
            await asyncio.sleep(2)
            log = [(kind, data.get("reason")) for kind, data in await air.log()]
        finally:
            await asyncio.gather(first.close(), second.close())
        # The end of the first one is nothing that the class should hear of the second.
        assert log == [
            ("publisher.connected", None), ("publisher.lost", "restarted"),
            ("publisher.connected", None),
        ]  # fmt: skip
