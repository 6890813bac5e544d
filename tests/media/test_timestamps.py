"""Past 4 h 39 min of streaming, without waiting for it. In full: tests/soak."""

from pathlib import Path

from tests import peers
from tests.media.conftest import RtmpServer
from tests.media.timestamps import cross


async def test_a_stream_goes_on_past_the_boundary_of_its_timestamps(
    rtmp: RtmpServer, tmp_path: Path
) -> None:
    peers.require("FFmpeg")
    found, ours = await cross(rtmp, tmp_path, before=3, after=5, speed=3)
    for name, kept in found.items():
        assert kept.backward_steps == 0, name
        assert kept.longest_gap < 0.1, name
        assert kept.decoded == len(kept.pictures), name
        assert kept.span >= 4.4, name
    pulled = found["nginx_pulled"].pictures
    assert pulled[0] < 0xFFFFFF / 1000 < pulled[-1] - 3
    assert "monoton" not in found["ffmpeg"].errors
    # Of 8 s and 30 pictures a second, none is missing.
    assert len(found["nginx_recorded"].pictures) == len(found["ffmpeg"].pictures) == 240
    assert ours.backward_steps == 0
    assert max(ours.times[9]) > 0xFFFFFF > min(ours.times[9])
