"""WHIP in, several RTMP applications out."""

import asyncio
import threading
from itertools import pairwise

import pytest

from tests.media.conftest import TEACHER, Media, RtmpServer
from tests.media.pulled import pull
from tests.patience import PATIENCE

pytestmark = pytest.mark.usefixtures("soon")


async def test_publishers_after_each_other_are_one_stream_in_two_applications(
    media: Media, rtmp: RtmpServer
) -> None:
    one = media.destination("one", rtmp.url("one"))
    two = media.destination("two", rtmp.url("two"))
    await media.desire(destinations=(one, two))
    first = await media.publish()
    connected = await media.hears("publisher.connected")
    assert connected.data == {"user": TEACHER, "width": 640, "height": 360, "codec": "H264"}
    await media.hears("destination.live", destination="one")
    await media.hears("destination.live", destination="two")

    replaced = threading.Event()
    pulling = [
        asyncio.create_task(pull(rtmp.url(name) + "/stream", 3, since=replaced))
        for name in ("one", "two")
    ]
    await rtmp.plays(2)
    await media.publish(TEACHER)
    await media.hears("publisher.replaced", user=TEACHER)
    replaced.set()
    for stream in await asyncio.gather(*pulling):
        assert stream.video_codec == "h264"
        assert stream.audio_codec.startswith("aac")
        assert stream.sample_rate == 48_000
        assert stream.size == (640, 360)
        assert all(a < b for (a, _), (b, _) in pairwise(stream.video))
        assert all(a < b for a, b in pairwise(stream.audio))
        keys = [time for time, key in stream.video if key]
        assert keys[0] == stream.video[0][0]
        # Asked for each two seconds; a busy machine asks later, and platforms bear four.
        assert max(b - a for a, b in pairwise([*keys, stream.video[-1][0]])) <= 4
        assert stream.decoded >= len(stream.video) - 2
    for name in ("one", "two"):
        assert media.names(destination=name) == ["destination.connecting", "destination.live"]
    async with asyncio.timeout(PATIENCE):
        while first.pc.connectionState != "closed":
            await asyncio.sleep(0.05)
