"""What is published: ten seconds that were encoded before anything is measured, over and over.

720p at 30 pictures a second, 2.5 Mb/s of constrained baseline H.264 with a keyframe every two
seconds, and a voice in stereo Opus of 64 kb/s. A second file has the same pictures with AAC, for
``ffmpeg``.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.filter
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

WIDTH, HEIGHT, FPS = 1280, 720, 30
SECONDS = 10
KEYFRAME_SECONDS = 2
VIDEO_BITS, OPUS_BITS, AAC_BITS = 2_500_000, 64_000, 128_000
VIDEO_CLOCK, AUDIO_CLOCK, AUDIO_SAMPLES = 90_000, 48_000, 960
PICTURES = FPS * SECONDS
PACKETS = AUDIO_CLOCK * SECONDS // AUDIO_SAMPLES
"""Opus packets of 20 ms in a clip."""
IDENTITY_BYTES = 128
"""A picture is known by its last bytes: they are the same in Annex B and in AVCC."""

_LENGTH = struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class Clip:
    """The encoded pictures and sounds, in order."""

    pictures: tuple[bytes, ...]
    sounds: tuple[bytes, ...]

    def save(self, path: Path) -> None:
        """Write everything to a file that :func:`load` reads."""
        units = (*self.pictures, *self.sounds)
        path.write_bytes(b"".join(_LENGTH.pack(len(unit)) + unit for unit in units))


def load(path: Path) -> Clip:
    """Return the clip that was saved."""
    units = list(_units(path.read_bytes()))
    return Clip(tuple(units[:PICTURES]), tuple(units[PICTURES:]))


def _units(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        start = at + _LENGTH.size
        at = start + _LENGTH.unpack_from(data, at)[0]
        yield data[start:at]


def identity(picture: bytes) -> int:
    """Return what tells a picture from all others of the clip, whoever carried it."""
    return zlib.crc32(picture[-IDENTITY_BYTES:])


def encode() -> Clip:
    """Encode the clip; takes some seconds."""
    video = av.CodecContext.create("libx264", "w")
    assert isinstance(video, VideoCodecContext)
    _configure_video(video)
    pictures = [bytes(packet) for frame in _frames() for packet in video.encode(frame)]
    audio = av.CodecContext.create("libopus", "w")
    assert isinstance(audio, AudioCodecContext)
    audio.sample_rate, audio.layout, audio.format = AUDIO_CLOCK, "stereo", "s16"
    audio.bit_rate, audio.options = OPUS_BITS, {"vbr": "off"}
    sounds = [bytes(packet) for frame in _voice() for packet in audio.encode(frame)]
    return Clip(tuple(pictures), tuple(sounds[:PACKETS]))


def write_file(clip: Clip, path: Path) -> None:
    """Write a Matroska file of the clip's pictures, with AAC, for FFmpeg to read in real time."""
    with av.open(str(path), "w") as container:
        video, audio = container.add_stream("libx264", rate=FPS), container.add_stream("aac")
        assert isinstance(video, VideoStream)
        assert isinstance(audio, AudioStream)
        _configure_video(video.codec_context)
        audio.codec_context.sample_rate = AUDIO_CLOCK
        audio.codec_context.layout = "stereo"
        audio.codec_context.bit_rate = AAC_BITS
        for number, data in enumerate(clip.pictures):
            packet = av.Packet(data)
            packet.pts = packet.dts = number
            packet.time_base = Fraction(1, FPS)
            packet.is_keyframe = number % (FPS * KEYFRAME_SECONDS) == 0
            packet.stream = video
            container.mux(packet)
        for frame in _voice():
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))


def _configure_video(encoder: VideoCodecContext) -> None:
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    encoder.bit_rate, encoder.gop_size, encoder.max_b_frames = VIDEO_BITS, FPS * 2, 0
    encoder.thread_count = 1
    encoder.options = {
        "preset": "veryfast",
        "tune": "zerolatency",
        "profile": "baseline",
        "x264-params": "vbv-maxrate=2500:vbv-bufsize=2500:scenecut=0:keyint=60:min-keyint=60",
    }


def _frames() -> Iterator[VideoFrame]:
    """Yield a moving test picture with enough noise to be worth its bit rate."""
    graph = av.filter.Graph()
    nodes = [
        graph.add("testsrc2", f"size={WIDTH}x{HEIGHT}:rate={FPS}"),
        graph.add("noise", "alls=12:allf=t"),
        graph.add("format", "yuv420p"),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    for _ in range(PICTURES):
        frame = graph.pull()
        assert isinstance(frame, VideoFrame)
        yield frame


# Harmonics of a pitch that wanders, four syllables a second, a breath every three seconds. What a
# pure tone costs an AAC encoder says nothing of a class.
_PITCH = "(2*PI*(120*t+6*sin(4.4*t)))"
_HARMONICS = {1: 1.0, 2: 0.8, 3: 0.9, 4: 0.6, 5: 0.4, 6: 0.25, 9: 0.35, 14: 0.2}
_VOICE = (
    "0.12*pow(0.5+0.5*sin(8*PI*t),2)*lt(mod(t,3),2.4)*("
    + "+".join(f"{weight}*sin({number}*{_PITCH})" for number, weight in _HARMONICS.items())
    + ")+0.004*(random(0)-0.5)"
)


def _voice() -> Iterator[AudioFrame]:
    """Yield a sound like that of somebody who speaks."""
    graph = av.filter.Graph()
    nodes = [
        graph.add("aevalsrc", f"exprs='{_VOICE}':sample_rate={AUDIO_CLOCK}"
                              f":nb_samples={AUDIO_SAMPLES}"),
        graph.add("aformat", "sample_fmts=s16:channel_layouts=stereo"),
        graph.add("abuffersink"),
    ]  # fmt: skip
    graph.link_nodes(*nodes).configure()
    for _ in range(PACKETS + 1):  # libopus holds back one
        frame = graph.pull()
        assert isinstance(frame, AudioFrame)
        yield frame
