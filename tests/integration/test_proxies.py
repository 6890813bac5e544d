"""A class through documented balancers: real nginx, with one node that is not there."""

import asyncio
import contextlib
import io
import random
import re
import ssl
import subprocess
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from load.connection import Connection
from protocol import commands as cmd
from protocol.frames import Ack
from server.tasks import Supervisor
from tests import peers
from tests.demo import Demo, free_port
from tests.media.certificates import certificate
from tests.patience import PATIENCE, eventually

ROOT = Path(__file__).parents[2]
OF_THE_HOP = {"date", "server", "connection", "transfer-encoding", "content-length", "keep-alive"}
MANY_BYTES = 3 << 20
TRACE = "0af7651916cd43dd8448eb211c80319c"
SAID = "what somebody said"


@pytest.fixture
async def collector():
    """A collector of traces, and what it was sent."""
    taken = []

    async def take(request):
        taken.append(await request.read())
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/v1/traces", take)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", taken
    await runner.cleanup()


@pytest.fixture
async def demo(data_dir, collector, monkeypatch):
    peers.require("nginx with its RTMP module")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector[0])
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
    monkeypatch.setenv("LIVECLASS_HUB_WORKERS", "2")
    demo = Demo(data_dir / "class", "--teacher", "none", "--students", "0")
    yield await demo.start()
    await demo.kill()
    assert not await demo.all_gone()


class Proxy:
    """nginx with a documented configuration, for addresses of this machine."""

    def __init__(self, file: str, node: int, directory: Path) -> None:
        self.directory = directory
        self.port, self.plain_port = free_port(), free_port()
        self.is_secure = "ssl_certificate" in (text := (ROOT / file).read_text(encoding="utf-8"))
        chain, _ = certificate(directory)
        self.context = ssl.create_default_context(cafile=chain)
        for old, new in {
            "node-1:8080": f"127.0.0.1:{node}",
            "10.0.0.7:8080": f"127.0.0.1:{node}",
            "node-2:8080": f"127.0.0.1:{free_port()}",  # where nobody listens
            "10.0.0.8:8080": f"127.0.0.1:{free_port()}",
            "listen 8080": f"listen 127.0.0.1:{self.port}",
            "listen 443": f"listen 127.0.0.1:{self.port}",
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "/etc/ssl/class.pem": str(chain),
            "/etc/ssl/class.key": str(directory / "key.pem"),
            "/run/nginx.pid": f"{directory}/pid",
            "/tmp/nginx.pid": f"{directory}/pid",
            "/var/log/nginx/error.log": f"{directory}/error.log",
            "/dev/stderr": f"{directory}/error.log",
            # What a package makes for itself.
            "http {": "daemon off;\nhttp {\n" + "".join(
                f"{name}_temp_path {directory}/{name};\n"
                for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            ),
        }.items():  # fmt: skip
            text = text.replace(old, new)
        self.config = directory / "nginx.conf"
        self.config.write_text(text)

    @contextlib.asynccontextmanager
    async def running(self):
        binary, _ = peers.nginx()
        command = [binary, "-p", str(self.directory), "-c", str(self.config)]
        tried = subprocess.run([*command, "-t"], capture_output=True, text=True, timeout=PATIENCE)
        assert tried.returncode == 0, tried.stderr
        assert "[warn]" not in tried.stderr.replace('the "user" directive', ""), tried.stderr
        process = await asyncio.create_subprocess_exec(*command)
        try:
            await eventually(self._listens)
            yield f"{'https' if self.is_secure else 'http'}://localhost:{self.port}"
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), PATIENCE)

    async def _listens(self):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.close()
            return True


async def answer(http, method, url, *, data=None, **more):
    body = None if data is None else io.BytesIO(data)
    async with http.request(method, url, allow_redirects=False, data=body, **more) as response:
        kept = {k.lower(): v for k, v in response.headers.items() if k.lower() not in OF_THE_HOP}
        kept.pop("x-request-id", None)
        return response.status, kept, await response.read()


