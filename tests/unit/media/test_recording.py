"""Segments and playlists, without a store, then with one that fails."""

import asyncio
import io
from fractions import Fraction
from itertools import pairwise

import av
import pytest

from server.errors import NotFoundError, UnavailableError
from server.media.bus import Bus, EncodedUnit, Kind
from server.media.fabric import RecordingTarget
from server.media.h264 import VideoParameters, join_lengths, nal_type, parameters, split_annexb
from server.media.hls import fmp4
from server.media.hls.playlist import Segment, parse, render
from server.media.recording import recorder
from tests.unit.media.test_audio import PACKETS, AacTranscoder


class Pictures:
    """Encoded pictures of one size."""

    def __init__(self, width: int, height: int) -> None:
        self._encoder = av.CodecContext.create("libx264", "w")
        self._encoder.width, self._encoder.height = width, height
        self._encoder.pix_fmt = "yuv420p"
        self._encoder.time_base = Fraction(1, 1000)
        self._encoder.framerate = Fraction(10, 1)
        self._encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "g": "20"}
        self._size = width, height
        self._parameters: VideoParameters | None = None

    def unit(self, ms: int) -> EncodedUnit:
        frame = av.VideoFrame(*self._size, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([ms // 100 % 200]) * plane.buffer_size)
        frame.pts = ms
        (packet,) = self._encoder.encode(frame)
        nals = split_annexb(bytes(packet))
        kinds = {nal_type(nal): nal for nal in nals}
        if 7 in kinds:
            self._parameters = parameters(kinds[7], kinds[8])
        body = join_lengths([nal for nal in nals if nal_type(nal) in (1, 5)])
        return EncodedUnit(Kind.VIDEO, ms, packet.is_keyframe, body, self._parameters)


def sound() -> list[EncodedUnit]:
    transcoder = AacTranscoder()
    frames = []
    for number, packet in enumerate(PACKETS):
        frames += transcoder.feed(packet, number * 960)
    return [EncodedUnit(Kind.AUDIO, round(at / 48), False, data) for at, data in frames]


def test_a_fragment_plays_at_its_own_time() -> None:
    pictures = Pictures(320, 180)
    units = [pictures.unit(ms) for ms in range(0, 2000, 100)]
    hour = 3_600_000
    video = fmp4.Run(hour * 90, [fmp4.Sample(u.data, 9000, u.key) for u in units])
    audio = fmp4.Run(hour * 48, [fmp4.Sample(u.data, 1024, True) for u in sound()])
    assert units[0].parameters is not None
    data = fmp4.init_segment(units[0].parameters) + fmp4.fragment(1, video, audio)
    with av.open(io.BytesIO(data)) as container:
        frames = list(container.decode(video=0))
        assert len(frames) == 20
        assert frames[0].pts * frames[0].time_base == 3600
        assert (frames[0].width, frames[0].height) == (320, 180)
    with av.open(io.BytesIO(data)) as container:
        packets = [p for p in container.demux(audio=0) if p.dts is not None]
        assert packets[0].pts == hour * 48
        assert [b.pts - a.pts for a, b in pairwise(packets)] == ([1024] * (len(packets) - 1))


def test_a_playlist_says_what_a_player_needs() -> None:
    at = 1_795_338_000_000
    segments = [
        Segment("a.m4s", "init-0.mp4", 2_000, at, False),
        Segment("b.m4s", "init-0.mp4", 2_133, at + 2_000, False),
        Segment("c.m4s", "init-1.mp4", 400, at + 9_000, True),
    ]
    text = render(segments, 4321, ended=True)
    assert parse(text) == (segments, 4321)
    assert text == (
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:3\n#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MAP:URI="init-0.mp4"\n#EXT-X-PROGRAM-DATE-TIME:2026-11-22T09:00:00.000Z\n'
        "#EXTINF:2.000,\na.m4s\n#EXTINF:2.133,\nb.m4s\n"
        '#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="init-1.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-22T09:00:09.000Z\n#EXTINF:0.400,\nc.m4s\n#BYTES:4321\n#EXT-X-ENDLIST\n"
    )


class MemoryObjects:
    """A store that refuses as often as it is told."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.objects: dict[str, bytes] = {}

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        if self.refusals:
            self.refusals -= 1
            raise UnavailableError
        self.objects[key] = data

    async def get(self, key: str) -> bytes:
        if key not in self.objects:
            raise NotFoundError
        return self.objects[key]


async def record(units: list[EncodedUnit], objects: MemoryObjects) -> list[tuple[str, object]]:
    bus, told = Bus(), []
    target = RecordingTarget("rec", "t/s/recordings/rec")
    work = recorder.Recorder(
        target,
        bus=bus,
        objects=objects,
        emit=lambda name, data: told.append((name, data)),
        zero_ms=1_795_338_000_000,
    )
    running = asyncio.ensure_future(work.run())
    for unit in units:
        bus.publish(unit)
    await work.finish()
    await running
    return told


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "RETRY_SECONDS", (0.0, 0.0))


def stream(pictures: Pictures, *times: int) -> list[EncodedUnit]:
    units = [pictures.unit(ms) for ms in times]
    last = times[-1]
    return sorted([*units, *(u for u in sound() if u.dts_ms < last)], key=lambda u: u.dts_ms)


async def test_segments_are_cut_at_keyframes() -> None:
    objects = MemoryObjects()
    told = await record(stream(Pictures(320, 180), *range(0, 5_000, 100)), objects)
    name, data = told[0]
    assert name == "recording.finalized"
    assert data["duration_ms"] == 4_933
    text = objects.objects["t/s/recordings/rec/index.m3u8"].decode()
    assert [line for line in text.splitlines() if line.startswith("#EXTINF")] == [
        "#EXTINF:2.000,",
        "#EXTINF:2.000,",
        "#EXTINF:0.933,",
    ]
    assert text.count("#EXT-X-MAP") == 1
    assert "DISCONTINUITY" not in text


async def test_a_change_of_size_is_a_discontinuity_with_its_own_init() -> None:
    objects = MemoryObjects()
    large, small = Pictures(320, 180), Pictures(160, 90)
    units = [large.unit(ms) for ms in range(0, 1_500, 100)]
    units += [small.unit(ms) for ms in range(1_500, 3_000, 100)]
    await record(units, objects)
    text = objects.objects["t/s/recordings/rec/index.m3u8"].decode()
    assert text.count("#EXT-X-MAP") == 2
    assert text.count("#EXT-X-DISCONTINUITY") == 1


async def test_a_gap_is_a_discontinuity_and_the_next_segment_begins_with_a_keyframe() -> None:
    objects = MemoryObjects()
    pictures = Pictures(320, 180)
    units = [pictures.unit(ms) for ms in [*range(0, 1_500, 100), *range(60_000, 63_000, 100)]]
    await record(units, objects)
    text = objects.objects["t/s/recordings/rec/index.m3u8"].decode()
    assert text.count("#EXT-X-DISCONTINUITY") == 1
    assert "2026-11-22T09:01:00.500Z" in text


async def test_a_store_that_is_away_for_a_moment_loses_nothing() -> None:
    objects = MemoryObjects(refusals=2)
    told = await record(stream(Pictures(320, 180), *range(0, 3_000, 100)), objects)
    assert told[0][0] == "recording.finalized"
    assert len(objects.objects) == 4


async def test_a_store_that_stays_away_fails_the_recording() -> None:
    told = await record(
        stream(Pictures(320, 180), *range(0, 3_000, 100)), MemoryObjects(refusals=1_000)
    )
    assert told == [("recording.failed", {"recording": "rec", "code": "store"})]


async def test_a_recording_that_was_interrupted_is_continued() -> None:
    objects = MemoryObjects()
    pictures = Pictures(320, 180)
    await record(stream(pictures, *range(0, 5_000, 100)), objects)
    before = dict(objects.objects)
    told = await record(stream(Pictures(320, 180), *range(0, 3_000, 100)), objects)
    name, data = told[0]
    assert name == "recording.finalized"
    assert data["duration_ms"] == 4_933 + 2_933
    segments, size = parse(objects.objects["t/s/recordings/rec/index.m3u8"].decode())
    assert [s.discontinuity for s in segments] == [False, False, False, True, False]
    assert segments[3].init == "init-1.mp4"
    media = {k: v for k, v in objects.objects.items() if not k.endswith(".m3u8")}
    assert size == data["bytes"] == sum(map(len, media.values()))
    assert all(media[k] == v for k, v in before.items() if k in media)


async def test_whatever_ends_a_recording_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bytes:
        raise RuntimeError

    monkeypatch.setattr(fmp4, "fragment", broken)
    told: list[tuple[str, object]] = []
    bus = Bus()
    work = recorder.Recorder(
        RecordingTarget("rec", "t"),
        bus=bus,
        objects=MemoryObjects(),
        emit=lambda name, data: told.append((name, data)),
        zero_ms=0,
    )
    bus.publish(Pictures(320, 180).unit(0))
    bus.unsubscribe(work._subscription)
    with pytest.raises(RuntimeError):
        await work.run()
    assert told == [("recording.failed", {"recording": "rec", "code": "internal"})]
