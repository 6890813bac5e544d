"""What goes wrong at one destination stays there: every fault at once, beside four good peers.

One class is on air; each scenario has destinations of its own and runs beside the others. At the
end nothing may have touched those that were well.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

import pytest

from tests import peers
from tests.demo import free_port
from tests.fault_proxy import FaultProxy
from tests.media.conftest import Media, RtmpServer, Tls
from tests.media.faults import (
    FAILED,
    LIVE,
    RETRY,
    Recorded,
    Stage,
    ffmpeg_listening,
    strict_errors,
)
from tests.media.scripted_server import ScriptedServer, status
from tests.patience import PATIENCE, Stopwatch, eventually

KEYFRAME = b"\x17\x01"
GOOD = ("one", "kept", "tls", "ffmpeg")


async def first_picture(proxy: FaultProxy, number: int) -> bool:
    """Say whether the first picture of a connection is a keyframe; its head may be to come."""
    connections = proxy.connections
    await eventually(lambda: len(connections) > number and connections[number].first_picture)
    return connections[number].first_picture.startswith(KEYFRAME)


class Faults:
    """The class, nginx behind as many proxies as are needed, and one scenario a method."""

    def __init__(self, stage: Stage, nginx: RtmpServer, stack: AsyncExitStack) -> None:
        self.stage = stage
        self.nginx = nginx
        self._stack = stack

    async def proxy(self, **kwargs: object) -> FaultProxy:
        target = ("127.0.0.1", self.nginx.port)
        return await self._stack.enter_async_context(FaultProxy(target, **kwargs))

    async def first(self, name: str, code: str, within: float) -> None:
        """Expect the first attempt to fail with ``code`` in time."""
        await self.stage.hears("destination.connecting", name)
        watch = Stopwatch()
        retry = await self.stage.hears(RETRY, name)
        assert retry.data["code"] == code, name
        assert watch.seconds < within, name

    # At the start.

    async def refused(self) -> None:
        await self.stage.enable("refused", f"rtmp://127.0.0.1:{free_port()}/live")
        await self.first("refused", "tcp_refused", 3)

    async def blackholed(self) -> None:
        proxy = await self.proxy()
        proxy.blackhole()
        await self.stage.enable("blackholed", proxy.url("two"))
        await self.first("blackholed", "handshake", 8)

    async def unknown(self) -> None:
        # No resolver is asked: a label has 63 letters at most.
        await self.stage.enable("unknown", f"rtmp://{'a' * 64}.example/live")
        await self.first("unknown", "dns", 6)

    async def private(self) -> None:
        await self.stage.enable("private", "rtmp://169.254.169.254/latest")
        failed = await self.stage.hears(FAILED, "private")
        assert failed.data == {"destination": "private", "code": "ssrf_blocked", "attempts": 2}
        # The class desires what failed no more; that it failed is the last word.
        await self.stage.disable("private")
        await asyncio.sleep(0.5)
        assert self.stage.media.names(destination="private")[-1] == FAILED

    async def without_key(self) -> None:
        url = self.nginx.url("two")
        await self.stage.enable("without_key", url, key=None)
        failed = await self.stage.hears(FAILED, "without_key")
        assert failed.data["code"] == "secret_missing"
        self.stage.media.keys["without_key"] = "late"
        await self.stage.retry("without_key")
        await self.stage.hears(LIVE, "without_key")

    async def revoked(self) -> None:
        self.stage.media.revoked.add("revoked")
        await self.stage.enable("revoked", self.nginx.url("two"))
        failed = await self.stage.hears(FAILED, "revoked")
        assert failed.data["code"] == "integration_revoked"
        assert failed.data["attempts"] == 1

    async def denied(self) -> None:
        proxy = await self.proxy(rejects="NetStream.Publish.Denied")
        await self.stage.enable("denied", proxy.url("two"))
        failed = await self.stage.hears(FAILED, "denied")
        assert failed.data == {"destination": "denied", "code": "publish_denied", "attempts": 2}
        assert len(proxy.connections) == 2

    async def taken(self) -> None:
        """The platform holds the name: patience, and no tight loop (six attempts a minute)."""
        proxy = await self.proxy(rejects="NetStream.Publish.BadName")
        await self.stage.enable("taken", proxy.url("two"))
        retry = await self.stage.hears(RETRY, "taken")
        assert retry.data["code"] == "name_in_use"
        # Beside the wedge, which takes as long.
        await asyncio.sleep(8)
        assert len(proxy.connections) <= 2
        assert FAILED not in self.stage.media.names(destination="taken")

    # In mid-class.

    async def reset(self) -> None:
        proxy = await self.proxy()
        await self.stage.enable("reset", proxy.url("two"), key="reset")
        await self.stage.hears(LIVE, "reset")
        proxy.reset()
        watch = Stopwatch()
        retry = await self.stage.hears(RETRY, "reset")
        assert retry.data["code"] == "reset"
        assert retry.data["delay_ms"] <= 1_000
        await self.stage.hears(LIVE, "reset", nth=2)
        # Beside the back-off; `make soak` has the distribution.
        assert watch.seconds < retry.data["delay_ms"] / 1000 + 2
        assert await first_picture(proxy, 1)

    async def half_closed(self) -> None:
        proxy = await self.proxy()
        await self.stage.enable("half_closed", proxy.url("two"), key="half")
        await self.stage.hears(LIVE, "half_closed")
        proxy.half_close()
        retry = await self.stage.hears(RETRY, "half_closed")
        assert retry.data["code"] == "provider_close"
        await self.stage.hears(LIVE, "half_closed", nth=2)

    async def delayed(self) -> None:
        """A long way is not a fault."""
        proxy = await self.proxy()
        proxy.delay_seconds = 0.15
        await self.stage.enable("delayed", proxy.url("two"), key="delayed")
        await self.stage.hears(LIVE, "delayed")

    async def redirected(self) -> None:
        proxy = await self.proxy()
        ask = status("NetConnection.Connect.ReconnectRequest", tcUrl=proxy.url("two"))
        server = await self._stack.enter_async_context(ScriptedServer(then=[ask]))
        await self.stage.enable("redirected", server.url(), key="redirected")
        await self.stage.hears(LIVE, "redirected")
        await server.left()
        assert server.commands[-2:] == ["FCUnpublish", "deleteStream"]
        assert await first_picture(proxy, 0)
        assert RETRY not in self.stage.media.names(destination="redirected")

    async def switched(self) -> None:
        """Refused at the primary: on the backup within three seconds, and it stays there."""
        backup = await self.proxy()
        await self.stage.enable(
            "switched",
            f"rtmp://127.0.0.1:{free_port()}/live",
            backup_url=backup.url("two"),
            key="switched",
        )
        await self.stage.hears("destination.connecting", "switched")
        watch = Stopwatch()
        switched = await self.stage.hears("destination.switched", "switched")
        assert switched.data == {"destination": "switched", "to": "backup"}
        await self.stage.hears(LIVE, "switched")
        # A second of that is back-off.
        assert watch.seconds < 4
        backup.reset()
        await self.stage.hears(LIVE, "switched", nth=2)
        assert len(backup.connections) == 2

    async def wedged(self) -> None:
        """A peer that is there and takes nothing: a stall in ten seconds, the backup at once."""
        primary, backup = await self.proxy(), await self.proxy()
        await self.stage.enable(
            "wedged", primary.url("two"), backup_url=backup.url("one"), key="wedged"
        )
        await self.stage.hears(LIVE, "wedged")
        primary.wedge()
        watch = Stopwatch()
        retry = await self.stage.hears(RETRY, "wedged")
        assert retry.data["code"] == "stall"
        # The kernels on the way go on taking for longer than that.
        assert watch.seconds + watch.lost > 4
        assert watch.seconds < 12
        watch = Stopwatch()
        await self.stage.hears(LIVE, "wedged", nth=2)
        assert watch.seconds < 3
        assert await first_picture(backup, 0)

    async def toggled(self) -> None:
        """In mid-class: media within a second from the cache, a goodbye within three."""
        proxy = await self.proxy()
        seconds: list[float] = []
        await self.stage.hears(LIVE, "one")
        for number in range(1, 5):
            watch = Stopwatch()
            await self.stage.enable("toggled", proxy.url("two"), key="toggled")
            await self.stage.hears(LIVE, "toggled", nth=number)
            # It is live when its first media was taken.
            seconds.append(watch.seconds)
            assert await first_picture(proxy, number - 1)
            connection = proxy.connections[-1]
            await asyncio.sleep(0.3)
            watch = Stopwatch()
            await self.stage.disable("toggled")
            await self.stage.hears("destination.stopped", "toggled", nth=number)
            assert watch.seconds < 3
            said = connection.commands
            await eventually(lambda said=said: said[-2:] == ["FCUnpublish", "deleteStream"])
        # Where there was no fresh keyframe in the cache it was asked for, and then taken.
        assert median(seconds) < 1
        assert max(seconds) < 3

    def scenarios(self) -> list[object]:
        return [
            self.refused, self.blackholed, self.unknown, self.private, self.without_key,
            self.revoked, self.denied, self.taken, self.reset, self.half_closed, self.delayed,
            self.redirected, self.switched, self.wedged, self.toggled,
        ]  # fmt: skip


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def test_no_fault_is_felt_by_another(
    rtmp: RtmpServer,
    media: Media,
    stack: AsyncExitStack,
    tls: Tls,
    tmp_path: Path,
) -> None:
    peers.require("FFmpeg")
    stage = Stage(media)
    faults = Faults(stage, rtmp, stack)
    front = await faults.proxy(context=tls.server)
    url, listened, ffmpeg = await stack.enter_async_context(ffmpeg_listening(tmp_path))
    watch = Stopwatch()
    await stage.enable("one", rtmp.url("one"))
    await stage.enable("kept", rtmp.url("kept"))
    await stage.enable("tls", front.url("two", scheme="rtmps", host="localhost"), key="tls")
    await stage.enable("ffmpeg", url)
    await media.publish()
    async with asyncio.TaskGroup() as group:
        for scenario in faults.scenarios():
            group.create_task(scenario())
    await media.reports()
    for name in GOOD:
        assert (await stage.hears(LIVE, name)).data["ttff_ms"] <= 3_000 + watch.lost * 1000
        assert media.names(destination=name) == ["destination.connecting", LIVE]
        figures = media.figures(name)
        assert (figures["dropped"], figures["connects"]) == (0, 1)
        # Asked for each two seconds; a busy machine asks later, and platforms bear four.
        assert 0 < figures["longest_gop_ms"] <= 4_000
        assert figures["last_keyframe_age_s"] <= 4
    for name in GOOD:
        await stage.disable(name)
        await stage.hears("destination.stopped", name)
    await asyncio.to_thread(ffmpeg.wait, PATIENCE)
    await rtmp.finished()
    (kept,) = rtmp.directory.glob("*.flv")
    for file in (kept, listened):
        recorded = await asyncio.to_thread(Recorded, file)
        assert (recorded.errors, recorded.sample_rate) == (0, 48_000)
        assert recorded.is_monotonic
        assert recorded.video[0][1]
        assert recorded.longest_gop <= 4
        assert await asyncio.to_thread(strict_errors, file) == ""
