"""What is published can be played: while it is on air, and again from the object store."""

import io
from itertools import pairwise

import av

from server.media.fabric import Answer, RecordingTarget
from tests.media.conftest import SESSION, Media
from tests.patience import Stopwatch

PREFIX = "tenant/session/recordings/rec"


async def hls(media: Media, file: str = "index.m3u8") -> Answer:
    answer = await media.fabric.hls(SESSION, file)
    assert answer.status == 200, answer.body
    return answer


async def plays_live(media: Media) -> None:
    """Expect the first to ask for HLS to start it, and to play what is on air."""
    started = Stopwatch()
    playlist = (await hls(media)).body.decode().splitlines()
    # From the cached group of pictures on: two segments of two seconds.
    assert started.seconds < 8
    header = next(line for line in playlist if "MAP" in line).split('"')[1]
    names = [line for line in playlist if line.endswith(".m4s")]
    data = b"".join([(await hls(media, name)).body for name in (header, *names)])
    with av.open(io.BytesIO(data)) as container:
        picture, sound = container.streams
        assert (picture.codec_context.width, sound.codec_context.name) == (640, "aac")
        pictures = len(list(container.decode(picture)))
    assert pictures >= 4 * 15 - 4
    gone = await media.fabric.hls(SESSION, "live-1.m4s")
    assert gone.status == 404


async def test_what_is_on_air_is_live_hls_and_recorded_as_segments_of_a_playlist_that_ends(
    media: Media,
) -> None:
    await media.desire(recording=RecordingTarget("rec", PREFIX))
    await media.publish()
    await media.hears("publisher.connected")
    await plays_live(media)
    root = media.objects.root / PREFIX
    assert "#EXT-X-PLAYLIST-TYPE:EVENT" in (root / "index.m3u8").read_text()
    await media.desire(recording=None, over=(RecordingTarget("rec", PREFIX),))
    finalized = await media.hears("recording.finalized")
    assert finalized.data["media_uri"] == f"{PREFIX}/index.m3u8"
    playlist = (root / "index.m3u8").read_text()
    names = [line for line in playlist.splitlines() if line.endswith(".m4s")]
    assert len(names) >= 2
    assert playlist.endswith("#EXT-X-ENDLIST\n")
    assert "#EXT-X-PLAYLIST-TYPE:VOD" in playlist
    # The segment is stored before the playlist that names it.
    order = media.objects.order
    assert order.index(f"{PREFIX}/{names[0]}") < order.index(f"{PREFIX}/index.m3u8")
    stored = sum(p.stat().st_size for p in root.iterdir() if p.suffix in (".m4s", ".mp4"))
    assert finalized.data["bytes"] == stored

    with av.open(str(root / "index.m3u8")) as container:
        times = []
        for frame in container.decode(video=0):
            assert (frame.width, frame.height) == (640, 360)
            times.append(frame.time)
    assert all(a < b for a, b in pairwise(times))
    seconds = finalized.data["duration_ms"] / 1000
    assert abs(times[-1] - times[0] - seconds) < 0.3
    (init,) = root.glob("init-*.mp4")
    for name in names:
        data = init.read_bytes() + (root / name).read_bytes()
        with av.open(io.BytesIO(data)) as container:
            picture = next(container.decode(video=0))
            assert picture.key_frame
        with av.open(io.BytesIO(data)) as container:
            sound = list(container.decode(audio=0))
            assert sound[0].sample_rate == 48_000
            # 1,024 samples a frame; the last segment is as short as it happened to be.
            assert len(sound) > (20 if name != names[-1] else 0)


async def test_a_recording_of_nothing_fails(media: Media) -> None:
    await media.desire(recording=RecordingTarget("rec", PREFIX))
    await media.desire(recording=None, over=(RecordingTarget("rec", PREFIX),))
    failed = await media.hears("recording.failed")
    assert failed.data == {"recording": "rec", "code": "empty"}
