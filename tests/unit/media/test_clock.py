"""Two RTP clocks, one time line."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.ingest.clock import RESET_MS, SQUEEZE, PublisherClock
from server.media.ingest.lines import CONVINCING, MAX_SLOPE, MOST_POINTS, Line

EPOCH = 3_900_000_000.0
"""NTP counts from 1900."""


@dataclass
class Stream:
    """A sender's RTP clock: its origin, its rate, and how far that rate is off."""

    rate: int
    origin: int
    ppm: float = 0.0

    def at(self, wall: float) -> int:
        return self.origin + round(wall * self.rate * (1 + self.ppm / 1e6))


def always(_kind: str, wall: float) -> float:
    """Report the sender's wall clock as it is."""
    return EPOCH + wall


@dataclass
class Play:
    """Sound and picture of the same moments, and where the clock places them.

    Pictures arrive ``skew`` seconds after the sound of their moment; packets are up to ``jitter``
    seconds late. ``reports`` says what a report of a stream tells at a moment, or None.
    """

    audio_ppm: float = 0.0
    video_ppm: float = 0.0
    skew: float = 0.0
    jitter: float = 0.0
    reports: Callable[[str, float], float | None] | None = always
    gop_seconds: float = 2.0
    times: list[int] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = PublisherClock(100.0)
        self._audio = Stream(48_000, 77, self.audio_ppm)
        self._video = Stream(90_000, 5_000_000, self.video_ppm)
        self._chance = random.Random(9)
        self._ticks = 0

    def run(self, seconds: float) -> "Play":
        chance = self._chance
        for tick in range(self._ticks, self._ticks + round(seconds * 50)):
            wall = tick * 0.02
            now = 110.0 + wall
            timestamp = self._audio.at(wall)
            sample = self.clock.audio_sample(timestamp, now + chance.random() * self.jitter)
            for kind, stream in (("audio", self._audio), ("video", self._video)):
                said = self.reports(kind, wall) if self.reports and tick % 50 == 10 else None
                if said is not None:
                    self.clock.report(kind, said, stream.at(wall) & 0xFFFFFFFF, now)
            ms = self.clock.video_ms(
                self._video.at(wall),
                now + self.skew + chance.random() * self.jitter,
                key=tick % round(self.gop_seconds * 50) == 0,
            )
            self.times.append(ms)
            self.errors.append(ms - sample / 48)
        self._ticks += round(seconds * 50)
        return self

    def worst(self, since: float) -> float:
        """Return the largest error from ``since`` seconds on."""
        return max(map(abs, self.errors[round(since * 50) :]))


def test_reports_in_the_first_second_align_at_once() -> None:
    play = Play(skew=0.15).run(10)
    assert play.worst(since=0.5) <= 1
    assert abs(play.errors[5]) > 100  # nothing was known yet
    assert all(a < b for a, b in pairwise(play.times))


def test_without_reports_arrival_decides() -> None:
    play = Play(skew=0.15, reports=None).run(5)
    assert all(abs(error - 150) <= 1 for error in play.errors)
    assert all(a < b for a, b in pairwise(play.times))


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_reports_on_one_stream_alone_say_nothing(kind: str) -> None:
    play = Play(skew=0.15, reports=lambda k, wall: EPOCH + wall if k == kind else None).run(30)
    assert all(abs(error - 150) <= 1 for error in play.errors)


def test_it_is_settled_by_reports_or_after_a_second() -> None:
    clock = PublisherClock(0.0)
    assert not clock.settled(5.0)
    clock.video_ms(0, 5.0)
    assert not clock.settled(5.9)
    assert clock.settled(6.0)


@pytest.mark.parametrize("audio_ppm", [-200.0, 200.0])
def test_clocks_that_drift_stay_together_for_an_hour(audio_ppm: float) -> None:
    play = Play(skew=0.03, audio_ppm=audio_ppm, video_ppm=-audio_ppm, jitter=0.03).run(3600)
    assert play.worst(since=1) <= 60
    assert play.clock.resets == 0
    assert all(a < b for a, b in pairwise(play.times))