async def test_a_class_is_held_through_nginx_and_traced(demo, collector, tmp_path):
    for number, file in enumerate(("docker/nginx.conf", "docs/operations/nginx.conf"), 1):
        directory = tmp_path / str(number)
        directory.mkdir()
        await holds_a_class(Proxy(file, demo.port, directory), demo, number)
    await counts_each_thing_once(demo)
    _, taken = collector
    wanted = {"command chat.post", "append", "project", "GET /v1/sessions/{session}"}

    def callers():
        return [each for each in spans(taken) if each.trace_id.hex() == TRACE]

    await eventually(lambda: callers() and wanted <= {each.name for each in spans(taken)})
    (found,) = callers()
    assert found.name == "GET /v1/sessions/{session}/events", "the caller's trace goes on"
    raw = b"".join(taken)
    for secret in (SAID, demo.ready["tokens"]["teacher"]):
        assert secret.encode() not in raw


async def counts_each_thing_once(demo):
    """Each hub worker tells of itself, and the first one also of the machine's media workers.

    What rooms there are is counted once a second.
    """

    async def once():
        return await what_is_told_of(demo) == (1, [0], {"ok"})

    await eventually(once)


async def what_is_told_of(demo):
    """Return how many classes the hub workers own together, who tells of media, how all do."""
    owned, told_of_media, states = 0.0, [], set()
    async with aiohttp.ClientSession() as http:
        for number, pid in sorted(demo.hub_workers().items()):
            environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            (port,) = (
                each.partition(b"=")[2]
                for each in environ
                if each.startswith(b"LIVECLASS_OPS_PORT=")
            )
            at = f"http://127.0.0.1:{port.decode()}"
            async with http.get(f"{at}/readyz") as response:
                ready = await response.json()
            states |= {part["state"] for part in ready["parts"].values()}
            async with http.get(f"{at}/metrics") as response:
                text = await response.text()
            if "liveclass_media_sessions" in text:
                told_of_media.append(number)
            rooms = re.findall(r'^liveclass_rooms\{role="owner"\} (.+)$', text, re.MULTILINE)
            owned += sum(map(float, rooms))
    return owned, told_of_media, states


def spans(taken):
    """Return every span that was sent."""
    return [
        span
        for raw in taken
        for resource in ExportTraceServiceRequest.FromString(raw).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


async def holds_a_class(proxy, demo, times):
    session, tokens = demo.ready["session"], demo.ready["tokens"]
    connector = aiohttp.TCPConnector(ssl=proxy.context)
    async with (
        proxy.running() as url,
        aiohttp.ClientSession(connector=connector) as http,
        Supervisor("people") as tasks,
    ):
        people = []
        for token in (tokens["teacher"], *tokens["students"][:4]):
            live = f"{url}/v1/sessions/{session}/live"
            people.append(Connection(http, live, token, rng=random.Random(1)))
            tasks.start("person", people[-1].run())
        if times == 1:
            assert isinstance(await people[0].say(cmd.SessionStart()), Ack)
        for person in people:
            assert isinstance(await person.say(cmd.ChatPost(SAID)), Ack)
        told = times * len(people)
        for person in people:
            assert await person.until(lambda c: c.state and len(c.state.messages) == told, PATIENCE)

        # Pages, answers and refusals are the server's own.
        direct = f"http://127.0.0.1:{demo.port}"
        headers = {"Authorization": f"Bearer {tokens['teacher']}"}
        big = bytes(MANY_BYTES)
        for method, path, more in (
            ("GET", "/", {}),
            ("GET", f"/v1/sessions/{session}", {"headers": headers}),
            ("GET", f"/v1/sessions/{session}/events?limit=500", {"headers": headers}),
            ("GET", "/v1/openapi.json", {}),
            ("GET", "/no/such/page", {}),
            ("POST", f"/v1/sessions/{session}/commands", {"headers": headers, "data": b"{"}),
            ("PUT", f"/v1/sessions/{session}", {"headers": headers, "data": big}),
        ):

            async def is_the_same(method=method, path=path, more=more):
                through = await answer(http, method, url + path, **more)
                return through == await answer(http, method, direct + path, **more)

            # The tables may just now begin to show what was committed.
            await eventually(is_the_same)
        if proxy.is_secure:
            traced = headers | {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
            path = f"{url}/v1/sessions/{session}/events"
            assert (await answer(http, "GET", path, headers=traced))[0] == 200
        for path in ("/healthz/live", "/metrics", "/internal/link"):
            assert (await answer(http, "GET", url + path))[0] == 404, "never public"
        if proxy.is_secure:
            plain = f"http://localhost:{proxy.plain_port}/room?x=1"
            status, said, _ = await answer(http, "GET", plain)
            assert (status, said["location"]) == (301, "https://localhost/room?x=1")
