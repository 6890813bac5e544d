"""MEDIA: a stream that began 4 h 39 min ago goes on, with everybody, for more than a minute."""

from collections.abc import Callable
from pathlib import Path

from tests.media.conftest import RtmpServer
from tests.media.timestamps import cross

BEFORE, AFTER = 15.0, 62.0
BOUNDARY = 0xFFFFFF / 1000


async def test_timestamps_past_the_boundary(
    rtmp: RtmpServer, tmp_path: Path, seconds: float, report: Callable[..., None]
) -> None:
    speed = max(1.0, (BEFORE + AFTER) / (seconds - 15))
    peers, ours = await cross(rtmp, tmp_path, before=BEFORE, after=AFTER, speed=speed)
    for name, kept in peers.items():
        report(
            **{
                f"{name}_pictures": len(kept.pictures),
                f"{name}_non_monotonic": kept.backward_steps,
                f"{name}_longest_gap_ms": round(kept.longest_gap * 1000),
            }
        )
        assert kept.backward_steps == 0, name
        assert kept.longest_gap < 0.1, name
        assert kept.decoded == len(kept.pictures), name
    assert peers["nginx_pulled"].pictures[-1] - BOUNDARY > 55
    assert peers["nginx_recorded"].span > BEFORE + 60
    assert peers["ffmpeg"].span > BEFORE + 60
    assert "monoton" not in peers["ffmpeg"].errors
    report(own_parser_non_monotonic=ours.backward_steps, speed=speed)
    assert ours.backward_steps == 0
    assert (max(ours.times[9]) - 0xFFFFFF) / 1000 > 60
