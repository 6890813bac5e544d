"""What goes over a live socket: WebSocket frames, encoded once for everybody who is told them."""

from typing import Protocol

from msgspec import Struct


class Frame(Struct, frozen=True, gc=False):
    """An encoded WebSocket frame that covers the log from ``first`` to ``last``."""

    first: int
    last: int
    data: bytes


class Wire(Protocol):
    """How bytes leave: the part of an asyncio transport that the fan-out uses."""

    def write(self, data: bytes) -> None:
        """Send without waiting."""

    def is_closing(self) -> bool:
        """Whether writing is over."""

    def get_write_buffer_size(self) -> int:
        """How many bytes the peer has not taken yet."""


def websocket_frame(payload: bytes) -> bytes:
    """Return ``payload`` as an unmasked text frame (RFC 6455 §5.2): the same for every peer."""
    size = len(payload)
    if size < 126:
        return b"\x81%c%b" % (size, payload)
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload
