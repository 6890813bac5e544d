"""A stream key goes to its platform, and nowhere else: not when all is well, not when it is not.

Keys that nobody can mistake are given to a whole server, by request, by file and by environment.
It then streams with them to platforms that take them, refuse them, repeat them in their refusals,
speak nonsense and hang up, while its processes are made to crash. What is looked through afterwards
is all that anybody can read: the log (at its most talkative, with tracebacks), every table, the
files of the database and of Valkey, events over WebSocket and REST, metrics, and the arguments and
environment of every process.

What is not looked through: the environment variable and the file that an operator has put a key
into, which are where ``env:`` and ``file:`` say that it is.
"""

import asyncio
import base64
import contextlib
import json
import os
import random
import re
import resource
import signal
import sys
import time
import urllib.parse
import uuid
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from yarl import URL

from load.connection import Connection
from server.auth.tokens import Tokens
from server.clock import SystemClock
from server.ids import new_id
from server.media.rtmp.chunks import MessageType
from server.secrets.secret import Secret
from tests import peers
from tests.demo import free_port
from tests.integration.rest.conftest import Api
from tests.media.publisher import TestPublisher
from tests.media.scripted_server import ScriptedServer, command, control
from tests.patience import PATIENCE
from tests.rtmp_server import RtmpServer

pytestmark = pytest.mark.timeout(240)

MARK = "CANARY_MARK"
SAID = f"what somebody said {uuid.uuid4().hex}"
VAULT, ENV, FILE = (f"canary-{name}-{uuid.uuid4().hex}" for name in ("vault", "env", "file"))
START_SECONDS = 90.0
STEP_SECONDS = 60.0
COUNTED = (
    r'rooms\{role="owner"\} 1\.0',
    r'lease_taken_total\{before="nobody"\} 1\.0',
    r'resumes_total\{kind="snapshot"\} [1-9].*',
    r"append_events_count [1-9].*",
    r"projector_seconds_count [1-9].*",
    r'pool_in_use\{role="hub"\} \d.*',
    r'publishers\{state="[a-z_]+"\} 1\.0',
    r'destinations\{provider="custom",state="good"\} [1-9].*',
    r'media_workers\{state="there"\} 1\.0',
    r"media_sessions 1\.0",
    r"media_write_seconds_count [1-9].*",
    r"media_loop_lag_seconds_count [1-9].*",
    r"spool_free_bytes [1-9].*",
)
"""Of a class on air, all that runs: the hub worker, and the media worker behind it."""


def forms(key: str) -> set[bytes]:
    """A key, as it might be written down."""
    raw = key.encode()
    return {
        raw,
        raw.hex().encode(),
        base64.b64encode(raw).rstrip(b"=")[:-2],
        urllib.parse.quote(key).encode(),
        raw[8:],
    }


@contextlib.contextmanager
def cores_allowed():
    """Let what is started here leave a core when it crashes."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)


class Server:
    """``liveclass serve`` at its most talkative, on a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "server"
        self.log = directory / "log"
        self.key_file = directory / "keys" / "stream-key"
        self.mark = uuid.uuid4().hex
        self.port, self.ops_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.ops_url = f"http://127.0.0.1:{self.ops_port}"

    async def __aenter__(self) -> "Server":
        self.key_file.parent.mkdir()
        self.key_file.write_text(FILE + "\n")
        settings = {
            "PORT": str(self.port),
            "OPS_PORT": str(self.ops_port),
            "PUBLIC_URL": self.url,
            "LOG_LEVEL": "debug",
            "LOG_FORMAT": "console",
            "EGRESS_ALLOW": "127.0.0.0/8:*",
            "STREAM_KEY_REFS": f"env:CANARY_,file:{self.key_file.parent}/",
            "DRAIN_SECONDS": "0",
        }
        env = {f"LIVECLASS_{name}": value for name, value in settings.items()}
        with self.log.open("wb") as log, cores_allowed():
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "server",
                "serve", "--data", str(self.directory),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=os.environ | env | {
                    MARK: self.mark, "CANARY_KEY": ENV, "PYTHONFAULTHANDLER": "1",
                },
            )  # fmt: skip
        async with asyncio.timeout(START_SECONDS):
            while not (self.directory / "running.json").exists():
                assert self.process.returncode is None, self.log.read_text()
                await asyncio.sleep(0.1)
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            await self.process.wait()

    def read(self, name: str) -> dict[str, str]:
        return json.loads((self.directory / name).read_bytes())

    def processes(self) -> dict[int, bytes]:
        """Process id → arguments, environment and limits, but for the variable that is a key."""
        found = {}
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdecimal() and self.mark.encode() in (
                    environ := (entry / "environ").read_bytes()
                ):
                    environ = environ.replace(f"CANARY_KEY={ENV}".encode(), b"")
                    found[int(entry.name)] = (entry / "cmdline").read_bytes() + environ
        return found

    def workers(self, module: str) -> list[int]:
        return [pid for pid, said in self.processes().items() if f"-m\0{module}\0".encode() in said]


