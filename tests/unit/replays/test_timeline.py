"""Media time and the wall clock: the same moment, both ways, whatever was not recorded."""

from hypothesis import given
from hypothesis import strategies as st

from server.media.hls.playlist import parse
from server.replays.timeline import Stretch, Timeline, stretches

TWO = Timeline([Stretch("a", 1_000, 500), Stretch("b", 3_000, 200)], ended_at=4_000)


def test_recordings_follow_each_other_and_gaps_take_no_time() -> None:
    assert TWO.duration_ms == 700
    assert TWO.gaps == [(500, 1_500)]
    assert [TWO.start_of(each) for each in "ab"] == [0, 500]
    assert [TWO.wall_of(each) for each in (0, 499, 500, 699)] == [1_000, 1_499, 3_000, 3_199]
    assert [TWO.media_of(each) for each in (1_000, 1_499, 3_000, 3_199)] == [0, 499, 500, 699]


def test_what_was_not_recorded_is_where_it_was_cut_out() -> None:
    assert [TWO.media_of(each) for each in (1_500, 2_000, 2_999)] == [500, 500, 500]
    assert (TWO.media_of(0), TWO.media_of(9_000)) == (0, 700)
    assert TWO.wall_of(-5) == 1_000


def test_what_came_after_the_last_recording_is_at_its_end() -> None:
    assert [TWO.wall_of(each) for each in (699, 700, 10_000)] == [3_199, 4_000, 4_000]
    assert [TWO.media_of(each) for each in (3_200, 4_000)] == [700, 700]


def test_a_recording_has_a_stretch_for_each_pair_of_its_clock() -> None:
    parts = stretches("a", ((1_000, 0), (9_000, 400)), 1_000)
    assert parts == [Stretch("a", 1_000, 400), Stretch("a", 9_000, 600)]


def test_the_dates_of_a_playlist_are_a_clock() -> None:
    text = """#EXTM3U
#EXT-X-MAP:URI="init-0.mp4"
#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:10.000Z
#EXTINF:2.000,
segment-00000000.m4s
#EXTINF:1.500,
segment-00000001.m4s
#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:01:00.250Z
#EXTINF:2.000,
segment-00000002.m4s
#EXT-X-ENDLIST
"""
    assert parse(text).clock == ((10_000, 0), (60_250, 3_500))
    assert parse("#EXTM3U\n").clock == ()


@st.composite
def timelines(draw):
    wall, parts = draw(st.integers(0, 10**6)), []
    for number in range(draw(st.integers(1, 5))):
        duration = draw(st.integers(1, 10**5))
        parts.append(Stretch(str(number), wall, duration))
        wall += duration + draw(st.integers(0, 10**5))
    return parts


@given(timelines(), st.data())
def test_every_moment_of_the_media_is_one_of_the_class(parts, data) -> None:
    timeline = Timeline(data.draw(st.permutations(parts)), ended_at=10**7)
    media_ms = data.draw(st.integers(0, timeline.duration_ms - 1))
    wall_ms = timeline.wall_of(media_ms)
    assert timeline.media_of(wall_ms) == media_ms
    assert any(part.wall_ms <= wall_ms < part.wall_ms + part.duration_ms for part in parts)
    later = data.draw(st.integers(wall_ms, wall_ms + 10**6))
    assert timeline.media_of(later) >= media_ms
