"""What becomes of a publisher's media on a bad network, measured unit by unit on the bus."""

import asyncio
import contextlib
import os
import random
import time
from bisect import bisect
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from statistics import median

import av

from server.clock import SystemClock
from server.media import h264
from server.media.bus import Bus
from server.media.fabric import MediaEvent
from server.media.ingest.source import Source
from server.media.ingest.whip import Publisher
from server.media.unit import EncodedUnit, Kind
from server.media.unit_queue import QueueLimits
from server.tasks import Supervisor
from tests.media.conftest import is_passing
from tests.media.lossy_relay import LossyRelay
from tests.media.publisher import (
    OPUS_SAMPLES,
    VIDEO_TIME_BASE,
    PictureTrack,
    TestPublisher,
    ToneTrack,
)
from tests.patience import PATIENCE

TEACHER = "0193a000-0000-7000-8000-0000000000aa"
EVERYTHING = QueueLimits(lag_ms=None, overflow_bytes=1 << 30, overflow_ms=None)


class KnownPictures(PictureTrack):
    """Pictures that are remembered with their number and the moment they show."""

    def __init__(self, noise_rows: int = 24) -> None:
        super().__init__()
        self._noise_rows = noise_rows
        """Rows of noise on top make about half a packet each."""
        self.sent: dict[bytes, tuple[int, float]] = {}
        self.late_seconds = 0.0
        """How long after its moment a picture was made, at most."""

    async def recv(self) -> av.Packet:
        packet = await super().recv()
        self._remember(packet, self._pace._start + self._pace.count / self.fps)
        return packet

    def _remember(self, packet: av.Packet, moment: float) -> None:
        nals = h264.split_annexb(bytes(packet))
        kept = [nal for nal in nals if h264.nal_type(nal) not in (h264.SPS, h264.PPS, h264.AUD)]
        self.sent[h264.join_lengths(kept)] = len(self.sent), moment
        self.late_seconds = max(self.late_seconds, time.monotonic() - moment)

    def _draw(self, count: int) -> av.VideoFrame:
        frame = super()._draw(count)
        luma = frame.planes[0]
        size = luma.line_size * self._noise_rows
        luma.update(os.urandom(size) + bytes(luma)[size:])
        return frame


class LargeKeyframes(KnownPictures):
    """Nothing but keyframes, each of so many packets as is said, over and over.

    There is a pause after each: where they take long, none is late for that.
    """

    def __init__(self, *packets: int) -> None:
        super().__init__()
        self._packets = packets
        self._began = time.monotonic()
        encoded = next(iter(self._encoder.encode(super()._draw(0))))
        self._parameters = [
            nal
            for nal in h264.split_annexb(bytes(encoded))
            if h264.nal_type(nal) in (h264.SPS, h264.PPS)
        ]

    async def recv(self) -> av.Packet:
        await asyncio.sleep(0.33)
        now, count = time.monotonic(), len(self.sent)
        size = 1298 * self._packets[count % len(self._packets)] - 1000
        noise = random.Random(count).randbytes(size).replace(b"\x00", b"\x01")
        packet = av.Packet(h264.join_annexb([*self._parameters, b"\x65\x88" + noise]))
        packet.pts = packet.dts = round((now - self._began) * 90_000)
        packet.time_base = VIDEO_TIME_BASE
        self._remember(packet, now)
        return packet


class PicturesWithBFrames(KnownPictures):
    """Every other picture is sent after the one that follows it."""

    def __init__(self) -> None:
        super().__init__()
        encoder = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height = self._size
        encoder.pix_fmt = "yuv420p"
        encoder.time_base = encoder.framerate = Fraction(1, self.fps)
        encoder.options = {
            "preset": "ultrafast",
            "x264-params": "bframes=1:b-adapt=0:keyint=30:scenecut=0:sync-lookahead=0:threads=1",
        }
        self._encoder = encoder
        self._waiting: list[av.Packet] = []
        self._drawn = 0

    async def recv(self) -> av.Packet:
        await self._pace.next()
        while not self._waiting:
            frame = self._draw(self._drawn)
            frame.pts, frame.time_base = self._drawn, Fraction(1, self.fps)
            self._drawn += 1
            self._waiting = list(self._encoder.encode(frame))
        packet = self._waiting.pop(0)
        packet.pts = packet.pts * 90_000 // self.fps
        packet.time_base = VIDEO_TIME_BASE
        self._remember(packet, self._pace._start + self._pace.count / self.fps)
        return packet


