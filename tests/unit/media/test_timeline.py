"""The time line goes on."""

from server.media.ingest.timeline import Timeline


def test_it_passes_as_time_does() -> None:
    timeline = Timeline(100.0)
    assert timeline.ms(100.0) == 0
    assert timeline.ms(101.5) == 1500


def test_it_follows_who_publishes_however_far_the_clocks_drift() -> None:
    timeline = Timeline(0.0)
    # An hour at +200 ppm: 720 ms.
    for number in range(3600 * 50):
        now = number / 50
        timeline.follow(now * 1000 * 1.0002, now)
    assert abs(timeline.ms(3600.0) - 3600_720) < 5


def test_one_late_packet_hardly_moves_it() -> None:
    timeline = Timeline(0.0)
    timeline.follow(1000.0, 1.3)
    assert abs(timeline.ms(2.0) - 2000) <= 3.1
