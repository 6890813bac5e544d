"""WHEP: viewers see and hear, and leave when they are told."""

import asyncio

from tests.media.conftest import SESSION, STUDENT, TEACHER, Media
from tests.media.viewer import TestViewer
from tests.patience import PATIENCE, Stopwatch


async def watch(media: Media, user: str = STUDENT) -> TestViewer:
    viewer = TestViewer()

    async def post(sdp: bytes) -> tuple[int, dict[str, str], bytes]:
        answer = await media.fabric.whep(SESSION, user, sdp)
        return answer.status, answer.headers, answer.body

    assert await viewer.watch(post) == 201
    return viewer


async def test_a_viewer_sees_and_hears_within_two_seconds(media: Media) -> None:
    await media.publish()
    await media.hears("publisher.connected")
    joined = Stopwatch()
    viewer = await watch(media)
    try:
        await viewer.sees(1)
        assert joined.seconds < 2
        assert viewer.pictures[0] == (640, 360)
        await viewer.sees(20)
    finally:
        await viewer.close()


async def test_an_expelled_viewer_sees_nothing_a_second_later(media: Media) -> None:
    await media.publish()
    await media.hears("publisher.connected")
    expelled, other = await watch(media), await watch(media, TEACHER)
    try:
        await expelled.sees(5)
        await other.sees(5)
        since = Stopwatch()
        await media.fabric.expel(SESSION, STUDENT)
        async with asyncio.timeout(PATIENCE):
            while expelled.pc.connectionState != "closed":
                await asyncio.sleep(0.02)
        assert since.seconds < 1
        seen = len(other.pictures)
        await other.sees(seen + 10)
    finally:
        await expelled.close()
        await other.close()


async def test_an_expelled_publisher_is_lost(media: Media) -> None:
    publisher = await media.publish()
    await media.hears("publisher.connected")
    since = Stopwatch()
    await media.fabric.expel(SESSION, TEACHER)
    lost = await media.hears("publisher.lost")
    assert lost.data == {"user": TEACHER, "reason": "ended"}
    async with asyncio.timeout(PATIENCE):
        while publisher.pc.connectionState != "closed":
            await asyncio.sleep(0.02)
    assert since.seconds < 1


async def test_hls_of_a_class_that_is_not_carried_here_is_not_found(media: Media) -> None:
    assert (await media.fabric.hls(SESSION, "index.m3u8")).status == 404
