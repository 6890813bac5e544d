"""Two media workers under a real server: one is killed, the class goes on at the other."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.demo import Demo
from tests.directories import reachable_directory
from tests.media.viewer import TestViewer

BACK_SECONDS = 20


@pytest_asyncio.fixture
async def demo(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Demo]:
    monkeypatch.setenv("LIVECLASS_MEDIA_WORKERS", "2")
    with reachable_directory() as place:
        demo = Demo(place / "demo", "--students", "0")
        try:
            yield await demo.start()
        finally:
            await demo.stop()


def workers(demo: Demo) -> dict[int, int]:
    """Return the media workers' processes by the number in the name of their socket."""
    found = {}
    for pid, command in demo.processes().items():
        if "-m server.media " in f"{command} ":
            environ = Path(f"/proc/{pid}/environ").read_text().split("\0")
            (socket,) = (each for each in environ if each.startswith("MEDIA_SOCKET="))
            found[int(socket.rpartition("-")[2].partition(".")[0])] = pid
    return found


class Student:
    """Watches over the hub's HTTP, again and again until there is a picture."""

    def __init__(self, http: aiohttp.ClientSession, session: str) -> None:
        self._http = http
        self._session = session

    async def watch(self, seconds: float) -> TestViewer:
        """Return a viewer that sees."""
        until = time.monotonic() + seconds
        while True:
            viewer = TestViewer()
            try:
                if await viewer.watch(self._post) == 201:
                    await viewer.sees(5, 4)
                    return viewer
            except TimeoutError:
                assert time.monotonic() < until, "no picture"
            await viewer.close()
            await asyncio.sleep(0.5)
            assert time.monotonic() < until, "not let in"

    async def _post(self, sdp: bytes) -> tuple[int, dict[str, str], bytes]:
        headers = {"Content-Type": "application/sdp"}
        path = f"/v1/sessions/{self._session}/whep"
        async with self._http.post(path, data=sdp, headers=headers) as answer:
            return answer.status, dict(answer.headers), await answer.read()

    async def plays_hls(self, seconds: float) -> str:
        """Wait for a live playlist and return it."""
        until = time.monotonic() + seconds
        while True:
            async with self._http.get(f"/v1/sessions/{self._session}/playback") as answer:
                ways = (await answer.json())["items"]
            (url,) = (way["url"] for way in ways if "/live/" in way["url"])
            async with self._http.get(url) as answer:
                if answer.status == 200:
                    return await answer.text()
            assert time.monotonic() < until, answer.status
            await asyncio.sleep(0.5)


async def test_a_class_whose_media_worker_is_killed_goes_on_at_the_other(
    demo: Demo, report: Callable[..., None]
) -> None:
    bearer = {"Authorization": f"Bearer {demo.ready['tokens']['students'][0]}"}
    async with aiohttp.ClientSession(demo.ready["url"], headers=bearer) as http:
        student = Student(http, demo.ready["session"])
        first = await student.watch(BACK_SECONDS)
        assert "#EXT-X-MAP" in await student.plays_hls(10)
        home = int(first.location.rpartition("/")[2].partition("-")[0])
        before = workers(demo)
        assert set(before) == {0, 1}
        os.kill(before[home], signal.SIGKILL)
        killed = time.monotonic()
        second = await student.watch(BACK_SECONDS)
        seconds = round(time.monotonic() - killed, 1)
        assert second.location.rpartition("/")[2].startswith(f"{1 - home}-")
        assert "#EXT-X-MAP" in await student.plays_hls(10)
        # And the one that was killed is there again, with another process.
        async with asyncio.timeout(10):
            while set(after := workers(demo)) != {0, 1}:
                await asyncio.sleep(0.2)
        assert after[home] != before[home]
        assert after[1 - home] == before[1 - home]
        await first.close()
        await second.close()
    report(picture_again_seconds=seconds)
