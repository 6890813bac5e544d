"""The simulated teacher's camera and microphone: a child process that only encodes.

The child (``python -m load.camera``) draws a moving test picture with a running clock and a tone,
encodes both and writes them in real time to its standard output, one unit after the other::

    kind (1 byte, b"v" or b"a") · timestamp in clock units (8) · length (4) · encoded bytes

Each byte on its standard input asks for a keyframe; end of file ends it, so it never outlives the
process that started it. Encoding here would stop the event loop for milliseconds at a time.
"""

import argparse
import asyncio
import contextlib
import itertools
import os
import select
import struct
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, BinaryIO

import av
import av.filter
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

_UNIT = struct.Struct("!cqI")
VIDEO_CLOCK = 90_000
AUDIO_CLOCK = 48_000
AUDIO_SAMPLES = 960
"""20 ms of sound: what one Opus packet holds."""
KEYFRAME_SECONDS = 2
_LATE_SECONDS = 1.0
"""After a pause longer than this (a suspended laptop), what was missed is not made up for."""
_QUEUED_UNITS = 256


# ---------------------------------------------------------------- the child


@dataclass(frozen=True, slots=True)
class Unit:
    """One encoded picture or one Opus packet."""

    kind: bytes
    timestamp: int
    data: bytes


class _Picture:
    """A test picture with colours, moving bars and its own clock, as constrained baseline H.264."""

    def __init__(self, width: int, height: int, fps: int) -> None:
        self._graph = av.filter.Graph()
        source = self._graph.add("testsrc2", f"size={width}x{height}:rate={fps}")
        pixels = self._graph.add("format", "yuv420p")
        sink = self._graph.add("buffersink")
        source.link_to(pixels)
        pixels.link_to(sink)
        self._graph.configure()
        encoder = av.CodecContext.create("libx264", "w")
        assert isinstance(encoder, VideoCodecContext)
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
        encoder.time_base, encoder.framerate = Fraction(1, fps), Fraction(fps)
        encoder.bit_rate = width * height * fps // 6
        encoder.gop_size, encoder.max_b_frames, encoder.thread_count = fps * KEYFRAME_SECONDS, 0, 1
        encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}
        self._encoder, self._fps, self._count = encoder, fps, 0

    @property
    def due(self) -> float:
        return self._count / self._fps

    def next(self, *, wanted: bool, keyframe: bool) -> list[Unit]:
        frame = self._graph.pull()
        assert isinstance(frame, VideoFrame)
        timestamp = self._count * VIDEO_CLOCK // self._fps
        self._count += 1
        if not wanted:
            return []
        frame.pict_type = PictureType.I if keyframe else PictureType.NONE
        return [Unit(b"v", timestamp, bytes(packet)) for packet in self._encoder.encode(frame)]


class _Tone:
    """A soft tone with a beep each second, as stereo Opus."""

    def __init__(self) -> None:
        self._graph = av.filter.Graph()
        nodes = [
            self._graph.add(
                "sine",
                f"frequency=330:beep_factor=3:sample_rate={AUDIO_CLOCK}"
                f":samples_per_frame={AUDIO_SAMPLES}",
            ),
            self._graph.add("volume", "0.4"),
            self._graph.add("aformat", "sample_fmts=s16:channel_layouts=stereo"),
            self._graph.add("abuffersink"),
        ]
        for source, target in itertools.pairwise(nodes):
            source.link_to(target)
        self._graph.configure()
        encoder = av.CodecContext.create("libopus", "w")
        assert isinstance(encoder, AudioCodecContext)
        encoder.sample_rate, encoder.layout, encoder.format = AUDIO_CLOCK, "stereo", "s16"
        encoder.time_base, encoder.bit_rate = Fraction(1, AUDIO_CLOCK), 48_000
        self._encoder, self._count = encoder, 0

    @property
    def due(self) -> float:
        return self._count * AUDIO_SAMPLES / AUDIO_CLOCK

    def next(self, *, wanted: bool) -> list[Unit]:
        frame = self._graph.pull()
        assert isinstance(frame, AudioFrame)
        timestamp = self._count * AUDIO_SAMPLES
        self._count += 1
        if not wanted:
            return []
        return [Unit(b"a", timestamp, bytes(packet)) for packet in self._encoder.encode(frame)]


