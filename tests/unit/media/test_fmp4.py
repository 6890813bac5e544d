"""Fragments, as FFmpeg and as we ourselves read them."""

import io
from itertools import pairwise

import av

from server.media.hls import fmp4
from tests.unit.media.test_recording import Pictures, sound


def test_a_fragment_plays_at_its_own_time() -> None:
    pictures = Pictures(320, 180)
    units = [pictures.unit(ms) for ms in range(0, 2000, 100)]
    hour = 3_600_000
    video = fmp4.Run(hour * 90, [fmp4.Sample(u.data, 9000, u.key) for u in units])
    audio = fmp4.Run(hour * 48, [fmp4.Sample(u.data, 1024, True) for u in sound()])
    assert units[0].parameters is not None
    data = fmp4.init_segment(units[0].parameters) + fmp4.fragment(1, video, audio)
    with av.open(io.BytesIO(data)) as container:
        frames = list(container.decode(video=0))
        assert len(frames) == 20
        assert frames[0].pts * frames[0].time_base == 3600
        assert (frames[0].width, frames[0].height) == (320, 180)
    with av.open(io.BytesIO(data)) as container:
        packets = [p for p in container.demux(audio=0) if p.dts is not None]
        assert packets[0].pts == hour * 48
        assert [b.pts - a.pts for a, b in pairwise(packets)] == ([1024] * (len(packets) - 1))


def test_what_was_written_is_read_again_as_far_as_it_is_whole() -> None:
    pictures = Pictures(320, 180)
    units = [pictures.unit(ms) for ms in range(0, 600, 100)]
    data = b""
    for number in (0, 1):
        video = fmp4.Run(
            number * 27_000,
            [fmp4.Sample(u.data, 9_000, u.key) for u in units[number * 3 : number * 3 + 3]],
        )
        audio = fmp4.Run(5_000, [fmp4.Sample(b"abc", 1_024, True)] * number)
        data += fmp4.fragment(number + 1, video, audio)
    first, second = fmp4.read(data)
    assert first.audio is None
    assert first.video is not None
    assert first.video.keys == (True, False, False)
    assert first.video.sizes == tuple(len(u.data) for u in units[:3])
    offset = first.video.offset
    assert data[offset : offset + len(units[0].data)] == units[0].data
    assert second.end == len(data)
    assert second.video is not None
    assert (second.video.start, second.video.end) == (27_000, 54_000)
    assert second.audio is not None
    assert (second.audio.start, second.audio.durations) == (5_000, (1_024,))
    offset = second.audio.offset
    assert data[offset : offset + 3] == b"abc"
    for torn in range(first.end, len(data)):
        assert list(fmp4.read(data[:torn])) == [first]
    assert list(fmp4.read(b"")) == []
