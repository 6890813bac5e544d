"""RTMP messages as chunks (RTMP 1.0 §5.3), without I/O: how we cut them.

A message goes out behind a header of type 0, always: it then depends on no message before it, and
what follows the header is the same bytes for every destination. What comes in is read by
:mod:`server.media.rtmp.reader`.
"""

from dataclasses import dataclass
from enum import IntEnum

OUT_CHUNK = 4096
EXTENDED = 0xFFFFFF
"""From this timestamp on (4 h 39 min 37 s) it takes four bytes more."""


class MessageType(IntEnum):
    """What a message is (RTMP 1.0 §5.4, §7.1)."""

    SET_CHUNK_SIZE = 1
    ABORT = 2
    ACKNOWLEDGEMENT = 3
    USER_CONTROL = 4
    WINDOW_SIZE = 5
    PEER_BANDWIDTH = 6
    AUDIO = 8
    VIDEO = 9
    COMMAND_AMF3 = 17
    DATA = 18
    COMMAND = 20


class ChunkStream(IntEnum):
    """The chunk stream each kind of outgoing message uses."""

    CONTROL = 2
    COMMAND = 3
    AUDIO = 4
    DATA = 5
    VIDEO = 6


@dataclass(frozen=True, slots=True)
class Payload:
    """The body of an outgoing message, cut into chunks once for every destination."""

    type: MessageType
    chunk_stream: ChunkStream
    length: int
    chunks: bytes
    """The body, with a header of one byte (type 3) before every 4,096 bytes but the first."""


def payload(kind: MessageType, chunk_stream: ChunkStream, body: bytes) -> Payload:
    """Cut ``body`` into chunks of :data:`OUT_CHUNK`."""
    if len(body) <= OUT_CHUNK:
        return Payload(kind, chunk_stream, len(body), body)
    separator = bytes((0xC0 | chunk_stream,))
    cut = separator.join(body[at : at + OUT_CHUNK] for at in range(0, len(body), OUT_CHUNK))
    return Payload(kind, chunk_stream, len(body), cut)


def message(part: Payload, timestamp: int, stream: int) -> bytes:
    """Return ``part`` behind its header, with an absolute timestamp in milliseconds.

    From :data:`EXTENDED` on the timestamp moves into four bytes after the header, which every
    chunk repeats (§5.3.1.3). They are not the same for every destination, the chunks between them
    are: both cases copy the message once.
    """
    timestamp &= 0xFFFFFFFF
    head = b"".join(
        (
            bytes((part.chunk_stream,)),
            min(timestamp, EXTENDED).to_bytes(3, "big"),
            part.length.to_bytes(3, "big"),
            bytes((part.type,)),
            stream.to_bytes(4, "little"),
        )
    )
    if timestamp < EXTENDED:
        return head + part.chunks
    cut = memoryview(part.chunks)
    step = OUT_CHUNK + 1
    # Each piece ends with the header of the chunk that follows it.
    pieces = [cut[at : at + step] for at in range(0, len(cut), step)]
    return timestamp.to_bytes(4, "big").join([head, *(pieces or [cut])])
