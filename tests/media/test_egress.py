"""One destination's task between a bus of ours and a scripted server: what needs no publisher."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from server.addresses import parse_allowed
from server.clock import SystemClock
from server.media import metrics
from server.media.bus import Bus
from server.media.destinations.address import AddressGuard
from server.media.destinations.egress import FRESH_GOP_MS, Egress
from server.media.destinations.gate import ConnectGate
from server.media.fabric import DestinationTarget
from server.media.h264 import VideoParameters
from server.media.unit import EncodedUnit, Kind
from server.secrets.secret import Secret
from server.tasks import Supervisor
from tests.media.scripted_server import ScriptedServer, status
from tests.patience import PATIENCE

PARAMETERS = VideoParameters(b"\x67\x42\xe0\x1f", b"\x68\xce", 640, 360)
LIVE, STOPPED = "destination.live", "destination.stopped"


class Stream:
    """A bus that is published to, and an egress that takes from it."""

    def __init__(self, url: str, *, gop: int = 30, **kwargs: object) -> None:
        self.bus = Bus()
        self.bus.ready.set()
        self.told: list[str] = []
        self.parameters = PARAMETERS
        self.gop = gop
        self.number = 0
        """Of the picture that comes next."""
        self.asked = 0
        self.bus.want_keyframe = self._want_keyframe
        clock = SystemClock()
        self.egress = Egress(
            DestinationTarget("one", "custom", url, **kwargs),
            bus=self.bus,
            resolve_secret=self._key,
            guard=AddressGuard(parse_allowed("127.0.0.0/8:*")),
            gate=ConnectGate(clock),
            emit=lambda name, _: self.told.append(name),
            clock=clock,
        )

    async def _key(self, _destination: str) -> Secret:
        return Secret("key")

    def _want_keyframe(self) -> None:
        self.asked += 1

    async def publish(self) -> None:
        """A picture of 4 kB each 20 ms, with a keyframe every ``gop``."""
        while True:
            self.publish_one()
            await asyncio.sleep(0.02)

    def publish_one(self) -> None:
        key, at = self.number % self.gop == 0, self.number * 20
        self.number += 1
        self.bus.publish(EncodedUnit(Kind.VIDEO, at, key, bytes(4_000), self.parameters))
        self.bus.publish(EncodedUnit(Kind.AUDIO, at, False, bytes(200)))

    async def hears(self, name: str, *, nth: int = 1) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.told.count(name) < nth:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def streaming(server: ScriptedServer, **kwargs: object) -> AsyncIterator[Stream]:
    stream = Stream(server.url(), **kwargs)
    async with Supervisor("test") as tasks:
        tasks.start("publish", stream.publish())
        tasks.start("egress", stream.egress.run())
        yield stream


async def test_a_source_that_is_gone_ends_the_stream_politely_and_begins_it_anew() -> None:
    async with ScriptedServer() as server, streaming(server) as stream:
        await stream.hears(LIVE)
        stream.bus.ready.clear()
        await stream.hears(STOPPED)
        await server.left()
        assert server.commands[-2:] == ["FCUnpublish", "deleteStream"]
        assert stream.egress.state.phase.value == "armed"
        stream.bus.ready.set()
        await stream.hears(LIVE, nth=2)
        assert server.connections == 2


async def test_a_slate_is_sent_for_as_long_as_the_platform_waits() -> None:
    async with ScriptedServer() as server, streaming(server) as stream:
        stream.egress._provider = replace(stream.egress._provider, hold_seconds=1)
        await stream.hears(LIVE)
        stream.bus.on_slate = True
        began = asyncio.get_running_loop().time()
        await stream.hears(STOPPED)
        assert asyncio.get_running_loop().time() - began >= 1
        # Nothing begins with a slate.
        await asyncio.sleep(0.4)
        assert server.connections == 1
        stream.bus.on_slate = False
        await stream.hears(LIVE, nth=2)


async def test_a_live_stream_is_redirected_at_a_keyframe_without_a_failure() -> None:
    async with ScriptedServer() as other:
        ask = status("NetConnection.Connect.ReconnectRequest", tcUrl=other.url())
        # At the first keyframe after it was asked, which is not that of the cache.
        async with ScriptedServer(then=[ask]) as server, streaming(server) as stream:
            await stream.hears(LIVE)
            async with asyncio.timeout(PATIENCE):
                while not other.media:
                    await asyncio.sleep(0.01)
            await server.left()
            assert server.commands[-2:] == ["FCUnpublish", "deleteStream"]
            assert stream.egress.sample(0.0, sends=True).failures == 0


async def test_redirections_in_a_circle_are_a_failure() -> None:
    async with ScriptedServer() as server:
        server.then.append(status("NetConnection.Connect.ReconnectRequest", tcUrl=server.url()))
        async with streaming(server, gop=5) as stream:
            await stream.hears("destination.retry_scheduled")
            assert server.connections <= 5


async def test_another_size_begins_anew_where_the_provider_is_strict() -> None:
    async with ScriptedServer() as server, streaming(server, profile="strict") as stream:
        await stream.hears(LIVE)
        stream.parameters = VideoParameters(b"\x67\x42\xe0\x20", b"\x68\xce", 1280, 720)
        await stream.hears(LIVE, nth=2)
        assert "destination.retry_scheduled" in stream.told
        assert server.commands.count("FCUnpublish") == 1


async def test_an_encoder_that_takes_no_requests_is_sent_from_its_last_keyframe() -> None:
    async with ScriptedServer() as server:
        stream = Stream(server.url(), gop=250)
        async with Supervisor("test") as tasks:
            while stream.bus.last_ms <= FRESH_GOP_MS:
                stream.publish_one()
            tasks.start("publish", stream.publish())
            tasks.start("egress", stream.egress.run())
            await stream.hears(LIVE)
            assert stream.asked == 1
            assert stream.egress.sample(0.0, sends=True).dropped == 0


async def test_it_is_counted_how_soon_pictures_are_written() -> None:
    def counted() -> float:
        return metrics.registry.get_sample_value("liveclass_media_write_seconds_count") or 0

    async with ScriptedServer() as server, streaming(server) as stream:
        await stream.hears(LIVE)
        before, ms = counted(), stream.bus.last_ms
        for number in range(3):
            read_at = SystemClock().monotonic()
            key = EncodedUnit(Kind.VIDEO, ms + 1 + number, True, b"1", PARAMETERS, read_at)
            stream.bus.publish(key)
            stream.bus.publish(EncodedUnit(Kind.AUDIO, ms + 1 + number, False, b"2"))
        # At once: nothing has waited, and no task has run.
        assert counted() == before + 3