@pytest.fixture
def nginx(tmp_path):
    peers.require("nginx with its RTMP module")
    server = RtmpServer(tmp_path)
    server.start()
    yield server
    server.stop()


class Class:
    """A class with a teacher who streams, and everything that staff are told."""

    def __init__(self, api: Api, token) -> None:
        self.api, self._token = api, token
        self.session: str | None = None
        self.told = b""
        self.destinations: dict[str, str] = {}

    def token(self, role):
        return self._token(role, self.session if role == "teacher" else None)

    async def post(self, path, body, by="teacher"):
        headers = {"Idempotency-Key": new_id()}
        answer = await self.api.send("POST", self.token(by), path, body, headers=headers)
        assert answer.status < 300, (path, answer.raw)
        self.told += answer.raw
        return answer.body

    async def begin(self):
        made = await self.post("/v1/sessions", {"title": "A class"}, by="admin")
        self.session = made["id"]
        self.path = f"/v1/sessions/{made['id']}"
        await self.command("session.start")

    async def command(self, op, **fields):
        body = {"key": new_id(), "op": op, "data": fields}
        await self.post(f"{self.path}/commands", body)

    async def add(self, integration, name, url, **key):
        body = {"integration": integration, "name": name, "url": url, **key}
        made = await self.post("/v1/destinations", body, by="admin")
        self.destinations[name] = made["id"]
        await self.command("destination.enable", destination=made["id"])

    async def events(self):
        answer = await self.api.get(self.token("teacher"), f"{self.path}/events?limit=500")
        self.told += answer.raw
        return answer.body["events"]

    async def hears(self, type_, name, count=1, **more):
        """Wait until so many events of that type are told of a destination."""
        wanted = {"destination": self.destinations[name], **more}
        async with asyncio.timeout(STEP_SECONDS):
            while True:
                found = [
                    each["data"]
                    for each in await self.events()
                    if each["type"] == type_ and wanted.items() <= each["data"].items()
                ]
                if len(found) >= count:
                    return found[-1]
                await asyncio.sleep(0.2)

    async def publish(self):
        """Publish as soon as the media worker is there."""
        headers = {
            "Content-Type": "application/sdp",
            "Authorization": f"Bearer {self.token('teacher')}",
        }

        async def post(sdp: bytes):
            path = f"{self.path}/whip"
            async with self.api.client.post(path, data=sdp, headers=headers) as answer:
                return answer.status, dict(answer.headers), await answer.read()

        async with asyncio.timeout(STEP_SECONDS):
            while True:
                self.publisher = TestPublisher()
                if (status := await self.publisher.publish(post)) == 201:
                    return
                assert status == 503
                await self.publisher.close()
                await asyncio.sleep(0.2)

    async def listen(self):
        """Take every frame that a teacher is sent."""
        url = f"{self.api.client._base_url.join(URL(self.path))}/live"

        def on_frame(data):
            self.told += data if isinstance(data, bytes) else str(data).encode()

        connection = Connection(
            self.api.client, url, self.token("teacher"), rng=random.Random(1), on_frame=on_frame
        )
        await connection.run()


async def tables(database_url: str) -> dict[str, bytes]:
    """Every row of every table, as text."""
    connection = await asyncpg.connect(database_url)
    try:
        names = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        return {
            name: "\n".join(
                row[0] for row in await connection.fetch(f"SELECT t::text FROM {name} t")
            ).encode()
            for (name,) in names
        }
    finally:
        await connection.close()


async def get(http: aiohttp.ClientSession, url: str) -> bytes:
    async with http.get(url) as answer:
        assert answer.status == 200
        return await answer.read()


async def counted(http: aiohttp.ClientSession, url: str) -> bytes:
    """Return the metrics as soon as all of ``COUNTED`` is among them: health comes each second."""
    missing, until = list(COUNTED), time.monotonic() + PATIENCE
    while True:
        metrics = await get(http, url)
        lines = metrics.decode().splitlines()
        missing = [
            sample
            for sample in missing
            if not any(re.fullmatch(f"liveclass_{sample}", line) for line in lines)
        ]
        if not missing:
            return metrics
        assert time.monotonic() < until, missing
        await asyncio.sleep(0.2)