@pytest.mark.parametrize(("jitter", "worst"), [(0.0, 2), (0.2, 30)])
def test_clocks_that_drift_stay_together_without_any_report(jitter: float, worst: float) -> None:
    play = Play(audio_ppm=200, video_ppm=-200, jitter=jitter, reports=None).run(600)
    # Where the first packets were late, that is how far apart the streams are.
    offset = play.errors[0]
    assert max(abs(error - offset) for error in play.errors) <= worst
    assert play.clock.resets == 0


def test_reports_that_are_made_late_do_no_harm() -> None:
    chance = random.Random(2)

    def sloppy(_kind: str, wall: float) -> float:
        # The clock was read up to 20 ms too late; now and then a whole second.
        return EPOCH + wall + chance.random() * 0.02 + (chance.random() < 0.1)

    play = Play(audio_ppm=200, video_ppm=-200, reports=sloppy).run(600)
    assert play.worst(since=30) <= 60
    assert play.clock.resets == 0


def test_a_wrong_first_report_is_seen_through() -> None:
    def wrong(kind: str, wall: float) -> float:
        return EPOCH + wall + (0.4 if kind == "audio" and wall < 1 else 0)

    play = Play(reports=wrong).run(10)
    assert abs(play.errors[40]) > 300
    assert play.worst(since=6) <= 1


@pytest.mark.parametrize("jump", [-7200.0, -0.3, 0.3, 1.0, 100_000.0])
def test_a_wall_clock_that_is_set_moves_nothing(jump: float) -> None:
    def stepped(kind: str, wall: float) -> float | None:
        if kind == "audio" and round(wall) % 5:
            # As in browsers: sound is reported less often.
            return None
        return EPOCH + wall + (jump if wall > 61 else 0)

    play = Play(skew=0.05, reports=stepped).run(120)
    assert play.worst(since=6) <= 1
    assert play.clock.resets == 0


def test_reports_that_come_late_correct_slowly_and_what_is_far_off_at_once() -> None:
    def late(_kind: str, wall: float) -> float | None:
        return EPOCH + wall if wall > 10 else None

    slow = Play(skew=0.15, reports=late).run(60)
    steps = [b - a for a, b in pairwise(slow.errors)]
    assert max(map(abs, steps)) <= 2
    assert slow.worst(since=50) <= 1
    quick = Play(skew=0.4, reports=late).run(20)
    assert quick.worst(since=12) <= 1


def test_half_a_second_and_more_is_corrected_at_a_keyframe_and_told() -> None:
    def late(_kind: str, wall: float) -> float | None:
        return EPOCH + wall if wall > 9 else None

    play = Play(skew=-0.8, gop_seconds=4, reports=late).run(20)
    before, after = round(11.9 * 50), round(12.1 * 50)
    assert abs(play.errors[before] + 800) <= 1
    assert abs(play.errors[after]) <= 1
    assert play.clock.resets == 1
    assert RESET_MS < 800


def test_pictures_that_were_placed_too_late_are_not_heaped_up() -> None:
    def late(_kind: str, wall: float) -> float | None:
        return EPOCH + wall if wall > 9 else None

    play = Play(skew=0.8, reports=late).run(20)
    assert play.clock.resets == 1
    assert min(b - a for a, b in pairwise(play.times)) >= 20 // SQUEEZE
    assert play.worst(since=13.5) <= 1


def test_reports_that_cannot_be_true_are_not_believed() -> None:
    def absurd(kind: str, wall: float) -> float:
        return EPOCH + wall + (40 if kind == "audio" else 0)

    play = Play(skew=0.05, reports=absurd).run(30)
    assert play.worst(since=3) <= 51
    assert play.clock.resets == 0


