"""One file of many segments, as FFmpeg reads it."""

import io
from itertools import pairwise

import av
import pytest

from server.media.hls import fmp4
from server.media.hls.segmenter import Closed, Fragment, Opened, Segmenter
from server.media.unit import EncodedUnit
from server.recordings import mp4
from tests.unit.media.test_recording import Pictures, sound, stream


def segments(units: list[EncodedUnit]) -> list[tuple[bytes, bytes, int]]:
    """Return init, data and duration of each segment."""
    segmenter = Segmenter()
    outputs = [each for unit in units for each in segmenter.push(unit)]
    found = []
    for each in [*outputs, *segmenter.close()]:
        match each:
            case Opened(parameters, start_ms):
                init, data, start = fmp4.init_segment(parameters), b"", start_ms
            case Fragment(more):
                data += more
            case Closed(end_ms):
                found.append((init, data, end_ms - start))
    return found


def made(parts: list[tuple[bytes, bytes, int]]) -> bytes:
    movie = mp4.Movie()
    for init, data, duration_ms in parts:
        movie.add(init, data, duration_ms)
    file, before = movie.head(), b""
    for init, data, _ in parts:
        file += b"".join(mp4.payload(init, before, data))
        before = init
    assert len(file) == len(movie.head()) + movie.payload_size
    return file


def times(file: bytes, kind: str) -> list[tuple[float, float]]:
    """Return when each packet begins and ends, in seconds."""
    with av.open(io.BytesIO(file)) as container:
        stream = getattr(container.streams, kind)[0]
        return [
            (float(p.pts * p.time_base), float((p.pts + p.duration) * p.time_base))
            for p in container.demux(stream)
            if p.pts is not None
        ]


def decoded(file: bytes) -> list[tuple[int, int]]:
    """Return the size of every picture; FFmpeg fails on the first error."""
    options = {"err_detect": "explode"}
    with av.open(io.BytesIO(file), options=options) as container:
        container.streams.video[0].codec_context.options = options
        return [(frame.width, frame.height) for frame in container.decode(video=0)]


def heard(file: bytes) -> int:
    with av.open(io.BytesIO(file)) as container:
        return sum(frame.samples for frame in container.decode(audio=0))


def test_the_index_is_in_front_and_all_samples_are_where_it_says() -> None:
    parts = segments(stream(Pictures(320, 180), *range(0, 7_000, 100)))
    assert len(parts) == 4
    file = made(parts)
    assert file.index(b"moov") < file.index(b"mdat") == file.rindex(b"mdat")
    assert decoded(file) == [(320, 180)] * 70
    video, audio = times(file, "video"), times(file, "audio")
    assert [round(begin, 3) for begin, _ in video] == [n / 10 for n in range(70)]
    assert all(abs(a[1] - b[0]) < 1e-6 for a, b in pairwise(audio))
    assert abs(audio[-1][1] - video[-1][1]) < 0.03
    with av.open(io.BytesIO(file)) as container:
        assert container.duration == 6_933_000
    # Nothing was encoded again.
    (first, *_) = [unit for unit in stream(Pictures(320, 180), 0, 100) if unit.key]
    assert first.data in file


def test_another_size_is_shown_in_its_size() -> None:
    large, small = Pictures(320, 180), Pictures(160, 90)
    units = [large.unit(ms) for ms in range(0, 2_000, 100)]
    units += [small.unit(ms) for ms in range(2_000, 4_000, 100)]
    again = Pictures(320, 180)
    units += [again.unit(ms) for ms in range(4_000, 5_000, 100)]
    file = made(segments(sorted([*units, *sound()], key=lambda unit: unit.dts_ms)))
    assert decoded(file) == [(320, 180)] * 20 + [(160, 90)] * 20 + [(320, 180)] * 10


def test_what_was_not_recorded_takes_no_time_and_nothing_drifts() -> None:
    parts = []
    for number in range(40):
        pictures = Pictures(160, 90)
        begin = number * 60_000
        units = [*(pictures.unit(ms) for ms in range(begin, begin + 700, 100))]
        late = [EncodedUnit(u.kind, u.dts_ms + begin + 5, False, u.data) for u in sound()]
        units += [unit for unit in late if unit.dts_ms < begin + 650]
        parts += segments(sorted(units, key=lambda unit: unit.dts_ms))
    file = made(parts)
    total = sum(duration for *_, duration in parts) / 1000
    video, audio = times(file, "video"), times(file, "audio")
    assert abs(video[-1][1] - total) < 0.001
    assert abs(audio[-1][1] - total) < 0.05
    assert all(a[1] <= b[0] + 1e-6 for a, b in pairwise(audio))
    # Where each stretch begins, its sound begins with its picture.
    for number in range(1, 40):
        begin = sum(duration for *_, duration in parts[:number]) / 1000
        assert min(abs(at - begin - 0.005) for at, _ in audio) < 0.002
    # The first begins 5 ms after the picture, too.
    assert audio[0][0] == pytest.approx(0.005, abs=0.001)


def test_what_is_torn_is_refused() -> None:
    init, data, duration_ms = segments(stream(Pictures(160, 90), *range(0, 1_000, 100)))[0]
    for torn in (b"", data[:-1], data + b"\0"):
        with pytest.raises(ValueError):
            mp4.Movie().add(init, torn, duration_ms)
    with pytest.raises(ValueError):
        mp4.Movie().add(b"no init", data, duration_ms)
