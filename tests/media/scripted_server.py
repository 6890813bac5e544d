"""A small RTMP server that misbehaves on demand: what nginx cannot be made to do."""

import asyncio
import ssl
from dataclasses import dataclass, field

from server.media.rtmp import amf, chunks
from server.media.rtmp.chunks import ChunkStream, MessageType


@dataclass
class ScriptedServer:
    """Speaks enough RTMP to be published to.

    ``publish_status`` is what publishing is answered with, ``stops_reading_after`` the media
    bytes after which nothing is read any more, ``hello`` what is said instead of RTMP.
    """

    publish_status: str = "NetStream.Publish.Start"
    connect_status: str = "NetConnection.Connect.Success"
    stops_reading_after: int | None = None
    hello: bytes | None = None
    silent: bool = False
    context: ssl.SSLContext | None = None
    commands: list[str] = field(default_factory=list)
    media: list[tuple[int, int]] = field(default_factory=list)
    pongs: list[bytes] = field(default_factory=list)
    connections: int = 0

    async def __aenter__(self) -> "ScriptedServer":
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, ssl=self.context, limit=4096
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # Aborted transports close in the next round of the loop.
        await asyncio.sleep(0)

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
        incoming = chunks.Reader()
        size = 0
        while data := await reader.read(4096):
            for message in incoming.feed(data):
                if message.type == MessageType.COMMAND:
                    self._command(amf.decode(message.body), writer)
                elif message.type == MessageType.USER_CONTROL:
                    self.pongs.append(message.body)
                elif message.type in (MessageType.AUDIO, MessageType.VIDEO):
                    self.media.append((message.type, len(message.body)))
                    size += len(message.body)
            if self.stops_reading_after is not None and size > self.stops_reading_after:
                await asyncio.Event().wait()

    def _command(self, values: list[amf.Value], writer: asyncio.StreamWriter) -> None:
        name, call = values[0], values[1]
        self.commands.append(str(name))
        if name == "connect":
            fine = self.connect_status.endswith("Success")
            self._say(
                writer, "_result" if fine else "_error", call, None, {"code": self.connect_status}
            )
            # PingRequest with a time.
            ping = chunks.payload(
                MessageType.USER_CONTROL, ChunkStream.CONTROL, b"\x00\x06\x00\x00\x12\x34"
            )
            writer.write(chunks.message(ping, 0, 0))
        elif name == "createStream":
            self._say(writer, "_result", call, None, 1)
        elif name == "publish":
            self._say(writer, "onStatus", 0, None, {"code": self.publish_status})

    def _say(self, writer: asyncio.StreamWriter, *values: amf.Value) -> None:
        body = amf.encode(*values)
        part = chunks.payload(MessageType.COMMAND, ChunkStream.COMMAND, body, chunk_size=128)
        writer.write(chunks.message(part, 0, 0))

    def url(self, scheme: str = "rtmp", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}/live"