def test_a_report_before_its_media_is_kept() -> None:
    clock = PublisherClock(0.0)
    clock.report("audio", EPOCH, 48_000, 0.0)
    clock.report("video", EPOCH + 0.1, 90_000, 0.0)
    clock.audio_sample(48_000, 1.0)
    # The picture of 90 000 was 100 ms after the sound of 48 000.
    assert clock.video_ms(90_000, 1.0) == 1_100
    assert clock.settled(1.0)


def test_a_report_across_the_wrap_belongs_to_its_media() -> None:
    clock = PublisherClock(0.0)
    base = (1 << 32) - 48_000
    for tick in range(100):
        clock.audio_sample(base + tick * 960, tick * 0.02)
        ms = clock.video_ms(tick * 1800, tick * 0.02)
        if tick == 60:
            clock.report("audio", EPOCH + 1.2, (base + tick * 960) & 0xFFFFFFFF, 1.2)
            clock.report("video", EPOCH + 1.2, tick * 1800, 1.2)
    assert abs(ms - 1980) <= 1


@given(
    st.lists(
        st.tuples(st.floats(0, 1e6), st.integers(0, 1 << 33), st.sampled_from(["audio", "video"])),
        max_size=20,
    ),
    st.randoms(use_true_random=False),
)
def test_whatever_is_reported_time_goes_on(
    reports: list[tuple[float, int, str]], chance: random.Random
) -> None:
    clock = PublisherClock(0.0)
    times = []
    for tick in range(200):
        if reports and chance.random() < 0.2:
            ntp, rtp, kind = reports.pop()
            clock.report(kind, ntp, rtp & 0xFFFFFFFF, tick * 0.02)
        clock.audio_sample(tick * 960, tick * 0.02)
        times.append(clock.video_ms(tick * 1800, tick * 0.02, key=tick % 50 == 0))
    assert all(a < b for a, b in pairwise(times))
    # Reports are believed only as far as arrival allows.
    assert abs(times[-1] - 199 * 20) <= 3100


def test_time_never_stands_still() -> None:
    clock = PublisherClock(0.0)
    times = [clock.video_ms(timestamp, 1.0) for timestamp in (0, 0, 30, 9000, 4500, 9001)]
    assert all(a < b for a, b in pairwise(times))


def test_the_slope_of_a_line_is_bounded() -> None:
    line = Line(90_000)
    for second in range(20):
        # 0.5 % fast: no crystal is, somebody's clock is being set.
        line.add(second * 1.005, second * 90_000)
    slope = (line.wall(90_000 * 20) - line.wall(90_000 * 19)) - 1
    assert abs(slope) <= MAX_SLOPE * 1.001


def test_a_line_is_inverted_by_itself() -> None:
    line = Line(48_000)
    for second in range(20):
        line.add(7 + second * 1.0002, 5 + second * 48_000)
    assert line.timestamp(line.wall(123_456)) == pytest.approx(123_456)


def test_a_line_doubts_before_it_believes() -> None:
    line = Line(48_000)
    for second in range(10):
        assert not line.add(second, second * 48_000)
        assert line.is_certain
    for second in range(10, 10 + CONVINCING - 1):
        assert not line.add(second + 5, second * 48_000)
        assert not line.is_certain
    assert line.wall(48_000 * 12) == pytest.approx(12)
    assert line.add(17, 12 * 48_000)
    assert line.is_certain
    assert line.wall(48_000 * 13) == pytest.approx(18)


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


def test_a_clock_that_stands_still_takes_no_room() -> None:
    line = Line(90_000)
    for _ in range(MOST_POINTS * 2):
        line.add(1_000.0, 0)
    assert line.points == MOST_POINTS


def test_a_network_that_stalls_is_no_new_clock() -> None:
    clock = PublisherClock(0.0)
    assert clock.audio_sample(0, 0.0) == 0
    # Four seconds of packets come late and at once.
    assert [clock.audio_sample(n * 960, 4.0) for n in range(1, 201)] == [
        n * 960 for n in range(1, 201)
    ]
    # Four seconds are lost.
    assert clock.audio_sample(400 * 960, 8.0) == 400 * 960
