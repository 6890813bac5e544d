"""Holes in sound: bridged, faded, and left without a click."""

import math
from array import array
from itertools import pairwise

import pytest

from server.media.ingest.concealment import BLEND, FRAME_BYTES, LIMIT, Concealer


def tone(samples: int, start: int = 0) -> bytes:
    """Return 440 Hz on the left and silence on the right."""
    out = array("h")
    for at in range(start, start + samples):
        out.extend((round(8000 * math.sin(2 * math.pi * 440 * at / 48_000)), 0))
    return out.tobytes()


def left(sound: bytes) -> list[int]:
    return array("h", sound).tolist()[::2]


def right(sound: bytes) -> list[int]:
    return array("h", sound).tolist()[1::2]


def heard(*sounds: bytes) -> Concealer:
    concealer = Concealer()
    for sound in sounds:
        concealer.heard(sound)
    return concealer


def test_sound_without_holes_is_left_alone() -> None:
    concealer = heard(tone(960))
    assert concealer.heard(tone(960, 960)) == tone(960, 960)


def test_nothing_clicks_where_a_hole_begins_and_ends() -> None:
    for missing in (480, 960, 1920, 2880, 4800):
        concealer = Concealer()
        sound = concealer.heard(tone(960)) + concealer.heard(tone(960, 960))
        sound += concealer.bridge(missing) + concealer.heard(tone(960, 1920 + missing))
        steepest = max(abs(b - a) for a, b in pairwise(left(tone(4800))))
        # From silence to the first sound, too.
        assert max(abs(b - a) for a, b in pairwise([0, *left(sound)])) <= 1.5 * steepest


def test_a_bridge_fades_within_60_ms_and_is_silent_then() -> None:
    bridge = left(heard(tone(960)).bridge(4800))
    parts = [max(map(abs, bridge[at : at + 480])) for at in range(0, 4800, 480)]
    assert parts[0] > 6000
    assert all(a > b for a, b in pairwise(parts[:7]))
    assert not any(bridge[LIMIT:])


def test_a_bridge_in_pieces_is_the_same_bridge() -> None:
    whole = heard(tone(960)).bridge(4000)
    concealer = heard(tone(960))
    assert b"".join(concealer.bridge(n) for n in (1, 99, 900, 1000, 2000)) == whole


def test_channels_are_kept_apart() -> None:
    assert not any(right(heard(tone(960)).bridge(3000)))


@pytest.mark.parametrize("samples", [1, 480, 2880])
def test_any_frame_bridges_any_hole(samples: int) -> None:
    concealer = heard(tone(samples))
    assert len(concealer.bridge(10_000)) == 10_000 * FRAME_BYTES
    assert len(concealer.heard(tone(samples))) == samples * FRAME_BYTES


def test_before_the_first_sound_there_is_silence() -> None:
    concealer = Concealer()
    assert not any(concealer.bridge(960))
    first = concealer.heard(tone(960))
    assert first != tone(960)
    assert first[BLEND * FRAME_BYTES :] == tone(960)[BLEND * FRAME_BYTES :]


def test_the_loudest_sound_does_not_overflow() -> None:
    loud = array("h", [-32_768, 32_767] * 960).tobytes()
    concealer = heard(loud)
    concealer.bridge(500)
    assert len(concealer.heard(loud)) == len(loud)
