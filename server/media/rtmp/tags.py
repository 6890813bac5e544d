"""What RTMP carries for H.264 and AAC: FLV tag bodies, cut into chunks once per unit.

Adobe Flash Video File Format 10.1, annex E.
"""

from server.media.aac import RATE, SPECIFIC_CONFIG
from server.media.h264 import VideoParameters
from server.media.rtmp import amf
from server.media.rtmp.chunks import ChunkStream, MessageType, Payload, payload
from server.media.unit import EncodedUnit, Kind

_AVC_KEY = b"\x17"
_AVC_INTER = b"\x27"
_NALUS = b"\x01\x00\x00\x00"
_HEADER = b"\x00\x00\x00\x00"
_AAC = b"\xaf"


def media(unit: EncodedUnit) -> Payload:
    """Return the message of one picture or one AAC frame, made once for every destination."""
    return unit.once(_media)


def _media(unit: EncodedUnit) -> Payload:
    if unit.kind is Kind.AUDIO:
        return payload(MessageType.AUDIO, ChunkStream.AUDIO, _AAC + b"\x01" + unit.data)
    head = (_AVC_KEY if unit.key else _AVC_INTER) + _NALUS
    return payload(MessageType.VIDEO, ChunkStream.VIDEO, head + unit.data)


def video_header(parameters: VideoParameters) -> Payload:
    """Return the AVC sequence header."""
    return payload(MessageType.VIDEO, ChunkStream.VIDEO, _AVC_KEY + _HEADER + parameters.avcc)


def audio_header() -> Payload:
    """Return the AAC sequence header."""
    return payload(MessageType.AUDIO, ChunkStream.AUDIO, _AAC + b"\x00" + SPECIFIC_CONFIG)


def metadata(parameters: VideoParameters) -> Payload:
    """Return ``@setDataFrame onMetaData``."""
    body = amf.encode("@setDataFrame", "onMetaData") + amf.encode_ecma_array(
        {
            "width": parameters.width,
            "height": parameters.height,
            "videocodecid": 7,
            "audiocodecid": 10,
            "audiosamplerate": RATE,
            "audiosamplesize": 16,
            "stereo": True,
            "encoder": "liveclass",
        }
    )
    return payload(MessageType.DATA, ChunkStream.DATA, body)
