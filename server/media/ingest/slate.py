"""The slate: what is shown while a publisher is lost, or sends no picture.

It is encoded once for each geometry, in a thread: an IDR picture and skipped ones behind it, five
a second. It has no words, so that it needs no language.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

import av
from PIL import Image, ImageDraw

from server.media import h264
from server.media.ingest.geometry import Geometry

FPS = 5
FRAME_MS = 1000 // FPS
GOP = 2 * FPS
STANDARD: Geometry = (1280, 720)
"""For publishers that never sent a picture."""
LATE_MS = 1_000
_MOST_PIXELS = 4096 * 2304
# Two keyframes in a row would need different idr_pic_ids (H.264 §7.4.3).
_KEY_PAUSE = 2
_DARK, _LIGHT = (18, 20, 26), (150, 156, 168)
_SCALE = 4


class Sign(Enum):
    """What the slate says."""

    PAUSE = "pause"
    """The publisher is lost."""
    SOUND = "sound"
    """The publisher is heard, and sends no picture."""


@dataclass(frozen=True, slots=True)
class Film:
    """One group of pictures, in AVCC form; only the first is a keyframe."""

    parameters: h264.VideoParameters
    pictures: tuple[bytes, ...]


@functools.lru_cache(maxsize=16)
def film(geometry: Geometry, sign: Sign) -> Film:
    """Draw and encode the slate. Takes tens of milliseconds: not for the event loop."""
    width, height = (each & ~1 for each in geometry)
    if width * height > _MOST_PIXELS or min(width, height) < 16:
        width, height = STANDARD
    picture = draw((width, height), sign)
    frame = av.VideoFrame.from_image(picture).reformat(format="yuv420p")  # type: ignore[no-untyped-call]
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.framerate = Fraction(FPS)
    encoder.time_base = Fraction(1, FPS)
    encoder.profile = "Baseline"
    # One quantizer for all: what did not change is skipped. One thread: one slice.
    encoder.options = {
        "preset": "veryfast",
        "tune": "zerolatency",
        "g": str(GOP),
        "qp": "24",
        "threads": "1",
    }
    pictures = []
    sps = pps = b""
    for number in range(GOP):
        frame.pts = number
        for packet in encoder.encode(frame):
            nals = h264.split_annexb(bytes(packet))
            sps = next((n for n in nals if h264.nal_type(n) == h264.SPS), sps)
            pps = next((n for n in nals if h264.nal_type(n) == h264.PPS), pps)
            slices = (n for n in nals if h264.nal_type(n) in (h264.SLICE, h264.IDR))
            pictures.append(h264.join_lengths(slices))
    return Film(h264.parameters(sps, pps), tuple(pictures))


def draw(geometry: Geometry, sign: Sign) -> Image.Image:
    """Return the picture: a light sign in a ring on a dark ground."""
    size = min(geometry) // 4
    mask = Image.new("L", (size * _SCALE, size * _SCALE))
    pen = ImageDraw.Draw(mask)

    def at(*points: float) -> list[float]:
        return [point * size * _SCALE for point in points]

    pen.ellipse(at(0.0, 0.0, 1.0, 1.0), fill=255)
    pen.ellipse(at(0.06, 0.06, 0.94, 0.94), fill=0)
    if sign is Sign.PAUSE:
        for left in (0.34, 0.55):
            box = at(left, 0.3, left + 0.11, 0.7)
            pen.rounded_rectangle(box, radius=0.03 * size * _SCALE, fill=255)
    else:
        pen.polygon(at(0.26, 0.42, 0.36, 0.42, 0.5, 0.28, 0.5, 0.72, 0.36, 0.58, 0.26, 0.58), 255)
        for radius in (0.12, 0.24):
            box = at(0.5 - radius, 0.5 - radius, 0.5 + radius, 0.5 + radius)
            pen.arc(box, -50, 50, fill=255, width=round(0.05 * size * _SCALE))
    mask = mask.resize((size, size), Image.Resampling.LANCZOS)
    picture = Image.new("RGB", geometry, _DARK)
    corner = ((geometry[0] - size) // 2, (geometry[1] - size) // 2)
    picture.paste(_LIGHT, corner, mask)
    return picture


Films = Callable[[Geometry, Sign], Film | None]
"""Return the film of a geometry, or None while it is being made."""


class Reel:
    """A film that is running: says which picture is due when, for as long as it is asked."""

    def __init__(self, film: Film, start_ms: int) -> None:
        self.film = film
        self._next_ms = start_ms
        self._at = 0

    def want_key(self) -> None:
        """Begin the group of pictures anew, soon."""
        if self._at >= _KEY_PAUSE:
            self._at = 0

    def due(self, now_ms: float) -> Iterator[tuple[int, bool, bytes]]:
        """Yield time, whether it is a keyframe, and data of the pictures whose time has come.

        What is very late is left out.
        """
        if now_ms - self._next_ms > LATE_MS:
            self._next_ms = int(now_ms)
        while self._next_ms <= now_ms:
            yield self._next_ms, self._at == 0, self.film.pictures[self._at]
            self._at = (self._at + 1) % GOP
            self._next_ms += FRAME_MS
