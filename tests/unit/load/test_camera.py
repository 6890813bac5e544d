"""The camera really runs: it is a child process that encodes."""

import asyncio
import itertools

import pytest
from aiortc.mediastreams import MediaStreamError

from load.camera import AUDIO_SAMPLES, KEYFRAME_SECONDS, VIDEO_CLOCK, camera, is_keyframe
from tests.patience import PATIENCE


async def take(track, count):
    return [await asyncio.wait_for(track.recv(), PATIENCE) for _ in range(count)]


async def test_the_camera_delivers_what_a_browser_would():
    async with camera(320, 180, 30) as running:
        video, audio = running.tracks()
        pictures, packets = await asyncio.gather(take(video, 10), take(audio, 15))
        first = bytes(pictures[0])
        assert is_keyframe(first)
        sps = first.index(b"\x00\x00\x01\x67") + 4
        assert first[sps] == 66  # baseline …
        assert first[sps + 1] & 0x40  # … and constrained: no B-frames, no surprises
        # Where the machine does not keep up some are left out; time goes on.
        for units, step in ((pictures, VIDEO_CLOCK // 30), (packets, AUDIO_SAMPLES)):
            steps = [b.pts - a.pts for a, b in itertools.pairwise(units)]
            assert all(each > 0 and each % step == 0 for each in steps), steps


async def test_a_keyframe_comes_when_it_is_asked_for():
    async with camera(320, 180, 30) as running:
        video, _ = running.tracks()
        await take(video, 5)
        running.request_keyframe()
        for _ in range(5, KEYFRAME_SECONDS * 30):  # the next one comes anyway
            if is_keyframe(bytes((await take(video, 1))[0])):
                return
    pytest.fail("it did not come")


async def test_fresh_tracks_take_over_and_begin_with_a_keyframe():
    async with camera(320, 180, 30) as running:
        await take(running.tracks()[0], 5)
        video, _ = running.tracks()
        assert is_keyframe(bytes((await take(video, 1))[0]))


async def test_tracks_end_with_the_camera():
    async with camera(320, 180, 30) as running:
        video, _ = running.tracks()
        await take(video, 1)
        running._process.kill()
        with pytest.raises(MediaStreamError):
            await take(video, 1000)
