"""Offers of the encoders and browsers of the field, as they send them.

``obs``       OBS Studio 30 and 31: libdatachannel writes the description, the payload types and
              media ids are those of OBS's own output (obs-webrtc); since 30.2 there are no
              candidates in it, because it gathers after the answer
``ffmpeg``    FFmpeg 8.0, as its WHIP muxer writes it: DTLS server, no candidates, a broken profile
``rfc9725``   the example of RFC 9725 §4.2, with H.264 in the place of VP8: what the second section
              of a bundle may leave out is left out
``chromium``  recorded: Chromium 156, a camera and a microphone
``firefox``   recorded: Firefox 153, without a codec plugin; all its candidates are ``.local`` names
"""

from pathlib import Path


def _read(name: str) -> str:
    text = (Path(__file__).parent / f"{name}.sdp").read_text(encoding="utf-8")
    return text.replace("\n", "\r\n")


OBS, FFMPEG, RFC_9725, CHROMIUM, FIREFOX = map(
    _read, ("obs", "ffmpeg", "rfc9725", "chromium", "firefox")
)