class KnownSound(ToneTrack):
    """Noise, so that no packet is like another, remembered with the moment it begins."""

    def __init__(self) -> None:
        super().__init__()
        self._noise = random.Random(3)
        self.sent: dict[bytes, tuple[int, float]] = {}
        self.late_seconds = 0.0
        """How long after its moment a packet was made, at most."""

    async def recv(self) -> av.Packet:
        self._wave = self._noise.randbytes(OPUS_SAMPLES * 4)
        packet = await super().recv()
        moment = self._pace._start + self._pace.count * OPUS_SAMPLES / 48_000
        self.sent[bytes(packet)] = len(self.sent), moment
        self.late_seconds = max(self.late_seconds, time.monotonic() - moment)
        return packet


@dataclass
class Outcome:
    """What arrived, compared with what was sent."""

    sent: int
    """Pictures, from the first that arrived to the last."""
    lost: int
    damaged: int
    """Units that were never sent like this, or that nothing can decode."""
    longest_gop: float
    skew_ms: float
    """The largest distance of a picture from the sound of its moment, after two seconds."""
    silent_ms: int
    """The longest hole between two AAC frames."""
    numbers: list[int]
    """Of the pictures that arrived, in the order they were sent."""
    events: list[str]
    figures: dict[str, object]

    @property
    def loss(self) -> float:
        """Part of the pictures that were lost."""
        return self.lost / self.sent


@dataclass
class Uplink:
    """A publisher, a network, and the bus that its media arrives on."""

    relay: LossyRelay
    publisher: TestPublisher
    who: Publisher
    units: list[tuple[EncodedUnit, float]]
    events: list[str] = field(default_factory=list)

    @property
    def keyframes(self) -> int:
        """How many have arrived."""
        return sum(unit.key for unit, _ in self.units)

    @property
    def late_seconds(self) -> float:
        """How late the publisher was, at most: so is everything of it, on a machine that is."""
        return max(self.publisher.picture.late_seconds, self.publisher.sound.late_seconds)

    def clear(self) -> None:
        """Forget what arrived until now."""
        self.units.clear()

    def outcome(self, *, decode: bool = True) -> Outcome:
        """Compare what arrived since :meth:`clear` with what was sent."""
        pictures = [unit for unit, _ in self.units if unit.kind is Kind.VIDEO]
        sound = [unit for unit, _ in self.units if unit.kind is Kind.OPUS]
        frames = [unit.dts_ms for unit, _ in self.units if unit.kind is Kind.AUDIO]
        known = self.publisher.picture.sent
        numbers = [known[unit.data][0] for unit in pictures if unit.data in known]
        damaged = len(pictures) - len(numbers) + (undecodable(pictures) if decode else 0)
        assert all(a < b for a, b in pairwise(unit.dts_ms for unit in pictures))
        assert all(a < b for a, b in pairwise(frames))
        keys = [unit.dts_ms for unit in pictures if unit.key]
        sent = numbers[-1] - numbers[0] + 1
        nacks, video = self.who.nacks, self.who.video.statistics
        return Outcome(
            sent=sent,
            lost=sent - len(numbers),
            damaged=damaged,
            longest_gop=max(b - a for a, b in pairwise([*keys, pictures[-1].dts_ms])) / 1000,
            skew_ms=self._skew(pictures, sound),
            silent_ms=max(b - a for a, b in pairwise(frames)),
            numbers=numbers,
            events=list(self.events),
            figures={
                "packets": video.packets,
                "missing_for_good": video.lost,
                "needless": video.late,
                "asked": nacks.asked,
                "repaired": nacks.repaired,
                "round_trip_ms": round(nacks.round_trip * 1000),
            },
        )

    def _skew(self, pictures: list[EncodedUnit], sound: list[EncodedUnit]) -> float:
        heard = self.publisher.sound.sent
        seen = self.publisher.picture.sent
        places = [
            (unit.dts_ms, unit.dts_ms - heard[unit.data][1] * 1000)
            for unit in sound
            if unit.data in heard
        ]
        times = [ms for ms, _ in places]
        worst = 0.0
        for unit in pictures:
            if unit.dts_ms - pictures[0].dts_ms < 2000 or unit.data not in seen:
                continue
            near = bisect(times, unit.dts_ms)
            around = [place for _, place in places[max(0, near - 5) : near + 5]]
            if around:
                place = unit.dts_ms - seen[unit.data][1] * 1000
                worst = max(worst, abs(place - median(around)))
        return round(worst, 1)


