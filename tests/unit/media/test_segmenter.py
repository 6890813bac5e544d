"""Where segments and fragments are cut, judged by what FFmpeg reads of them."""

import io
from itertools import pairwise

import av
from hypothesis import given, settings
from hypothesis import strategies as st

from server.media import aac
from server.media.h264 import VideoParameters
from server.media.hls import fmp4
from server.media.hls.segmenter import (
    FRAGMENT_MOST_MS,
    GAP_MS,
    WAIT_MS,
    Closed,
    Fragment,
    Opened,
    Output,
    Segmenter,
)
from server.media.unit import EncodedUnit, Kind
from tests.unit.media.test_recording import Pictures

LARGE = Pictures(320, 180).unit(0).parameters
SMALL = Pictures(160, 90).unit(0).parameters


def picture(ms: int, *, key: bool = False, of: VideoParameters | None = LARGE) -> EncodedUnit:
    return EncodedUnit(Kind.VIDEO, ms, key, b"\0\0\0\2\x65\x88" if key else b"\0\0\0\2\x41\x9a", of)


def pictures(first: int, end: int, *, every: int = 40, gop: int = 2_000) -> list[EncodedUnit]:
    return [picture(ms, key=(ms - first) % gop == 0) for ms in range(first, end, every)]


def sound(first: int, end: int) -> list[EncodedUnit]:
    samples = range(first * 48, end * 48, aac.FRAME)
    return [EncodedUnit(Kind.AUDIO, round(at / 48), False, b"\x21\x10\x05") for at in samples]


def cut(units: list[EncodedUnit]) -> list[Output]:
    segmenter = Segmenter()
    out = [each for unit in units for each in segmenter.push(unit)]
    return out + list(segmenter.close())


def by_time(*units: EncodedUnit) -> list[EncodedUnit]:
    return sorted(units, key=lambda unit: unit.dts_ms)


def segments(out: list[Output]) -> list[tuple[Opened, list[Fragment], Closed]]:
    """Group what came out, which proves its order."""
    found = []
    rest = iter(out)
    for opened in rest:
        assert isinstance(opened, Opened)
        fragments = []
        while isinstance(each := next(rest), Fragment):
            fragments.append(each)
        assert isinstance(each, Closed)
        found.append((opened, fragments, each))
    return found


def read(out: list[Output]) -> dict[str, list[tuple[int, int, bool]]]:
    """Return time, duration in ticks and key flag of every sample, as FFmpeg understands them."""
    opened = out[0]
    assert isinstance(opened, Opened)
    data = fmp4.init_segment(opened.parameters)
    data += b"".join(each.data for each in out if isinstance(each, Fragment))
    with av.open(io.BytesIO(data)) as container:
        samples: dict[str, list[tuple[int, int, bool]]] = {"video": [], "audio": []}
        for packet in container.demux():
            if packet.dts is not None:
                kind = packet.stream.type
                samples[kind].append((packet.dts, packet.duration or 0, packet.is_keyframe))
    return samples


def is_whole(samples: list[tuple[int, int, bool]]) -> bool:
    return all(a + duration == b for (a, duration, _), (b, _, _) in pairwise(samples))


def test_segments_begin_with_keyframes_and_fragments_are_short() -> None:
    out = cut(by_time(*pictures(0, 6_000), *sound(0, 6_000)))
    found = segments(out)
    assert [(o.start_ms, c.end_ms) for o, _, c in found] == [
        (0, 2_000), (2_000, 4_000), (4_000, 6_028)
    ]  # fmt: skip
    for opened, fragments, closed in found:
        assert not opened.discontinuity
        assert fragments[0].independent
        assert not any(each.independent for each in fragments[1:])
        ends = [opened.start_ms, *(each.end_ms for each in fragments)]
        assert all(0 < b - a <= FRAGMENT_MOST_MS for a, b in pairwise(ends))
        assert ends[-1] == closed.end_ms
    samples = read(out)
    assert len(samples["video"]) == 150
    assert is_whole(samples["video"])
    assert is_whole(samples["audio"])
    assert {duration for _, duration, _ in samples["audio"]} == {1_024}


def test_a_keyframe_before_its_time_does_not_cut() -> None:
    out = cut(by_time(*pictures(0, 2_400, gop=800), *sound(0, 2_400)))
    assert [o.start_ms for o, _, _ in segments(out)] == [0]
    out = cut(by_time(*pictures(0, 4_000, gop=800), *sound(0, 4_000)))
    assert [o.start_ms for o, _, _ in segments(out)] == [0, 2_400]


def test_other_parameters_cut_at_once_and_once() -> None:
    small = [picture(ms, key=ms in (1_000, 3_000), of=SMALL) for ms in range(1_000, 4_000, 40)]
    out = cut(by_time(*pictures(0, 1_000), *small, *sound(0, 4_000)))
    found = segments(out)
    assert [(o.start_ms, o.discontinuity) for o, _, _ in found] == [
        (0, False), (1_000, True), (3_000, False)
    ]  # fmt: skip
    assert [o.parameters for o, _, _ in found] == [LARGE, SMALL, SMALL]


