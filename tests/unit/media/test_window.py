"""Live HLS: what the playlist names, in which order, and for how long it is there."""

import io

import av

from server.media.hls.playlist import NAME
from server.media.hls.segmenter import Segmenter
from server.media.hls.window import KEPT, LISTED, TARGET_SECONDS, Window
from server.media.unit import EncodedUnit
from tests.unit.media.test_recording import Pictures
from tests.unit.media.test_segmenter import LARGE, SMALL, by_time, picture, pictures, sound

ZERO = 1_700_000_000_000


def fill(window: Window, units: list[EncodedUnit]) -> int:
    segmenter = Segmenter()
    return sum(window.take(output) for unit in units for output in segmenter.push(unit))


def lines(window: Window) -> list[str]:
    playlist = window.file(NAME)
    assert playlist is not None
    return playlist.decode().splitlines()


def value(window: Window, tag: str) -> int:
    (found,) = [line for line in lines(window) if line.startswith(f"#EXT-X-{tag}:")]
    return int(found.partition(":")[2])


def test_there_is_no_playlist_of_one_segment() -> None:
    window = Window(ZERO)
    assert fill(window, by_time(*pictures(0, 3000), *sound(0, 3000))) == 1
    assert not window.is_playable
    assert window.file(NAME) is None


def test_the_playlist_names_the_last_six_and_the_files_of_three_more_are_there() -> None:
    window = Window(ZERO)
    count = fill(window, by_time(*pictures(0, 31_000), *sound(0, 31_000)))
    assert count == 15
    first = ZERO // 1000
    names = [line for line in lines(window) if line.endswith(".m4s")]
    assert names == [f"live-{first + number}.m4s" for number in range(15 - LISTED, 15)]
    assert value(window, "MEDIA-SEQUENCE") == first + 15 - LISTED
    assert value(window, "TARGETDURATION") == TARGET_SECONDS
    assert value(window, "DISCONTINUITY-SEQUENCE") == 0
    kept = [number for number in range(15) if window.file(f"live-{first + number}.m4s")]
    assert kept == list(range(15 - KEPT, 15))
    assert "#EXT-X-ENDLIST" not in lines(window)
    assert "#EXTINF:2.000," in lines(window)
    stamp = next(line for line in lines(window) if "PROGRAM-DATE-TIME" in line)
    # The seventh of fifteen segments of two seconds.
    assert stamp.endswith("2023-11-14T22:13:38.000Z")


def test_a_change_of_the_picture_is_a_discontinuity_that_is_counted_when_it_leaves() -> None:
    window = Window(ZERO)
    small = [picture(ms, key=ms % 2000 == 0, of=SMALL) for ms in range(4000, 8000, 40)]
    large = [picture(ms, key=ms % 2000 == 0, of=LARGE) for ms in range(8000, 24_000, 40)]
    before = by_time(*pictures(0, 4000), *small, *large, *sound(0, 24_000))
    segmenter = Segmenter()
    outputs = (output for unit in before for output in segmenter.push(unit))
    counted = [
        (lines(window).count("#EXT-X-DISCONTINUITY"), value(window, "DISCONTINUITY-SEQUENCE"))
        for output in outputs
        if window.take(output) and window.is_playable
    ]
    assert counted == [(0, 0)] + [(1, 0)] * 2 + [(2, 0)] * 4 + [(1, 1)] * 2 + [(0, 2)]
    # Nothing that the playlist does not need is kept.
    assert len({line for line in lines(window) if "MAP" in line}) == 1


def test_one_that_begins_again_later_never_reuses_a_name() -> None:
    first, second = Window(ZERO), Window(ZERO)
    fill(first, by_time(*pictures(0, 31_000), *sound(0, 31_000)))
    fill(second, by_time(*pictures(40_000, 47_000), *sound(40_000, 47_000)))
    names = [{line for line in lines(each) if line.endswith(".m4s")} for each in (first, second)]
    assert not names[0] & names[1]
    assert value(second, "MEDIA-SEQUENCE") > value(first, "MEDIA-SEQUENCE")


def test_a_long_group_of_pictures_raises_the_target_for_good() -> None:
    window = Window(ZERO)
    fill(window, by_time(*pictures(0, 8000, gop=8000), *pictures(8000, 40_000), *sound(0, 40_000)))
    assert value(window, "TARGETDURATION") == 8


def test_ffmpeg_reads_a_segment_behind_its_header() -> None:
    window = Window(ZERO)
    source = Pictures(320, 180)
    units = [source.unit(ms) for ms in range(0, 5000, 100)]
    fill(window, by_time(*units, *sound(units[0].dts_ms, units[-1].dts_ms)))
    header = next(line for line in lines(window) if "MAP" in line).split('"')[1]
    name = next(line for line in lines(window) if line.endswith(".m4s"))
    data = (window.file(header) or b"") + (window.file(name) or b"")
    with av.open(io.BytesIO(data)) as container:
        assert [stream.codec_context.name for stream in container.streams] == ["h264", "aac"]
        assert len(list(container.decode(video=0))) == 20
