"""What a publisher says to an RTMP server and hears from it, without I/O and without a clock.

::

    GREETING ─ S0 S1 S2 ─▶ CONNECTING ─ _result ─▶ CREATING ─ _result ─▶ PUBLISHING
                                                              PUBLISHED ◀─ Start ┘

Bytes go in by :meth:`Conversation.receive`, which returns the bytes to answer with. Whatever goes
wrong becomes :attr:`Conversation.ended`, a code: what the server said is not kept.
"""

import struct
from enum import IntEnum
from urllib.parse import urljoin

from server.media.codes import Code
from server.media.rtmp import amf, chunks, refusals
from server.media.rtmp.chunks import ChunkStream, MessageType
from server.media.rtmp.reader import MalformedChunkError, Message, Reader
from server.secrets.secret import Secret

VERSION = 3
PACKET = 1536
NONCE = PACKET - 8

_CAN_RECONNECT = 0x01
"""capsEx of Enhanced RTMP v2: the server may ask us to connect elsewhere."""
_PING_REQUEST, _PING_RESPONSE = b"\x00\x06", b"\x00\x07"
_MOST_URL = 2048


class Stage(IntEnum):
    """How far the conversation is."""

    GREETING = 0
    CONNECTING = 1
    CREATING = 2
    PUBLISHING = 3
    PUBLISHED = 4


class _Call(IntEnum):
    """The transaction of each of our commands: what an answer refers to."""

    CONNECT = 1
    RELEASE = 2
    FC_PUBLISH = 3
    CREATE = 4
    PUBLISH = 5
    FC_UNPUBLISH = 6
    DELETE = 7


class _Limit(IntEnum):
    """How a limit on our bandwidth is meant (§5.4.5)."""

    HARD = 0
    SOFT = 1
    DYNAMIC = 2