def _film(out: BinaryIO, requests: int, width: int, height: int, fps: int) -> None:
    """Write units in real time until ``requests`` ends or nobody reads any more."""
    picture, tone = _Picture(width, height, fps), _Tone()
    started, keyframe = time.monotonic(), False
    while True:
        due = started + min(picture.due, tone.due)
        while (wait := due - time.monotonic()) > 0:
            if select.select([requests], [], [], wait)[0]:
                if not os.read(requests, 64):
                    return
                keyframe = True
        wanted = -wait < _LATE_SECONDS
        if picture.due <= tone.due:
            units = picture.next(wanted=wanted, keyframe=keyframe)
            keyframe = keyframe and not wanted
        else:
            units = tone.next(wanted=wanted)
        for unit in units:
            out.write(_UNIT.pack(unit.kind, unit.timestamp, len(unit.data)) + unit.data)
        out.flush()


# ---------------------------------------------------------------- the parent


class EncodedTrack(MediaStreamTrack):
    """What a WebRTC sender takes from the camera: packets that are encoded already.

    Nothing is kept before the sender asks for the first time. A sender that falls behind loses
    what is queued, and a picture goes on with a keyframe.
    """

    def __init__(self, camera: "Camera", kind: str, clock: int) -> None:
        super().__init__()
        self.kind = kind
        self._camera = camera
        self._time_base = Fraction(1, clock)
        self._units: asyncio.Queue[Unit | None] = asyncio.Queue(_QUEUED_UNITS)
        self._reading = False
        self._needs_keyframe = False

    async def recv(self) -> "av.Packet[Any]":
        """Return the next packet.

        Raises:
            MediaStreamError: If the track or the camera has stopped.

        """
        if not self._reading:
            self._reading = True
            self._restart()
        unit = await self._units.get() if self.readyState == "live" else None
        if unit is None:
            self.stop()
            raise MediaStreamError
        packet = av.Packet(unit.data)
        packet.pts = packet.dts = unit.timestamp
        packet.time_base = self._time_base
        return packet

    def put(self, unit: Unit | None) -> None:
        """Offer one unit, or None at the end. Never blocks."""
        if unit is not None:
            if not self._reading:
                return
            if self._needs_keyframe and not is_keyframe(unit.data):
                return
            self._needs_keyframe = False
        if self._units.full():
            while not self._units.empty():
                self._units.get_nowait()
            self._restart()
            if self._needs_keyframe and unit is not None:
                return
        self._units.put_nowait(unit)

    def _restart(self) -> None:
        if self.kind == "video":
            self._needs_keyframe = True
            self._camera.request_keyframe()


class Camera:
    """The running child and the tracks that follow it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._tracks: dict[bytes, EncodedTrack] = {}

    def tracks(self) -> tuple[EncodedTrack, EncodedTrack]:
        """Return fresh picture and sound tracks; the earlier ones get nothing more."""
        video = EncodedTrack(self, "video", VIDEO_CLOCK)
        audio = EncodedTrack(self, "audio", AUDIO_CLOCK)
        self._tracks = {b"v": video, b"a": audio}
        return video, audio

    def request_keyframe(self) -> None:
        """Make the next picture a keyframe."""
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(b"k")

    async def _pump(self) -> None:
        out = self._process.stdout
        assert out is not None
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                kind, timestamp, length = _UNIT.unpack(await out.readexactly(_UNIT.size))
                unit = Unit(kind, timestamp, await out.readexactly(length))
                if track := self._tracks.get(kind):
                    track.put(unit)
        for track in self._tracks.values():
            track.put(None)


@contextlib.asynccontextmanager
async def camera(width: int = 640, height: int = 360, fps: int = 15) -> AsyncIterator[Camera]:
    """Run the camera for as long as the block lasts."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "load.camera", "--width", str(width), "--height", str(height), "--fps", str(fps)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the parent; the child follows its standard input
    )
    running = Camera(process)
    pump = asyncio.create_task(running._pump(), name="camera")
    try:
        yield running
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(2):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        finally:
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pump


def is_keyframe(access_unit: bytes) -> bool:
    """Whether an Annex B access unit begins with parameter sets or an IDR picture."""
    start = access_unit.find(b"\x00\x00\x01")
    return start >= 0 and (access_unit[start + 3] & 31) in (5, 7)


def main() -> None:
    """Be the child."""
    parser = argparse.ArgumentParser(prog="python -m load.camera")
    for name, value in (("width", 640), ("height", 360), ("fps", 15)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        _film(sys.stdout.buffer, sys.stdin.fileno(), options.width, options.height, options.fps)


if __name__ == "__main__":
    main()
