"""RTMP chunks as messages (RTMP 1.0 §5.3), without I/O: what a peer sends us."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from server.media.rtmp.chunks import EXTENDED, MessageType

FIRST_CHUNK = 128
"""The size of chunks until the peer sets another (§5.4.1)."""
MOST_BYTES = 64 << 10
MOST_CHUNK_STREAMS = 64


class MalformedChunkError(ValueError):
    """The bytes are not RTMP chunks, or more than any server has reason to send."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message that the peer sent."""

    type: int
    stream: int
    timestamp: int
    """In milliseconds, modulo 2³²."""
    body: bytes


@dataclass(slots=True)
class _Incoming:
    """What a chunk stream remembers from header to header."""

    length: int = 0
    type: int = 0
    stream: int = 0
    timestamp: int = 0
    delta: int = 0
    is_extended: bool = False
    body: bytearray = field(default_factory=bytearray)
    """What has come of a message that is not whole."""


class Reader:
    """Turn received bytes into messages. What it holds is bounded: ``most_bytes``, all in all."""

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._buffer = bytearray()
        self._streams: dict[int, _Incoming] = {}
        self._chunk_size = FIRST_CHUNK

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that ``data`` completes; those that govern chunks take effect.

        Raises:
            MalformedChunkError: If the bytes break the protocol or its bounds.

        """
        self._buffer += data
        while (head := self._header()) is not None:
            number, state, at = head
            take = min(self._chunk_size, state.length - len(state.body))
            if len(self._buffer) < at + take:
                return
            state.body += self._buffer[at : at + take]
            del self._buffer[: at + take]
            self._streams[number] = state
            if len(state.body) < state.length:
                if sum(len(each.body) for each in self._streams.values()) > self._most_bytes:
                    raise MalformedChunkError("too much that is not whole")
                continue
            message = Message(state.type, state.stream, state.timestamp, bytes(state.body))
            state.body = bytearray()
            self._obey(message)
            yield message

    def _header(self) -> tuple[int, _Incoming, int] | None:
        """Return the next chunk's stream, what it is then known to carry, and where that begins.

        None if the header is cut short: nothing has changed then.
        """
        buffer = self._buffer
        if not buffer:
            return None
        form, number = buffer[0] >> 6, buffer[0] & 0x3F
        at = 2 + number if number < 2 else 1
        end = at + (11, 7, 3, 0)[form]
        if len(buffer) < end:
            return None
        if number < 2:
            number = 64 + buffer[1] + (buffer[2] << 8 if number else 0)
        old = self._streams.get(number)
        if old is None and len(self._streams) >= MOST_CHUNK_STREAMS:
            raise MalformedChunkError("too many chunk streams")
        # A header before the message is whole begins another one.
        state = replace(old, body=old.body if form == 3 else bytearray()) if old else _Incoming()
        fields = bytes(buffer[at:end])
        time = int.from_bytes(fields[:3], "big")
        if form < 3:
            state.is_extended = time == EXTENDED
        if form < 2:
            state.length, state.type = int.from_bytes(fields[3:6], "big"), fields[6]
        if form == 0:
            state.stream = int.from_bytes(fields[7:], "little")
        if state.length > self._most_bytes:
            raise MalformedChunkError("a message is too long")
        if state.is_extended:
            if len(buffer) < end + 4:
                return None
            time = int.from_bytes(buffer[end : end + 4], "big")
            end += 4
        if form < 3:
            state.delta = time
        if form == 0:
            state.timestamp = time
        elif not state.body:
            # A new message: the delta is added, again if it is not said again (§5.3.1.2.4).
            state.timestamp = (state.timestamp + state.delta) & 0xFFFFFFFF
        return number, state, end

    def _obey(self, message: Message) -> None:
        value = int.from_bytes(message.body[:4], "big")
        if message.type == MessageType.SET_CHUNK_SIZE:
            if not 1 <= value <= 0xFFFFFF:
                raise MalformedChunkError("impossible chunk size")
            self._chunk_size = value
        elif message.type == MessageType.ABORT and value in self._streams:
            self._streams[value].body = bytearray()