async def test_a_stream_key_shows_nowhere(data_dir, nginx):
    looked: dict[str, bytes] = {}
    repeated = {"level": "error", "description": f"{VAULT} is already publishing"}
    nonsense = [control(MessageType.COMMAND, b"\x02\x00\x08onStatus\x09" + VAULT.encode())]
    too_much = [control(MessageType.SET_CHUNK_SIZE, bytes(4)) + VAULT.encode()]
    async with (
        ScriptedServer(publish_status="NetStream.Publish.BadName", publish_says=repeated) as bad,
        ScriptedServer(
            connect_status="NetConnection.Connect.Rejected", connect_says=repeated
        ) as rejecting,
        ScriptedServer(then=nonsense) as mad,
        ScriptedServer(then=too_much) as wild,
        ScriptedServer(
            then=[command("onStatus", 0, None, {"code": "NetConnection.Connect.ReconnectRequest",
                                               "tcUrl": f"rtmp://[::1/{VAULT}"})]
        ) as moving,
        ScriptedServer() as by_env,
        ScriptedServer() as by_file,
        Server(data_dir) as server,
        aiohttp.ClientSession(server.url) as http,
    ):  # fmt: skip
        keys, school = server.read("keys.json"), server.read("school.json")
        tokens = Tokens(Secret(keys["token_secret"]), "liveclass", SystemClock())
        people = {"admin": school["admin"], "teacher": new_id()}
        tokens_used = set()

        def token(role, session=None):
            tokens_used.add(made := issue(role, session))
            return made

        def issue(role, session):
            return tokens.issue(
                subject=people[role],
                tenant=school["tenant"],
                role=role,
                name=role,
                ttl_seconds=600,
                session=session,
            )

        lesson = Class(Api(http), token)
        await lesson.begin()
        listening = asyncio.create_task(lesson.listen())
        made = await lesson.post("/v1/integrations", {"provider": "custom"}, by="admin")
        urls = {
            "good": nginx.url("one"),
            "denied": nginx.url("closed"),
            "refused": f"rtmp://127.0.0.1:{free_port()}/live",
            "bad": bad.url(),
            "rejecting": rejecting.url(),
            "mad": mad.url(),
            "wild": wild.url(),
            "moving": moving.url(),
        }
        for name, url in urls.items():
            await lesson.add(made["id"], name, url, stream_key=VAULT)
        await lesson.add(made["id"], "env", by_env.url(), stream_key_ref="env:CANARY_KEY")
        file_ref = f"file:{server.key_file}"
        await lesson.add(made["id"], "file", by_file.url(), stream_key_ref=file_ref)
        await lesson.publish()
        await lesson.command("chat.post", text=SAID)
        await lesson.hears("destination.live", "good")
        await lesson.hears("destination.live", "env")
        await lesson.hears("destination.live", "file")
        for name, code in {
            "refused": "tcp_refused",
            "bad": "name_in_use",
            "rejecting": "name_in_use",
            "mad": "handshake",
            "wild": "handshake",
        }.items():
            await lesson.hears("destination.retry_scheduled", name, code=code)
        # The keys did travel, whole.
        assert VAULT in (nginx.directory / "error.log").read_text()
        assert by_env.arguments["publish"][1] == ENV
        assert by_file.arguments["publish"][1] == FILE
        await lesson.command("destination.retry", destination=lesson.destinations["bad"])
        await lesson.command("destination.disable", destination=lesson.destinations["env"])
        await lesson.hears("destination.stopped", "env")
        looked["metrics"] = await counted(http, f"{server.ops_url}/metrics")
        for module in ("server.media", "server.app"):
            (pid,) = server.workers(module)
            # A core holds what a process held.
            limits = Path(f"/proc/{pid}/limits").read_text()
            assert re.search(r"^Max core file size +0 ", limits, re.MULTILINE)
        looked["processes"] = b"".join(server.processes().values())
        looked["destinations"] = (await lesson.api.get(token("admin"), "/v1/destinations")).raw
        # A crash in the midst of streaming, with all that Python has to say of it.
        (worker,) = server.workers("server.media")
        os.kill(worker, signal.SIGABRT)
        async with asyncio.timeout(STEP_SECONDS):
            while worker in server.workers("server.media") or not server.workers("server.media"):
                await asyncio.sleep(0.1)
        await lesson.publisher.close()
        await lesson.publish()
        await lesson.hears("destination.live", "good", 2)
        (hub,) = server.workers("server.app")
        os.kill(hub, signal.SIGABRT)
        looked["processes after"] = b"".join(server.processes().values())
        listening.cancel()
        looked["told"] = lesson.told
        looked |= await tables(server.read("running.json")["database_url"])
        await lesson.publisher.close()
    looked["log"] = server.log.read_bytes()
    for place in ("log", "metrics"):
        for secret in (SAID, *keys.values(), *tokens_used):
            assert secret.encode() not in looked[place], place
    assert b"Fatal Python error: Aborted" in looked["log"]
    assert b"destination.live" in looked["told"]
    assert len(looked["secrets"] if "secrets" in looked else looked["public.secrets"]) > 100
    for path in data_dir.rglob("*"):
        if path.is_file() and path != server.key_file:
            looked[str(path.relative_to(data_dir))] = path.read_bytes()
    found = [
        (place, key.split("-")[1])
        for place, data in looked.items()
        for key in (VAULT, ENV, FILE)
        if any(form in data for form in forms(key))
    ]
    assert found == []
