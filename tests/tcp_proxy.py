"""A TCP proxy that goes wrong on demand.

::

    async with TcpProxy(("127.0.0.1", port)) as proxy:
        … connect to proxy.port …
        proxy.stall()          # the peer's kernel is there, nothing passes

Faults apply to every connection, present and to come, until :meth:`TcpProxy.heal`; resets and
half-closes hit those that are there. With ``context`` it takes TLS, as stunnel would.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from tests.demo import free_port

BACKLOG = 128

Address: TypeAlias = tuple[str, int] | str
"""Host and port, or the path of a unix socket."""


@dataclass
class Passed:
    """One connection through the proxy, and what was seen of it."""

    opened: float
    taken: int = 0
    """Bytes that the client sent."""
    closed: float | None = None


class TcpProxy:
    """Pass everything on to ``target``, unless told otherwise.

    ``target`` may be asked anew for each connection.
    """

    piece = 64 << 10
    receive_buffer: int | None = None
    """Little, where a peer that does not read is to be felt soon."""

    def __init__(
        self,
        target: Address | Callable[[], Awaitable[Address]],
        *,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.port = 0
        self.connections: list[Passed] = []
        self.bytes_per_second: float | None = None
        self.delay_seconds = 0.0
        self._target = target
        self._context = context
        self._flows_up, self._flows_down = asyncio.Event(), asyncio.Event()
        self._answers = True
        self._writers: dict[asyncio.StreamWriter, asyncio.StreamWriter] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: socket.socket | None = None
        self.heal()

    async def __aenter__(self):
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.refuse()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # Aborted transports close in the next round of the loop.
        await asyncio.sleep(0)

    # Faults.

    async def listen(self) -> None:
        """Take connections, at the same port as before."""
        if self._listener is not None:
            return
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.receive_buffer is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        # One that no connection of others has by chance when it listens there again.
        self.port = self.port or free_port()
        listener.bind(("127.0.0.1", self.port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
        # No asyncio.Server: closed at the wrong moment it forgets what it has just accepted.
        asyncio.get_running_loop().add_reader(listener, self._accept, listener)
        self._listener = listener

    def refuse(self) -> None:
        """Refuse new connections; those that are there stay."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def blackhole(self) -> None:
        """Answer nothing: take connections and bytes, and pass none on."""
        self._answers = False

    def wedge(self) -> None:
        """Stop reading what clients send: the kernel takes what fits, and then nothing."""
        self._flows_up.clear()

    def stall(self) -> None:
        """Let nothing pass in either direction, and lose nothing of it."""
        self._flows_up.clear()
        self._flows_down.clear()

    def heal(self) -> None:
        """End every fault that lasts, but a refusal: that ends with :meth:`listen`."""
        self._answers = True
        self._flows_up.set()
        self._flows_down.set()
        self.bytes_per_second = None
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

    def look(self, data: bytes, client: asyncio.StreamWriter, connection: Passed) -> bytes:
        """Return what of the client's ``data`` is passed on: for those who know what it says."""
        return data

    def accept(self) -> Passed:
        """Return what is noted of a new connection."""
        return Passed(time.monotonic())

    def _accept(self, listener: socket.socket) -> None:
        try:
            taken, _ = listener.accept()
        except OSError:  # gone again
            return
        taken.setblocking(False)
        task = asyncio.ensure_future(self._serve(taken))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: taken.close())  # also if it never began

    async def _serve(self, taken: socket.socket) -> None:
        connection = self.accept()
        self.connections.append(connection)
        client = upstream = None
        try:
            reader = asyncio.StreamReader(limit=self.piece)
            protocol = asyncio.StreamReaderProtocol(reader)
            loop = asyncio.get_running_loop()
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, taken, ssl=self._context
            )
            client = asyncio.StreamWriter(transport, protocol, reader, loop)
            back, upstream = await self._open()
            self._writers[client] = upstream
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_up(reader, upstream, client, connection))
                group.create_task(self._pass_down(back, client))
        except* (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # Cancelled only by the end of the proxy; streams make a fuss of tasks that are.
            pass
        finally:
            connection.closed = time.monotonic()
            if client is not None:
                self._writers.pop(client, None)
            for writer in filter(None, (client, upstream)):
                writer.transport.abort()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        target = await self._target() if callable(self._target) else self._target
        if isinstance(target, str):
            return await asyncio.open_unix_connection(target)
        return await asyncio.open_connection(*target)

    async def _pass_up(
        self,
        reader: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
        connection: Passed,
    ) -> None:
        while True:
            await self._flows_up.wait()
            data = await reader.read(self.piece)
            if not data:
                raise ConnectionResetError
            connection.taken += len(data)
            await self._take_time(data)
            if self._answers and (passed := self.look(data, client, connection)):
                upstream.write(passed)
                await upstream.drain()

    async def _pass_down(self, back: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        while data := await back.read(self.piece):
            await self._flows_down.wait()
            if self._answers:
                client.write(data)
                await client.drain()
        raise ConnectionResetError

    async def _take_time(self, data: bytes) -> None:
        seconds = self.delay_seconds
        if self.bytes_per_second is not None:
            seconds += len(data) / self.bytes_per_second
        if seconds:
            await asyncio.sleep(seconds)
            await self._flows_up.wait()