def undecodable(pictures: list[EncodedUnit]) -> int:
    """Return how many of the pictures a strict decoder refuses."""
    decoder = av.CodecContext.create("h264", "r")
    decoder.options = {"err_detect": "explode"}
    decoder.thread_count = 1
    decoded = 0
    for unit in pictures:
        nals = list(h264.split_lengths(unit.data))
        if unit.key:
            nals = [unit.parameters.sps, unit.parameters.pps, *nals]
        with contextlib.suppress(av.error.InvalidDataError):
            decoded += len(decoder.decode(av.Packet(h264.join_annexb(nals))))
    decoded += len(decoder.decode(None))
    return len(pictures) - decoded


def pace(publisher: TestPublisher, burst: int) -> None:
    """Have ``publisher`` wait a millisecond after every ``burst`` packets."""
    transport = publisher.pc.getSenders()[0].transport
    send = transport._send_rtp
    count = 0

    async def paced(data: bytes) -> None:
        nonlocal count
        await send(data)
        count += 1
        if count % burst == 0:
            await asyncio.sleep(0.001)

    transport._send_rtp = paced


@contextlib.asynccontextmanager
async def uplink(
    *,
    seed: int = 1,
    picture: PictureTrack | None = None,
    burst: int | None = None,
    edit: Callable[[bytes], bytes] = bytes,
) -> AsyncIterator[Uplink]:
    """Publish through a relay that does no harm yet, until pictures and sound arrive.

    With ``burst``, the publisher pauses after so many packets, as browsers do. ``edit`` changes
    its offer.
    """
    clock = SystemClock()
    bus, relay = Bus(), LossyRelay(seed)
    events: list[str] = []
    units: list[tuple[EncodedUnit, float]] = []
    who: list[Publisher] = []
    publisher = TestPublisher()
    publisher.picture, publisher.sound = picture or KnownPictures(), KnownSound()

    def emit(kind: str, data: dict[str, object]) -> None:
        if is_passing(MediaEvent("", "", kind, data)):
            return
        events.append(f"{kind} {data['code']}" if "code" in data else kind)

    async with Supervisor("test") as tasks:
        source = Source(bus=bus, clock=clock, emit=emit, tasks=tasks)
        source.consumed = True
        subscription = bus.subscribe(
            frozenset({Kind.VIDEO, Kind.OPUS, Kind.AUDIO}), EVERYTHING, from_keyframe=False
        )

        async def collect() -> None:
            while (unit := await subscription.get()) is not None:
                units.append((unit, time.monotonic()))

        async def tick() -> None:
            while True:
                source.tick(clock.monotonic())
                await asyncio.sleep(0.1)

        async def post(offer: bytes) -> tuple[int, dict[str, str], bytes]:
            peer, answer = await source.publish(TEACHER, await relay.offer(edit(offer)))
            who.append(peer)
            return 201, {"Location": ""}, relay.answer(answer.encode())

        tasks.start("collect", collect())
        tasks.start("tick", tick())
        try:
            assert await publisher.publish(post) == 201
            if burst is not None:
                pace(publisher, burst)
            async with asyncio.timeout(PATIENCE):
                while len({unit.kind for unit, _ in units}) < 3:
                    await asyncio.sleep(0.02)
            yield Uplink(relay, publisher, who[0], units, events)
        finally:
            await publisher.close()
            await source.close()
            relay.close()
