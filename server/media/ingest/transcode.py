"""``python -m server.media.ingest.transcode``: VP8 in, H.264 out, in a process of its own.

Frames come on standard input and go on standard output as :mod:`server.media.ingest.pipe` writes
them. One frame in is at most one out, under the same time. The process ends at the end of its
input, which is how it notices that its parent died. It is nice: a picture that stutters is better
than everybody's sound that does.
"""

import os
import queue
import sys
import threading
from fractions import Fraction
from typing import BinaryIO

import av
import av.error
from av.video.frame import PictureType

from server.media.ingest.geometry import Geometry
from server.media.ingest.pipe import Frame, Reader, pack

NICENESS = 5
WAITING_FRAMES = 64
BEHIND_FRAMES = 3
"""With more frames waiting, one is decoded and not encoded."""
KEYFRAME_MS = 2_000
_MOST_KBPS = 5_000
_LEAST_KBPS = 600


def kbps(geometry: Geometry, most_kbps: int) -> int:
    """Return the bitrate for a geometry: 2,500 kbit/s for 1280×720; at most ``most_kbps``."""
    width, height = geometry
    fitting = max(_LEAST_KBPS, width * height * 2_500 // (1280 * 720))
    return min(fitting, most_kbps)


class Transcoder:
    """Decode VP8 and encode H.264: Baseline, no B-frames, no delay. One thread at a time."""

    def __init__(self) -> None:
        self._decoder = _decoder()
        self._encoder: av.VideoCodecContext | None = None
        self._most_kbps = _MOST_KBPS
        self._last_key_ms: int | None = None
        self._broken = True
        """Whether nothing decodes before the next keyframe."""

    def feed(self, frame: Frame, *, skip: bool = False) -> list[Frame]:
        """Return the H.264 picture of one VP8 frame, in Annex B form; ``skip``: only decode it."""
        if self._broken and not frame.key:
            return []
        try:
            pictures = self._decoder.decode(av.Packet(frame.data))
        except av.error.FFmpegError:
            self._broken = True
            return []
        self._broken = False
        out: list[Frame] = []
        for picture in pictures:
            if not skip:
                out += self._encode(picture, frame.ms)
        return out

    def wish(self, wish: Frame) -> None:
        """Heed a frame without bytes."""
        if wish.key:
            self._last_key_ms = None
        else:
            self._most_kbps = min(wish.ms, _MOST_KBPS)

    def _encode(self, picture: av.VideoFrame, ms: int) -> list[Frame]:
        geometry = (picture.width & ~1, picture.height & ~1)
        bit_rate = kbps(geometry, self._most_kbps) * 1000
        encoder = self._encoder
        if encoder is None or _form(encoder) != (geometry, bit_rate):
            encoder = self._encoder = _encoder(geometry, bit_rate)
            self._last_key_ms = None
        if (picture.width, picture.height) != geometry or picture.format.name != "yuv420p":
            picture = picture.reformat(*geometry, format="yuv420p")
        picture.pts = ms
        picture.time_base = encoder.time_base
        key = self._last_key_ms is None or ms - self._last_key_ms >= KEYFRAME_MS
        picture.pict_type = PictureType.I if key else PictureType.NONE
        out = []
        for packet in encoder.encode(picture):
            if packet.is_keyframe:
                self._last_key_ms = ms
            out.append(Frame(ms, bool(packet.is_keyframe), bytes(packet)))
        return out


def _decoder() -> av.VideoCodecContext:
    decoder = av.CodecContext.create("vp8", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    return decoder


def _form(encoder: av.VideoCodecContext) -> tuple[Geometry, int | None]:
    return (encoder.width, encoder.height), encoder.bit_rate


def _encoder(geometry: Geometry, bit_rate: int) -> av.VideoCodecContext:
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height = geometry
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, 1000)
    encoder.framerate = Fraction(30)
    encoder.bit_rate = bit_rate
    encoder.profile = "Baseline"
    encoder.options = {
        "preset": "superfast",
        "tune": "zerolatency",
        # Keyframes come by the clock, not by the count.
        "g": "100000",
        "sc_threshold": "0",
        "maxrate": str(bit_rate),
        "bufsize": str(bit_rate),
        "threads": "2",
    }
    return encoder


def run(source: BinaryIO, sink: BinaryIO) -> None:
    """Transcode until ``source`` ends or nobody reads ``sink`` any more."""
    waiting: queue.Queue[Frame | None] = queue.Queue(WAITING_FRAMES)
    threading.Thread(target=_read, args=(source, waiting), daemon=True).start()
    transcoder = Transcoder()
    while (frame := waiting.get()) is not None:
        if not frame.data:
            transcoder.wish(frame)
            continue
        for made in transcoder.feed(frame, skip=waiting.qsize() > BEHIND_FRAMES):
            try:
                sink.write(pack(made))
                sink.flush()
            except BrokenPipeError:
                return


def _read(source: BinaryIO, waiting: "queue.Queue[Frame | None]") -> None:
    """Read ahead, so that it shows when encoding is too slow; a full queue stops reading."""
    reader = Reader()
    # What is there at once, however little.
    while data := os.read(source.fileno(), 1 << 16):
        for frame in reader.feed(data):
            waiting.put(frame)
    waiting.put(None)


def main() -> None:
    """Transcode between standard input and standard output."""
    os.nice(NICENESS)
    run(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
