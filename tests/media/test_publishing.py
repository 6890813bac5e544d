"""WHIP in, several RTMP applications out."""

import asyncio
from itertools import pairwise

from tests.media.conftest import TEACHER, Media, RtmpServer
from tests.media.pulled import pull


async def test_one_publisher_reaches_two_applications(media: Media, rtmp: RtmpServer) -> None:
    one = media.destination("one", rtmp.url("one"))
    two = media.destination("two", rtmp.url("two"))
    await media.desire(destinations=(one, two))
    await media.publish()
    connected = await media.hears("publisher.connected", 5)
    assert connected.data == {"user": TEACHER, "width": 640, "height": 360, "codec": "H264"}
    await media.hears("destination.live", 8, destination="one")
    await media.hears("destination.live", 8, destination="two")

    pulled = await asyncio.gather(*(pull(rtmp.url(name) + "/stream", 3) for name in ("one", "two")))
    for stream in pulled:
        assert stream.video_codec == "h264"
        assert stream.audio_codec.startswith("aac")
        assert stream.sample_rate == 48_000
        assert stream.size == (640, 360)
        assert all(a < b for (a, _), (b, _) in pairwise(stream.video))
        assert all(a < b for a, b in pairwise(stream.audio))
        keys = [time for time, key in stream.video if key]
        assert keys[0] == stream.video[0][0]
        assert max(b - a for a, b in pairwise(keys)) <= 2.5
        assert stream.decoded >= len(stream.video) - 2
    assert media.names(destination="one") == ["destination.connecting", "destination.live"]
