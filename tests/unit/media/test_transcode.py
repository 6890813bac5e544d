"""VP8 in, H.264 out: what the child process does, in this one."""

import io
import os
import threading

import av
import pytest
from av.video.frame import PictureType
from hypothesis import given
from hypothesis import strategies as st

from server.media import h264
from server.media.health import kilobits
from server.media.ingest import transcode
from server.media.ingest.pipe import KEYFRAME_WISH, Frame, Reader, pack, rate_wish
from server.media.ingest.transcode import Transcoder
from tests.unit.media.test_vp8 import FRAMES, encoded

INPUT = [Frame(n * 33, n % 10 == 0, data) for n, data in enumerate(FRAMES)]


def nal_types(frame: Frame) -> list[int]:
    return [h264.nal_type(nal) for nal in h264.split_annexb(frame.data)]


def test_each_frame_becomes_one_picture_at_its_time_without_delay() -> None:
    transcoder = Transcoder()
    for frame in INPUT:
        (made,) = transcoder.feed(frame)
        assert made.ms == frame.ms


def test_what_comes_out_is_baseline_without_b_frames_and_decodes() -> None:
    transcoder = Transcoder()
    made = [picture for frame in INPUT for picture in transcoder.feed(frame)]
    sps = next(n for n in h264.split_annexb(made[0].data) if h264.nal_type(n) == h264.SPS)
    assert sps[1] == 66
    decoder = av.CodecContext.create("h264", "r")
    frames = [f for picture in made for f in decoder.decode(av.Packet(picture.data))]
    frames += decoder.decode(None)
    assert len(frames) == len(INPUT)
    assert not any(frame.pict_type == PictureType.B for frame in frames)
    assert {(frame.width, frame.height) for frame in frames} == {(320, 180)}


def test_keyframes_come_every_two_seconds_whatever_the_publisher_does() -> None:
    transcoder = Transcoder()
    # Five pictures a second, for eight seconds.
    frames = encoded(40, key_every=1000)
    made = [
        picture
        for n, data in enumerate(frames)
        for picture in transcoder.feed(Frame(n * 200, not n, data))
    ]
    keys = [picture.ms for picture in made if picture.key]
    assert keys == [0, 2_000, 4_000, 6_000]
    assert all(h264.IDR in nal_types(p) and h264.SPS in nal_types(p) for p in made if p.key)


def test_a_keyframe_is_made_when_asked_for() -> None:
    transcoder = Transcoder()
    made = [transcoder.feed(frame)[0].key for frame in INPUT[:5]]
    transcoder.wish(KEYFRAME_WISH)
    made += [transcoder.feed(frame)[0].key for frame in INPUT[5:8]]
    assert made == [True, False, False, False, False, True, False, False]


def test_what_is_skipped_is_decoded_all_the_same() -> None:
    transcoder = Transcoder()
    made = [transcoder.feed(frame, skip=n in (2, 3)) for n, frame in enumerate(INPUT[:6])]
    assert [len(each) for each in made] == [1, 1, 0, 0, 1, 1]


def test_a_new_size_begins_with_a_keyframe_of_that_size() -> None:
    transcoder = Transcoder()
    transcoder.feed(INPUT[0])
    (made,) = transcoder.feed(Frame(40, True, encoded(1, size=(640, 360))[0]))
    nals = {h264.nal_type(nal): nal for nal in h264.split_annexb(made.data)}
    assert made.key
    assert h264.parameters(nals[h264.SPS], nals[h264.PPS]).geometry == (640, 360)


def test_an_odd_size_is_made_even() -> None:
    (made,) = Transcoder().feed(Frame(0, True, encoded(1, size=(321, 181))[0]))
    nals = {h264.nal_type(nal): nal for nal in h264.split_annexb(made.data)}
    assert h264.parameters(nals[h264.SPS], nals[h264.PPS]).geometry == (320, 180)


def test_nonsense_makes_nothing_until_a_keyframe() -> None:
    transcoder = Transcoder()
    assert transcoder.feed(INPUT[3]) == []
    assert transcoder.feed(Frame(0, True, b"\x00" * 40)) == []
    assert transcoder.feed(INPUT[3]) == []
    assert len(transcoder.feed(INPUT[10])) == 1


@pytest.mark.parametrize(
    ("geometry", "most", "expected"),
    [
        ((1280, 720), 5_000, 2_500),
        ((320, 180), 5_000, 600),
        ((1920, 1080), 5_000, 5_000),
        ((960, 540), 5_000, 1_406),
        ((1920, 1080), 4_000, 4_000),
        ((320, 180), 300, 300),
    ],
)
def test_the_bitrate_follows_the_size(geometry: tuple[int, int], most: int, expected: int) -> None:
    assert transcode.kbps(geometry, most) == expected


def test_pictures_take_no_more_than_wished_for_from_the_next_one_on() -> None:
    transcoder = Transcoder()
    frames = encoded(180, is_noise=True)
    noise = [Frame(n * 33, n % 10 == 0, data) for n, data in enumerate(frames)]
    before = [made for frame in noise[:90] for made in transcoder.feed(frame)]
    transcoder.wish(rate_wish(300))
    after = [made for frame in noise[90:] for made in transcoder.feed(frame)]
    assert after[0].key
    # What the first second may take beyond it is gone by then.
    assert 500 < kilobits(sum(len(each.data) for each in before[45:]), 45 * 0.033) < 700
    assert kilobits(sum(len(each.data) for each in after[45:]), 45 * 0.033) < 350


@given(
    st.lists(st.builds(Frame, st.integers(-(2**60), 2**60), st.booleans(), st.binary(max_size=50))),
    st.integers(1, 40),
)
def test_frames_survive_the_pipe_in_any_pieces(frames: list[Frame], size: int) -> None:
    data = b"".join(map(pack, frames))
    reader = Reader()
    out = [f for at in range(0, len(data), size) for f in reader.feed(data[at : at + size])]
    assert out == frames


def test_it_runs_from_pipe_to_pipe_until_its_input_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    # All of it is there at once, and shall be encoded all the same.
    monkeypatch.setattr(transcode, "BEHIND_FRAMES", 64)
    read, write = os.pipe()

    def feed() -> None:
        with os.fdopen(write, "wb") as sink:
            for number, frame in enumerate(INPUT[:8]):
                sink.write(pack(frame))
                if number == 4:
                    sink.write(pack(KEYFRAME_WISH))

    feeding = threading.Thread(target=feed)
    feeding.start()
    out = io.BytesIO()
    with os.fdopen(read, "rb") as source:
        transcode.run(source, out)
    feeding.join(5)
    made = list(Reader().feed(out.getvalue()))
    assert [frame.ms for frame in made] == [frame.ms for frame in INPUT[:8]]
    assert [frame.key for frame in made] == [True, False, False, False, False, True, False, False]


def test_what_is_behind_is_only_decoded() -> None:
    read, write = os.pipe()
    with os.fdopen(write, "wb") as sink:
        sink.write(b"".join(map(pack, INPUT[:20])))
    out = io.BytesIO()
    with os.fdopen(read, "rb") as source:
        transcode.run(source, out)
    made = list(Reader().feed(out.getvalue()))
    assert made[0].key
    assert made[-1].ms == INPUT[19].ms
    assert len(made) < 20
