"""Disks that are full: what is refused is refused clearly, what can wait waits; class goes on."""

import asyncio

import msgspec
import pytest

from protocol import commands as cmd
from protocol.features.recordings import RecordingStart, RecordingStop
from protocol.frames import Ack
from server.media.hls.playlist import parse
from server.store.log import LogReader
from tests.media.publisher import TestPublisher
from tests.patience import PATIENCE, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

PICTURES = b"GIF89a" + bytes((1 << 20) - 6)
ROOM_BYTES = 16 << 10


async def put(served, upload):
    headers = {"Content-Type": "image/gif"}
    async with served.http.put(upload["put_url"], data=PICTURES, headers=headers) as response:
        return response.status, response.headers, await response.read()


async def test_what_the_object_store_has_no_room_for_is_refused_and_taken_later(served):
    mark = served.mark
    async with served.lesson() as lesson:
        token, path = lesson.teacher.client.token, f"/v1/sessions/{lesson.session}/uploads"
        body = {"name": "moving", "content_type": "image/gif", "bytes": len(PICTURES)}
        status, _, answer = await served.rest("POST", path, token, body)
        assert status == 201, answer
        upload = msgspec.json.decode(answer)
        with served.quota("server.app", ROOM_BYTES):
            status, headers, answer = await put(served, upload)
            problem = msgspec.json.decode(answer)
            assert (status, problem["code"]) == (503, "unavailable"), answer
            assert int(headers["Retry-After"]) >= 1
            assert (await served.rest("POST", f"{path}/{upload['id']}/commit", token))[0] == 409
            assert isinstance(await lesson.ann.say(cmd.ChatPost("no room?")), Ack)
        (line,) = await eventually(lambda: of_objects(served.said("part_away", mark)))
        assert "File too large" in line["reason"]
        assert [*served.objects.rglob("*.partial")] == [], "what is left would fill the disk more"
        assert (await put(served, upload))[0] == 204
        assert (await served.rest("POST", f"{path}/{upload['id']}/commit", token))[0] == 200

        async def is_shown():
            _, _, answer = await served.rest("GET", f"{path}/{upload['id']}", token)
            return msgspec.json.decode(answer)["status"] == "ready"

        await eventually(is_shown)
        await eventually(lambda: of_objects(served.said("part_back", mark)))


async def test_a_recording_loses_nothing_for_want_of_room(served):
    """Neither its spool nor the object store take more: it waits in memory until they do."""
    mark = served.mark
    async with served.lesson() as lesson:
        publisher = TestPublisher()
        try:
            whip = f"/v1/sessions/{lesson.session}/whip"
            assert await publisher.publish(served.post(whip, lesson.teacher.client.token)) == 201
            assert isinstance(await lesson.teacher.say(RecordingStart()), Ack)
            await eventually(lambda: [*served.spool.rglob("*.part")])
            with served.quota("server.media", ROOM_BYTES):
                await eventually(lambda: {"spool", "objects"} <= away(served, mark))
                assert isinstance(await lesson.ann.say(cmd.ChatPost("all well?")), Ack)
                await asyncio.sleep(1)
            await asyncio.sleep(1)
            assert isinstance(await lesson.teacher.say(RecordingStop()), Ack)
            finalized = await hears(lesson, "recording.finalized")
        finally:
            await publisher.close()
        assert [*served.spool.rglob("*.part")] == []
        (index,) = served.objects.rglob(f"*{lesson.session}*/**/index.m3u8")
        playlist = parse(index.read_text())
        assert playlist.ended
        assert not any(segment.discontinuity for segment in playlist.segments)
        assert playlist.duration_ms == finalized["duration_ms"] > 3_000
        ends = [each.starts_at_ms + each.duration_ms for each in playlist.segments]
        starts = [each.starts_at_ms for each in playlist.segments]
        assert all(abs(a - b) < 100 for a, b in zip(ends, starts[1:], strict=False))


def of_objects(lines):
    return [line for line in lines if line["part"] == "objects"]


def away(served, mark):
    return {line["part"] for line in served.said("part_away", mark)}


async def hears(lesson, kind):
    reader = LogReader(lesson.served.pools)
    async with asyncio.timeout(PATIENCE):
        while True:
            for event in await reader.find(lesson.session, 1, 10_000, types=[kind]):
                return msgspec.json.decode(event.payload)
            await asyncio.sleep(0.1)