def test_where_nothing_comes_time_is_cut_out() -> None:
    later = 60_000
    # The first that comes after the gap decodes nowhere.
    lost = [picture(later), picture(later + 40)]
    after = by_time(*pictures(later + 80, later + 1_000), *sound(later, later + 1_000))
    out = cut([*by_time(*pictures(0, 1_000), *sound(0, 1_000)), *lost, *after])
    first, second = segments(out)
    assert first[2].end_ms == 1_014
    assert (second[0].start_ms, second[0].discontinuity) == (later + 80, True)
    samples = read([second[0], *second[1]])
    assert samples["video"][0] == (90 * (later + 80), 3_600, True)
    # Sound begins with the picture, give or take a frame.
    assert 0 <= samples["audio"][0][0] - 48 * (later + 80) < 1_024


def test_a_picture_stays_while_there_is_sound() -> None:
    still = [*pictures(0, 1_000), picture(9_000), picture(9_040, key=True), picture(9_080)]
    out = cut(by_time(*still, *sound(0, 9_200)))
    found = segments(out)
    assert [(o.start_ms, o.discontinuity) for o, _, _ in found] == [(0, False), (9_040, False)]
    assert all(b.end_ms - a.end_ms <= 520 for a, b in pairwise(found[0][1]))
    samples = read(out)
    assert is_whole(samples["video"])
    assert is_whole(samples["audio"])
    assert max(duration for _, duration, _ in samples["video"]) == 90 * (9_000 - 960)


def test_silence_is_where_no_sound_comes() -> None:
    for heard in ([], sound(1_000, 1_500), [*sound(0, 700), *sound(2_900, 4_000)]):
        samples = read(cut(by_time(*pictures(0, 4_000), *heard)))
        assert is_whole(samples["audio"])
        begin, end = samples["audio"][0][0], samples["audio"][-1][0] + 1_024
        assert 0 <= begin < 1_024
        assert abs(end - 4_000 * 48) <= 2 * 1_024


def test_sound_is_at_its_place_after_a_hole() -> None:
    marked = EncodedUnit(Kind.AUDIO, 3_000, False, b"\x21\x10\x05 marked")
    units = by_time(*pictures(0, 4_000), *sound(0, 700), *sound(2_000, 2_990), marked)
    data = b"".join(each.data for each in cut(units) if isinstance(each, Fragment))
    assert LARGE is not None
    with av.open(io.BytesIO(fmp4.init_segment(LARGE) + data)) as container:
        (at,) = [p.dts for p in container.demux(audio=0) if b"marked" in bytes(p)]
    assert at is not None
    assert abs(at - 3_000 * 48) < 1_024


def test_sound_that_repeats_is_dropped() -> None:
    units = by_time(*pictures(0, 2_000), *sound(0, 1_000), *sound(500, 2_000))
    samples = read(cut(units))["audio"]
    assert is_whole(samples)
    assert abs(len(samples) - len(sound(0, 2_000))) <= 1


def test_each_waits_for_the_other_kind_and_no_longer() -> None:
    late = [(unit.dts_ms + 200, unit) for unit in sound(0, 4_000)]
    units = sorted([*((u.dts_ms, u) for u in pictures(0, 4_000)), *late], key=lambda each: each[0])
    out = cut([unit for _, unit in units])
    for opened, fragments, closed in segments(out)[:-1]:
        heard = read([opened, *fragments])["audio"]
        assert abs(heard[0][0] - 48 * opened.start_ms) < 1_024
        assert abs(heard[-1][0] + 1_024 - 48 * closed.end_ms) < 1_024
    segmenter = Segmenter()
    written = 0
    for unit in pictures(0, 10_000):
        for each in segmenter.push(unit):
            written = each.end_ms if isinstance(each, Fragment) else written
        assert unit.dts_ms - written <= FRAGMENT_MOST_MS + WAIT_MS


def test_it_says_when_it_needs_a_keyframe() -> None:
    segmenter = Segmenter()
    assert segmenter.needs_keyframe
    for unit in by_time(*pictures(0, 1_000), *sound(0, 1_000)):
        list(segmenter.push(unit))
    assert not segmenter.needs_keyframe
    assert list(segmenter.push(picture(1_000 + GAP_MS + 100))) == []
    list(segmenter.push(picture(1_000 + GAP_MS + 500)))
    assert segmenter.needs_keyframe


@given(
    gaps=st.lists(st.integers(1, 4_500), min_size=1, max_size=60),
    keys=st.sets(st.integers(0, 59)),
    heard=st.sets(st.integers(0, 200)),
    late=st.integers(0, 400),
)
@settings(max_examples=60, deadline=None)
def test_whatever_comes_each_stretch_is_whole(
    gaps: list[int], keys: set[int], heard: set[int], late: int
) -> None:
    at, seen = 0, []
    for number, gap in enumerate(gaps):
        seen.append((at, picture(at, key=number in keys or number == 0)))
        at += gap
    frames = [unit for number, unit in enumerate(sound(0, min(at, 4_000))) if number in heard]
    seen += [(unit.dts_ms + late, unit) for unit in frames]
    out = cut([unit for _, unit in sorted(seen, key=lambda each: each[0])])
    stretches: list[list[Output]] = []
    for opened, fragments, closed in segments(out):
        if not stretches or opened.discontinuity:
            stretches.append([])
        stretches[-1] += [opened, *fragments, closed]
    for stretch in stretches:
        samples = read(stretch)
        assert is_whole(samples["video"])
        assert is_whole(samples["audio"])
        closed = stretch[-1]
        assert isinstance(closed, Closed)
        last, duration, _ = samples["video"][-1]
        assert last + duration == 90 * closed.end_ms
        assert samples["audio"][-1][0] <= 48 * closed.end_ms
