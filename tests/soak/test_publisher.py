"""Publishers on bad days, for as long as it takes."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from itertools import pairwise

import av
import pytest

from server.media.fabric import RecordingTarget
from tests.media.conftest import TEACHER, Media, RtmpServer
from tests.media.onair import Kept, children, watching
from tests.media.publisher import ObsPublisher, PublishingProcess

PREFIX = "tenant/session/recordings/rec"
Report = Callable[..., None]


async def _resumes(media: Media, *, after: float) -> float:
    """Wait for the publisher's return; return how long after ``after`` it was told."""
    await media.hears("publisher.resumed", 5, user=TEACHER)
    return time.monotonic() - after


async def _is_lost(media: Media) -> float:
    start = time.monotonic()
    await media.hears("publisher.lost", 5)
    return time.monotonic() - start


async def test_a_publisher_killed_reloaded_and_cut_off_for_twenty_seconds(
    media: Media, rtmp: RtmpServer, report: Report
) -> None:
    """Kill -9, a page that reloads, a network that is gone for 20 s."""
    one = media.destination("one", rtmp.url("kept"))
    await media.desire(destinations=(one,))
    killed = await media.publish(kind=PublishingProcess)
    await media.hears("destination.live", 10)
    await media.reports(3)
    silences, returns = [], []

    await killed.kill()
    silences.append(await _is_lost(media))
    await media.reports(4)
    publisher = await media.publish()
    await media.hears("publisher.resumed", 5)
    returns.append(time.monotonic() - publisher.picture.first_key_at)
    await media.reports(3)

    media.events.clear()
    await publisher.close()
    await media.reports(2)
    publisher = await media.publish()
    await media.hears("publisher.resumed", 5)
    returns.append(time.monotonic() - publisher.picture.first_key_at)
    await media.reports(3)

    media.events.clear()
    publisher.mute()
    silences.append(await _is_lost(media))
    await asyncio.sleep(18)
    publisher.mute(False)
    returns.append(await _resumes(media, after=time.monotonic()))
    await media.reports(3)

    assert not [e for e in media.events if e.type.startswith("destination.")]
    await media.desire()
    await media.hears("destination.stopped", 3)
    kept = Kept.read(rtmp.directory)
    kept.check()
    report(
        longest_gap_s=round(kept.longest_gap, 2),
        lost_told_s=[round(each, 2) for each in silences],
        resumed_after_s=[round(each, 2) for each in returns],
        files=1,
        headers=kept.headers,
        longest_gop_s=round(kept.longest_gop, 2),
    )
    assert kept.longest_gap <= 2.5
    assert max(returns) <= 2
    assert kept.slate_pictures > 80


@pytest.mark.parametrize("kind", ["sound", "picture"])
async def test_half_a_publisher_is_streamed_watched_and_recorded(
    media: Media, rtmp: RtmpServer, kind: str
) -> None:
    one = media.destination("one", rtmp.url("kept"))
    recording = RecordingTarget("rec", PREFIX)
    await media.desire(destinations=(one,), recording=recording)
    await media.publish(picture=kind == "picture", sound=kind == "sound")
    await media.hears("destination.live", 10)
    async with watching(media) as viewer:
        await viewer.shows(20, 8)
        assert (viewer.sounds > 100) is (kind == "sound")
    await media.reports(6)
    await media.desire(over=(recording,))
    await media.hears("destination.stopped", 3)
    await media.hears("recording.finalized", 10)
    kept = Kept.read(rtmp.directory)
    kept.check()
    assert kept.longest_gop <= 2.5
    assert kept.audio[-1] - kept.audio[0] > 6
    path = media.objects.root / PREFIX / "index.m3u8"
    with av.open(str(path)) as container:
        times = [float(p.dts * p.time_base) for p in container.demux(video=0) if p.dts is not None]
    assert all(a < b for a, b in pairwise(times))
    assert times[-1] - times[0] > 5


async def test_a_transcoder_that_is_killed_is_started_again(
    media: Media, rtmp: RtmpServer, report: Report
) -> None:
    await media.publish(codec="VP8")
    await media.desire(destinations=(media.destination("one", rtmp.url("kept")),))
    await media.hears("destination.live", 10)
    async with watching(media) as viewer:
        await viewer.shows(10, 5)
        for _ in range(2):
            media.events.clear()
            (child,) = await children("ingest.transcode")
            os.kill(child, signal.SIGKILL)
            warning = await media.hears("publisher.warning", 3)
            assert warning.data == {"code": "transcoder"}
            await viewer.shows(30, 10)
    await media.desire()
    await media.hears("destination.stopped", 3)
    kept = Kept.read(rtmp.directory)
    kept.check()
    report(longest_gap_s=round(kept.longest_gap, 2))


@pytest.mark.parametrize("reports_after", [None, 5.0])
async def test_obs_keeps_a_stream_for_a_while(
    media: Media, rtmp: RtmpServer, report: Report, reports_after: float | None
) -> None:
    """With OBS's own 250 pictures, without sender reports, and with late ones."""
    one = media.destination("one", rtmp.url("kept"))
    await media.desire(destinations=(one,))
    await media.publish(kind=ObsPublisher, reports_after=reports_after)
    await media.hears("publisher.connected", 3)
    steady = time.monotonic() + 2
    await media.hears("destination.live", 8)
    started = time.monotonic() - steady
    await media.hears("publisher.warning", 8, code="gop")
    await media.reports(14)
    await media.desire()
    await media.hears("destination.stopped", 3)
    kept = Kept.read(rtmp.directory)
    kept.check()
    report(started_s=round(started, 2), longest_gop_s=round(kept.longest_gop, 2))
    assert started <= 1.5
    assert kept.longest_gop > 8
    assert kept.headers == 1


async def test_a_publisher_sends_no_more_than_every_platform_takes(media: Media) -> None:
    publisher = await media.publish(noisy=True)
    await media.hears("publisher.connected", 5)
    # aiortc estimates nothing in its first three seconds.
    for kbps, seconds in ((1_500, 5), (600, 1)):
        await media.desire(max_kbps=kbps)
        async with asyncio.timeout(seconds):
            while publisher.told_bitrate != kbps * 1000:
                await asyncio.sleep(0.05)
