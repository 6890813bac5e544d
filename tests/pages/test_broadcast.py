"""A teacher in a browser goes out to platforms, two of which do not play along."""

import asyncio
import itertools
import random
import socket
from functools import partial
from urllib.parse import urlsplit

import aiohttp
import av
import pytest
from playwright.async_api import expect

from load.connection import Connection
from protocol import codec
from protocol.frames import Health
from server.tasks import Supervisor
from tests.media.pulled import pull
from tests.pages.acts import at, go_live, has_moved, turn_camera_on
from tests.patience import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

PULLED_SECONDS = 5.0
KEYFRAME_SECONDS = 4
"""Asked for each two seconds; platforms bear four."""
LEAST_RATE = 5


@pytest.fixture
def mute():
    """A listener that accepts and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


class Watch:
    """Staff without a page: the newest health frame."""

    def __init__(self, http, lesson, token):
        self.health = None
        url = f"{lesson.url}/v1/sessions/{lesson.session}/live"
        self.connection = Connection(
            http, url, token, rng=random.Random(1), on_frame=self._on_frame
        )

    def _on_frame(self, data):
        frame = codec.decode_server(data)
        if isinstance(frame, Health):
            self.health = frame


async def add_destinations(lesson, urls):
    async def create(path, **body):
        async with lesson.http.post(path, json=body) as answer:
            assert answer.status == 201, await answer.text()
            return (await answer.json())["id"]

    integration = await create("/v1/integrations", provider="custom")
    return {
        name: await create(
            "/v1/destinations", integration=integration, name=name, url=url, stream_key="camera"
        )
        for name, url in urls.items()
    }


async def smooth(url):
    """Pull a stream; return it if it flows as it should, which it may not while others compute."""
    try:
        stream = await pull(url, PULLED_SECONDS)
    except av.FFmpegError:
        return None
    times = [time for time, _ in stream.video]
    for line in (times, stream.audio):
        assert all(later > earlier for earlier, later in itertools.pairwise(line))
    keys = [time for time, is_key in stream.video if is_key]
    longest = max(b - a for a, b in itertools.pairwise([*keys, times[-1]]))
    is_smooth = longest <= KEYFRAME_SECONDS and len(times) > PULLED_SECONDS * LEAST_RATE
    return stream if is_smooth else None


@pytest.fixture
def deaf():
    """A port where nobody listens, nor will: it is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


async def test_a_broadcast_reaches_its_platforms_whatever_the_others_do(
    lesson, open_page, platform, mute, deaf
):
    ids = await add_destinations(
        lesson,
        {
            "One": platform.url("one"),
            "Two": platform.url("two"),
            "Refuses": f"rtmp://127.0.0.1:{deaf}/live",
            "Mute": f"rtmp://127.0.0.1:{mute}/live",
        },
    )
    studio = await open_page(await lesson.link("teacher", "Dr. Okafor"))
    await turn_camera_on(studio)
    rows = {
        name: at(studio, "destination").filter(has_text=name)
        for name in ("One", "Two", "Refuses", "Mute")
    }
    for row in rows.values():
        switch = row.get_by_test_id("destination-switch")
        await switch.click()  # it moves when the event has come, not before
        await expect(switch).to_be_checked()
    await go_live(studio)
    for name in ("One", "Two"):
        await expect(rows[name]).to_have_attribute("data-phase", "live")
    await expect(rows["Refuses"]).to_have_attribute("data-phase", "retry_scheduled")
    await expect(rows["Mute"]).not_to_have_attribute("data-phase", "live")

    # A student who comes now sees the picture move; how soon, tests/media tells without a browser.
    room = await open_page(await lesson.link("student", "Ann"))
    await expect(at(room, "stage")).to_have_attribute("data-playing", "true")
    assert await has_moved(room)

    streams = await asyncio.gather(
        *(eventually(partial(smooth, f"{platform.url(name)}/camera")) for name in ("one", "two"))
    )
    for stream in streams:
        assert (stream.video_codec, stream.audio_codec) == ("h264", "aac")
        assert stream.sample_rate == 48_000
        assert stream.decoded > 0

    token = urlsplit(await lesson.link("assistant", "Tom")).fragment.removeprefix("token=")
    async with aiohttp.ClientSession() as http, Supervisor("watch") as tasks:
        watch = Watch(http, lesson, token)
        tasks.start("watch", watch.connection.run())
        await eventually(lambda: watch.health)
    for name in ("One", "Two"):
        assert watch.health.destinations[ids[name]].dropped == 0