class Conversation:
    """One attempt to publish one stream."""

    def __init__(self, key: Secret, *, app: str, url: str, nonce: bytes) -> None:
        """Take the key, what the server calls the application and itself, and random bytes."""
        assert len(nonce) == NONCE
        self.stage = Stage.GREETING
        self.ended: Code | None = None
        """Why it is over, once it is."""
        self.redirect: str | None = None
        """The URL at which the server wishes to be asked again, once it does. Check it."""
        self.stream = 0
        self._key = key
        self._app = app
        self._url = url
        self._nonce = nonce
        self._greeting = bytearray()
        self._reader = Reader()
        self._out = bytearray()
        self._received = 0
        self._acknowledged = 0
        self._window = 0
        self._limit: tuple[int, int] | None = None

    def begin(self) -> bytes:
        """Return what we say first: C0 and C1 (§5.2)."""
        return bytes((VERSION,)) + bytes(8) + self._nonce

    def receive(self, data: bytes) -> bytes:
        """Take what arrived; return what to answer."""
        if self.ended is not None:
            return b""
        self._received += len(data)
        try:
            if self.stage is Stage.GREETING:
                data = self._greet(data)
            for message in self._reader.feed(data):
                self._hear(message)
        except (MalformedChunkError, amf.MalformedAmfError):
            self.end(Code.HANDSHAKE)
        if self._window and self._received - self._acknowledged >= self._window:
            self._acknowledged = self._received
            self._control(MessageType.ACKNOWLEDGEMENT, self._received & 0xFFFFFFFF)
        answer = bytes(self._out)
        self._out.clear()
        return answer

    def goodbye(self) -> bytes:
        """Return what ends a stream that was published; nothing if none was."""
        if self.ended is not None or self.stage < Stage.PUBLISHING:
            return b""
        self._command("FCUnpublish", _Call.FC_UNPUBLISH, None, self._key.reveal())
        self._command("deleteStream", _Call.DELETE, None, self.stream)
        return bytes(self._out)

    def end(self, code: Code) -> None:
        """Be over, for the first reason given."""
        if self.ended is None:
            self.ended = code

    def _greet(self, data: bytes) -> bytes:
        """Take S0, S1 and S2; return what comes after them."""
        greeting = self._greeting
        had = len(greeting)
        greeting += data
        if greeting and greeting[0] != VERSION:
            self.end(Code.HANDSHAKE)
            return b""
        if had < 1 + PACKET <= len(greeting):
            # C2 echoes S1.
            self._out += greeting[1 : 1 + PACKET]
        if len(greeting) < 1 + 2 * PACKET:
            return b""
        rest = bytes(greeting[1 + 2 * PACKET :])
        greeting.clear()
        self.stage = Stage.CONNECTING
        self._control(MessageType.SET_CHUNK_SIZE, chunks.OUT_CHUNK)
        self._command(
            "connect",
            _Call.CONNECT,
            {
                "app": self._app,
                "type": "nonprivate",
                "flashVer": "FMLE/3.0 (compatible; liveclass)",
                "tcUrl": self._url,
                "capsEx": _CAN_RECONNECT,
            },
        )
        return rest

    def _hear(self, message: Message) -> None:
        body = message.body
        match message.type:
            case MessageType.WINDOW_SIZE if len(body) >= 4:
                self._window = int.from_bytes(body[:4], "big")
            case MessageType.PEER_BANDWIDTH if len(body) >= 5:
                self._limited(int.from_bytes(body[:4], "big"), body[4])
            case MessageType.USER_CONTROL if body[:2] == _PING_REQUEST:
                # Answered with the same time (§7.1.7).
                self._say(MessageType.USER_CONTROL, ChunkStream.CONTROL, _PING_RESPONSE + body[2:6])
            case MessageType.COMMAND:
                self._commanded(amf.decode(body))
            case MessageType.COMMAND_AMF3:
                # AMF0 behind one byte, from servers that believe we are a Flash player.
                self._commanded(amf.decode(body[1:]))
            case _:
                # Acks, StreamBegin and the like: nothing follows from them.
                pass

    def _limited(self, window: int, kind: int) -> None:
        """Note how much we may send before the server acks it, and confirm a change (§5.4.5).

        TCP holds us back anyway: what servers wait for is the answer.
        """
        current, former = self._limit or (0, _Limit.HARD)
        if kind == _Limit.DYNAMIC and former != _Limit.HARD:
            return
        if kind == _Limit.SOFT and current:
            window = min(window, current)
        self._limit = window, _Limit.SOFT if kind == _Limit.SOFT else _Limit.HARD
        if window != current:
            self._control(MessageType.WINDOW_SIZE, window)

    def _commanded(self, values: list[amf.Value]) -> None:
        name, call, _, info, *_ = [*values, None, None, None, None]
        match name, call:
            case "_result", _Call.CONNECT if self.stage is Stage.CONNECTING:
                self.stage = Stage.CREATING
                self._command("releaseStream", _Call.RELEASE, None, self._key.reveal())
                self._command("FCPublish", _Call.FC_PUBLISH, None, self._key.reveal())
                self._command("createStream", _Call.CREATE, None)
            case "_result", _Call.CREATE if self.stage is Stage.CREATING:
                if not isinstance(info, float) or not 0 < info < 1 << 24:
                    self.end(Code.HANDSHAKE)
                    return
                self.stream = int(info)
                self.stage = Stage.PUBLISHING
                self._command("publish", _Call.PUBLISH, None, self._key.reveal(), "live")
            case "_error", _Call.CONNECT:
                self._refused(info, Code.AUTH_REJECTED)
            case "_error", _Call.CREATE | _Call.PUBLISH:
                # Errors about releaseStream and FCPublish mean nothing.
                self._refused(info, Code.PUBLISH_DENIED)
            case "onStatus", _:
                self._told(info)
            case "close", _:
                self.end(Code.PROVIDER_CLOSE)
            case _:
                pass

    def _refused(self, info: amf.Value, otherwise: Code) -> None:
        # Flash Media Server and its heirs redirect by refusing (ex.code 302).
        elsewhere = _text(info.get("ex") if isinstance(info, dict) else None, "redirect")
        if elsewhere:
            self._redirected(elsewhere)
            self.end(Code.PROVIDER_CLOSE)
        self.end(refusals.refusal(_text(info, "code"), _text(info, "description"), otherwise))

    def _told(self, info: amf.Value) -> None:
        status, level = _text(info, "code"), _text(info, "level")
        if status == refusals.RECONNECT:
            self._redirected(_text(info, "tcUrl"))
        elif status == refusals.START:
            if self.stage is Stage.PUBLISHING:
                self.stage = Stage.PUBLISHED
        elif refusals.is_refusal(status, level) or (
            self.stage is Stage.PUBLISHING and level not in ("status", "warning")
        ):
            text = _text(info, "description")
            self.end(refusals.refusal(status, text, Code.PUBLISH_DENIED))

    def _redirected(self, url: str) -> None:
        """Note where the server wants us: absolute, relative to where we are, or right here."""
        scheme, _, rest = self._url.partition("://")
        if "://" not in url:
            # urljoin knows how URLs are joined, but not that those of RTMP are.
            try:
                url = scheme + urljoin(f"http://{rest}", url).removeprefix("http")
            except ValueError:
                url = self._url
        # Who was met over TLS does not get to see the key go without.
        is_safe = scheme == "rtmp" or url.startswith("rtmps://")
        self.redirect = url[:_MOST_URL] if is_safe else self._url

    def _control(self, kind: MessageType, value: int) -> None:
        self._say(kind, ChunkStream.CONTROL, struct.pack(">I", value))

    def _command(self, name: str, call: int, *arguments: amf.Value) -> None:
        stream = self.stream if call == _Call.PUBLISH else 0
        body = amf.encode(name, call, *arguments)
        self._say(MessageType.COMMAND, ChunkStream.COMMAND, body, stream)

    def _say(self, kind: MessageType, on: ChunkStream, body: bytes, stream: int = 0) -> None:
        self._out += chunks.message(chunks.payload(kind, on, body), 0, stream)


def _text(info: amf.Value, name: str) -> str:
    value = info.get(name) if isinstance(info, dict) else None
    return value if isinstance(value, str) else ""
