"""A recording to look at: an hour long, a picture every ten seconds, made when first asked for."""

import functools
import tempfile
import threading
from fractions import Fraction
from pathlib import Path

import av
from PIL import Image, ImageDraw

SIZE = (640, 360)
SECONDS_BETWEEN = 10
_PICTURES = 360
DURATION_MS = _PICTURES * SECONDS_BETWEEN * 1000


_MAKING = threading.Lock()


def files() -> dict[str, bytes]:
    """Return the playlist ``index.m3u8`` and what it names, made once for all who ask."""
    with _MAKING:
        return _files()


@functools.cache
def _files() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as directory:
        options = {"hls_time": "600", "hls_segment_type": "fmp4", "hls_playlist_type": "vod"}
        playlist = Path(directory) / "index.m3u8"
        with av.open(str(playlist), "w", format="hls", options=options) as container:
            stream = container.add_stream("libx264", rate=1)
            stream.width, stream.height = SIZE
            stream.pix_fmt = "yuv420p"
            stream.options = {"preset": "ultrafast", "g": "6", "bf": "0"}
            stream.codec_context.time_base = Fraction(1)
            for number in range(_PICTURES):
                frame = av.VideoFrame.from_image(_picture(number))
                frame.pts = number * SECONDS_BETWEEN
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return {path.name: path.read_bytes() for path in Path(directory).iterdir()}


def _picture(number: int) -> Image.Image:
    """Return somebody in front of a wall, and what time it is."""
    picture = Image.new("RGB", SIZE, "#26405e")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 250, 640, 360), fill="#1b2c40")
    pen.ellipse((255, 70, 385, 215), fill="#e3b894")
    pen.rounded_rectangle((190, 205, 450, 400), 60, fill="#7a2e39")
    minutes, seconds = divmod(number * SECONDS_BETWEEN, 60)
    pen.text((24, 18), f"{minutes}:{seconds:02}", fill="#ffffff", font_size=26)
    return picture
