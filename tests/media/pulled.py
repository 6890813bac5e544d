"""Pull a stream back from an RTMP server and look at it."""

import asyncio
import threading
from dataclasses import dataclass

import av

from tests.patience import PATIENCE


@dataclass
class Pulled:
    """What came out of a server in a few seconds."""

    video_codec: str
    audio_codec: str
    sample_rate: int
    size: tuple[int, int]
    video: list[tuple[float, bool]]
    audio: list[float]
    decoded: int


def _pull(url: str, seconds: float, since: threading.Event | None) -> Pulled:
    # Without the limit FFmpeg looks at five seconds before it says what there is.
    options = {"rtmp_live": "live", "analyzeduration": "700000"}
    with av.open(url, timeout=(PATIENCE, PATIENCE), options=options) as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        video: list[tuple[float, bool]] = []
        audio: list[float] = []
        decoded, started = 0, None
        for packet in container.demux(picture, sound):
            if packet.dts is None:
                continue
            time = float(packet.dts * packet.time_base)
            if packet.stream is picture:
                video.append((time, packet.is_keyframe))
                decoded += len(packet.decode())
            else:
                audio.append(time)
            if started is None and (since is None or since.is_set()):
                started = time
            if started is not None and packet.stream is picture and time - started >= seconds:
                break
        return Pulled(
            picture.codec_context.name,
            sound.codec_context.name,
            sound.codec_context.sample_rate,
            (picture.codec_context.width, picture.codec_context.height),
            video,
            audio,
            decoded,
        )


async def pull(url: str, seconds: float, *, since: threading.Event | None = None) -> Pulled:
    """Pull so many seconds of it, from the first packet on, or from the first ``since`` then."""
    return await asyncio.to_thread(_pull, url, seconds, since)
