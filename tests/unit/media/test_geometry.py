"""When a picture's size may be relied on."""

from server.media.ingest.geometry import GeometryGate

SMALL, LARGE = (640, 360), (1280, 720)


def test_nothing_was_seen_and_nothing_is_relied_on() -> None:
    assert not GeometryGate(2.0).is_open(100.0)


def test_it_opens_when_the_size_has_been_the_same_for_long_enough() -> None:
    gate = GeometryGate(2.0)
    gate.key(SMALL, 10.0)
    gate.key(SMALL, 11.0)
    assert not gate.is_open(11.9)
    assert gate.is_open(12.0)


def test_a_change_begins_anew() -> None:
    gate = GeometryGate(2.0)
    gate.key(SMALL, 10.0)
    gate.key(LARGE, 11.5)
    assert not gate.is_open(12.5)
    assert gate.is_open(13.5)
    assert gate.geometry == LARGE


def test_what_never_settles_is_taken_after_eight_seconds() -> None:
    gate = GeometryGate(2.0)
    for second in range(8):
        gate.key(SMALL if second % 2 else LARGE, 10.0 + second)
        assert not gate.is_open(10.0 + second)
    assert gate.is_open(18.0)
