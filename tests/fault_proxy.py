"""A proxy that goes wrong on demand, and knows RTMP: what stands before a real platform.

::

    async with FaultProxy(("127.0.0.1", nginx.port)) as proxy:
        … stream to proxy.port …
        proxy.wedge()          # the peer's kernel is there, the peer is not
"""

import asyncio
import ssl
import time
from dataclasses import dataclass, field

from server.media.rtmp import amf
from server.media.rtmp.chunks import MessageType
from server.media.rtmp.reader import Message, Reader
from tests.media.scripted_server import status
from tests.tcp_proxy import Passed, TcpProxy

HANDSHAKE_BYTES = 1 + 1536 + 1536
MOST_BYTES = 16 << 20


@dataclass
class Connection(Passed):
    """One connection through the proxy, and what was seen of it."""

    commands: list[str] = field(default_factory=list)
    first_media: float | None = None
    first_picture: bytes = b""
    """The first bytes of the first picture that is no header."""
    messages: Reader = field(default_factory=lambda: Reader(most_bytes=MOST_BYTES))
    handshake: int = HANDSHAKE_BYTES
    """Bytes of the handshake that are still to come."""


class FaultProxy(TcpProxy):
    """Pass an RTMP stream on to ``target``, unless told otherwise.

    ``rejects``: the status that publishing is answered with, instead of asking the target.
    """

    piece = 4096
    receive_buffer = 16 << 10
    connections: list[Connection]

    def __init__(
        self,
        target: tuple[str, int],
        *,
        context: ssl.SSLContext | None = None,
        rejects: str | None = None,
    ) -> None:
        super().__init__(target, context=context)
        self.rejects = rejects

    def url(self, application: str, *, scheme: str = "rtmp", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}/{application}"

    def heal(self) -> None:
        """End every fault that lasts."""
        super().heal()
        self.rejects = None

    def accept(self) -> Connection:
        return Connection(time.monotonic())

    def look(self, data: bytes, client: asyncio.StreamWriter, connection: Connection) -> bytes:
        chunked = data[connection.handshake :]
        connection.handshake = max(0, connection.handshake - len(data))
        heard = [self._note(message, connection) for message in connection.messages.feed(chunked)]
        if self.rejects is not None and "publish" in heard:
            client.write(status(self.rejects, level="error"))
            return b""
        return data

    def _note(self, message: Message, connection: Connection) -> str | None:
        """Keep what tests ask for; return the name of a command."""
        if message.type == MessageType.COMMAND:
            name = str(amf.decode(message.body)[0])
            connection.commands.append(name)
            return name
        is_picture = message.type == MessageType.VIDEO and message.body[1:2] == b"\x01"
        if is_picture and connection.first_media is None:
            connection.first_media = time.monotonic()
            connection.first_picture = message.body[:16]
        return None
