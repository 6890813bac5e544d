"""A real server, a class on air in it, a platform beside it: what peers of other makes meet.

``class_``   a class that is live, with a destination at nginx-rtmp; ``class_.link(role)`` lets in
"""

import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import pytest_asyncio

from server.ids import new_id
from tests import peers
from tests.demo import Demo
from tests.directories import reachable_directory
from tests.media.pulled import pull
from tests.media.viewer import TestViewer
from tests.rtmp_server import RtmpServer

SDP = {"Content-Type": "application/sdp"}


def require(program: str, packages: str) -> str:
    """Return where ``program`` is; skip, or fail where skipping hides something, if it is not."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        peers.miss(program, packages)
    return found


@dataclass
class Class:
    """A class on air, over HTTP."""

    url: str
    session: str
    http: aiohttp.ClientSession
    platform: RtmpServer

    @property
    def whip(self) -> str:
        """Where to publish."""
        return f"{self.url}/v1/sessions/{self.session}/whip"

    @property
    def whep(self) -> str:
        """Where to watch."""
        return f"{self.url}/v1/sessions/{self.session}/whep"

    async def post(self, path: str, **body: object) -> dict[str, object]:
        """Make something as the admin."""
        async with self.http.post(path, json=body) as answer:
            assert answer.ok, await answer.text()
            return await answer.json()

    async def link(self, role: str) -> str:
        """Return the page of a new person, with their token."""
        made = await self.post(
            f"/v1/sessions/{self.session}/join-tokens", role=role, name=role.title()
        )
        return str(made["url"])

    async def token(self, role: str) -> str:
        """Return an access token of a new person."""
        return urlsplit(await self.link(role)).fragment.removeprefix("token=")

    async def publish_token(self) -> str:
        """Return a token as it is given to an encoder."""
        made = await self.post(f"/v1/sessions/{self.session}/publish-tokens", name="Encoder")
        return str(made["token"])

    async def is_seen(self, pictures: int = 30, seconds: float = 15) -> tuple[int, int]:
        """Watch with another aiortc, which decodes; return the size of the last picture."""
        viewer, token = TestViewer(), await self.token("student")

        async def post(sdp: bytes) -> tuple[int, dict[str, str], bytes]:
            headers = {**SDP, "Authorization": f"Bearer {token}"}
            async with self.http.post(self.whep, data=sdp, headers=headers) as answer:
                return answer.status, dict(answer.headers), await answer.read()

        try:
            assert await viewer.watch(post) == 201
            await viewer.sees(pictures, seconds)
            return viewer.pictures[-1]
        finally:
            await viewer.close()

    async def goes_out(self, seconds: float = 4) -> dict[str, object]:
        """Pull what the platform gets and return what it is."""
        got = await pull(f"{self.platform.url('one')}/camera", seconds)
        assert (got.video_codec, got.audio_codec) == ("h264", "aac")
        assert got.sample_rate == 48_000
        assert got.decoded > 0
        times = [time for time, _ in got.video]
        assert times == sorted(set(times))
        assert got.audio == sorted(set(got.audio))
        return {"pictures": len(times), "decoded": got.decoded}


@pytest_asyncio.fixture
async def class_(rtmp: RtmpServer) -> AsyncIterator[Class]:
    """Start a server of our own; a test may have put settings into the environment before."""
    with reachable_directory() as place:
        demo = Demo(place / "demo", "--students", "0", "--teacher", "none")
        try:
            await demo.start()
            bearer = {"Authorization": f"Bearer {demo.ready['tokens']['admin']}"}
            async with aiohttp.ClientSession(demo.ready["url"], headers=bearer) as http:
                class_ = Class(demo.ready["url"], "", http, rtmp)
                course = await class_.post("/v1/courses", title="Mathematics")
                lesson = await class_.post(f"/v1/courses/{course['id']}/lessons", title="Limits")
                made = await class_.post(f"/v1/lessons/{lesson['id']}/sessions", title="Limits")
                class_.session = str(made["id"])
                integration = await class_.post("/v1/integrations", provider="custom")
                destination = await class_.post(
                    "/v1/destinations",
                    integration=integration["id"],
                    name="One",
                    url=rtmp.url("one"),
                    stream_key="camera",
                )
                path = f"/v1/sessions/{class_.session}"
                await class_.post(f"{path}/commands", key=new_id(), op="session.start", data={})
                await class_.post(f"{path}/destinations", destination=destination["id"])
                yield class_
        finally:
            await demo.stop()
