"""The slate is a real film: it decodes, at any size, and costs next to nothing."""

import asyncio

import av
import pytest

from server.media import h264
from server.media.ingest import source
from server.media.ingest.slate import FPS, GOP, STANDARD, Film, Reel, Sign, draw, film
from server.tasks import Supervisor
from tests.patience import PATIENCE


def decoded(made: Film, pictures: tuple[bytes, ...]) -> list[av.VideoFrame]:
    decoder = av.CodecContext.create("h264", "r")
    frames = []
    for data in pictures:
        nals = list(h264.split_lengths(data))
        if h264.nal_type(nals[0]) == h264.IDR:
            nals = [made.parameters.sps, made.parameters.pps, *nals]
        frames += decoder.decode(av.Packet(h264.join_annexb(nals)))
    return frames + decoder.decode(None)


@pytest.mark.parametrize("geometry", [(320, 180), (1280, 720), (1080, 1920), (854, 480)])
@pytest.mark.parametrize("sign", list(Sign))
def test_it_decodes_at_the_size_asked_for(geometry: tuple[int, int], sign: Sign) -> None:
    made = film(geometry, sign)
    assert made.parameters.geometry == geometry
    assert len(made.pictures) == GOP
    # Twice round: what follows the last picture is the first.
    frames = decoded(made, made.pictures * 2)
    assert len(frames) == 2 * GOP
    assert {(frame.width, frame.height) for frame in frames} == {geometry}
    assert [frame.key_frame for frame in frames] == ([True] + [False] * (GOP - 1)) * 2


def test_only_its_first_picture_says_anything() -> None:
    made = film((1280, 720), Sign.PAUSE)
    first, *others = made.pictures
    assert len(first) < 16_000
    assert max(map(len, others)) < 100
    for picture in made.pictures:
        # One slice, and nothing beside it.
        assert len(list(h264.split_lengths(picture))) == 1


def test_it_is_dark_with_a_light_sign_in_the_middle() -> None:
    for sign in Sign:
        picture = draw((640, 360), sign).convert("L")
        assert picture.getpixel((10, 10)) < 40
        brightness = picture.crop((270, 130, 370, 230)).getextrema()
        assert brightness[1] > 120
    assert draw((640, 360), Sign.PAUSE).tobytes() != draw((640, 360), Sign.SOUND).tobytes()


@pytest.mark.parametrize("geometry", [(16384, 16384), (2, 2)])
def test_no_size_is_drawn_that_nobody_has(geometry: tuple[int, int]) -> None:
    assert film(geometry, Sign.PAUSE).parameters.geometry == STANDARD


def test_it_runs_at_five_pictures_a_second_with_a_keyframe_every_two() -> None:
    reel = Reel(film((320, 180), Sign.PAUSE), 1_000)
    shown = [unit for tenth in range(100) for unit in reel.due(1_000 + tenth * 100)]
    assert [ms for ms, _, _ in shown] == list(range(1_000, 11_000, 1000 // FPS))
    assert [ms for ms, key, _ in shown if key] == [1_000, 3_000, 5_000, 7_000, 9_000]


def test_a_keyframe_comes_early_when_asked_for_but_never_two_in_a_row() -> None:
    reel = Reel(film((320, 180), Sign.PAUSE), 0)
    keys = []
    for tenth in range(40):
        reel.want_key()
        keys += [key for _, key, _ in reel.due(tenth * 100)]
    assert keys[:6] == [True, False, True, False, True, False]


def test_what_was_missed_is_left_out() -> None:
    reel = Reel(film((320, 180), Sign.PAUSE), 0)
    assert len(list(reel.due(0))) == 1
    assert [ms for ms, _, _ in reel.due(60_000)] == [60_000]


async def test_of_a_size_that_changes_all_the_time_few_films_are_made_and_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[tuple[int, int]] = []

    def quick(geometry: tuple[int, int], sign: Sign) -> Film:
        made.append(geometry)
        return Film(h264.VideoParameters(b"", b"", *geometry), ())

    monkeypatch.setattr(source, "film", quick)
    sizes = [(16 * number, 320) for number in range(1, source.FILMS + 3)]
    async with Supervisor("test") as tasks:
        films = source._Films(tasks)
        # All at once: one is made, the others when they are asked for again.
        assert [films(size, Sign.PAUSE) for size in sizes] == [None] * len(sizes)
        async with asyncio.timeout(PATIENCE):
            for size in sizes:
                while films(size, Sign.PAUSE) is None:
                    await asyncio.sleep(0)
        assert made == sizes
        assert films(sizes[-1], Sign.PAUSE) is not None
        assert films(sizes[0], Sign.PAUSE) is None
