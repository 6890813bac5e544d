"""A small RTMP server that misbehaves on demand: what nginx cannot be made to do."""

import asyncio
import ssl
from dataclasses import dataclass, field
from itertools import pairwise

from server.media.rtmp import amf, chunks
from server.media.rtmp.chunks import ChunkStream, MessageType
from server.media.rtmp.reader import Message, Reader
from tests.patience import eventually

MOST_MEDIA = 8 << 20


@dataclass
class ScriptedServer:
    """Speaks enough RTMP to be published to.

    ``publish_status`` is what publishing is answered with, ``publish_says`` and ``connect_says``
    what stands beside that; ``stops_reading_after`` the media bytes after which nothing is read
    any more, ``hello`` what is said instead of RTMP, ``then`` what is sent once the stream runs.
    """

    publish_status: str = "NetStream.Publish.Start"
    connect_status: str = "NetConnection.Connect.Success"
    publish_says: dict[str, amf.Value] = field(default_factory=dict)
    connect_says: dict[str, amf.Value] = field(default_factory=dict)
    then: list[bytes] = field(default_factory=list)
    stops_reading_after: int | None = None
    pause_seconds: float = 0.0
    """Between two reads of 4,096 bytes."""
    hello: bytes | None = None
    silent: bool = False
    context: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    port: int = 0
    commands: list[str] = field(default_factory=list)
    arguments: dict[str, list[amf.Value]] = field(default_factory=dict)
    media: list[tuple[int, int]] = field(default_factory=list)
    heads: list[tuple[int, int, bytes]] = field(default_factory=list)
    """Message type, timestamp, and how the body begins, of pictures, sounds and their metadata."""
    times: dict[int, list[int]] = field(default_factory=dict)
    """Message type → timestamps of pictures and sounds."""
    heard: list[Message] = field(default_factory=list)
    """What was neither command nor media."""
    server_names: list[str | None] = field(default_factory=list)
    connections: int = 0

    @property
    def pongs(self) -> list[bytes]:
        return [m.body for m in self.heard if m.type == MessageType.USER_CONTROL]

    @property
    def backward_steps(self) -> int:
        """How often a timestamp was not greater than the one before it in its stream."""
        return sum(b <= a for times in self.times.values() for a, b in pairwise(times))

    async def __aenter__(self) -> "ScriptedServer":
        if self.context is not None:
            self.context.sni_callback = lambda _, name, __: self.server_names.append(name)
        self._server = await asyncio.start_server(
            self._serve, self.host, self.port, ssl=self.context, limit=4096
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        # Closed at the wrong moment asyncio's server forgets what it has just accepted.
        for listener in self._server.sockets:
            asyncio.get_running_loop().remove_reader(listener.fileno())
        await asyncio.sleep(0.01)
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # Aborted transports close in the next round of the loop.
        await asyncio.sleep(0)

    async def left(self) -> None:
        """Wait until nobody is connected: what was said last has been heard."""
        await eventually(lambda: not self._tasks)

    def drop(self) -> None:
        """End every connection."""
        for task in self._tasks:
            task.cancel()

    def __post_init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            if self.silent:
                await asyncio.Event().wait()
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.hello is not None:
            writer.write(self.hello)
            await writer.drain()
            return
        c0c1 = await reader.readexactly(1537)
        writer.write(c0c1 + c0c1[1:])
        await reader.readexactly(1536)
        incoming = Reader(most_bytes=MOST_MEDIA)
        size = 0
        while data := await reader.read(4096):
            for message in incoming.feed(data):
                self.heads.append((message.type, message.timestamp, message.body[:16]))
                if message.type == MessageType.COMMAND:
                    self._command(amf.decode(message.body), writer)
                elif message.type in (MessageType.AUDIO, MessageType.VIDEO):
                    self.media.append((message.type, len(message.body)))
                    # A sequence header (FLV, E.4.2.1, E.4.3.1) has the time of what follows it.
                    if message.body[1]:
                        self.times.setdefault(message.type, []).append(message.timestamp)
                    size += len(message.body)
                else:
                    self.heard.append(message)
            if self.pause_seconds:
                await asyncio.sleep(self.pause_seconds)
            if self.stops_reading_after is not None and size > self.stops_reading_after:
                await asyncio.Event().wait()

    def _command(self, values: list[amf.Value], writer: asyncio.StreamWriter) -> None:
        name, call = str(values[0]), values[1]
        self.commands.append(name)
        self.arguments[name] = values[2:]
        if name == "connect":
            fine = self.connect_status.endswith("Success")
            info = {"code": self.connect_status, **self.connect_says}
            writer.write(command("_result" if fine else "_error", call, None, info))
            # PingRequest with a time.
            writer.write(control(MessageType.USER_CONTROL, b"\x00\x06\x00\x00\x12\x34"))
        elif name == "createStream":
            writer.write(command("_result", call, None, 1))
        elif name == "publish":
            info = {"code": self.publish_status, **self.publish_says}
            writer.write(command("onStatus", 0, None, info))
            for each in self.then:
                writer.write(each)

    def url(self, scheme: str = "rtmp", host: str | None = None) -> str:
        return f"{scheme}://{host or self.host}:{self.port}/live"


def command(*values: amf.Value) -> bytes:
    """A command as a server sends it, in chunks of 128 bytes."""
    body = amf.encode(*values)
    header = chunks.message(
        chunks.payload(MessageType.COMMAND, ChunkStream.COMMAND, b"\0" * len(body)), 0, 0
    )[:12]
    cut = (body[at : at + 128] for at in range(0, len(body), 128))
    return header + bytes((0xC0 | ChunkStream.COMMAND,)).join(cut)


def control(kind: MessageType, body: bytes) -> bytes:
    """A control message of a server."""
    return chunks.message(chunks.payload(kind, ChunkStream.CONTROL, body), 0, 0)


def status(code: str, **info: amf.Value) -> bytes:
    """What a server tells of a stream."""
    return command("onStatus", 0, None, {"code": code, **info})
