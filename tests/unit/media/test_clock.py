"""Two RTP clocks, one time line."""

from itertools import pairwise

import pytest

from server.media.ingest.clock import MAX_SLOPE, PublisherClock, SenderReports


class Stream:
    """A sender's RTP clock: its origin, its rate, and how far that rate is off."""

    def __init__(self, rate: int, origin: int, ppm: float = 0.0) -> None:
        self._rate, self._origin, self._factor = rate, origin, 1 + ppm / 1e6

    def at(self, wall: float) -> int:
        return self._origin + round(wall * self._rate * self._factor)


def play(
    *, skew: float, audio_ppm: float = 0.0, video_ppm: float = 0.0, seconds: int, reports: bool
) -> tuple[list[int], list[float]]:
    """Return video times and the error against the sound, of media captured together.

    Video packets arrive ``skew`` seconds after sound of the same instant.
    """
    audio, video = Stream(48_000, 77, audio_ppm), Stream(90_000, 5_000_000, video_ppm)
    clock = PublisherClock(100.0)
    times, errors = [], []
    for tick in range(seconds * 50):
        wall = tick * 0.02
        now = 110.0 + wall
        sample = clock.audio_sample(audio.at(wall), now)
        if reports and tick % 50 == 10:
            clock.reports["audio"].add(9e9 + wall, audio.at(wall))
            clock.reports["video"].add(9e9 + wall, video.at(wall))
        ms = clock.video_ms(video.at(wall), now + skew)
        times.append(ms)
        errors.append(ms - sample / 48)
    return times, errors


def test_reports_in_the_first_second_align_at_once() -> None:
    times, errors = play(skew=0.15, seconds=10, reports=True)
    assert all(abs(error) <= 1 for error in errors[400:])
    assert all(a < b for a, b in pairwise(times))
    assert abs(errors[30]) <= 1
    assert abs(errors[5]) > 100  # nothing was known yet


def test_without_reports_arrival_decides() -> None:
    times, errors = play(skew=0.15, seconds=5, reports=False)
    assert all(abs(error - 150) <= 1 for error in errors)
    assert all(a < b for a, b in pairwise(times))


def test_it_is_settled_by_reports_or_after_a_second() -> None:
    clock = PublisherClock(0.0)
    assert not clock.settled(5.0)
    clock.video_ms(0, 5.0)
    assert not clock.settled(5.9)
    assert clock.settled(6.0)


@pytest.mark.parametrize("audio_ppm", [-200.0, 200.0])
def test_clocks_that_drift_stay_together_for_an_hour(audio_ppm: float) -> None:
    times, errors = play(
        skew=0.03, audio_ppm=audio_ppm, video_ppm=-audio_ppm, seconds=3600, reports=True
    )
    assert max(map(abs, errors[100:])) <= 60
    assert all(a < b for a, b in pairwise(times))


def test_later_corrections_are_too_slow_to_notice() -> None:
    clock = PublisherClock(0.0)
    steps = []
    last = None
    for tick in range(30 * 60):
        wall = tick / 30
        clock.audio_sample(round(wall * 48_000), wall)
        if tick % 30 == 0 and wall > 3:
            # The reports come late and say that the picture is 100 ms off.
            clock.reports["audio"].add(wall, round(wall * 48_000))
            clock.reports["video"].add(wall + 0.1, round(wall * 90_000))
        ms = clock.video_ms(round(wall * 90_000), wall)
        if last is not None:
            steps.append(ms - last)
        last = ms
    assert max(steps) <= 35
    assert last is not None
    assert abs(last - (1799 / 30 * 1000 + 100)) <= 2


def test_a_large_error_is_corrected_at_once() -> None:
    clock = PublisherClock(0.0)
    for tick in range(90):
        wall = tick / 30
        clock.audio_sample(round(wall * 48_000), wall)
        clock.video_ms(round(wall * 90_000), wall)
    clock.reports["audio"].add(3.0, 3 * 48_000)
    clock.reports["video"].add(3.5, 3 * 90_000)
    assert clock.video_ms(3 * 90_000, 3.0) == 3_500


def test_time_never_stands_still() -> None:
    clock = PublisherClock(0.0)
    times = [clock.video_ms(timestamp, 1.0) for timestamp in (0, 0, 30, 9000, 4500, 9001)]
    assert all(a < b for a, b in pairwise(times))


def test_the_slope_of_reports_is_bounded() -> None:
    reports = SenderReports(90_000)
    for second in range(20):
        # 1 % fast: no crystal is, somebody's clock was set.
        reports.add(second * 1.01, second * 90_000)
    slope = (reports.wall(90_000 * 20) - reports.wall(90_000 * 19)) - 1
    assert abs(slope) <= MAX_SLOPE * 1.001


def test_a_clock_that_begins_anew_goes_on_where_time_is() -> None:
    clock = PublisherClock(0.0)
    for base in (1_000_000, 90_000_000, 5_000):
        start = clock_now = {1_000_000: 10.0, 90_000_000: 20.0, 5_000: 30.0}[base]
        for tick in range(90):
            clock_now = start + tick / 30
            ms = clock.video_ms(base + tick * 3_000, clock_now)
            sample = clock.audio_sample(base + tick * 1_600, clock_now)
            assert abs(ms - clock_now * 1000) <= 2
            assert abs(sample / 48 - clock_now * 1000) <= 2


def test_a_network_that_stalls_is_no_new_clock() -> None:
    clock = PublisherClock(0.0)
    assert clock.audio_sample(0, 0.0) == 0
    # Four seconds of packets come late and at once.
    assert [clock.audio_sample(n * 960, 4.0) for n in range(1, 201)] == [
        n * 960 for n in range(1, 201)
    ]
    # Four seconds are lost.
    assert clock.audio_sample(400 * 960, 8.0) == 400 * 960
