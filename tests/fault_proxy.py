"""A TCP proxy that goes wrong on demand: what stands between the server and a real platform.

::

    async with FaultProxy(("127.0.0.1", nginx.port)) as proxy:
        … stream to proxy.port …
        proxy.wedge()          # the peer's kernel is there, the peer is not

Faults apply to every connection, present and to come, until :meth:`FaultProxy.heal`; resets and
half-closes hit those that are there. With ``context`` it takes TLS, as stunnel would.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
import time
from dataclasses import dataclass, field

from server.media.rtmp import amf
from server.media.rtmp.chunks import MessageType
from server.media.rtmp.reader import Message, Reader
from tests.media.scripted_server import status

HANDSHAKE_BYTES = 1 + 1536 + 1536
PIECE = 4096
RECEIVE_BUFFER = 16 << 10
"""Little, so that a peer that does not read is felt soon."""
MOST_BYTES = 16 << 20


@dataclass
class Connection:
    """One connection through the proxy, and what was seen of it."""

    opened: float
    commands: list[str] = field(default_factory=list)
    first_media: float | None = None
    first_picture: bytes = b""
    """The first bytes of the first picture that is no header."""
    taken: int = 0
    """Bytes that the client sent."""
    closed: float | None = None


class FaultProxy:
    """Pass everything on to ``target``, unless told otherwise.

    ``rejects``: the status that publishing is answered with, instead of asking the target.
    """

    def __init__(
        self,
        target: tuple[str, int],
        *,
        context: ssl.SSLContext | None = None,
        rejects: str | None = None,
    ) -> None:
        self.port = 0
        self.connections: list[Connection] = []
        self.rejects = rejects
        self.bytes_per_second: float | None = None
        self.delay_seconds = 0.0
        self._target = target
        self._context = context
        self._flows = asyncio.Event()
        self._flows.set()
        self._answers = True
        self._writers: dict[asyncio.StreamWriter, asyncio.StreamWriter] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: socket.socket | None = None
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "FaultProxy":
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.refuse()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # Aborted transports close in the next round of the loop.
        await asyncio.sleep(0)

    def url(self, application: str, *, scheme: str = "rtmp", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}/{application}"

    # Faults.

    async def listen(self) -> None:
        """Take connections, at the same port as before."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        listener.bind(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._server = await asyncio.start_server(
            self._serve, sock=listener, ssl=self._context, limit=PIECE
        )

    def refuse(self) -> None:
        """Refuse new connections; those that are there stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def blackhole(self) -> None:
        """Answer nothing: take connections and bytes, and pass none on."""
        self._answers = False

    def wedge(self) -> None:
        """Stop reading: the kernel takes what fits, and then nothing."""
        self._flows.clear()

    def heal(self) -> None:
        """End every fault that lasts."""
        self._answers = True
        self._flows.set()
        self.bytes_per_second = self.rejects = None
        self.delay_seconds = 0.0

    def reset(self) -> None:
        """Break what is there with RST, to both sides."""
        for client, upstream in self._writers.items():
            for writer in (client, upstream):
                sock = writer.get_extra_info("socket")
                linger = struct.pack("ii", 1, 0)
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()

    def half_close(self) -> None:
        """Say FIN to the clients that are there, and go on reading."""
        for client in self._writers:
            client.write_eof()

    # What passes.

    async def _serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        connection = Connection(time.monotonic())
        self.connections.append(connection)
        upstream = None
        try:
            back, upstream = await asyncio.open_connection(*self._target)
            self._writers[client] = upstream
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_up(reader, upstream, client, connection))
                group.create_task(self._pass_down(back, client))
        except* (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # Cancelled only by the end of the proxy; streams make a fuss of tasks that are.
            pass
        finally:
            connection.closed = time.monotonic()
            self._writers.pop(client, None)
            for writer in filter(None, (client, upstream)):
                writer.transport.abort()

    async def _pass_up(
        self,
        reader: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
        connection: Connection,
    ) -> None:
        messages = Reader(most_bytes=MOST_BYTES)
        handshake = HANDSHAKE_BYTES
        while True:
            await self._flows.wait()
            data = await reader.read(PIECE)
            if not data:
                raise ConnectionResetError
            connection.taken += len(data)
            await asyncio.sleep(self.delay_seconds)
            if self.bytes_per_second is not None:
                await asyncio.sleep(len(data) / self.bytes_per_second)
            if not self._answers:
                continue
            chunked = data[handshake:]
            handshake = max(0, handshake - len(data))
            heard = [self._note(message, connection) for message in messages.feed(chunked)]
            if self.rejects is not None and "publish" in heard:
                client.write(status(self.rejects, level="error"))
                continue
            upstream.write(data)
            await upstream.drain()

    async def _pass_down(self, back: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        while data := await back.read(PIECE):
            if self._answers:
                client.write(data)
                await client.drain()
        raise ConnectionResetError

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
