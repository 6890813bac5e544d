"""What a destination is sent, and told of, while publishers come and go."""

import asyncio

import pytest

from tests.media.conftest import TEACHER, Media, RtmpServer
from tests.media.onair import Kept
from tests.media.pulled import pull

KEY = "canary-4f6c-stream-key"


async def test_a_publisher_that_falls_silent_and_returns_keeps_the_connection(
    media: Media, rtmp: RtmpServer
) -> None:
    one = media.destination("one", rtmp.url("kept"))
    await media.desire(destinations=(one,))
    publisher = await media.publish()
    await media.hears("destination.live", 8)
    publisher.mute()
    lost = await media.hears("publisher.lost", 4)
    assert lost.data == {"user": TEACHER, "reason": "silence"}
    await asyncio.sleep(0.6)
    publisher.mute(False)
    await media.hears("publisher.resumed", 4, user=TEACHER)
    await media.reports(1)
    assert media.names(destination="one") == ["destination.connecting", "destination.live"]
    await media.desire(destinations=())
    await media.hears("destination.stopped", 3)
    kept = Kept.read(rtmp.directory)
    kept.check()
    # Two seconds of grace, then the slate.
    assert 1.9 < kept.longest_gap <= 2.5
    assert kept.slate_pictures


async def test_a_new_publisher_replaces_the_old_one(media: Media, rtmp: RtmpServer) -> None:
    one = media.destination("one", rtmp.url("one"))
    await media.desire(destinations=(one,))
    await media.publish()
    await media.hears("destination.live", 8)
    old = media.publishers[0]
    await media.publish(TEACHER)
    await media.hears("publisher.replaced", 3, user=TEACHER)
    pulled = await pull(rtmp.url("one") + "/stream", 2)
    times = [time for time, _ in pulled.video]
    assert times == sorted(set(times))
    assert media.names(destination="one") == ["destination.connecting", "destination.live"]
    async with asyncio.timeout(5):
        while old.pc.connectionState != "closed":
            await asyncio.sleep(0.05)


async def test_the_key_is_in_no_log(
    media: Media, rtmp: RtmpServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    one = media.destination("one", rtmp.url("one"), key=KEY)
    denied = media.destination("denied", rtmp.url("closed"), key=KEY)
    await media.desire(destinations=(one, denied))
    await media.publish()
    await media.hears("destination.live", 8, destination="one")
    await media.hears("destination.retry_scheduled", 8, destination="denied")
    await media.desire(destinations=())
    await media.hears("destination.stopped", 4, destination="one")
    assert KEY in (rtmp.directory / "error.log").read_text()  # the key did travel
    out, err = capfd.readouterr()
    told = repr([event.data for event in media.events])
    assert KEY not in caplog.text + out + err + told
