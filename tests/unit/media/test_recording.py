"""Recordings without a media worker: the object store and the disk are away as they are told."""

import asyncio
import functools
import hashlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from server.clock import SystemClock
from server.errors import NotFoundError, UnavailableError
from server.media.bus import Bus
from server.media.fabric import RecordingTarget
from server.media.h264 import VideoParameters, join_lengths, nal_type, parameters, split_annexb
from server.media.hls import fmp4, manifest, playlist
from server.media.recording import recorder, spool, uploader
from server.media.recording.leftovers import Leftovers
from server.media.recording.recordings import Recordings
from server.media.unit import EncodedUnit, Kind
from server.tasks import Supervisor
from tests.patience import eventually
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


@functools.cache
def sound() -> list[EncodedUnit]:
    transcoder = AacTranscoder()
    frames = []
    for number, packet in enumerate(PACKETS):
        frames += transcoder.feed(packet, number * 960)
    return [EncodedUnit(Kind.AUDIO, round(at / 48), False, data) for at, data in frames]


class MemoryObjects:
    """A store that refuses as often as it is told."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.objects: dict[str, bytes] = {}
        self.order: list[str] = []

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        self._refuse()
        self.objects[key] = data
        self.order.append(key.rpartition("/")[2])

    async def get(self, key: str) -> bytes:
        self._refuse()
        if key not in self.objects:
            raise NotFoundError
        return self.objects[key]

    def _refuse(self) -> None:
        if self.refusals:
            self.refusals -= 1
            raise UnavailableError

    def text(self) -> str:
        return self.objects[f"{PREFIX}/index.m3u8"].decode()

    def found(self) -> playlist.Playlist:
        return playlist.parse(self.text())


PREFIX = "t/s/recordings/rec"
TARGET = RecordingTarget("rec", PREFIX)
AT = 1_795_338_000_000


class Class:
    """The recordings of one session, and what they told."""

    def __init__(self, objects: MemoryObjects, spool: Path, *, at: int = AT) -> None:
        self.bus = Bus()
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.tasks = Supervisor("test")
        self.recordings = Recordings(
            bus=self.bus,
            objects=objects,
            spool=spool,
            emit=lambda name, data: self.told.append((name, data)),
            tasks=self.tasks,
            zero_ms=lambda: at,
        )

    async def record(self, units: list[EncodedUnit]) -> None:
        self.recordings.apply(TARGET, ())
        for unit in units:
            self.bus.publish(unit)
            await asyncio.sleep(0)

    async def end(self) -> tuple[str, dict[str, Any]]:
        """End the recording as the class does, and return what is told of it."""

        def has_told() -> bool:
            self.recordings.apply(None, (TARGET,))
            return bool(self.told)

        await eventually(has_told)
        await self.tasks.close()
        (told,) = self.told
        return told


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploader, "RETRY_SECONDS", (0.0, 0.01))
    monkeypatch.setattr(recorder, "CLAIM_SECONDS", 0.01)


def kept_ms(objects: MemoryObjects, root: Path) -> int:
    """Return how much of the recording would outlive its process now."""
    stored = objects.found() if f"{PREFIX}/index.m3u8" in objects.objects else playlist.Playlist()
    kept = spool.Spool(root / "rec")
    left = [each for at in kept.left() if (each := kept.read(at)) is not None]
    names = {segment.name for segment in stored.segments}
    return stored.duration_ms + sum(e.duration_ms for e in left if e.header.name not in names)


def stream(pictures: Pictures, *times: int) -> list[EncodedUnit]:
    units = [pictures.unit(ms) for ms in times]
    last = times[-1]
    return sorted([*units, *(u for u in sound() if u.dts_ms < last)], key=lambda u: u.dts_ms)


async def test_segments_are_cut_at_keyframes(tmp_path: Path) -> None:
    objects = MemoryObjects()
    work = Class(objects, tmp_path)
    await work.record(stream(Pictures(320, 180), *range(0, 5_000, 100)))
    name, data = await work.end()
    assert name == "recording.finalized"
    assert data["duration_ms"] == 4_933
    assert data["media_uri"] == f"{PREFIX}/index.m3u8"
    assert data["clock"] == [{"wall_ms": AT, "media_ms": 0}]
    text = objects.text()
    assert [line for line in text.splitlines() if line.startswith("#EXTINF")] == [
        "#EXTINF:2.000,",
        "#EXTINF:2.000,",
        "#EXTINF:0.933,",
    ]
    assert text.count("#EXT-X-MAP") == 1
    assert "DISCONTINUITY" not in text
    assert text.endswith("#EXT-X-ENDLIST\n")
    # Each thing is there before what names it.
    init, *rest = objects.order
    assert init.startswith("init-")
    assert rest == [
        f"{AT}.m4s", "index.m3u8", f"{AT + 2_000}.m4s", "index.m3u8", f"{AT + 4_000}.m4s",
        "index.m3u8", "manifest.json", "index.m3u8",
    ]  # fmt: skip
    assert [*tmp_path.rglob("*")] == []


async def test_a_manifest_tells_whether_everything_is_as_it_was(tmp_path: Path) -> None:
    objects = MemoryObjects()
    work = Class(objects, tmp_path)
    await work.record(stream(Pictures(320, 180), *range(0, 3_000, 100)))
    _, data = await work.end()
    listed = manifest.decode(objects.objects[f"{PREFIX}/manifest.json"])
    media = {
        key.rpartition("/")[2]: content
        for key, content in objects.objects.items()
        if key.endswith((".m4s", ".mp4"))
    }
    assert {name: (each.bytes, each.sha256) for name, each in listed.files.items()} == {
        name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in media.items()
    }
    assert (data["bytes"], data["duration_ms"]) == (listed.bytes, listed.duration_ms)


async def test_a_change_of_size_is_a_discontinuity_with_its_own_init(tmp_path: Path) -> None:
    objects = MemoryObjects()
    work = Class(objects, tmp_path)
    large, small = Pictures(320, 180), Pictures(160, 90)
    units = [large.unit(ms) for ms in range(0, 1_500, 100)]
    units += [small.unit(ms) for ms in range(1_500, 5_000, 100)]
    await work.record(units)
    _, data = await work.end()
    assert objects.text().count("#EXT-X-MAP") == 2
    assert objects.text().count("#EXT-X-DISCONTINUITY") == 1
    assert data["clock"] == [{"wall_ms": AT, "media_ms": 0}]


async def test_a_gap_is_a_discontinuity_and_the_next_segment_begins_with_a_keyframe(
    tmp_path: Path,
) -> None:
    objects = MemoryObjects()
    work = Class(objects, tmp_path)
    asked = []
    work.bus.want_keyframe = lambda: asked.append(True)
    pictures = Pictures(320, 180)
    times = [*range(0, 1_500, 100), *range(60_000, 63_000, 100)]
    await work.record([pictures.unit(ms) for ms in times])
    _, data = await work.end()
    assert objects.text().count("#EXT-X-DISCONTINUITY") == 1
    assert "2026-11-22T09:01:00.500Z" in objects.text()
    assert data["clock"][1:] == [{"wall_ms": AT + 60_500, "media_ms": 1_433}]
    assert asked


async def test_a_store_that_is_away_for_a_moment_loses_nothing(tmp_path: Path) -> None:
    units = stream(Pictures(320, 180), *range(0, 3_000, 100))
    whole = MemoryObjects()
    for objects in (whole, MemoryObjects(refusals=9)):
        work = Class(objects, tmp_path)
        await work.record(units)
        name, _ = await work.end()
        assert name == "recording.finalized"
        assert objects.objects == whole.objects


async def test_what_the_store_does_not_take_waits_on_the_disk_however_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Memory is for nothing: each segment is read from the disk again.
    monkeypatch.setattr(uploader, "MEMORY_BYTES", 0)
    objects = MemoryObjects(refusals=1_000_000)
    work = Class(objects, tmp_path)
    await work.record(stream(Pictures(320, 180), *range(0, 9_000, 100)))
    await eventually(lambda: len([*tmp_path.rglob("*.part")]) == 5)
    health = work.recordings.health()
    assert health is not None
    assert (health.state, health.waiting_ms) == ("unstable", 8_000)
    assert objects.objects == {}
    objects.refusals = 0
    name, data = await work.end()
    assert (name, data["duration_ms"]) == ("recording.finalized", 8_933)
    assert [*tmp_path.rglob("*")] == []


@pytest.mark.parametrize("killed_at", [0, 1_000, 2_700, 5_000])
async def test_a_recording_that_was_interrupted_is_continued(
    tmp_path: Path, killed_at: int
) -> None:
    objects = MemoryObjects()
    first = Class(objects, tmp_path)
    pictures = Pictures(320, 180)
    units = stream(pictures, *range(0, 5_000, 100))
    await first.record([unit for unit in units if unit.dts_ms < killed_at])
    # What is on its way to be a fragment when it is killed is lost.
    await eventually(lambda: kept_ms(objects, tmp_path) >= killed_at - 600)
    await first.tasks.close()
    assert first.told == []
    before = dict(objects.objects)
    second = Class(objects, tmp_path, at=AT + 60_000)
    await second.record(stream(Pictures(320, 180), *range(0, 3_000, 100)))
    name, data = await second.end()
    assert name == "recording.finalized"
    found = objects.found()
    lost = killed_at - (found.segments[0].starts_at_ms == AT) * (found.duration_ms - 2_933)
    assert 0 <= lost <= 600
    jumps = [segment.starts_at_ms for segment in found.segments if segment.discontinuity]
    assert jumps == ([AT + 60_000] if killed_at else [])
    assert len(data["clock"]) == (2 if killed_at else 1)
    media = {k: v for k, v in objects.objects.items() if k.endswith((".m4s", ".mp4"))}
    assert data["bytes"] == sum(map(len, media.values()))
    assert all(media[k] == v for k, v in before.items() if k in media)
    assert [*tmp_path.rglob("*")] == []


async def test_a_recording_that_ended_meanwhile_is_finalised_from_what_is_left(
    tmp_path: Path,
) -> None:
    objects = MemoryObjects(refusals=1_000_000)
    first = Class(objects, tmp_path)
    await first.record(stream(Pictures(320, 180), *range(0, 5_000, 100)))
    await eventually(lambda: kept_ms(objects, tmp_path) > 4_300)
    await first.tasks.close()
    objects.refusals = 0
    name, data = await Class(objects, tmp_path).end()
    assert name == "recording.finalized"
    assert 4_300 < data["duration_ms"] < 5_000
    # Asked again, as after a crash before that was told, it tells the same.
    assert await Class(objects, tmp_path).end() == (name, data)


async def test_a_recording_of_which_nothing_is_left_has_failed(tmp_path: Path) -> None:
    told = await Class(MemoryObjects(refusals=3), tmp_path).end()
    assert told == ("recording.failed", {"recording": "rec", "code": "empty"})


async def test_a_session_that_is_given_up_ends_no_recording(tmp_path: Path) -> None:
    objects = MemoryObjects()
    work = Class(objects, tmp_path)
    await work.record(stream(Pictures(320, 180), *range(0, 5_000, 100)))
    work.recordings.apply(None, ())
    await work.recordings.close()
    assert work.told == []
    found = objects.found()
    assert (found.duration_ms, found.ended) == (4_933, False)
    assert [*tmp_path.rglob("*")] == []


async def test_a_disk_that_is_full_harms_nothing_while_memory_holds_what_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "RESERVE_BYTES", 1 << 60)
    objects = MemoryObjects(refusals=20)
    work = Class(objects, tmp_path)
    await work.record(stream(Pictures(320, 180), *range(0, 5_000, 100)))
    name, data = await work.end()
    assert (name, data["duration_ms"]) == ("recording.finalized", 4_933)


async def test_a_disk_and_a_memory_that_are_full_fail_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploader, "MEMORY_BYTES", 3_000)
    objects = MemoryObjects(refusals=1_000_000)
    work = Class(objects, tmp_path)
    await work.record(stream(Pictures(320, 180), *range(0, 3_000, 100)))
    await eventually(lambda: len([*tmp_path.rglob("*.part")]) == 2)
    monkeypatch.setattr(spool.Spool, "_is_full", lambda self: True)
    for unit in stream(Pictures(320, 180), *range(3_000, 9_000, 100)):
        work.bus.publish(unit)
    await eventually(lambda: bool(work.told))
    assert work.told == [("recording.failed", {"recording": "rec", "code": "disk_full"})]
    # What was taken is still there.
    assert len([*tmp_path.rglob("*.part")]) >= 2
    await work.tasks.close()


async def test_whatever_ends_a_recording_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bytes:
        raise RuntimeError

    monkeypatch.setattr(fmp4, "fragment", broken)
    work = Class(MemoryObjects(), tmp_path)
    await work.record(stream(Pictures(320, 180), *range(0, 3_000, 100)))
    await eventually(lambda: bool(work.told))
    assert work.told == [("recording.failed", {"recording": "rec", "code": "internal"})]
    assert not work.recordings.is_running
    await work.tasks.close()


async def test_two_processes_never_write_the_same_recording(tmp_path: Path) -> None:
    one, other = spool.Spool(tmp_path / "rec"), spool.Spool(tmp_path / "rec")
    assert one.claim()
    assert not other.claim()
    one.release()
    assert other.claim()
    other.release()
    assert not (tmp_path / "rec").exists()


class StandingClock(SystemClock):
    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


def test_a_spool_that_nobody_asks_for_is_removed_after_a_day(tmp_path: Path) -> None:
    clock = StandingClock()
    leftovers = Leftovers(tmp_path, clock)
    fragment = fmp4.fragment(1, fmp4.Run(0, [fmp4.Sample(b"x", 9_000, True)]), fmp4.Run(0, ()))

    def write(recording: str) -> spool.Spool:
        kept = spool.Spool(tmp_path / "session" / recording)
        assert kept.claim()
        kept.begin(spool.Header(AT, "init-0.mp4", False), b"init")
        kept.append(fragment)
        return kept

    write("left").release()
    busy = write("busy")
    leftovers.sweep()
    clock.seconds += 86_399
    leftovers.sweep()
    assert (tmp_path / "session" / "left").exists()
    clock.seconds += 1
    leftovers.sweep()
    assert [each.name for each in (tmp_path / "session").iterdir()] == ["busy"]
    # From when its recorder is gone it is kept for as long.
    busy.release()
    leftovers.sweep()
    clock.seconds += 86_400
    leftovers.sweep()
    assert [*(tmp_path / "session").iterdir()] == []


async def test_a_fragment_that_was_torn_is_left_out(tmp_path: Path) -> None:
    objects = MemoryObjects(refusals=1_000_000)
    first = Class(objects, tmp_path)
    await first.record(stream(Pictures(320, 180), *range(0, 3_900, 100)))
    await eventually(lambda: kept_ms(objects, tmp_path) > 3_000)
    await first.tasks.close()
    kept = kept_ms(objects, tmp_path)
    last = max(tmp_path.rglob("*.part"))
    torn = fmp4.fragment(9, fmp4.Run(0, [fmp4.Sample(b"x" * 99, 9_000, True)]), fmp4.Run(0, ()))
    last.write_bytes(last.read_bytes() + torn[:-1])
    # One of which not even the first fragment is whole is nothing.
    (last.parent / f"{AT + 9_000}.part").write_bytes(torn[:20])
    objects.refusals = 0
    _, data = await Class(objects, tmp_path).end()
    assert data["duration_ms"] == kept
    for segment in objects.found().segments:
        stored = objects.objects[f"{PREFIX}/{segment.name}"]
        assert [*fmp4.read(stored)][-1].end == len(stored)


async def test_what_was_stored_before_a_crash_is_not_stored_twice(tmp_path: Path) -> None:
    objects = MemoryObjects()
    first = Class(objects, tmp_path)
    await first.record(stream(Pictures(320, 180), *range(0, 5_000, 100)))
    await eventually(lambda: kept_ms(objects, tmp_path) > 4_000 and len(objects.order) >= 5)
    await first.tasks.close()
    # It was killed after the playlist was stored, and before the spool was emptied.
    (segment, *_) = objects.found().segments
    header = spool.Header(segment.starts_at_ms, segment.init, False)
    left = spool.Spool(tmp_path / "rec")
    assert left.claim()
    left.begin(header, objects.objects[f"{PREFIX}/{segment.init}"])
    left.append(objects.objects[f"{PREFIX}/{segment.name}"])
    left.release()
    await Class(objects, tmp_path).end()
    names = [each.name for each in objects.found().segments]
    assert len(names) == len({*names}) == 3
    assert objects.order.count(segment.name) == 1


async def test_a_place_that_somebody_else_wrote_into_fails_the_recording(tmp_path: Path) -> None:
    objects = MemoryObjects()
    objects.objects[f"{PREFIX}/index.m3u8"] = b"#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:yesterday\n"
    told = await Class(objects, tmp_path).end()
    assert told == ("recording.failed", {"recording": "rec", "code": "internal"})
