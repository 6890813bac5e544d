"""WHEP: viewers see and hear, and leave when they are told."""

import asyncio
import io
import time

import av

from server.media.fabric import Answer
from tests.media.conftest import SESSION, STUDENT, TEACHER, Media
from tests.media.viewer import TestViewer


async def watch(media: Media, user: str = STUDENT) -> TestViewer:
    viewer = TestViewer()

    async def post(sdp: bytes) -> tuple[int, dict[str, str], bytes]:
        answer = await media.fabric.whep(SESSION, user, sdp)
        return answer.status, answer.headers, answer.body

    assert await viewer.watch(post) == 201
    return viewer


async def test_a_viewer_sees_and_hears_within_two_seconds(media: Media) -> None:
    await media.publish()
    await media.hears("publisher.connected", 5)
    started = time.monotonic()
    viewer = await watch(media)
    try:
        await viewer.sees(1, 2 - (time.monotonic() - started))
        assert viewer.pictures[0] == (640, 360)
        await viewer.sees(20, 4)
    finally:
        await viewer.close()


async def test_an_expelled_viewer_sees_nothing_a_second_later(media: Media) -> None:
    await media.publish()
    await media.hears("publisher.connected", 5)
    expelled, other = await watch(media), await watch(media, TEACHER)
    try:
        await expelled.sees(5, 5)
        await other.sees(5, 5)
        await media.fabric.expel(SESSION, STUDENT)
        async with asyncio.timeout(1):
            while expelled.pc.connectionState != "closed":
                await asyncio.sleep(0.02)
        seen = len(other.pictures)
        await other.sees(seen + 10, 3)
    finally:
        await expelled.close()
        await other.close()


async def test_an_expelled_publisher_is_lost(media: Media) -> None:
    publisher = await media.publish()
    await media.hears("publisher.connected", 5)
    await media.fabric.expel(SESSION, TEACHER)
    lost = await media.hears("publisher.lost", 1)
    assert lost.data == {"user": TEACHER, "reason": "ended"}
    async with asyncio.timeout(1):
        while publisher.pc.connectionState != "closed":
            await asyncio.sleep(0.02)


async def hls(media: Media, file: str = "index.m3u8") -> Answer:
    answer = await media.fabric.hls(SESSION, file)
    assert answer.status == 200, answer.body
    return answer


async def test_the_first_to_ask_for_hls_starts_it_and_plays_what_is_on_air(media: Media) -> None:
    await media.publish()
    await media.hears("publisher.connected", 5)
    started = time.monotonic()
    playlist = (await hls(media)).body.decode().splitlines()
    # From the cached group of pictures on: two segments of two seconds.
    assert time.monotonic() - started < 6
    header = next(line for line in playlist if "MAP" in line).split('"')[1]
    names = [line for line in playlist if line.endswith(".m4s")]
    data = b"".join([(await hls(media, name)).body for name in (header, *names)])
    with av.open(io.BytesIO(data)) as container:
        picture, sound = container.streams
        assert (picture.codec_context.width, sound.codec_context.name) == (640, "aac")
        pictures = len(list(container.decode(picture)))
    assert pictures >= 4 * 15 - 4
    gone = await media.fabric.hls(SESSION, "live-1.m4s")
    assert gone.status == 404


async def test_hls_of_a_class_that_is_not_carried_here_is_not_found(media: Media) -> None:
    assert (await media.fabric.hls(SESSION, "index.m3u8")).status == 404
