"""WebSocket frames (RFC 6455 §5), right and wrong ones, and a reader that takes only right ones."""

import base64
from collections.abc import Iterator
from random import Random
from typing import Final
from urllib.parse import urlsplit

TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10
_FROM_A_SERVER: Final = frozenset((TEXT, CLOSE, PING, PONG))


class WireError(Exception):
    """The server sent what no server may send."""


def frame(
    payload: bytes,
    opcode: int = TEXT,
    *,
    final: bool = True,
    reserved: int = 0,
    masked: bool = True,
    key: bytes = b"\x37\xfa\x21\x3d",
    claimed: int | None = None,
) -> bytes:
    """Return a frame as a client sends it, or as asked; ``claimed`` is a length that is not so."""
    size = len(payload) if claimed is None else claimed
    first = (0x80 if final else 0) | (reserved << 4) | opcode
    mask = 0x80 if masked else 0
    if size < 126:
        head = bytes((first, mask | size))
    elif size < 65_536:
        head = bytes((first, mask | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, mask | 127)) + size.to_bytes(8, "big")
    return head + key + _mixed(payload, key) if masked else head + payload


def _mixed(payload: bytes, key: bytes) -> bytes:
    size = len(payload)
    pad = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(size, "big")


def handshake(url: str, rng: Random, headers: dict[str, str]) -> bytes:
    """Return a request to switch protocols; ``headers`` come on top, an empty one takes away."""
    address = urlsplit(url)
    all_headers = {
        "Host": address.netloc,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(rng.randbytes(16)).decode(),
        **headers,
    }
    lines = [f"{name}: {value}" for name, value in all_headers.items() if value]
    return "\r\n".join((f"GET {address.path} HTTP/1.1", *lines, "", "")).encode("latin-1")


class Frames:
    """Cuts what a server sends into frames, and holds it to the rules."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._is_closed = False

    def cut(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Return the opcode and payload of each frame that is complete now.

        Raises:
            WireError: If a frame is masked, fragmented, of no known kind, or after the last.

        """
        buffer = self._buffer
        buffer += data
        while len(buffer) >= 2:
            if self._is_closed:
                raise WireError(f"bytes after the close frame: {bytes(buffer[:60])!r}")
            opcode, size, start = buffer[0] & 0x0F, buffer[1] & 0x7F, 2
            if not buffer[0] & 0x80 or buffer[0] & 0x70 or opcode not in _FROM_A_SERVER:
                raise WireError(f"a frame that begins with {buffer[0]:#x}")
            if buffer[1] & 0x80:
                raise WireError("a masked frame from a server")
            if size >= 126:
                start += 2 if size == 126 else 8
                if len(buffer) < start:
                    return
                size = int.from_bytes(buffer[2:start], "big")
            if len(buffer) < start + size:
                return
            payload = bytes(buffer[start : start + size])
            del buffer[: start + size]
            self._is_closed = opcode == CLOSE
            yield opcode, payload
