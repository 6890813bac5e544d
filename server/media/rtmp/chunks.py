"""RTMP messages as chunks (RTMP 1.0 §5.3), both ways, without I/O."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

OUT_CHUNK = 4096
_IN_CHUNK = 128
_EXTENDED = 0xFFFFFF
_MAX_MESSAGE = 1 << 20
_MAX_CHUNK_STREAMS = 64


class MalformedChunkError(ValueError):
    """The bytes are not RTMP chunks, or more than any server has reason to send."""


class MessageType(IntEnum):
    """What a message is (RTMP 1.0 §5.4, §7.1)."""

    SET_CHUNK_SIZE = 1
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
class Message:
    """One message that the server sent."""

    type: int
    stream: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Payload:
    """The body of an outgoing message, cut into chunks once for every destination."""

    type: MessageType
    chunk_stream: ChunkStream
    length: int
    chunks: bytes


def payload(
    kind: MessageType, chunk_stream: ChunkStream, body: bytes, *, chunk_size: int = OUT_CHUNK
) -> Payload:
    """Cut ``body`` into chunks, for timestamps below 4 h 39 min."""
    return Payload(kind, chunk_stream, len(body), _cut(body, chunk_stream, chunk_size, b""))


def message(part: Payload, timestamp: int, stream: int) -> bytes:
    """Return ``part`` behind its header: always of type 0, with an absolute timestamp.

    From 0xFFFFFF ms on the timestamp moves into four bytes that every chunk repeats (§5.3.1.3).
    """
    head = bytes((part.chunk_stream,))
    tail = part.length.to_bytes(3, "big") + bytes((part.type,)) + stream.to_bytes(4, "little")
    if timestamp < _EXTENDED:
        return head + timestamp.to_bytes(3, "big") + tail + part.chunks
    extended = (timestamp & 0xFFFFFFFF).to_bytes(4, "big")
    body = _join(part)
    chunks = _cut(body, part.chunk_stream, OUT_CHUNK, extended)
    return head + b"\xff\xff\xff" + tail + extended + chunks


def _cut(body: bytes, chunk_stream: int, size: int, extended: bytes) -> bytes:
    if len(body) <= size:
        return body
    separator = bytes((0xC0 | chunk_stream,)) + extended
    return separator.join(body[at : at + size] for at in range(0, len(body), size))


def _join(part: Payload) -> bytes:
    step = OUT_CHUNK + 1
    return b"".join(part.chunks[at : at + OUT_CHUNK] for at in range(0, len(part.chunks), step))


@dataclass(slots=True)
class _Incoming:
    """What a chunk stream remembers from header to header."""

    length: int = 0
    type: int = 0
    stream: int = 0
    extended: bool = False
    body: bytearray | None = None


class Reader:
    """Turn received bytes into messages. Sizes are bounded: a server has little to say."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._streams: dict[int, _Incoming] = {}
        self._chunk_size = _IN_CHUNK

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that ``data`` completes.

        Raises:
            MalformedChunkError: If the bytes break the protocol or its bounds.

        """
        self._buffer += data
        while (message := self._chunk()) is not _NEED_MORE:
            if message is None:
                continue
            if message.type == MessageType.SET_CHUNK_SIZE and len(message.body) >= 4:
                size = int.from_bytes(message.body[:4], "big")
                if not 1 <= size <= 0xFFFFFF:
                    raise MalformedChunkError("impossible chunk size")
                self._chunk_size = size
            yield message

    def _chunk(self) -> Message | None:
        """Take one chunk; return its message if it completes one, ``_NEED_MORE`` if cut short."""
        buffer = self._buffer
        at = 1
        if not buffer:
            return _NEED_MORE
        form, number = buffer[0] >> 6, buffer[0] & 0x3F
        if number < 2:
            at = 2 + number
            if len(buffer) < at:
                return _NEED_MORE
            number = 64 + buffer[1] + (buffer[2] << 8 if number else 0)
        state = self._streams.get(number)
        if state is None:
            if len(self._streams) >= _MAX_CHUNK_STREAMS:
                raise MalformedChunkError("too many chunk streams")
            state = _Incoming()
        header = (11, 7, 3, 0)[form]
        if len(buffer) < at + header:
            return _NEED_MORE
        fields = bytes(buffer[at : at + header])
        at += header
        length, kind, stream, extended = state.length, state.type, state.stream, state.extended
        if form < 3:
            extended = int.from_bytes(fields[:3], "big") == _EXTENDED
        if form < 2:
            length, kind = int.from_bytes(fields[3:6], "big"), fields[6]
        if form == 0:
            stream = int.from_bytes(fields[7:11], "little")
        if length > _MAX_MESSAGE:
            raise MalformedChunkError("a message is too long")
        if extended:
            at += 4
        body = state.body if form == 3 and state.body is not None else bytearray()
        take = min(self._chunk_size, length - len(body))
        if len(buffer) < at + take:
            return _NEED_MORE
        body += buffer[at : at + take]
        del buffer[: at + take]
        whole = len(body) >= length
        self._streams[number] = _Incoming(length, kind, stream, extended, None if whole else body)
        return Message(kind, stream, bytes(body)) if whole else None


_NEED_MORE = Message(-1, -1, b"")
