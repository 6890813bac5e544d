"""Hours of clocks that drift apart, played faster than they pass."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.unit.media.test_clock import Play, always

HOURS = 3


@pytest.mark.parametrize("reported", [True, False])
@pytest.mark.parametrize("jitter_ms", [0, 40])
def test_drift(reported: bool, jitter_ms: int, report: Callable[..., None]) -> None:
    play = Play(
        audio_ppm=200,
        video_ppm=-200,
        skew=0.03,
        jitter=jitter_ms / 1000,
        reports=always if reported else None,
    ).run(HOURS * 3600)
    # Without reports nobody knows how far apart the streams were in the beginning.
    offset = 0 if reported else 30
    skews = sorted(abs(error - offset) for error in play.errors[50:])
    report(
        hours=HOURS,
        worst_skew_ms=round(skews[-1], 1),
        p99_skew_ms=round(skews[len(skews) * 99 // 100], 1),
        resets=play.clock.resets,
    )
    assert skews[-1] <= 60
    assert play.clock.resets == 0
    assert all(a < b for a, b in pairwise(play.times))
