"""A class from its start to its end and beyond, while everything breaks: recorded, replayed, over.

That a recording is whole is a media worker's word. It is given here by the way that such words
take between nodes, to the owner of the class, again and again under one key until it is heard.
"""

import asyncio
import contextlib
import uuid

import aiohttp
import msgspec

from protocol import commands as cmd
from protocol import events as ev
from protocol.commands import AnyCommand
from protocol.frames import Ack
from server.errors import LiveClassError
from server.hub.link_messages import Done, Follow, Refused, Reported, encode, to_follower
from server.hub.links import PATH, authorization
from server.secrets.secret import Secret
from tests.faults.cluster import HOST, Cluster
from tests.faults.workload import Crowd, Lesson

CROWD = Crowd(students=5, more_devices=2, newcomers=1)
FAR = "2126-01-01T00:00:00.000Z"
REPORT_SECONDS = 3.0
_NOTE = cmd.ArtifactAdd("note", cmd.ArtifactPayload(text="what was said"))


class Brief:
    """Holds one class."""

    def __init__(self, lesson: Lesson, cluster: Cluster) -> None:
        self.lesson = lesson
        self._cluster = cluster

    async def hold(self, seconds: float) -> None:
        """Hold it for so long, whatever breaks."""
        await self.lesson.begin(CROWD)
        started = await self._do(cmd.RecordingStart())
        if started is not None:
            await self._finalize(started)
        await asyncio.sleep(seconds)
        for command in (cmd.RecordingStop(), _NOTE, cmd.SessionEnd()):
            await self._do(command)
        for after in (cmd.ReplaySchedule(FAR), cmd.ReplayPublish(), cmd.ReplayUnpublish()):
            await self._do(after)
        await asyncio.sleep(seconds / 4)  # staff go on for a while
        await self.lesson.rest()
        await self._do(cmd.SessionArchive())

    async def _do(self, command: AnyCommand) -> int | None:
        """Return the first sequence of what the warden does; None if it changed nothing."""
        answer = await self.lesson.warden.say(command)
        self.lesson.did.note(command.op, answer)
        done = isinstance(answer, Ack) and answer.sequence is not None
        return answer.sequence[0] if done else None

    async def _finalize(self, started: int) -> None:
        """Report that the recording that was started there is whole."""
        client = self.lesson.warden.connection
        assert await client.until(lambda client: client.position >= started, 60)
        state = client.client.state
        if state is None or state.recording is None:
            return
        event = ev.RecordingFinalized(state.recording.recording, "file:///nowhere", 1000, 1000)
        key = str(uuid.uuid4())
        while not await self._report(key, event):
            await asyncio.sleep(0.3)

    async def _report(self, key: str, event: ev.RecordingFinalized) -> bool:
        """Tell the owner; return whether it says that the class knows."""
        session, headers = self.lesson.session, authorization(Secret(self._cluster.token_secret))
        with contextlib.suppress(OSError, TimeoutError, aiohttp.ClientError, LiveClassError):
            async with asyncio.timeout(REPORT_SECONDS):
                owner = await self._cluster.owner(session)
                if owner is None:
                    return False
                url = f"http://{HOST}:{owner.links.port}{PATH}"
                async with (
                    aiohttp.ClientSession(headers=headers) as http,
                    http.ws_connect(url) as socket,
                ):
                    data = msgspec.json.encode(event)
                    await socket.send_bytes(encode(Follow(session, self.lesson.tenant)))
                    await asyncio.sleep(0.1)  # until it follows nobody hears it
                    await socket.send_bytes(encode(Reported(session, 1, key, event.type, data)))
                    async for frame in socket:
                        match to_follower.decode(frame.data):
                            case Done():
                                return True
                            case Refused():
                                return False
        return False
