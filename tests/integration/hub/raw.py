"""A WebSocket that says exactly what it is told to, and keeps what it hears."""

import asyncio
import itertools
import json
import uuid

import aiohttp

from protocol.limits import SUBPROTOCOL
from tests.patience import PATIENCE


class Raw:
    """One socket; frames go out as given, and come in as dictionaries."""

    def __init__(self, socket):
        self.socket = socket
        self.heard, self.frames = [], []
        self.last = b""
        self.code = None
        self._ids = itertools.count(1)
        self._keys = uuid.uuid4().hex

    @classmethod
    async def open(cls, node, session, *, protocols=(SUBPROTOCOL,), **more):
        socket = await node.http.ws_connect(
            node.live(session), protocols=protocols, autoclose=False, **more
        )
        raw = cls(socket)
        node.raws.append(raw)
        return raw

    @classmethod
    async def join(cls, node, session, token, **hello):
        raw = await cls.open(node, session)
        await raw.send({"type": "hello", "token": token, **hello})
        await raw.hear("counters")
        return raw

    async def send(self, frame):
        match frame:
            case bytes():
                await self.socket.send_bytes(frame)
            case str():
                await self.socket.send_frame(
                    frame.encode("utf-8", "surrogatepass"), aiohttp.WSMsgType.TEXT
                )
            case _:
                await self.socket.send_str(json.dumps(frame))

    async def command(self, op, data=None, **more):
        number = next(self._ids)
        key, data = f"{self._keys}.{number}", {} if data is None else data
        frame = {"type": "command", "id": number, "key": key, "op": op, "data": data}
        await self.send(frame | more)
        return number

    async def say(self, op, data=None, **more):
        """The answer to a command."""
        number = await self.command(op, data, **more)
        while True:
            answer = await self.hear("ack", "nack")
            if answer["id"] == number:
                return answer

    async def hear(self, *kinds, seconds=PATIENCE):
        """The next frame, of these kinds if any are given; None when the socket is closed."""
        async with asyncio.timeout(seconds):
            while True:
                message = await self.socket.receive()
                if message.type is not aiohttp.WSMsgType.TEXT:
                    self.code = self.socket.close_code
                    return None
                self.last, frame = message.data.encode(), json.loads(message.data)
                self.heard.append(frame)
                self.frames.append(self.last)
                if not kinds or frame["type"] in kinds:
                    return frame

    async def up_to(self, sequence):
        """Hear everything up to a place in the log."""
        while (await self.hear("events"))["to"] < sequence:
            pass

    def upto(self, position):
        """The heard ``events`` frames cut down to what ends at ``position``."""
        for frame in self.heard:
            if frame["type"] == "events" and frame["from"] <= position:
                events = [each for each in frame["events"] if each["sequence"] <= position]
                last = min(frame["to"], position)
                yield json.dumps(frame | {"to": last, "events": events}).encode()

    async def answers(self, count):
        """The next answers, in the order in which they come."""
        return [await self.hear("ack", "nack") for _ in range(count)]

    async def hears_nothing_of(self, *kinds, seconds):
        """Whether no frame of these kinds comes for so long."""
        try:
            await self.hear(*kinds, seconds=seconds)
        except TimeoutError:
            return True
        return False

    async def farewell(self, seconds=PATIENCE):
        """The bye, if there is one, and the close code."""
        bye = await self.hear("bye", seconds=seconds)
        while bye is not None and await self.hear(seconds=seconds) is not None:
            raise AssertionError("something came after the goodbye")
        await self.socket.close()
        return bye, self.code
